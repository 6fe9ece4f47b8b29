package graph

import (
	"fmt"
	"slices"

	"vsed/encoders/onnx"
)

// Model is a written graph, and its ports in the order in which they are called.
type Model struct {
	ONNX    []byte
	Inputs  []Port
	Outputs []Port // of training: the loss, a gradient for each variable, what is shown besides
}

// Port is one input or output of a model.
type Port struct {
	Name     string
	Kind     onnx.DataType
	Sides    []int
	Variable bool // an input for which there is a gradient
}

// Size is how many numbers pass through the port.
func (p Port) Size() int { return count(p.Sides) }

// LossName and GradientName name the outputs of a model for training.
const LossName = "loss"

// GradientName names the output that is the gradient for a variable.
func GradientName(variable string) string { return "gradient of " + variable }

// Shown is a value that a model gives under a name.
type Shown struct {
	Name  string
	Value *Value
}

// Training writes the graph with the gradient of a loss, which is one number, for
// every variable; values shown come after.
func (g *Graph) Training(loss *Value, shown ...Shown) (*Model, error) {
	if count(loss.sides) != 1 {
		g.fail("the loss has sides %v, and must be one number", loss.sides)
	}
	outputs := []Shown{{LossName, g.Reshape(loss, 1)}}
	gradients := g.gradients(loss)
	for _, variable := range g.variables {
		gradient := gradients[variable]
		if gradient == nil {
			g.fail("variable %q has no part in the loss", variable.node.Name())
			break
		}
		outputs = append(outputs, Shown{GradientName(variable.node.Name()), gradient})
	}
	return g.write(append(outputs, shown...))
}

// Inference writes the graph without gradients.
func (g *Graph) Inference(shown ...Shown) (*Model, error) { return g.write(shown) }

// gradients walks the tape back from the loss and adds up what reaches each value.
func (g *Graph) gradients(loss *Value) map[*Value]*Value {
	gradients := map[*Value]*Value{loss: g.Constant(slices.Repeat([]float64{1}, count(loss.sides)), loss.sides...)}
	for _, value := range slices.Backward(slices.Clone(g.tape)) {
		upstream := gradients[value]
		if upstream == nil {
			continue
		}
		for _, each := range value.edges {
			gradient := each.gradient(upstream)
			if !slices.Equal(gradient.sides, each.to.sides) {
				g.fail("%s: gradient has sides %v, its value %v", value.node.Name(), gradient.sides, each.to.sides)
			}
			if before := gradients[each.to]; before != nil {
				gradient = g.Add(before, gradient)
			}
			gradients[each.to] = gradient
		}
	}
	return gradients
}

// write makes each value an output under its name.
func (g *Graph) write(outputs []Shown) (*Model, error) {
	if g.err != nil {
		return nil, g.err
	}
	var model Model
	for _, output := range outputs {
		named := g.written.Named(output.Name, "Identity", []*onnx.Value{output.Value.node})
		g.written.Output(named, nil)
		model.Outputs = append(model.Outputs, Port{Name: output.Name, Kind: output.Value.kind, Sides: output.Value.sides})
	}
	for _, input := range g.inputs {
		model.Inputs = append(model.Inputs, Port{input.node.Name(), input.kind, input.sides, slices.Contains(g.variables, input)})
	}
	var err error
	if model.ONNX, err = g.written.Marshal(); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	return &model, nil
}
