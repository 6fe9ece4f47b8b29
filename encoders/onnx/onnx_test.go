package onnx

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// sample is a graph with each kind of thing that can be written.
func sample() *Graph {
	g := NewGraph("sample")
	x := g.Input("x", Float32, Shape{Symbol("N"), Fixed(3)})
	w := g.Constant(Float32s([]float32{1, 2, 3, 4, 5, 6}, 3, 2))
	y := g.Op("Gemm", []*Value{x, w}, Float("alpha", 0.5))
	top := g.Node("TopK", []*Value{y, g.Constant(Int64s([]int64{1}, 1))}, []string{"best", "where"}, Int("axis", -1))
	odd := g.Op("Unheard", []*Value{y, nil, w}, Ints("a", 1, -2), Floats("b", 1.5), String("c", "ü"), Strings("d", "e", "f"), TensorOf("t", Int8s([]int8{-1}, 1)))
	g.Output(top[0], nil)
	g.Output(top[1], nil)
	g.Output(g.As(odd, Float16, Shape{Symbol("N"), {}}), nil)
	return g
}

func TestWrittenModelReadsBack(t *testing.T) {
	bytes, err := sample().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	model := must(t, bytes)
	if got := must(t, model.all(8)[0]).integers(2); !slices.Equal(got, []int64{Opset}) {
		t.Errorf("opset %v", got)
	}
	graph := must(t, model.all(7)[0])
	if got := graph.texts(2); !slices.Equal(got, []string{"sample"}) {
		t.Errorf("name %v", got)
	}
	checkNodes(t, graph)
	weights := must(t, graph.all(5)[0])
	if got := weights.integers(1); !slices.Equal(got, []int64{3, 2}) {
		t.Errorf("weights are %v", got)
	}
	if got := len(weights.all(9)[0]); got != 24 {
		t.Errorf("weights take %d bytes", got)
	}
	checkOutputs(t, graph)
}

func checkNodes(t *testing.T, graph fields) {
	t.Helper()
	nodes := graph.all(1)
	if len(nodes) != 3 {
		t.Fatalf("%d nodes", len(nodes))
	}
	gemm := must(t, nodes[0])
	if got := must(t, gemm.all(5)[0]).float(2); got != 0.5 {
		t.Errorf("alpha %v", got)
	}
	odd := must(t, nodes[2])
	if got := odd.texts(1); got[1] != "" || len(got) != 3 {
		t.Errorf("inputs %q: the one left out must stay", got)
	}
	if got := must(t, odd.all(5)[0]).integers(8); !slices.Equal(got, []int64{1, -2}) {
		t.Errorf("integers %v", got)
	}
	if got := must(t, odd.all(5)[3]).texts(9); !slices.Equal(got, []string{"e", "f"}) {
		t.Errorf("texts %q", got)
	}
}

func checkOutputs(t *testing.T, graph fields) {
	t.Helper()
	var names []string
	for _, each := range graph.all(12) {
		names = append(names, must(t, each).texts(1)...)
	}
	if !slices.Equal(names, []string{"best", "where", "Unheard_2_0"}) {
		t.Errorf("outputs %q", names)
	}
	kind := must(t, must(t, must(t, graph.all(12)[1]).all(2)[0]).all(1)[0])
	if got := kind.integers(1); !slices.Equal(got, []int64{int64(Int64)}) {
		t.Errorf("type of the places is %v", got)
	}
	sides := must(t, kind.all(2)[0]).all(1)
	if got := must(t, sides[0]).texts(2); !slices.Equal(got, []string{"N"}) {
		t.Errorf("first side %q", got)
	}
}

func TestSameGraphSameBytes(t *testing.T) {
	first, _ := sample().Marshal()
	second, _ := sample().Marshal()
	if !bytes.Equal(first, second) {
		t.Error("one graph gave two files")
	}
}

func TestLargeWeightsMayBeApart(t *testing.T) {
	g := NewGraph("apart")
	x := g.Input("x", Float32, Shape{Symbol("N"), Fixed(300)})
	first := g.Constant(Float32s(make([]float32, 300), 300))
	second := g.Constant(Float32s(slices.Repeat([]float32{1}, 300*2), 300, 2))
	small := g.Constant(Float32s([]float32{1, 2}, 2))
	g.Output(g.Op("Add", []*Value{g.Op("MatMul", []*Value{g.Op("Add", []*Value{x, first}), second}), small}), nil)
	written, weights, err := g.MarshalApart(21, "weights.data")
	if err != nil {
		t.Fatal(err)
	}
	model := must(t, written)
	if got := must(t, model.all(8)[0]).integers(2); !slices.Equal(got, []int64{21}) {
		t.Errorf("opset %v", got)
	}
	if len(weights) != 3600 || weights[1199] != 0 || weights[1203] != 0x3f {
		t.Errorf("%d bytes of weights", len(weights))
	}
	tensors := must(t, model.all(7)[0]).all(5)
	place := must(t, tensors[1])
	var entries []string
	for _, entry := range place.all(13) {
		entries = append(entries, must(t, entry).texts(2)...)
	}
	if want := []string{"weights.data", "1200", "2400"}; !slices.Equal(entries, want) || !slices.Equal(place.integers(14), []int64{1}) || len(place.all(9)) != 0 {
		t.Errorf("the second tensor is at %v, want %v", entries, want)
	}
	if got := must(t, tensors[2]); len(got.all(9)) != 1 || len(got.all(13)) != 0 {
		t.Error("a small tensor is not in the model")
	}
}

