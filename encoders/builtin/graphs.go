package builtin

import (
	"fmt"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/headgraph"
	"vsed/encoders/onnx"
)

// Side is the width and height of the network's picture in pixels.
const Side = 224

// The parts of the picture feature, in their order: the pooled output of the
// network, and what two squeeze-and-excitation gates see of the picture: the
// last block's and that of the last block of 14×14 pixels.
var featureParts = []struct {
	name  string
	node  string
	width int
}{
	{"pooled", prefix + "top_pool/Mean", 1280},
	{"last_block", prefix + "stack_6/block_0/se_squeeze/Mean", 1152},
	{"last_block_14", prefix + "stack_4/block_2/se_squeeze/Mean", 672},
}

const (
	prefix       = "StatefulPartitionedCall/model/"
	logits       = prefix + "logits/BiasAdd"
	classes      = 1000
	featureWidth = 1280 + 1152 + 672
)

// PictureGraph converts EfficientNet-B0 to ONNX: `picture`, uint8
// [N, 224, 224, 3] in RGB, to `features`, float32 [N, 3104].
func PictureGraph(model *tfjs.Model) ([]byte, error) {
	graph := onnx.NewGraph("efficientnet-b0")
	picture := graph.Input("picture", onnx.Uint8, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(Side), onnx.Fixed(Side), onnx.Fixed(3)})
	planes := graph.Op("Transpose", []*onnx.Value{picture}, onnx.Ints("perm", 0, 3, 1, 2))
	planes = graph.Op("Cast", []*onnx.Value{planes}, onnx.Int("to", int64(onnx.Float32)))
	return featureGraph(model, graph, planes)
}

// PlainGraph is PictureGraph with the input that other programs give a network,
// to compare speeds: `picture`, float32 [N, 3, 224, 224], 0 to 255 in RGB.
func PlainGraph(model *tfjs.Model) ([]byte, error) {
	graph := onnx.NewGraph("efficientnet-b0")
	planes := graph.Input("picture", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(3), onnx.Fixed(Side), onnx.Fixed(Side)})
	return featureGraph(model, graph, planes)
}

// featureGraph converts the network over planes, float32 [N, 3, 224, 224].
func featureGraph(model *tfjs.Model, graph *onnx.Graph, planes *onnx.Value) ([]byte, error) {
	batch := onnx.Symbol("N")
	convert := &converter{model, graph, planes, map[string]*onnx.Value{}}
	var parts []*onnx.Value
	for _, part := range featureParts {
		value, err := convert.value(part.node)
		if err != nil {
			return nil, err
		}
		flat := graph.Op("Flatten", []*onnx.Value{value})
		if want := onnx.Shape([]onnx.Dimension{batch, onnx.Fixed(int64(part.width))}); flat.Shape().String() != want.String() {
			return nil, fmt.Errorf("feature part %s is %v, not %v", part.name, flat.Shape(), want)
		}
		parts = append(parts, flat)
	}
	features := graph.Named("features", "Concat", parts, onnx.Int("axis", 1))
	graph.Output(features, onnx.Shape{batch, onnx.Fixed(featureWidth)})
	return graph.Marshal()
}

// ProjectionGraph gives each picture the mean of its likeliest classes' names, and
// before it, where there are heads, their vector: `features`, float32 [N, 3104], to
// `vector`, float32 [N, dimensions]. The names are the class names' text vectors, one
// row of unit length a class.
//
// How many classes, and how much their probabilities are softened, was chosen by
// the mean average precision of single tags: see the package comment.
func ProjectionGraph(model *tfjs.Model, names [][]float32, trained *heads.File) ([]byte, error) {
	weights, bias, err := classifier(model)
	if err != nil {
		return nil, err
	}
	if len(names) != classes {
		return nil, fmt.Errorf("there are %d class names, not %d", len(names), classes)
	}
	graph := onnx.NewGraph("projection")
	features := graph.Input("features", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(featureWidth)})
	pooled := graph.Op("Slice", []*onnx.Value{features, ints(graph, 0), ints(graph, int64(featureParts[0].width)), ints(graph, 1)})
	graph.As(pooled, onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(int64(featureParts[0].width))})
	scores := graph.Op("Gemm", []*onnx.Value{pooled, graph.Constant(weights), graph.Constant(bias)})
	named := headgraph.Unit(graph, graph.Op("MatMul", []*onnx.Value{likeliest(graph, scores), graph.Constant(matrix(names))}))
	if trained == nil {
		return finish(graph, named, len(names[0]))
	}
	if width := trained.Picture.Hidden.Inputs; width != featureWidth {
		return nil, fmt.Errorf("the picture head takes %d values, a feature has %d: train it again", width, featureWidth)
	}
	vector := headgraph.Picture(graph, trained, headgraph.Prepared(graph, features), named)
	return finish(graph, vector, trained.Dimensions()+len(names[0]))
}

