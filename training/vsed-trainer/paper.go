package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"vsed/training/checkpoint"
	"vsed/training/evaluation"
	"vsed/training/experiment"
	"vsed/training/joint"
	"vsed/training/runfolder"
)

// paperReport is what a run of the paper's model writes.
type paperReport struct {
	Seed   uint64                 `json:"seed"`
	One    experiment.Stage       `json:"stage1"`
	Two    *experiment.Stage      `json:"stage2,omitempty"`
	Photos int                    `json:"captioned"`
	Tagged int                    `json:"tagged"`
	Test   []evaluation.Retrieval `json:"test,omitempty"`
}

// A paper is a run of the paper's model.
type paper struct {
	*experiment.Experiment
	seed     uint64
	test     *experiment.Test // nil where none is asked for
	folder   *runfolder.Folder
	progress *progress
}

// runPaper trains the paper's model by one configuration.
func runPaper(ctx context.Context, arguments []string) (err error) {
	flags := newFlags("paper")
	path := flags.String("config", "", "`file` of the configuration; without one that of docs/learning.md")
	out := flags.String("out", "", "`folder` for configuration, curves, weights and report; a run that was ended there goes on")
	seed := flags.Uint64("seed", 0, "`number` that the weights are drawn by")
	test := flags.Bool("test", false, "measure on the test photos, too, once all is learned")
	folds := flags.Int("folds", 1, "and in this `number` of folds of them: 5 of COCO's are what is published as COCO 1K")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("--out must name a folder")
	}
	c, err := experiment.Read(*path)
	if err != nil {
		return err
	}
	p := paper{seed: *seed}
	if p.Experiment, err = experiment.Open(c); err != nil {
		return err
	}
	if *test {
		if p.test, err = p.ReadTest(*folds); err != nil {
			return err
		}
	}
	one, two := c.Epochs()
	p.progress = newProgress(os.Stderr, one+two)
	if p.folder, err = runfolder.Open(*out, struct {
		experiment.Config
		Seed uint64 `json:"seed"`
	}{c, *seed}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.folder.Close()) }()
	return p.run(ctx, two > 0)
}

func (p paper) run(ctx context.Context, two bool) (err error) {
	report := paperReport{Seed: p.seed}
	report.Photos, report.Tagged = p.Photos()
	if report.One, err = p.StageOne(ctx, p.seed, p.folder.Path("stage1.checkpoint"), p.epoch); err != nil {
		return err
	}
	last := report.One
	if two {
		if last, err = p.StageTwo(ctx, report.One, p.seed, p.folder.Path("stage2.checkpoint"), p.epoch); err != nil {
			return err
		}
		report.Two = &last
	}
	fmt.Println("as learned:", line(last.Found))
	if p.test != nil {
		if report.Test, err = p.Test(ctx, last, p.test); err != nil {
			return err
		}
		for _, found := range report.Test {
			fmt.Printf("%s: %s\n", amongTest(found), line(found))
		}
	}
	if err := p.writeWeights(last.Model); err != nil {
		return err
	}
	return p.folder.Report(report)
}

// amongTest tells among which test photos was sought.
func amongTest(found evaluation.Retrieval) string {
	pictures := found.ImageToText.Queries
	if found.Folds == 1 {
		return fmt.Sprintf("all %d test photos", pictures)
	}
	return fmt.Sprintf("test photos, mean of %d folds of %d", found.Folds, pictures/found.Folds)
}

// epoch tells of one and puts it on the curves.
func (p paper) epoch(stage int, epoch joint.Epoch, found evaluation.Retrieval) error {
	p.progress.tell("", p.Config, stage, epoch, found)
	of := fmt.Sprintf("stage %d, ", stage)
	return errors.Join(p.folder.Add(of+sumCurve, epoch.Number, found.RSum()), p.folder.Add(of+"loss", epoch.Number, epoch.Loss))
}

func (p paper) writeWeights(model *joint.Model) error {
	words, err := json.Marshal(p.Words(model))
	if err != nil {
		return err
	}
	weights := checkpoint.State{Settings: words, Tensors: []checkpoint.Tensor{{Name: "words", Values: model.Words}}}
	for _, tensor := range model.Tensors() {
		weights.Tensors = append(weights.Tensors, checkpoint.Tensor{Name: tensor.Name, Values: tensor.Values})
	}
	return checkpoint.Write(p.folder.Path(weightsFile), weights)
}

// writeFile puts a file in place of the old one when it is whole.
func writeFile(path string, write func(io.Writer) error) error {
	err := writeNew(path+".part", write)
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w: make room for it, and run again", path, err), os.RemoveAll(path+".part"))
	}
	return nil
}

func writeNew(path string, write func(io.Writer) error) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file)
}

// progress tells how fast epochs go, and how long the rest takes.
type progress struct {
	output      io.Writer
	begun       time.Time
	done, total int
}

func newProgress(output io.Writer, epochs int) *progress {
	return &progress{output: output, begun: time.Now(), total: epochs}
}

// add counts epochs, and says how far the run is.
func (p *progress) add(epochs int) string {
	p.done += epochs
	seconds := time.Since(p.begun).Seconds()
	left := time.Duration(seconds / float64(p.done) * float64(p.total-p.done) * float64(time.Second))
	return fmt.Sprintf("%d of %d epochs, %.1f/min, %v left", p.done, p.total, 60*float64(p.done)/seconds, left.Round(time.Second))
}

// epochs tells of a stage's last epoch.
func (p *progress) epochs(name string, c experiment.Config) experiment.Report {
	return func(stage int, epoch joint.Epoch, found evaluation.Retrieval) error {
		if one, two := c.Epochs(); epoch.Number == []int{one, two}[stage-1] {
			p.tell(name, c, stage, epoch, found)
		} else {
			p.add(1)
		}
		return nil
	}
}

func (p *progress) tell(name string, c experiment.Config, stage int, epoch joint.Epoch, found evaluation.Retrieval) {
	one, two := c.Epochs()
	fmt.Fprintf(p.output, "%sstage %d, epoch %d of %d, loss %.3f: %s; %s\n", name, stage, epoch.Number, []int{one, two}[stage-1], epoch.Loss, line(found), p.add(1))
}
