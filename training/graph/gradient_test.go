package graph

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn is a constant of numbers that differ.
func drawn(g *Graph, sides ...int) *Value {
	random := rand.New(rand.NewPCG(3, 4))
	values := make([]float64, count(sides))
	for i := range values {
		values[i] = random.NormFloat64()
	}
	return g.Constant(values, sides...)
}

// checked compares every gradient of a graph with finite differences: the loss is a
// drawn mixture of what build returns.
func checked(t *testing.T, name string, low, high float64, given map[string]any, build func(g *Graph) *Value) {
	t.Helper()
	g := NewDouble("check")
	made := build(g)
	model, err := g.Training(g.Sum(g.Mul(made, drawn(g, made.sides...))))
	r := run(t, model, err)
	for port, values := range given {
		r.values[port] = values
	}
	r.draw(low, high)
	results := r.run()
	for _, port := range model.Inputs {
		if port.Variable {
			r.compare(name, port, results[GradientName(port.Name)])
		}
	}
}

// compare moves each number of an input a little.
func (r *runner) compare(name string, port Port, gradient []float64) {
	r.t.Helper()
	const step, tolerance = 1e-5, 1e-6
	values := r.values[port.Name].([]float64)
	for i, value := range values {
		values[i] = value + step
		above := r.run()[LossName][0]
		values[i] = value - step
		below := r.run()[LossName][0]
		values[i] = value
		want := (above - below) / (2 * step)
		if !(math.Abs(gradient[i]-want) <= tolerance*max(1, math.Abs(want))) {
			r.t.Errorf("%s: gradient %d for %s is %v, differences say %v", name, i, port.Name, gradient[i], want)
			return
		}
	}
}

