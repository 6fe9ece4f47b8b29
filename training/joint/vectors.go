package joint

import (
	"context"
	"errors"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/optimizer"
	"vsed/training/step"
)

// runRows is how many pictures, sentences or tags go through the model at a time.
const runRows = 250

// A Reader gives a model's vectors.
type Reader struct {
	Library *runtime.Library
	Threads int
	Length  int // steps of the GRU, as in Settings
}

// Pictures gives the vectors of pictures in the form that the model takes.
func (r Reader) Pictures(ctx context.Context, m *Model, rows [][]float32) ([][]float32, error) {
	build := func(g *graph.Graph) *graph.Value {
		return linear(g, pictureLayer, g.Input("rows", runRows, m.Picture), m.Picture, m.Joint)
	}
	return r.run(ctx, m, len(rows), build, func(run *step.Step, begin, end int) {
		for i, row := range rows[begin:end] {
			copy(run.Numbers("rows")[i*m.Picture:(i+1)*m.Picture], row)
		}
	})
}

// Sentences gives the vectors of sentences by the numbers of their words.
func (r Reader) Sentences(ctx context.Context, m *Model, sentences [][]int32) ([][]float32, error) {
	build := func(g *graph.Graph) *graph.Value {
		return m.sentences(g, g.Input("words", r.Length*runRows, m.Word), g.Input("padding", r.Length, runRows), r.Length)
	}
	rows := make([]int32, r.Length*runRows)
	return r.run(ctx, m, len(sentences), build, func(run *step.Step, begin, end int) {
		for i, sentence := range sentences[begin:end] {
			lay(rows, run.Numbers("padding"), i, runRows, sentence, r.Length)
		}
		optimizer.Look(m.Words, m.Word, rows, run.Numbers("words"))
	})
}

// Tags gives the vectors of lists of tags, each by the numbers of all their words.
func (r Reader) Tags(ctx context.Context, m *Model, lists [][]int32) ([][]float32, error) {
	build := func(g *graph.Graph) *graph.Value {
		return linear(g, tagsLayer, g.Input("means", runRows, m.Word), m.Word, m.Joint)
	}
	return r.run(ctx, m, len(lists), build, func(run *step.Step, begin, end int) {
		for i, list := range lists[begin:end] {
			mean(m.Words, m.Word, list, run.Numbers("means")[i*m.Word:])
		}
	})
}

func (r Reader) run(ctx context.Context, m *Model, count int, build func(*graph.Graph) *graph.Value, fill func(run *step.Step, begin, end int)) (vectors [][]float32, err error) {
	g := graph.New("vectors")
	written, err := g.Inference(graph.Shown{Name: "vectors", Value: build(g)})
	if err != nil {
		return nil, err
	}
	run, err := step.Open(r.Library, written, m.weights(), runtime.Options{Threads: r.Threads})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	for begin := 0; begin < count; begin += runRows {
		end := min(begin+runRows, count)
		fill(run, begin, end)
		if _, err := run.Run(ctx); err != nil {
			return nil, err
		}
		block := append([]float32(nil), run.Numbers("vectors")[:(end-begin)*m.Joint]...)
		for i := range end - begin {
			vectors = append(vectors, block[i*m.Joint:(i+1)*m.Joint:(i+1)*m.Joint])
		}
	}
	return vectors, nil
}
