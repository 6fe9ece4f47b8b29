package step

import (
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/checkpoint"
	"vsed/training/graph"
	"vsed/training/loss"
	"vsed/training/optimizer"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childVariable); path != "" {
		os.Exit(child(path))
	}
	goleak.VerifyTestMain(m)
}

// size is that of a trial: pairs, values of a picture, of an embedding and of a word,
// words of the table and of a sentence.
type size struct{ batch, features, embed, width, table, length int }

var small = size{batch: 6, features: 7, embed: 5, width: 3, table: 9, length: 4}

// trial trains the model of VSE++ on drawn data, as a run would.
type trial struct {
	size
	step    *Step
	adam    *optimizer.Adam
	collect *optimizer.Collector
	source  *rand.PCG
	random  *rand.Rand

	words      *optimizer.Parameter
	parameters []*optimizer.Parameter // words first
	rows       []int32
}

func trialModel(s size) (*graph.Model, error) {
	g := graph.New("trial")
	words := g.Variable("words", s.length*s.batch, s.width)
	pictures := g.Unit(g.Linear(g.Input("features", s.batch, s.features), g.Variable("image.weights", s.features, s.embed), g.Variable("image.offset", s.embed)))
	sentences := g.Unit(g.Recur(g.NewGRU("sentence", s.width, s.embed), words, g.Input("padding", s.length, s.batch), s.length))
	return g.Training(loss.MaxOfHinges(g, g.MatMulTransposed(pictures, sentences), g.Mask("negatives", s.batch, s.batch), 0.2))
}

func newTrial(library *runtime.Library, s size, threads int) (*trial, error) {
	model, err := trialModel(s)
	if err != nil {
		return nil, err
	}
	t := &trial{size: s, source: rand.NewPCG(8, 9), collect: optimizer.NewCollector(s.table), rows: make([]int32, s.batch*s.length)}
	t.random = rand.New(t.source)
	t.words = &optimizer.Parameter{Name: "words", Values: make([]float32, s.table*s.width), Width: s.width}
	t.draw(t.words.Values)
	t.parameters = []*optimizer.Parameter{t.words}
	if t.step, err = Open(library, model, nil, runtime.Options{Threads: threads}); err != nil {
		return nil, err
	}
	for _, port := range model.Inputs {
		if port.Variable && port.Name != "words" {
			values := t.step.Numbers(port.Name)
			t.draw(values)
			t.parameters = append(t.parameters, &optimizer.Parameter{Name: port.Name, Values: values, Gradient: t.step.Gradient(port.Name), Decayed: true})
		}
	}
	settings := optimizer.DefaultSettings()
	settings.Clip, settings.Decay, settings.Threads = 2, .01, threads
	t.adam, err = optimizer.NewAdam(settings, t.parameters...)
	return t, err
}

func (t *trial) draw(values []float32) {
	for i := range values {
		values[i] = float32(t.random.NormFloat64()) / 2
	}
}

// batch draws pictures and sentences of one to all words.
func (t *trial) drawBatch() {
	t.draw(t.step.Numbers("features"))
	padding := t.step.Numbers("padding")
	for sentence := range t.batch {
		words := 1 + t.random.IntN(t.length)
		for at := range t.length {
			place := at*t.batch + sentence
			t.rows[place], padding[place] = int32(t.random.IntN(t.table)), 0
			if at >= words {
				t.rows[place], padding[place] = -1, 1
			}
		}
	}
	negatives := t.step.Mask("negatives")
	for i := range negatives {
		a, b := i/t.batch, i%t.batch
		negatives[i] = a != b && a+b != 1 // the first two are no negatives of each other
	}
}

// take takes one step.
func (t *trial) take(tb testing.TB) (loss, norm float64) {
	tb.Helper()
	loss, norm, err := t.try(tb)
	if err != nil {
		tb.Fatal(err)
	}
	return loss, norm
}

func (t *trial) try(tb testing.TB) (loss, norm float64, err error) {
	t.drawBatch()
	return t.learn(tb.Context())
}

// state is what a run saves.
func (t *trial) state() (checkpoint.State, error) {
	random, err := t.source.MarshalBinary()
	state := checkpoint.State{Step: t.adam.Steps(), Random: random}
	for i, parameter := range t.parameters {
		mean, square := t.adam.Moments(i)
		state.Tensors = append(state.Tensors, checkpoint.Tensor{Name: parameter.Name, Values: parameter.Values},
			checkpoint.Tensor{Name: parameter.Name + ".mean", Values: mean}, checkpoint.Tensor{Name: parameter.Name + ".square", Values: square})
	}
	return state, err
}

func (t *trial) restore(state checkpoint.State) error {
	for i, parameter := range t.parameters {
		mean, square := t.adam.Moments(i)
		for name, values := range map[string][]float32{parameter.Name: parameter.Values, parameter.Name + ".mean": mean, parameter.Name + ".square": square} {
			if err := state.Restore(name, values); err != nil {
				return err
			}
		}
	}
	t.adam.Resume(state.Step)
	t.step.Resume(state.Step)
	return t.source.UnmarshalBinary(state.Random)
}

func open(t testing.TB, s size, threads int) *trial {
	t.Helper()
	trial, err := newTrial(runtimetest.Load(t), s, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trial.step.Close() })
	return trial
}

// near compares with what was calculated in float64.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	scale := 0.0
	for _, value := range want {
		scale = max(scale, math.Abs(value))
	}
	for i, value := range got {
		if !(math.Abs(float64(value)-want[i]) <= 2e-5*max(scale, 1e-3)) {
			t.Errorf("%s: %d is %v, by hand %v", what, i, value, want[i])
			return
		}
	}
}

func contains(err error, text string) bool {
	return err != nil && strings.Contains(err.Error(), text)
}
