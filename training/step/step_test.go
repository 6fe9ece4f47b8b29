package step

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/graph"
	"vsed/training/optimizer"
)

// learn takes one step on the batch that is there.
func (t *trial) learn(ctx context.Context) (loss, norm float64, err error) {
	optimizer.Look(t.words.Values, t.width, t.rows, t.step.Numbers("words"))
	if loss, err = t.step.Run(ctx); err != nil {
		return loss, 0, err
	}
	t.collect.Collect(t.words, t.rows, t.step.Gradient("words"))
	norm, err = t.adam.Step(1e-2)
	return loss, norm, err
}

// TestStepsAgreeWithThoseByHand compares loss, every gradient, their norm and the
// weights after each of a few steps with the second implementation.
func TestStepsAgreeWithThoseByHand(t *testing.T) {
	trial := open(t, small, 1)
	hand := newHand(trial)
	for number := range 5 {
		trial.drawBatch()
		wantLoss, gradients := hand.gradients(trial)
		loss, norm, err := trial.learn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(loss-wantLoss) > 1e-5*wantLoss {
			t.Errorf("step %d: loss %v, by hand %v", number, loss, wantLoss)
		}
		total := 0.0
		for _, parameter := range trial.parameters {
			want := gradients[parameter.Name]
			for _, value := range want {
				total += value * value
			}
			if parameter.Width == 0 {
				near(t, "gradient of "+parameter.Name, parameter.Gradient, want)
				continue
			}
			for i, row := range parameter.Rows {
				from, width := int(row)*parameter.Width, parameter.Width
				near(t, "gradient of a word", parameter.Gradient[i*width:(i+1)*width], want[from:from+width])
			}
		}
		if total = math.Sqrt(total); math.Abs(norm-total) > 1e-4*total {
			t.Errorf("step %d: norm %v, by hand %v", number, norm, total)
		}
		hand.adam(trial, gradients, 1e-2, min(1, 2/total))
		for _, parameter := range trial.parameters {
			near(t, parameter.Name, parameter.Values, hand.weights[parameter.Name])
		}
		hand.follow(trial) // or float32's rounding, which Adam enlarges, would add up
	}
}

// TestOneSeedOneResult: the same bits whenever it is run, on one thread and on two.
func TestOneSeedOneResult(t *testing.T) {
	large := size{batch: 64, features: 256, embed: 96, width: 40, table: 200, length: 6}
	f := func(threads int) []float32 {
		trial := open(t, large, threads)
		for range 5 {
			trial.take(t)
		}
		var all []float32
		for _, parameter := range trial.parameters {
			all = append(all, parameter.Values...)
		}
		return all
	}
	for _, threads := range []int{1, 2} {
		if first := f(threads); !slices.Equal(first, f(threads)) {
			t.Errorf("%d threads: two runs differ", threads)
		}
	}
}

func TestLossFalls(t *testing.T) {
	trial := open(t, small, 1)
	trial.drawBatch()
	var losses []float64
	for range 60 {
		loss, _, err := trial.learn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	if losses[59] > losses[0]/4 {
		t.Errorf("losses %v", losses)
	}
}

// TestNotFiniteStopsTheRun: in the data, and in a gradient of a loss that is finite.
func TestNotFiniteStopsTheRun(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		trial := open(t, small, 1)
		trial.take(t)
		trial.drawBatch()
		trial.step.Numbers("features")[3] = float32(bad)
		kept := slices.Clone(trial.words.Values)
		_, _, err := trial.learn(t.Context())
		var named *optimizer.NotFiniteError
		if !errors.As(err, &named) || *named != (optimizer.NotFiniteError{Step: 2, Tensor: "loss"}) {
			t.Errorf("%v: error %v", bad, err)
		}
		if !slices.Equal(kept, trial.words.Values) {
			t.Errorf("%v: weights were changed", bad)
		}
	}
	g := graph.New("root")
	model, err := g.Training(g.Sum(g.Sqrt(g.Variable("x", 2))))
	if err != nil {
		t.Fatal(err)
	}
	x := []float32{4, 0} // √0 is finite, its slope is not
	step, err := Open(runtimetest.Load(t), model, map[string][]float32{"x": x}, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer step.Close()
	adam, err := optimizer.NewAdam(optimizer.DefaultSettings(), &optimizer.Parameter{Name: "x", Values: x, Gradient: step.Gradient("x")})
	if err != nil {
		t.Fatal(err)
	}
	if loss, err := step.Run(t.Context()); err != nil || loss != 2 {
		t.Errorf("loss %v, %v", loss, err)
	}
	if _, err := adam.Step(.1); !contains(err, "step 1: gradient of x is not finite") || x[0] != 4 {
		t.Errorf("error %v, weights %v", err, x)
	}
}

// TestStepsShareWeights: a graph for another shape of batch sees what was learned.
func TestStepsShareWeights(t *testing.T) {
	w := []float32{1, 2}
	f := func(rows int) *Step {
		g := graph.New("shared")
		model, err := g.Training(g.Sum(g.MatMul(g.Input("x", rows, 2), g.Variable("w", 2, 1))))
		if err != nil {
			t.Fatal(err)
		}
		step, err := Open(runtimetest.Load(t), model, map[string][]float32{"w": w}, runtime.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { step.Close() })
		for i := range step.Numbers("x") {
			step.Numbers("x")[i] = 1
		}
		return step
	}
	one, three := f(1), f(3)
	w[1] = 10
	for step, want := range map[*Step]float64{one: 11, three: 33} {
		if loss, err := step.Run(t.Context()); err != nil || loss != want {
			t.Errorf("loss %v, %v, want %v", loss, err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := one.Run(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	g := graph.New("wrong")
	model, err := g.Training(g.Sum(g.Variable("w", 3)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(runtimetest.Load(t), model, map[string][]float32{"w": w}, runtime.Options{}); !contains(err, `"w" takes 3 values`) {
		t.Errorf("error %v", err)
	}
	if one.Numbers("absent") != nil || one.Mask("x") != nil || one.Indices("x") != nil {
		t.Error("a slice that is none was given")
	}
}