// TestGradients has a row for each operator.
func TestGradients(t *testing.T) {
	x := func(g *Graph) *Value { return g.Variable("x", 3, 4) }
	two := func(operator func(g *Graph, a, b *Value) *Value) func(g *Graph) *Value {
		return func(g *Graph) *Value { return operator(g, g.Variable("a", 3, 4), g.Variable("b", 3, 4)) }
	}
	mask := map[string]any{"m": []bool{true, false, true, true, false, false, true, true, true, false, true, false}}
	none := map[string]any{"m": []bool{true, false, true, true, false, false, false, false, true, false, true, false}}
	rows := map[string]any{"i": []int64{2, 0, 2, 1, 2}}
	for _, row := range []struct {
		name      string
		low, high float64
		given     map[string]any
		build     func(g *Graph) *Value
	}{
		{"Add", -1, 1, nil, two((*Graph).Add)},
		{"Sub", -1, 1, nil, two((*Graph).Sub)},
		{"Mul", -1, 1, nil, two((*Graph).Mul)},
		{"Div", .5, 2, nil, two((*Graph).Div)},
		{"Add of a row", -1, 1, nil, func(g *Graph) *Value { return g.Add(x(g), g.Variable("b", 4)) }},
		{"Sub from a column", -1, 1, nil, func(g *Graph) *Value { return g.Sub(g.Variable("b", 3, 1), x(g)) }},
		{"Mul by a scalar", -1, 1, nil, func(g *Graph) *Value { return g.Mul(g.Variable("b", 1), x(g)) }},
		{"Div of both repeated", .5, 2, nil, func(g *Graph) *Value { return g.Div(g.Variable("a", 3, 1), g.Variable("b", 1, 4)) }},
		{"used twice", -1, 1, nil, func(g *Graph) *Value { v := x(g); return g.Add(g.Mul(v, v), g.Scale(v, 3)) }},
		{"Scale and Shift", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.Shift(g.Scale(x(g), 3), .5)) }},
		{"Neg", -1, 1, nil, func(g *Graph) *Value { return g.Neg(x(g)) }},
		{"Sqrt", .5, 2, nil, func(g *Graph) *Value { return g.Sqrt(x(g)) }},
		{"Exp", -1, 1, nil, func(g *Graph) *Value { return g.Exp(x(g)) }},
		{"Log", .5, 2, nil, func(g *Graph) *Value { return g.Log(x(g)) }},
		{"Abs", -1, 1, nil, func(g *Graph) *Value { return g.Abs(x(g)) }},
		{"Relu", -1, 1, nil, func(g *Graph) *Value { return g.Relu(x(g)) }},
		{"Tanh", -2, 2, nil, func(g *Graph) *Value { return g.Tanh(x(g)) }},
		{"Sigmoid", -3, 3, nil, func(g *Graph) *Value { return g.Sigmoid(x(g)) }},
		{"MatMul", -1, 1, nil, func(g *Graph) *Value { return g.MatMul(x(g), g.Variable("w", 4, 2)) }},
		{"MatMulTransposed", -1, 1, nil, func(g *Graph) *Value { return g.MatMulTransposed(x(g), g.Variable("w", 2, 4)) }},
		{"product, first turned", -1, 1, nil, func(g *Graph) *Value { return g.product(x(g), g.Variable("w", 3, 2), true, false) }},
		{"product, both turned", -1, 1, nil, func(g *Graph) *Value { return g.product(x(g), g.Variable("w", 2, 3), true, true) }},
		{"Linear", -1, 1, nil, func(g *Graph) *Value { return g.Linear(x(g), g.Variable("w", 4, 2), g.Variable("b", 2)) }},
		{"Reshape", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.Reshape(x(g), 2, 6)) }},
		{"Transpose", -1, 1, nil, func(g *Graph) *Value { return g.Transpose(x(g)) }},
		{"Concat", -1, 1, nil, func(g *Graph) *Value { v := x(g); return g.Concat(1, v, g.Variable("b", 3, 2), g.Square(v)) }},
		{"Slice", -1, 1, nil, func(g *Graph) *Value { return g.Slice(x(g), 1, 1, 3) }},
		{"Split", -1, 1, nil, func(g *Graph) *Value { p := g.Split(x(g), 1, 1, 3); return g.Mul(p[0], p[1]) }},
		{"pad", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.pad(x(g), 0, 1, 2)) }},
		{"Gather", -1, 1, rows, func(g *Graph) *Value { return g.Gather(x(g), g.Indices("i", 5)) }},
		{"Sum of rows", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.Sum(x(g), 1)) }},
		{"Sum of all", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.Sum(x(g))) }},
		{"Mean", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.Mean(x(g), 0)) }},
		{"expand", -1, 1, nil, func(g *Graph) *Value { return g.Square(g.expand(g.Variable("x", 3, 1), []int{3, 4})) }},
		{"Max of rows", -1, 1, nil, func(g *Graph) *Value { return g.Max(x(g), 1) }},
		{"Max of columns", -1, 1, nil, func(g *Graph) *Value { return g.Max(x(g), 0) }},
		{"Max, masked", -1, 1, mask, func(g *Graph) *Value { return g.Max(g.Only(g.Mask("m", 3, 4), x(g), math.Inf(-1)), 1) }},
		{"Max of nothing", -1, 1, none, func(g *Graph) *Value { return g.Relu(g.Max(g.Only(g.Mask("m", 3, 4), x(g), math.Inf(-1)), 1)) }},
		{"LogSumExp", -2, 2, nil, func(g *Graph) *Value { return g.LogSumExp(x(g), 1) }},
		{"LogSumExp, masked", -2, 2, mask, func(g *Graph) *Value { return g.LogSumExp(g.Only(g.Mask("m", 3, 4), x(g), math.Inf(-1)), 1) }},
		{"LogSumExp of large", 700, 800, nil, func(g *Graph) *Value { return g.LogSumExp(x(g), 1) }},
		{"Softmax", -2, 2, nil, func(g *Graph) *Value { return g.Softmax(x(g)) }},
		{"LogSoftmax", -2, 2, nil, func(g *Graph) *Value { return g.LogSoftmax(x(g)) }},
		{"Unit", -1, 1, nil, func(g *Graph) *Value { return g.Unit(x(g)) }},
		{"Diagonal", -1, 1, nil, func(g *Graph) *Value { return g.Diagonal(g.Variable("x", 4, 4)) }},
		{"Where", -1, 1, mask, func(g *Graph) *Value { return g.Where(g.Mask("m", 3, 4), x(g), g.Variable("b", 1, 4)) }},
		{"Dropout", -1, 1, nil, func(g *Graph) *Value { return g.Dropout(x(g), g.Input("kept", 3, 4)) }},
		{"Recur", -1, 1, nil, func(g *Graph) *Value { return g.Recur(g.NewGRU("u", 3, 4), g.Variable("x", 8, 3), nil, 4) }},
		{"Recur, one step", -1, 1, nil, func(g *Graph) *Value {
			u := g.NewGRU("u", 3, 4)
			return g.Add(g.Recur(u, g.Variable("x", 2, 3), nil, 1), g.Recur(u, g.Variable("y", 4, 3), nil, 2))
		}},
		{"Recur, padded", -1, 1, map[string]any{"p": []float64{0, 0, 0, 0, 1, 0, 1, 0}}, func(g *Graph) *Value {
			return g.Recur(g.NewGRU("u", 3, 4), g.Variable("x", 8, 3), g.Input("p", 4, 2), 4)
		}},
	} {
		checked(t, row.name, row.low, row.high, row.given, row.build)
	}
}