func TestShapes(t *testing.T) {
	g := NewGraph("shapes")
	picture := g.Input("picture", Float32, Shape{Symbol("N"), Fixed(3), Fixed(224), Fixed(224)})
	kernel := g.Constant(Float32s(make([]float32, 32*3*3*3), 32, 3, 3, 3))
	convolved := g.Op("Conv", []*Value{picture, kernel}, Ints("strides", 2, 2), Ints("pads", 0, 0, 1, 1))
	pooled := g.Op("Flatten", []*Value{g.Op("GlobalAveragePool", []*Value{convolved})})
	twice := g.Op("Concat", []*Value{pooled, pooled}, Int("axis", 1))
	length := g.Op("ReduceL2", []*Value{twice}, Ints("axes", 1))
	f := func(value *Value, want string) {
		t.Helper()
		if got := value.Shape().String(); got != want {
			t.Errorf("%s is %s, want %s", value.Name(), got, want)
		}
	}
	f(convolved, "[N,32,112,112]")
	f(pooled, "[N,32]")
	f(twice, "[N,64]")
	f(length, "[N,1]")
	f(g.Op("Div", []*Value{twice, length}), "[N,64]")
	f(g.Op("Transpose", []*Value{picture}, Ints("perm", 0, 2, 3, 1)), "[N,224,224,3]")
	f(g.Op("MatMul", []*Value{pooled, g.Constant(Float32s(make([]float32, 32*5), 32, 5))}), "[N,5]")
	if g.Err() != nil {
		t.Error(g.Err())
	}
}

func TestMistakesAreNamed(t *testing.T) {
	f := func(want string, build func(g *Graph, x *Value)) {
		t.Helper()
		g := NewGraph("wrong")
		x := g.Input("x", Float32, Shape{Symbol("N"), Fixed(3)})
		build(g, x)
		if _, err := g.Marshal(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	vector := func(g *Graph, n int) *Value { return g.Constant(Float32s(make([]float32, n), int64(n))) }
	f("has no output", func(*Graph, *Value) {})
	f("do not fit", func(g *Graph, x *Value) { g.Output(g.Op("Add", []*Value{x, vector(g, 4)}), nil) })
	f("mixes float32 and int64", func(g *Graph, x *Value) { g.Op("Add", []*Value{x, g.Constant(Int64s([]int64{1}))}) })
	f("3 is not 4", func(g *Graph, x *Value) {
		g.Op("MatMul", []*Value{x, g.Constant(Float32s(make([]float32, 8), 4, 2))})
	})
	f("takes 8 bytes, not 4", func(g *Graph, _ *Value) { g.Constant(Tensor{Float32, []int64{2}, make([]byte, 4)}) })
	f(`two values are named "x"`, func(g *Graph, x *Value) { g.Named("x", "Relu", []*Value{x}) })
	f("not a value of this graph", func(g *Graph, _ *Value) { g.Op("Relu", []*Value{sample().inputs[0]}) })
	f("has no known type", func(g *Graph, x *Value) { g.Output(g.Op("Unheard", []*Value{x}), nil) })
	f("shape [N,3] is not [N,5]", func(g *Graph, x *Value) { g.Output(x, Shape{Symbol("N"), Fixed(5)}) })
	f("does not permute", func(g *Graph, x *Value) { g.Op("Transpose", []*Value{x}, Ints("perm", 0, 0)) })
	f("largest 4 of 3", func(g *Graph, x *Value) {
		g.Node("TopK", []*Value{x, g.Constant(Int64s([]int64{4}, 1))}, []string{"", ""})
	})
	f("outside of rank 2", func(g *Graph, x *Value) { g.Op("ReduceSum", []*Value{x, g.Constant(Int64s([]int64{2}, 1))}) })
	f("weights [2,4,1,1] in 1 groups take 4", func(g *Graph, _ *Value) {
		g.Op("Conv", []*Value{g.Input("y", Float32, Sides(1, 3, 8, 8)), g.Constant(Float32s(make([]float32, 8), 2, 4, 1, 1))})
	})
	f("larger than its padded input", func(g *Graph, _ *Value) {
		g.Op("Conv", []*Value{g.Input("y", Float32, Sides(1, 1, 2, 2)), g.Constant(Float32s(make([]float32, 9), 1, 1, 3, 3))})
	})
}

// FuzzBuild puts nodes together at random: whatever comes, a graph either says
// what is wrong or is written so that it reads back with all its parts.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3}, "name")
	f.Add([]byte{9, 200, 13, 7, 22, 30}, "")
	operators := []string{"Unheard"}
	for name := range rules {
		operators = append(operators, name)
	}
	slices.Sort(operators)
	f.Fuzz(func(t *testing.T, choices []byte, name string) {
		g := NewGraph(name)
		values := []*Value{g.Input("x", Float32, Shape{Symbol("N"), Fixed(4)}), g.Constant(Int64s([]int64{1}, 1)), nil}
		for len(choices) >= 4 {
			inputs := []*Value{}
			for i := range int(choices[1]) % 4 {
				inputs = append(inputs, values[int(choices[2+i%2])%len(values)])
			}
			op := operators[int(choices[0])%len(operators)]
			outputs := []string{"", ""}[:1+int(choices[3])%2]
			values = append(values, g.Node(op, inputs, outputs, Int("axis", int64(int8(choices[2]))), Ints("perm", 1, 0), Ints("axes", int64(int8(choices[3]))))...)
			choices = choices[4:]
		}
		g.Output(values[len(values)-1], nil)
		written, err := g.Marshal()
		if err != nil {
			return
		}
		graph := must(t, must(t, written).all(7)[0])
		if len(graph.all(1)) != len(g.nodes) || len(graph.all(5)) != len(g.initialisers) || graph.texts(2)[0] != name {
			t.Errorf("%d nodes became %d", len(g.nodes), len(graph.all(1)))
		}
	})
}
