// Package headgraph writes what stands between features and vectors into ONNX graphs:
// the form in which features enter, trained heads, and learned tags. Its constants have
// names, by which what was learned on a device takes their place. Which graph a bundle
// has is for its maker to say.
package headgraph

import (
	"fmt"
	"maps"
	"math"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/onnx"
)

// Prepared is a picture feature as its head takes it: the root of each value with its
// sign, and unit length. model.Prepare of training says why.
func Prepared(graph *onnx.Graph, features *onnx.Value) *onnx.Value {
	root := graph.Op("Sqrt", []*onnx.Value{graph.Op("Abs", []*onnx.Value{features})})
	return Unit(graph, graph.Op("Mul", []*onnx.Value{root, graph.Op("Sign", []*onnx.Value{features})}))
}

// least keeps what has no length from being divided by zero.
const least = 1e-12

// Unit scales rows to unit length.
func Unit(graph *onnx.Graph, rows *onnx.Value) *onnx.Value {
	length := graph.Op("ReduceL2", []*onnx.Value{rows}, onnx.Ints("axes", 1))
	return graph.Op("Div", []*onnx.Value{rows, graph.Op("Max", []*onnx.Value{length, Number(graph, least)})})
}

// Number is a constant of one value.
func Number(graph *onnx.Graph, value float64) *onnx.Value { return graph.Constant(number(value)) }

func number(value float64) onnx.Tensor { return onnx.Float32s([]float32{float32(value)}) }

// Through runs rows through a head, whose constants' names begin with name, to unit
// length.
func Through(graph *onnx.Graph, name string, head heads.Head, rows *onnx.Value) *onnx.Value {
	linear := func(layer string, rows *onnx.Value) *onnx.Value {
		constant := func(part string) *onnx.Value {
			full := name + "." + layer + "." + part
			return graph.NamedConstant(full, constants(name, head)[full])
		}
		return graph.Op("Gemm", []*onnx.Value{rows, constant("weights"), constant("offset")})
	}
	return Unit(graph, linear("output", graph.Op("Relu", []*onnx.Value{linear("hidden", rows)})))
}

func constants(name string, head heads.Head) map[string]onnx.Tensor {
	found := map[string]onnx.Tensor{}
	for layer, of := range map[string]heads.Layer{"hidden": head.Hidden, "output": head.Output} {
		inputs, outputs := int64(of.Inputs), int64(of.Outputs)
		found[name+"."+layer+".weights"] = onnx.Float32s(of.Values(), inputs, outputs)
		found[name+"."+layer+".offset"] = onnx.Float32s(of.Offset, outputs)
	}
	return found
}

// The names of the parts of a vector, and of the heads' constants.
const (
	Heads      = "heads"
	ClassNames = "class_names"
	picture    = "picture_head"
	sentence   = "sentence_head"
)

// shares are what two vectors of unit length are scaled by, the second weighted, to have
// unit length together.
func shares(weight float64) map[string]onnx.Tensor {
	length := math.Sqrt(1 + weight*weight)
	return map[string]onnx.Tensor{Heads + ".share": number(1 / length), ClassNames + ".share": number(weight / length)}
}

// Picture puts the vector of a picture's head before that of its class names. Features
// are Prepared.
func Picture(graph *onnx.Graph, trained *heads.File, prepared, named *onnx.Value) *onnx.Value {
	share := func(name string) *onnx.Value {
		return graph.NamedConstant(name+".share", shares(trained.ClassNames)[name+".share"])
	}
	return beside(graph, Through(graph, picture, trained.Picture, prepared), named, share(Heads), share(ClassNames))
}

// Naming is how much a sentence is like the name of a thing, of which the class names
// know more than the heads do: its mean cosine with those that are nearest to it.
type Naming struct {
	Names   [][]float32 // of unit length, as sentences' features are
	Nearest int         // how many of them count
	Middle  float64     // at this cosine both parts have the same share, if their weight is 1
	Slope   float64     // of the odds' logarithm
}

// Sentence does for a sentence's feature what Picture does for a picture's, where the
// class names' weight is the more the nearer the sentence is to some of them.
func Sentence(graph *onnx.Graph, trained *heads.File, naming Naming, feature *onnx.Value) *onnx.Value {
	scaled := graph.Op("Mul", []*onnx.Value{feature, Number(graph, float64(trained.SentenceScale))})
	odds := naming.odds(graph, feature)
	odds = graph.Op("Add", []*onnx.Value{odds, graph.NamedConstant(weightOdds, oddsOf(trained.ClassNames))})
	root := func(odds *onnx.Value) *onnx.Value {
		return graph.Op("Sqrt", []*onnx.Value{graph.Op("Sigmoid", []*onnx.Value{odds})})
	}
	return beside(graph, Through(graph, sentence, trained.Sentence, scaled), feature, root(graph.Op("Neg", []*onnx.Value{odds})), root(odds))
}

