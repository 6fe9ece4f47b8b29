package builtin

import (
	"slices"

	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/onnx"
)

// converter rebuilds TensorFlow.js nodes as ONNX nodes. TensorFlow works on
// pictures row by row with the channels innermost, ONNX with the channels
// outermost: every value below is [N, channels, height, width], and a pooled
// value keeps two sides of 1.
type converter struct {
	model   *tfjs.Model
	graph   *onnx.Graph
	picture *onnx.Value // the graph's input, [N, 3, height, width], 0 to 255
	done    map[string]*onnx.Value
}

// value converts the node with this name and all that it needs.
func (c *converter) value(name string) (*onnx.Value, error) {
	node, err := c.model.Node(name)
	if err != nil {
		return nil, err
	}
	if known := c.done[node.Name]; known != nil {
		return known, nil
	}
	value, err := c.convert(node)
	if err != nil {
		return nil, err
	}
	if err := c.graph.Err(); err != nil {
		return nil, node.Errorf("%w", err)
	}
	c.done[node.Name] = value
	return value, nil
}

func (c *converter) convert(node *tfjs.Node) (*onnx.Value, error) {
	switch node.Op {
	case "_FusedConv2D", "FusedDepthwiseConv2dNative":
		return c.convolution(node)
	case "Sigmoid":
		return c.elementwise(node, "Sigmoid", 1)
	case "AddV2":
		return c.elementwise(node, "Add", 2)
	case "Mul":
		return c.multiplication(node)
	case "Sub":
		return c.withChannels(node, "Sub")
	case "RealDiv":
		return c.withChannels(node, "Div")
	case "Mean":
		return c.mean(node)
	case "Reshape":
		return c.reshape(node)
	}
	return nil, node.Errorf("is an operation that is not converted")
}

func (c *converter) elementwise(node *tfjs.Node, op string, count int) (*onnx.Value, error) {
	if len(node.Inputs) != count {
		return nil, node.Errorf("has %d inputs, not %d", len(node.Inputs), count)
	}
	var inputs []*onnx.Value
	for _, name := range node.Inputs {
		input, err := c.value(name)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, input)
	}
	return c.graph.Op(op, inputs), nil
}

// multiplication is of two values, except where the model turns its input, a
// picture of 0 to 1, into 0 to 255, as the picture given to ours is.
func (c *converter) multiplication(node *tfjs.Node) (*onnx.Value, error) {
	if len(node.Inputs) == 2 {
		factor, constant := c.model.Constant(node.Inputs[0])
		input, err := c.model.Node(node.Inputs[1])
		if err == nil && constant && input.Op == "Placeholder" {
			if !slices.Equal(factor.Floats, []float32{255}) {
				return nil, node.Errorf("scales the picture by %v, not by 255", factor.Floats)
			}
			return c.picture, nil
		}
	}
	return c.elementwise(node, "Mul", 2)
}

// withChannels has a constant of one number a channel on its right.
func (c *converter) withChannels(node *tfjs.Node, op string) (*onnx.Value, error) {
	if len(node.Inputs) != 2 {
		return nil, node.Errorf("has %d inputs, not 2", len(node.Inputs))
	}
	left, err := c.value(node.Inputs[0])
	if err != nil {
		return nil, err
	}
	right, err := c.floats(node, 1)
	if err != nil {
		return nil, err
	}
	channels := c.graph.Constant(onnx.Float32s(right.Floats, int64(right.Len()), 1, 1))
	return c.graph.Op(op, []*onnx.Value{left, channels}), nil
}

// floats is an input that must be a constant of float32.
func (c *converter) floats(node *tfjs.Node, input int) (tfjs.Tensor, error) {
	if input >= len(node.Inputs) {
		return tfjs.Tensor{}, node.Errorf("has no input %d", input)
	}
	tensor, ok := c.model.Constant(node.Inputs[input])
	if !ok || len(tensor.Floats) == 0 {
		return tfjs.Tensor{}, node.Errorf("input %d (%q) is not a constant of float32", input, node.Inputs[input])
	}
	return tensor, nil
}

// mean is only converted where it pools a picture's height and width.
func (c *converter) mean(node *tfjs.Node) (*onnx.Value, error) {
	if len(node.Inputs) != 2 {
		return nil, node.Errorf("has %d inputs, not 2", len(node.Inputs))
	}
	axes, ok := c.model.Constant(node.Inputs[1])
	if !ok || !slices.Equal(axes.Ints, []int32{1, 2}) {
		return nil, node.Errorf("takes the mean over axes %v, not over height and width", axes.Ints)
	}
	input, err := c.value(node.Inputs[0])
	if err != nil {
		return nil, err
	}
	return c.graph.Op("GlobalAveragePool", []*onnx.Value{input}), nil
}

// reshape is only converted where it gives a pooled value its two sides of 1
// back, which it never lost here.
func (c *converter) reshape(node *tfjs.Node) (*onnx.Value, error) {
	if len(node.Inputs) != 2 {
		return nil, node.Errorf("has %d inputs, not 2", len(node.Inputs))
	}
	input, err := c.value(node.Inputs[0])
	if err != nil {
		return nil, err
	}
	shape, err := c.model.Node(node.Inputs[1])
	if err != nil {
		return nil, err
	}
	if shape.Op != "Pack" || len(shape.Inputs) != 4 || len(input.Shape()) != 4 {
		return nil, node.Errorf("is not that of a pooled value")
	}
	for i, want := range []int64{1, 1, input.Shape()[1].Size} {
		side, ok := c.model.Constant(shape.Inputs[i+1])
		if !ok || len(side.Ints) != 1 || int64(side.Ints[0]) != want {
			return nil, shape.Errorf("side %d is %v, not %d", i+1, side.Ints, want)
		}
	}
	return input, nil
}
