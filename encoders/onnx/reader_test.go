package onnx

import (
	"fmt"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a protobuf message, read without knowing its meaning.
type field struct {
	number   protowire.Number
	number64 uint64 // varint and fixed32
	bytes    []byte
}

type fields []field

// read splits a message into its fields.
func read(bytes []byte) (fields, error) {
	var found fields
	for len(bytes) > 0 {
		number, kind, length := protowire.ConsumeTag(bytes)
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		bytes = bytes[length:]
		each := field{number: number}
		switch kind {
		case protowire.VarintType:
			each.number64, length = protowire.ConsumeVarint(bytes)
		case protowire.Fixed32Type:
			var bits uint32
			bits, length = protowire.ConsumeFixed32(bytes)
			each.number64 = uint64(bits)
		case protowire.BytesType:
			each.bytes, length = protowire.ConsumeBytes(bytes)
		default:
			return nil, fmt.Errorf("wire type %d", kind)
		}
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		bytes = bytes[length:]
		found = append(found, each)
	}
	return found, nil
}

// must reads a message that has to be sound.
func must(t *testing.T, bytes []byte) fields {
	t.Helper()
	found, err := read(bytes)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (f fields) all(number protowire.Number) [][]byte {
	var found [][]byte
	for _, each := range f {
		if each.number == number {
			found = append(found, each.bytes)
		}
	}
	return found
}

func (f fields) texts(number protowire.Number) []string {
	texts := []string{}
	for _, bytes := range f.all(number) {
		texts = append(texts, string(bytes))
	}
	return texts
}

func (f fields) integers(number protowire.Number) []int64 {
	integers := []int64{}
	for _, each := range f {
		if each.number == number {
			integers = append(integers, int64(each.number64))
		}
	}
	return integers
}

func (f fields) float(number protowire.Number) float32 {
	return math.Float32frombits(uint32(f.integers(number)[0]))
}
