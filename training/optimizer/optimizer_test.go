package optimizer

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newAdam(t *testing.T, settings Settings, parameters ...*Parameter) *Adam {
	t.Helper()
	adam, err := NewAdam(settings, parameters...)
	if err != nil {
		t.Fatal(err)
	}
	return adam
}

func take(t *testing.T, adam *Adam, rate float64) float64 {
	t.Helper()
	norm, err := adam.Step(rate)
	if err != nil {
		t.Fatal(err)
	}
	return norm
}

// TestFiguresOfPyTorch: what torch.optim.Adam and AdamW of PyTorch 2.15 print for the
// same weights and gradients, at a rate of 0.1.
func TestFiguresOfPyTorch(t *testing.T) {
	gradients := [][]float32{{0.1, -0.2, 0, 4}, {0.3, 0.2, -0.5, -1}, {-0.1, 0.05, 0.25, 2}}
	f := func(decay float64, want ...[]float32) {
		t.Helper()
		p := &Parameter{Name: "p", Values: []float32{1, -2, 0.5, 3}, Gradient: make([]float32, 4), Decayed: true}
		settings := DefaultSettings()
		settings.Decay = decay
		adam := newAdam(t, settings, p)
		for i, gradient := range gradients {
			copy(p.Gradient, gradient)
			take(t, adam, 0.1)
			for j, value := range p.Values {
				if math.Abs(float64(value-want[i][j])) > 3e-7 {
					t.Errorf("decay %v, step %d: %v, PyTorch has %v", decay, i+1, p.Values, want[i])
					break
				}
			}
		}
	}
	f(0, []float32{0.8999999761581421, -1.899999976158142, 0.5, 2.9000000953674316},
		[]float32{0.8082218766212463, -1.9052631855010986, 0.5744136571884155, 2.853053331375122},
		[]float32{0.7598527073860168, -1.9203978776931763, 0.5972777009010315, 2.792505979537964})
	f(0.01, []float32{0.8989999890327454, -1.8980000019073486, 0.49950000643730164, 2.8970000743865967},
		[]float32{0.8063228726387024, -1.9013652801513672, 0.5734142065048218, 2.847156286239624},
		[]float32{0.7571473717689514, -1.9145985841751099, 0.5957048535346985, 2.783761739730835})
}

// byHand is Adam as its paper writes it down, in float64, with AdamW's decay and the
// gradient clipped before.
type byHand struct {
	values, mean, square []float64
	step                 int
}

func (h *byHand) take(s Settings, rate float64, gradient []float32) {
	h.step++
	norm := 0.0
	for _, g := range gradient {
		norm += float64(g) * float64(g)
	}
	scale := 1.0
	if norm = math.Sqrt(norm); s.Clip > 0 && norm > s.Clip {
		scale = s.Clip / norm
	}
	for i := range h.values {
		g := scale * float64(gradient[i])
		h.mean[i] = s.Beta1*h.mean[i] + (1-s.Beta1)*g
		h.square[i] = s.Beta2*h.square[i] + (1-s.Beta2)*g*g
		mean, square := h.mean[i]/(1-math.Pow(s.Beta1, float64(h.step))), h.square[i]/(1-math.Pow(s.Beta2, float64(h.step)))
		h.values[i] -= rate * s.Decay * h.values[i]
		h.values[i] -= rate * mean / (math.Sqrt(square) + s.Epsilon)
	}
}

// TestAgainstAdamByHand works on more than a piece, with odd ends.
func TestAgainstAdamByHand(t *testing.T) {
	const length = 2*pieceSize + 3
	settings := Settings{Beta1: .8, Beta2: .99, Epsilon: 1e-6, Decay: .1, Clip: 50}
	random := rand.New(rand.NewPCG(1, 1))
	p := &Parameter{Name: "p", Values: make([]float32, length), Gradient: make([]float32, length), Decayed: true}
	hand := byHand{values: make([]float64, length), mean: make([]float64, length), square: make([]float64, length)}
	for i := range p.Values {
		p.Values[i] = float32(random.NormFloat64())
		hand.values[i] = float64(p.Values[i])
	}
	adam := newAdam(t, settings, p)
	for range 20 {
		for i := range p.Gradient {
			p.Gradient[i] = float32(random.NormFloat64())
		}
		if norm := take(t, adam, .01); math.Abs(norm-math.Sqrt(length)) > 3 {
			t.Fatalf("norm %v of %d normal numbers", norm, length)
		}
		hand.take(settings, .01, p.Gradient)
	}
	for i, value := range p.Values {
		if math.Abs(float64(value)-hand.values[i]) > 1e-5 {
			t.Fatalf("value %d is %v, by hand %v", i, value, hand.values[i])
		}
	}
}

// TestTableChangesByRows: a table whose rows are all used goes the way of a whole
// tensor; of one that is used in part the rest stays.
func TestTableChangesByRows(t *testing.T) {
	whole := &Parameter{Name: "whole", Values: []float32{1, 2, 3, 4, 5, 6}, Gradient: []float32{.1, .2, .3, .4, .5, .6}}
	table := &Parameter{Name: "table", Values: slices.Clone(whole.Values), Width: 2}
	adam, lazy := newAdam(t, DefaultSettings(), whole), newAdam(t, DefaultSettings(), table)
	collect := NewCollector(3)
	for range 3 {
		collect.Collect(table, []int32{2, 0, -1, 1}, []float32{.5, .6, .1, .2, 9, 9, .3, .4})
		if a, b := take(t, adam, .1), take(t, lazy, .1); math.Abs(a-b) > 1e-12 {
			t.Errorf("norms %v and %v", a, b)
		}
	}
	if !slices.Equal(whole.Values, table.Values) {
		t.Errorf("%v by rows, %v as a whole", table.Values, whole.Values)
	}
	before := slices.Clone(table.Values)
	mean, _ := lazy.Moments(0)
	first := mean[0]
	collect.Collect(table, []int32{1}, []float32{1, 1})
	take(t, lazy, .1)
	if !slices.Equal(before[:2], table.Values[:2]) || before[2] == table.Values[2] || mean[0] != first {
		t.Errorf("%v became %v by a gradient for row 1", before, table.Values)
	}
}

