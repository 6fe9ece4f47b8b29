// Command vsed-step-bench times training steps of the model that VSE++ trains, with
// random data, and prints one JSON line: a linear image head, looked-up words, a
// recurrent unit, the maximum of hinges, clipped gradients, Adam.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/loss"
	"vsed/training/optimizer"
	"vsed/training/step"
)

// size is that of a model and its batch.
type size struct {
	batch, features, embed, words, width, length, threads, steps int
	spin                                                         bool
}

// result is what is printed, in milliseconds.
type result struct {
	Median    float64 `json:"ms_median"`
	Examples  float64 `json:"examples_per_s"`
	Graph     float64 `json:"graph_ms"`
	Optimiser float64 `json:"optimiser_ms"`
	Words     float64 `json:"words_ms"`
	Threads   int     `json:"threads"`
	Runtime   string  `json:"onnxruntime"`
	Peak      int64   `json:"peak_rss_mib"`
}

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-step-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdout io.Writer) error {
	var s size
	flags := flag.NewFlagSet("vsed-step-bench", flag.ContinueOnError)
	library := flags.String("library", "build/lib/libonnxruntime.so.1", "ONNX Runtime's `library`")
	flags.IntVar(&s.threads, "threads", 2, "threads of a step")
	flags.BoolVar(&s.spin, "spin", true, "let the threads of a run wait without sleeping")
	flags.IntVar(&s.batch, "batch", 128, "pairs a step")
	flags.IntVar(&s.features, "features", 1280, "values of a picture")
	flags.IntVar(&s.embed, "embed", 512, "values of an embedding, and of the recurrent state")
	flags.IntVar(&s.words, "words", 5000, "words of the table")
	flags.IntVar(&s.length, "length", 12, "words of a sentence")
	flags.IntVar(&s.steps, "steps", 30, "steps that are timed, after five that are not")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	s.width = 300
	loaded, err := runtime.Load([]string{*library})
	if err != nil {
		return err
	}
	t, err := open(loaded, s)
	if err != nil {
		return err
	}
	defer t.step.Close()
	measured, err := t.measure(ctx)
	if err != nil {
		return err
	}
	measured.Runtime = loaded.Version
	return json.NewEncoder(stdout).Encode(measured)
}

// training is a model with its weights and what changes them.
type training struct {
	size
	step    *step.Step
	adam    *optimizer.Adam
	table   *optimizer.Parameter
	collect *optimizer.Collector
	random  *rand.Rand
	rows    []int32
}

// build is the graph of a step.
func build(s size) (*graph.Model, error) {
	g := graph.New("step")
	features := g.Input("features", s.batch, s.features)
	words := g.Variable("words", s.length*s.batch, s.width)
	pictures := g.Unit(g.Linear(features, g.Variable("image.weights", s.features, s.embed), g.Variable("image.offset", s.embed)))
	sentences := g.Unit(g.Recur(g.NewGRU("sentence", s.width, s.embed), words, nil, s.length))
	scores := g.MatMulTransposed(pictures, sentences)
	return g.Training(loss.MaxOfHinges(g, scores, g.Mask("negatives", s.batch, s.batch), 0.2))
}

func open(library *runtime.Library, s size) (*training, error) {
	model, err := build(s)
	if err != nil {
		return nil, err
	}
	t := &training{size: s, random: rand.New(rand.NewPCG(0, 0)), collect: optimizer.NewCollector(s.words), rows: make([]int32, s.batch*s.length)}
	if t.step, err = step.Open(library, model, nil, runtime.Options{Threads: s.threads, Spin: s.spin}); err != nil {
		return nil, err
	}
	t.table = &optimizer.Parameter{Name: "words", Values: make([]float32, s.words*s.width), Width: s.width}
	t.draw(t.table.Values, 1)
	parameters := []*optimizer.Parameter{t.table}
	for _, port := range model.Inputs {
		if port.Variable && port.Name != "words" {
			values := t.step.Numbers(port.Name)
			t.draw(values, 1/math.Sqrt(float64(port.Sides[len(port.Sides)-1])))
			parameters = append(parameters, &optimizer.Parameter{Name: port.Name, Values: values, Gradient: t.step.Gradient(port.Name)})
		}
	}
	t.draw(t.step.Numbers("features"), 1)
	for i := range t.rows {
		t.rows[i] = int32(t.random.IntN(s.words))
	}
	for i, negatives := 0, t.step.Mask("negatives"); i < len(negatives); i++ {
		negatives[i] = i/s.batch != i%s.batch
	}
	settings := optimizer.DefaultSettings()
	settings.Clip, settings.Threads = 2, s.threads
	t.adam, err = optimizer.NewAdam(settings, parameters...)
	return t, err
}

func (t *training) draw(values []float32, deviation float64) {
	for i := range values {
		values[i] = float32(deviation * t.random.NormFloat64())
	}
}

// measure takes steps on one batch.
func (t *training) measure(ctx context.Context) (result, error) {
	var whole, graphs, optimisers, words []float64
	for range t.steps + 5 {
		began := time.Now()
		optimizer.Look(t.table.Values, t.width, t.rows, t.step.Numbers("words"))
		looked := time.Now()
		if _, err := t.step.Run(ctx); err != nil {
			return result{}, err
		}
		ran := time.Now()
		t.collect.Collect(t.table, t.rows, t.step.Gradient("words"))
		collected := time.Now()
		if _, err := t.adam.Step(2e-4); err != nil {
			return result{}, err
		}
		ended := time.Now()
		whole = append(whole, milliseconds(ended.Sub(began)))
		graphs = append(graphs, milliseconds(ran.Sub(looked)))
		words = append(words, milliseconds(looked.Sub(began)+collected.Sub(ran)))
		optimisers = append(optimisers, milliseconds(ended.Sub(collected)))
	}
	r := result{Median: median(whole[5:]), Graph: median(graphs[5:]), Optimiser: median(optimisers[5:]), Words: median(words[5:]), Threads: t.threads}
	r.Examples = math.Round(float64(t.batch) / r.Median * 1000)
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	r.Peak = usage.Maxrss / 1024
	return r, err
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

func median(values []float64) float64 {
	slices.Sort(values)
	return math.Round(values[len(values)/2]*10) / 10
}
