package builtin

import (
	"slices"

	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/onnx"
)

// convolution converts a convolution with its bias, of all channels or of each
// by itself (depthwise).
func (c *converter) convolution(node *tfjs.Node) (*onnx.Value, error) {
	if err := checkConvolution(node); err != nil {
		return nil, err
	}
	input, err := c.value(node.Inputs[0])
	if err != nil {
		return nil, err
	}
	kernel, err := c.floats(node, 1)
	if err != nil {
		return nil, err
	}
	bias, err := c.floats(node, 2)
	if err != nil {
		return nil, err
	}
	if len(kernel.Shape) != 4 || len(input.Shape()) != 4 {
		return nil, node.Errorf("kernel %v and input %v are not two-dimensional", kernel.Shape, input.Shape())
	}
	padding, strides, err := padding(node, kernel.Shape, input.Shape())
	if err != nil {
		return nil, err
	}
	weights, groups := kernelWeights(kernel, node.Op == "FusedDepthwiseConv2dNative")
	return c.graph.Op("Conv",
		[]*onnx.Value{input, c.graph.Constant(weights), c.graph.Constant(onnx.Float32s(bias.Floats, int64(bias.Len())))},
		onnx.Ints("kernel_shape", int64(kernel.Shape[0]), int64(kernel.Shape[1])),
		onnx.Ints("strides", strides...), onnx.Ints("pads", padding...), onnx.Int("group", groups)), nil
}

// checkConvolution refuses the settings that the conversion does not follow.
func checkConvolution(node *tfjs.Node) error {
	if len(node.Inputs) != 3 {
		return node.Errorf("has %d inputs, not picture, kernel and bias", len(node.Inputs))
	}
	if fused := node.Texts("fused_ops"); !slices.Equal(fused, []string{"BiasAdd"}) {
		return node.Errorf("is fused with %q, not with its bias alone", fused)
	}
	if layout, err := node.Text("data_format"); err != nil || layout != "NHWC" {
		return node.Errorf("has layout %q, not NHWC", layout)
	}
	dilations, err := node.Integers("dilations", 4)
	if err != nil {
		return err
	}
	if !slices.Equal(dilations, []int{1, 1, 1, 1}) {
		return node.Errorf("has dilations %v", dilations)
	}
	return nil
}

// padding gives ONNX's pads (top, left, bottom, right) and strides. TensorFlow's
// SAME keeps ⌈side/stride⌉ and puts the odd pixel below and to the right.
func padding(node *tfjs.Node, kernel []int, input onnx.Shape) (pads, strides []int64, err error) {
	steps, err := node.Integers("strides", 4)
	if err != nil {
		return nil, nil, err
	}
	kind, err := node.Text("padding")
	if err != nil {
		return nil, nil, err
	}
	pads = make([]int64, 4)
	for axis := range 2 {
		side, step := input[axis+2].Size, int64(steps[axis+1])
		if side < 1 || step < 1 {
			return nil, nil, node.Errorf("has stride %d over a side of %d", step, side)
		}
		strides = append(strides, step)
		switch kind {
		case "SAME":
			total := max(0, ((side+step-1)/step-1)*step+int64(kernel[axis])-side)
			pads[axis], pads[axis+2] = total/2, total-total/2
		case "VALID":
		default:
			return nil, nil, node.Errorf("has padding %q", kind)
		}
	}
	return pads, strides, nil
}

// kernelWeights turns TensorFlow's [height, width, in, out] into ONNX's
// [out, in, height, width]; a depthwise kernel [height, width, in, multiple]
// into [in·multiple, 1, height, width], one group a channel.
func kernelWeights(kernel tfjs.Tensor, depthwise bool) (onnx.Tensor, int64) {
	height, width, in, out := kernel.Shape[0], kernel.Shape[1], kernel.Shape[2], kernel.Shape[3]
	weights := make([]float32, len(kernel.Floats))
	for at, weight := range kernel.Floats {
		o, i := at%out, at/out%in
		x, y := at/out/in%width, at/out/in/width
		row := o*in + i
		if depthwise {
			row = i*out + o
		}
		weights[(row*height+y)*width+x] = weight
	}
	if depthwise {
		return onnx.Float32s(weights, int64(in*out), 1, int64(height), int64(width)), int64(in)
	}
	return onnx.Float32s(weights, int64(out), int64(in), int64(height), int64(width)), 1
}
