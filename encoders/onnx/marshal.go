package onnx

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// maximumModel is protobuf's limit of a message, less room for all but weights.
const maximumModel = math.MaxInt32 - 1<<20

// The field numbers below are those of onnx.proto3.

// Marshal writes the graph as an ONNX model, or reports the first mistake.
func (g *Graph) Marshal() ([]byte, error) {
	model, _, err := g.MarshalApart(Opset, "")
	return model, err
}

// smallWeights are kept in the model where others go to a file of their own: the
// runtime needs to know axes and shapes before it reads that.
const smallWeights = 1024 // bytes

// MarshalApart writes the graph as an ONNX model of the given opset, whose rules
// the caller has kept to, with its larger constants in a file of their own: its
// name, in the model's folder, is weightsFile. Without one all stays in the model.
func (g *Graph) MarshalApart(opset int64, weightsFile string) (model, weights []byte, err error) {
	if err := g.check(); err != nil {
		return nil, nil, err
	}
	graph, weights := g.marshal(weightsFile)
	model = integer(model, 1, irVersion)
	model = text(model, 2, "vsed")
	model = message(model, 7, graph)
	return message(model, 8, integer(text(nil, 1, ""), 2, opset)), weights, nil
}

func (g *Graph) marshal(weightsFile string) (graph, weights []byte) {
	for _, each := range g.nodes {
		graph = message(graph, 1, each.marshal())
	}
	graph = text(graph, 2, g.name)
	for _, each := range g.initialisers {
		if weightsFile == "" || len(each.tensor.Data) <= smallWeights {
			graph = message(graph, 5, each.tensor.marshal(each.value.name))
			continue
		}
		graph = message(graph, 5, each.tensor.marshalApart(each.value.name, weightsFile, len(weights)))
		weights = append(weights, each.tensor.Data...)
	}
	for _, each := range g.inputs {
		graph = message(graph, 11, each.marshal())
	}
	for _, each := range g.outputs {
		graph = message(graph, 12, each.marshal())
	}
	return graph, weights
}

func (n node) marshal() []byte {
	var bytes []byte
	for _, input := range n.inputs {
		name := ""
		if input != nil {
			name = input.name
		}
		bytes = text(bytes, 1, name)
	}
	for _, output := range n.outputs {
		bytes = text(bytes, 2, output.name)
	}
	bytes = text(bytes, 3, n.name)
	bytes = text(bytes, 4, n.op)
	for _, attribute := range n.attributes {
		bytes = message(bytes, 5, attribute.marshal())
	}
	if n.domain != "" {
		bytes = text(bytes, 7, n.domain)
	}
	return bytes
}

func (a Attribute) marshal() []byte {
	bytes := text(nil, 1, a.name)
	switch a.kind {
	case attributeFloat:
		bytes = float(bytes, 2, a.floats[0])
	case attributeInt:
		bytes = integer(bytes, 3, a.ints[0])
	case attributeString:
		bytes = text(bytes, 4, a.strings[0])
	case attributeTensor:
		bytes = message(bytes, 5, a.tensor.marshal(""))
	}
	if a.kind >= attributeFloats {
		bytes = a.marshalList(bytes)
	}
	return integer(bytes, 20, int64(a.kind))
}

func (a Attribute) marshalList(bytes []byte) []byte {
	for _, value := range a.floats {
		bytes = float(bytes, 7, value)
	}
	for _, value := range a.ints {
		bytes = integer(bytes, 8, value)
	}
	for _, value := range a.strings {
		bytes = text(bytes, 9, value)
	}
	return bytes
}

func (t Tensor) marshal(name string) []byte {
	return message(t.head(name), 9, t.Data)
}

// external is ONNX's TensorProto.DataLocation of data in another file.
const external = 1

// marshalApart says where in a file the data is.
func (t Tensor) marshalApart(name, file string, offset int) []byte {
	bytes := t.head(name)
	for _, entry := range [][2]string{{"location", file}, {"offset", strconv.Itoa(offset)}, {"length", strconv.Itoa(len(t.Data))}} {
		bytes = message(bytes, 13, text(text(nil, 1, entry[0]), 2, entry[1]))
	}
	return integer(bytes, 14, external)
}

// head is all but the data.
func (t Tensor) head(name string) []byte {
	var bytes []byte
	for _, side := range t.Dims {
		bytes = integer(bytes, 1, side)
	}
	bytes = integer(bytes, 2, int64(t.Type))
	return text(bytes, 8, name)
}

func (v *Value) marshal() []byte {
	tensor := integer(nil, 1, int64(v.kind))
	if v.shape != nil {
		tensor = message(tensor, 2, v.shape.marshal())
	}
	return message(text(nil, 1, v.name), 2, message(nil, 1, tensor))
}

func (s Shape) marshal() []byte {
	var bytes []byte
	for _, side := range s {
		var dimension []byte
		switch {
		case side.Symbol != "":
			dimension = text(nil, 2, side.Symbol)
		case !side.unknown():
			dimension = integer(nil, 1, side.Size)
		}
		bytes = message(bytes, 1, dimension)
	}
	return bytes
}

func integer(bytes []byte, field protowire.Number, value int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(bytes, field, protowire.VarintType), uint64(value))
}

func float(bytes []byte, field protowire.Number, value float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(bytes, field, protowire.Fixed32Type), math.Float32bits(value))
}

func text(bytes []byte, field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(bytes, field, protowire.BytesType), value)
}

func message(bytes []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(bytes, field, protowire.BytesType), value)
}
