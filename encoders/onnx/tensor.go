package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Tensor is a constant: Data holds the elements row by row, little-endian.
type Tensor struct {
	Type DataType
	Dims []int64
	Data []byte
}

// Float32s is a float32 tensor; without dims it is a scalar if it holds one value.
func Float32s(values []float32, dims ...int64) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return Tensor{Float32, dims, data}
}

// Float64s is a float64 tensor; without dims it is a scalar if it holds one value.
func Float64s(values []float64, dims ...int64) Tensor {
	data := make([]byte, 0, 8*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(value))
	}
	return Tensor{Float64, dims, data}
}

// Float16s is a float16 tensor of IEEE 754 half-precision bits.
func Float16s(bits []uint16, dims ...int64) Tensor {
	data := make([]byte, 0, 2*len(bits))
	for _, value := range bits {
		data = binary.LittleEndian.AppendUint16(data, value)
	}
	return Tensor{Float16, dims, data}
}

// Int64s is an int64 tensor.
func Int64s(values []int64, dims ...int64) Tensor {
	data := make([]byte, 0, 8*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(value))
	}
	return Tensor{Int64, dims, data}
}

// Int32s is an int32 tensor.
func Int32s(values []int32, dims ...int64) Tensor {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(value))
	}
	return Tensor{Int32, dims, data}
}

// Int8s is an int8 tensor.
func Int8s(values []int8, dims ...int64) Tensor {
	data := make([]byte, len(values))
	for i, value := range values {
		data[i] = byte(value)
	}
	return Tensor{Int8, dims, data}
}

// Uint8s is a uint8 tensor; it keeps values, which must not change afterwards.
func Uint8s(values []uint8, dims ...int64) Tensor { return Tensor{Uint8, dims, values} }

// check reports an element type that is not known, a negative side, or data
// whose length is not that of the shape.
func (t Tensor) check() error {
	if t.Type.Size() == 0 {
		return fmt.Errorf("%v is not a type that can be written", t.Type)
	}
	count := int64(1)
	for _, side := range t.Dims {
		if side < 0 {
			return fmt.Errorf("shape %v has a negative side", t.Dims)
		}
		count *= side
	}
	if want := count * int64(t.Type.Size()); want != int64(len(t.Data)) {
		return fmt.Errorf("shape %v of %v takes %d bytes, not %d", t.Dims, t.Type, want, len(t.Data))
	}
	return nil
}

func (t Tensor) shape() Shape {
	shape := Shape{}
	for _, side := range t.Dims {
		shape = append(shape, Fixed(side))
	}
	return shape
}

// ints are the values of an int64 tensor.
func (t Tensor) ints() []int64 {
	values := make([]int64, len(t.Data)/8)
	for i := range values {
		values[i] = int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return values
}