// TestNoGradientPasses where none shall.
func TestNoGradientPasses(t *testing.T) {
	g := NewDouble("none")
	x := g.Variable("x", 1, 3)
	length := g.Unit(g.Mul(x, g.Input("zero", 1, 3)))
	masked := g.Only(g.Mask("m", 1, 3), g.Log(g.Detached(g.Neg(g.Abs(x)))), 0)
	held := g.Mul(g.Detached(x), g.Numbers(g.Greater(x, g.scalar(0))))
	model, err := g.Training(g.Sum(g.Add(g.Add(length, masked), g.Add(held, g.Square(x)))), Shown{"length", length})
	r := run(t, model, err)
	r.values["zero"], r.values["m"] = []float64{0, 0, 0}, []bool{false, false, false}
	r.values["x"] = []float64{1, -2, 3}
	results := r.run()
	for i, want := range []float64{2, -4, 6} {
		if got := results[GradientName("x")][i]; got != want {
			t.Errorf("gradient %d is %v, want %v", i, got, want)
		}
		if results["length"][i] != 0 {
			t.Errorf("a row without length became %v", results["length"])
		}
	}
}

// TestPaddedStepsChangeNothing compares sentences of two and of four words with the
// same ones that nothing pads.
func TestPaddedStepsChangeNothing(t *testing.T) {
	final := func(steps int, words, padding []float64) []float64 {
		g := NewDouble("padded")
		unit := g.NewGRU("u", 3, 4)
		model, err := g.Inference(Shown{"state", g.Recur(unit, g.Input("x", steps, 3), g.Input("p", steps, 1), steps)})
		r := run(t, model, err)
		r.values["x"], r.values["p"] = words, padding
		r.draw(-1, 1)
		return r.run()["state"]
	}
	words := []float64{1, 2, 3, -1, 0, 2, math.MaxFloat32, 9, 9, 9, 9, math.MaxFloat32}
	short, long := final(2, words[:6], make([]float64, 2)), final(4, words, []float64{0, 0, 1, 1})
	for i := range short {
		if math.Abs(short[i]-long[i]) > 1e-12 {
			t.Fatalf("states %v and %v", short, long)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	f := func(want string, build func(g *Graph) *Value) {
		t.Helper()
		g := New("wrong")
		if _, err := g.Training(g.Sum(build(g))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	a, b := func(g *Graph) *Value { return g.Variable("a", 2, 3) }, func(g *Graph) *Value { return g.Variable("b", 2, 2) }
	f("sides [2 3] and [2 2] do not fit", func(g *Graph) *Value { return g.Add(a(g), b(g)) })
	f("3 is not 2", func(g *Graph) *Value { return g.MatMul(a(g), b(g)) })
	f("cannot become [5]", func(g *Graph) *Value { return g.Reshape(a(g), 5) })
	f(`"b" has no part in the loss`, func(g *Graph) *Value { b(g); return a(g) })
	f(`"a" has sides [2 0]`, func(g *Graph) *Value { return g.Variable("a", 2, 0) })
	f("have no part 1 to 4", func(g *Graph) *Value { return g.Slice(a(g), 1, 1, 4) })
	f("are not 3 steps", func(g *Graph) *Value { return g.Recur(g.NewGRU("u", 3, 1), a(g), nil, 3) })
	f("have no diagonal", func(g *Graph) *Value { return g.Diagonal(a(g)) })
	g := New("wrong")
	if _, err := g.Training(a(g)); err == nil || !strings.Contains(err.Error(), "one number") {
		t.Errorf("error %v", err)
	}
}
