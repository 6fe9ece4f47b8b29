package onnx

// attributeType is numbered as in ONNX's AttributeProto.AttributeType.
type attributeType int32

const (
	attributeFloat   attributeType = 1
	attributeInt     attributeType = 2
	attributeString  attributeType = 3
	attributeTensor  attributeType = 4
	attributeFloats  attributeType = 6
	attributeInts    attributeType = 7
	attributeStrings attributeType = 8
)

// Attribute is a setting of a node that is fixed when the graph is written.
type Attribute struct {
	name    string
	kind    attributeType
	ints    []int64
	floats  []float32
	strings []string
	tensor  Tensor
}

// Int is an integer attribute.
func Int(name string, value int64) Attribute {
	return Attribute{name: name, kind: attributeInt, ints: []int64{value}}
}

// Ints is a list of integers.
func Ints(name string, values ...int64) Attribute {
	return Attribute{name: name, kind: attributeInts, ints: values}
}

// Float is a float32 attribute.
func Float(name string, value float32) Attribute {
	return Attribute{name: name, kind: attributeFloat, floats: []float32{value}}
}

// Floats is a list of float32.
func Floats(name string, values ...float32) Attribute {
	return Attribute{name: name, kind: attributeFloats, floats: values}
}

// String is a text attribute.
func String(name, value string) Attribute {
	return Attribute{name: name, kind: attributeString, strings: []string{value}}
}

// Strings is a list of texts.
func Strings(name string, values ...string) Attribute {
	return Attribute{name: name, kind: attributeStrings, strings: values}
}

// TensorOf is a tensor attribute, as ConstantOfShape takes.
func TensorOf(name string, value Tensor) Attribute {
	return Attribute{name: name, kind: attributeTensor, tensor: value}
}

// attributes looks settings up by name.
type attributes []Attribute

func (a attributes) find(name string) (Attribute, bool) {
	for _, attribute := range a {
		if attribute.name == name {
			return attribute, true
		}
	}
	return Attribute{}, false
}

func (a attributes) int(name string, otherwise int64) int64 {
	if found, ok := a.find(name); ok && found.kind == attributeInt {
		return found.ints[0]
	}
	return otherwise
}

// intList gives the list, or count times the default where it is absent.
func (a attributes) intList(name string, count int, otherwise int64) []int64 {
	if found, ok := a.find(name); ok && found.kind == attributeInts {
		return found.ints
	}
	list := make([]int64, count)
	for i := range list {
		list[i] = otherwise
	}
	return list
}