// odds are the logarithm of those between the squares of the parts' shares.
func (n Naming) odds(graph *onnx.Graph, feature *onnx.Value) *onnx.Value {
	var names []float32
	for _, name := range n.Names {
		names = append(names, name...)
	}
	table := graph.Constant(onnx.Float32s(names, int64(len(n.Names)), int64(len(n.Names[0]))))
	cosines := graph.Op("Gemm", []*onnx.Value{feature, table}, onnx.Int("transB", 1))
	count := graph.Constant(onnx.Int64s([]int64{int64(n.Nearest)}, 1))
	nearest := graph.Node("TopK", []*onnx.Value{cosines, count}, []string{"", ""}, onnx.Int("axis", 1))[0]
	mean := graph.Op("ReduceMean", []*onnx.Value{nearest}, onnx.Ints("axes", 1))
	return graph.Op("Mul", []*onnx.Value{graph.Op("Sub", []*onnx.Value{mean, Number(graph, n.Middle)}), Number(graph, n.Slope)})
}

// weightOdds is the constant by which a weight of the class names moves the odds.
const weightOdds = ClassNames + ".odds"

func oddsOf(weight float64) onnx.Tensor { return number(2 * math.Log(weight)) }

func beside(graph *onnx.Graph, first, second, firstShare, secondShare *onnx.Value) *onnx.Value {
	return graph.Op("Concat", []*onnx.Value{
		graph.Op("Mul", []*onnx.Value{first, firstShare}), graph.Op("Mul", []*onnx.Value{second, secondShare}),
	}, onnx.Int("axis", 1))
}

// WithHeads gives a picture's and a sentence's graph that hold other heads than those
// that Picture and Sentence wrote into them.
func WithHeads(pictureGraph, sentenceGraph []byte, trained *heads.File) (withPicture, withSentence []byte, err error) {
	ofPicture, ofSentence := constants(picture, trained.Picture), constants(sentence, trained.Sentence)
	maps.Copy(ofPicture, shares(trained.ClassNames))
	ofSentence[weightOdds] = oddsOf(trained.ClassNames)
	if withPicture, err = onnx.Replace(pictureGraph, ofPicture); err != nil {
		return nil, nil, fmt.Errorf("picture head: %w", err)
	}
	if withSentence, err = onnx.Replace(sentenceGraph, ofSentence); err != nil {
		return nil, nil, fmt.Errorf("sentence head: %w", err)
	}
	return withPicture, withSentence, nil
}

// Tags are linear scores of features, and the logistic curve that makes a probability of
// each: of slope · log(max(score, 0) + Bend) + offset.
type Tags struct {
	Names   []string
	Weights []float32 // a row for each tag
	Bias    []float32 // of each tag's score
	Offset  []float32 // of each tag's curve
	Slope   float64
	Bend    float64
	Plain   bool // features enter at unit length as they are, not Prepared
}

// Graph gives the probabilities: `features`, float32 [N, width], to `confidence`, float32
// [N, tags].
func (t Tags) Graph(width int) ([]byte, error) {
	count := int64(len(t.Names))
	if count == 0 || len(t.Weights) != len(t.Names)*width || len(t.Bias) != len(t.Names) || len(t.Offset) != len(t.Names) {
		return nil, fmt.Errorf("%d tags have %d weights, %d biases and %d offsets for features of %d values", count, len(t.Weights), len(t.Bias), len(t.Offset), width)
	}
	graph := onnx.NewGraph("learned-tags")
	features := graph.Input("features", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(int64(width))})
	enter := Prepared
	if t.Plain {
		enter = Unit
	}
	scores := graph.Op("Gemm", []*onnx.Value{enter(graph, features),
		graph.Constant(onnx.Float32s(t.Weights, count, int64(width))), graph.Constant(onnx.Float32s(t.Bias, count))}, onnx.Int("transB", 1))
	bent := graph.Op("Log", []*onnx.Value{graph.Op("Add", []*onnx.Value{graph.Op("Relu", []*onnx.Value{scores}), Number(graph, t.Bend)})})
	curve := graph.Op("Add", []*onnx.Value{graph.Op("Mul", []*onnx.Value{bent, Number(graph, t.Slope)}), graph.Constant(onnx.Float32s(t.Offset, count))})
	graph.Output(graph.Named("confidence", "Sigmoid", []*onnx.Value{curve}), onnx.Shape{onnx.Symbol("N"), onnx.Fixed(count)})
	return graph.Marshal()
}