func TestCollectAddsUp(t *testing.T) {
	table := &Parameter{Name: "table", Values: make([]float32, 8), Width: 2}
	collect := NewCollector(4)
	for range 2 { // the second time finds nothing left of the first
		collect.Collect(table, []int32{3, 1, -1, 3, 3}, []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
		if !slices.Equal(table.Rows, []int32{3, 1}) || !slices.Equal(table.Gradient, []float32{17, 20, 3, 4}) {
			t.Errorf("rows %v, gradient %v", table.Rows, table.Gradient)
		}
	}
	looked := make([]float32, 4)
	Look([]float32{1, 2, 3, 4}, 2, []int32{1, -1}, looked)
	if !slices.Equal(looked, []float32{3, 4, 0, 0}) {
		t.Errorf("looked up %v", looked)
	}
}

func TestThreadsChangeNothing(t *testing.T) {
	f := func(threads int) []float32 {
		random := rand.New(rand.NewPCG(2, 2))
		p := &Parameter{Name: "p", Values: make([]float32, 100_003), Gradient: make([]float32, 100_003)}
		settings := DefaultSettings()
		settings.Clip, settings.Threads = 1, threads
		adam := newAdam(t, settings, p)
		for range 5 {
			for i := range p.Gradient {
				p.Gradient[i] = float32(random.NormFloat64())
			}
			take(t, adam, .1)
		}
		return p.Values
	}
	one := f(1)
	for _, threads := range []int{0, 2, 5} {
		if !slices.Equal(one, f(threads)) {
			t.Errorf("%d threads give another result", threads)
		}
	}
}

func TestNotFiniteIsNamed(t *testing.T) {
	good := &Parameter{Name: "good", Values: []float32{1, 2}, Gradient: []float32{1, 1}}
	bad := &Parameter{Name: "bad", Values: []float32{1, 2}, Gradient: []float32{1, 1}}
	adam := newAdam(t, DefaultSettings(), good, bad)
	take(t, adam, .1)
	kept := slices.Clone(good.Values)
	for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad.Gradient[1] = float32(value)
		_, err := adam.Step(.1)
		var named *NotFiniteError
		if !errors.As(err, &named) || *named != (NotFiniteError{2, "gradient of bad"}) {
			t.Errorf("%v: error %v", value, err)
		}
		if !slices.Equal(good.Values, kept) || adam.Steps() != 1 {
			t.Errorf("%v: the step was taken in part: %v after %d", value, good.Values, adam.Steps())
		}
	}
	bad.Gradient[1] = math.MaxFloat32
	take(t, adam, .1)
}

func TestWrongParametersAreRefused(t *testing.T) {
	for _, p := range []*Parameter{
		{Name: "p", Values: make([]float32, 2), Gradient: make([]float32, 3)},
		{Name: "p", Values: make([]float32, 5), Width: 2},
	} {
		if _, err := NewAdam(DefaultSettings(), p); err == nil {
			t.Errorf("%v was taken", p)
		}
	}
}

func TestSchedules(t *testing.T) {
	f := func(name string, schedule Schedule, step int, want float64) {
		t.Helper()
		if got := schedule(step); math.Abs(got-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s: rate %v at step %d, want %v", name, got, step, want)
		}
	}
	f("constant", Constant(.1), 7, .1)
	f("tenths", Tenths(2e-4, 15), 14, 2e-4)
	f("tenths", Tenths(2e-4, 15), 15, 2e-5)
	f("tenths", Tenths(2e-4, 15), 31, 2e-6)
	// what torch.optim.lr_scheduler.OneCycleLR of PyTorch 2.15 gives
	cycle := OneCycle(1e-3, 50, .1)
	for step, want := range map[int]float64{
		0: 3.9999999999999996e-05, 1: 0.00018058874503045722, 2: 0.0005200000000000001, 3: 0.0008594112549695428, 4: 0.001, 5: 0.0009987820300018115,
		6: 0.0009951340538346476, 25: 0.0005522660225769001, 48: 1.221969998188421e-06, 49: 4e-09,
	} {
		f("one cycle", cycle, step, want)
	}
	f("one cycle, past its end", cycle, 60, 4e-9)
	f("one cycle of one step", OneCycle(1, 1, .1), 0, 1)
	f("one cycle of few steps", OneCycle(1, 5, .1), 0, 1)
}

func BenchmarkStep(b *testing.B) {
	const length = 2_300_000
	p := &Parameter{Name: "p", Values: make([]float32, length), Gradient: slices.Repeat([]float32{.01}, length)}
	settings := DefaultSettings()
	settings.Threads, settings.Clip = 2, 2
	adam, err := NewAdam(settings, p)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(7 * 4 * length)
	for b.Loop() {
		if _, err := adam.Step(1e-3); err != nil {
			b.Fatal(err)
		}
	}
}
