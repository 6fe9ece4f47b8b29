package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pelletier/go-toml/v2"

	"vsed/training/checkpoint"
	"vsed/training/evaluation"
	"vsed/training/experiment"
	"vsed/training/joint"
)

// paperReport is what a run of the paper's model writes.
type paperReport struct {
	Seed   uint64            `json:"seed"`
	One    experiment.Stage  `json:"stage1"`
	Two    *experiment.Stage `json:"stage2,omitempty"`
	Photos int               `json:"captioned"`
	Tagged int               `json:"tagged"`
}

// runPaper trains the paper's model by one configuration.
func runPaper(ctx context.Context, arguments []string) error {
	flags := newFlags("paper")
	path := flags.String("config", "", "`file` of the configuration; without one that of docs/learning.md")
	out := flags.String("out", "", "`folder` for configuration, curves, weights and report; a run that was ended there goes on")
	seed := flags.Uint64("seed", 0, "`number` that the weights are drawn by")
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
	x, err := experiment.Open(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	one, two := c.Epochs()
	p := newProgress(os.Stderr, one+two)
	report := paperReport{Seed: *seed}
	report.Photos, report.Tagged = x.Photos()
	if report.One, err = x.StageOne(ctx, *seed, filepath.Join(*out, "stage1.checkpoint"), p.epochs("", c, true)); err != nil {
		return err
	}
	last := report.One
	if two > 0 {
		if last, err = x.StageTwo(ctx, report.One, *seed, filepath.Join(*out, "stage2.checkpoint"), p.epochs("", c, true)); err != nil {
			return err
		}
		report.Two = &last
	}
	fmt.Println("as learned:", line(last.Found))
	return writePaper(*out, c, x, report, last)
}

// writePaper writes all that a run leaves.
func writePaper(folder string, c experiment.Config, x *experiment.Experiment, report paperReport, last experiment.Stage) error {
	lines := []experiment.Line{{Name: "stage I", Epochs: report.One.Curve}}
	if report.Two != nil {
		lines = append(lines, experiment.Line{Name: "stage II", Epochs: report.Two.Curve})
	}
	settings, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	words, err := json.Marshal(x.Words(last.Model))
	if err != nil {
		return err
	}
	weights := checkpoint.State{Settings: words, Tensors: []checkpoint.Tensor{{Name: "words", Values: last.Model.Words}}}
	for _, tensor := range last.Model.Tensors() {
		weights.Tensors = append(weights.Tensors, checkpoint.Tensor{Name: tensor.Name, Values: tensor.Values})
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "config.toml"), settings, 0o644),
		writeFile(filepath.Join(folder, "curves.json"), func(w io.Writer) error { return json.NewEncoder(w).Encode(lines) }),
		writeFile(filepath.Join(folder, "curves.svg"), func(w io.Writer) error { return experiment.WriteSVG(w, lines) }),
		writeFile(filepath.Join(folder, "report.json"), func(w io.Writer) error { return json.NewEncoder(w).Encode(report) }),
		checkpoint.Write(filepath.Join(folder, "weights"), weights))
}

func writeFile(path string, write func(io.Writer) error) (err error) {
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

// epochs reports each epoch of an experiment, or only a stage's last.
func (p *progress) epochs(name string, c experiment.Config, each bool) experiment.Report {
	return func(stage int, epoch joint.Epoch, found evaluation.Retrieval) {
		of := c.One.Epochs
		if stage == 2 {
			of = c.Two.Epochs
		}
		told := p.add(1)
		if each || epoch.Number == of {
			fmt.Fprintf(p.output, "%sstage %d, epoch %d of %d, loss %.3f: %s; %s\n", name, stage, epoch.Number, of, epoch.Loss, line(found), told)
		}
	}
}