// SentenceGraph gives a sentence's vector, to go with a picture's of ProjectionGraph:
// `feature`, float32 [N, 384], to `vector`, float32 [N, dimensions].
func SentenceGraph(names [][]float32, trained *heads.File) ([]byte, error) {
	width := trained.Sentence.Hidden.Inputs
	graph := onnx.NewGraph("sentence-head")
	feature := graph.Input("feature", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(int64(width))})
	naming := headgraph.Naming{Names: names, Nearest: nearestNames, Middle: nameCosine, Slope: nameSlope}
	return finish(graph, headgraph.Sentence(graph, trained, naming, feature), trained.Dimensions()+width)
}

func finish(graph *onnx.Graph, vector *onnx.Value, dimensions int) ([]byte, error) {
	graph.Output(graph.Named("vector", "Identity", []*onnx.Value{vector}), onnx.Shape{onnx.Symbol("N"), onnx.Fixed(int64(dimensions))})
	return graph.Marshal()
}

// likeliest keeps the largest of the softened class probabilities and sets the
// others to 0.
func likeliest(graph *onnx.Graph, scores *onnx.Value) *onnx.Value {
	scores = graph.Op("Mul", []*onnx.Value{scores, headgraph.Number(graph, 1/temperature)})
	likely := graph.Op("Softmax", []*onnx.Value{scores}, onnx.Int("axis", 1))
	best := graph.Node("TopK", []*onnx.Value{likely, ints(graph, likeliestClasses)}, []string{"", ""}, onnx.Int("axis", 1))
	none := graph.Op("Mul", []*onnx.Value{likely, headgraph.Number(graph, 0)})
	return graph.Op("ScatterElements", []*onnx.Value{none, best[1], best[0]}, onnx.Int("axis", 1))
}

// classifier reads the last layer: 1,280 pooled values to 1,000 class scores.
func classifier(model *tfjs.Model) (weights, bias onnx.Tensor, err error) {
	node, err := model.Node(logits)
	if err != nil {
		return weights, bias, err
	}
	if node.Op != "_FusedMatMul" || len(node.Inputs) != 3 || node.Flag("transpose_a") || node.Flag("transpose_b") {
		return weights, bias, node.Errorf("is not a product of a row and a matrix with a bias")
	}
	var tensors [2]onnx.Tensor
	for i, sides := range [][]int64{{int64(featureParts[0].width), classes}, {classes}} {
		constant, ok := model.Constant(node.Inputs[i+1])
		if !ok || constant.Len() != len(constant.Floats) || fmt.Sprint(constant.Shape) != fmt.Sprint(sides) {
			return weights, bias, node.Errorf("input %d has shape %v, not %v", i+1, constant.Shape, sides)
		}
		tensors[i] = onnx.Float32s(constant.Floats, sides...)
	}
	return tensors[0], tensors[1], nil
}

func ints(graph *onnx.Graph, value int64) *onnx.Value {
	return graph.Constant(onnx.Int64s([]int64{value}, 1))
}

func matrix(rows [][]float32) onnx.Tensor {
	var values []float32
	for _, row := range rows {
		values = append(values, row...)
	}
	return onnx.Float32s(values, int64(len(rows)), int64(len(rows[0])))
}
