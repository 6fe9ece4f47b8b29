package onnx

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Replace gives a model with other values in the constants of these names: each has to
// be there once, in the model itself, with the type and shape of what takes its place.
// All else stays byte for byte.
func Replace(model []byte, with map[string]Tensor) ([]byte, error) {
	left := make(map[string]Tensor, len(with))
	for name, tensor := range with {
		if err := tensor.check(); err != nil {
			return nil, fmt.Errorf("constant %q: %w", name, err)
		}
		left[name] = tensor
	}
	replaced, err := edit(model, 7, func(graph []byte) ([]byte, error) {
		return edit(graph, 5, func(constant []byte) ([]byte, error) { return exchange(constant, with, left) })
	})
	if err != nil {
		return nil, err
	}
	for name := range left {
		return nil, fmt.Errorf("the model has no constant %q: it was made by another version of this program", name)
	}
	return replaced, nil
}

// exchange gives what stands for a constant, and takes it off what is left.
func exchange(constant []byte, with, left map[string]Tensor) ([]byte, error) {
	found, err := readConstant(constant)
	if err != nil {
		return nil, err
	}
	tensor, wanted := with[found.name]
	if !wanted {
		return constant, nil
	}
	if _, first := left[found.name]; !first {
		return nil, fmt.Errorf("the model has two constants %q", found.name)
	}
	delete(left, found.name)
	if found.apart || found.kind != tensor.Type || !slices.Equal(found.dims, tensor.Dims) {
		return nil, fmt.Errorf("constant %q is %v %v, not %v %v in the model itself", found.name, found.kind, found.dims, tensor.Type, tensor.Dims)
	}
	return tensor.marshal(found.name), nil
}

// storedConstant is what is read of a TensorProto.
type storedConstant struct {
	name  string
	kind  DataType
	dims  []int64
	apart bool // its values are in another file
}

func readConstant(bytes []byte) (found storedConstant, err error) {
	err = each(bytes, func(number protowire.Number, kind protowire.Type, value []byte) error {
		integer, _ := protowire.ConsumeVarint(value)
		switch {
		case number == 1 && kind == protowire.VarintType:
			found.dims = append(found.dims, int64(integer))
		case number == 1 && kind == protowire.BytesType: // packed, as others write it
			packed, _ := protowire.ConsumeBytes(value)
			for len(packed) > 0 {
				side, length := protowire.ConsumeVarint(packed)
				if length < 0 {
					return protowire.ParseError(length)
				}
				found.dims, packed = append(found.dims, int64(side)), packed[length:]
			}
		case number == 2 && kind == protowire.VarintType:
			found.kind = DataType(integer)
		case number == 8 && kind == protowire.BytesType:
			name, _ := protowire.ConsumeBytes(value)
			found.name = string(name)
		case number == 14 && kind == protowire.VarintType:
			found.apart = integer == external
		}
		return nil
	})
	return found, err
}

// edit rewrites the fields of a number, which are messages.
func edit(bytes []byte, wanted protowire.Number, change func([]byte) ([]byte, error)) ([]byte, error) {
	edited := make([]byte, 0, len(bytes))
	err := each(bytes, func(number protowire.Number, kind protowire.Type, value []byte) error {
		if number != wanted || kind != protowire.BytesType {
			edited = append(protowire.AppendTag(edited, number, kind), value...)
			return nil
		}
		inner, _ := protowire.ConsumeBytes(value)
		changed, err := change(inner)
		edited = message(edited, number, changed)
		return err
	})
	return edited, err
}

// each calls f with each field of a message and its value as it is encoded.
func each(bytes []byte, f func(number protowire.Number, kind protowire.Type, value []byte) error) error {
	for len(bytes) > 0 {
		number, kind, length := protowire.ConsumeTag(bytes)
		if length < 0 {
			return fmt.Errorf("this is no ONNX model: %w", protowire.ParseError(length))
		}
		bytes = bytes[length:]
		if length = protowire.ConsumeFieldValue(number, kind, bytes); length < 0 {
			return fmt.Errorf("this is no ONNX model: %w", protowire.ParseError(length))
		}
		if err := f(number, kind, bytes[:length]); err != nil {
			return err
		}
		bytes = bytes[length:]
	}
	return nil
}
