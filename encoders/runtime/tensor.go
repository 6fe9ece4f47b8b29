package runtime

import (
	"fmt"
	"unsafe"

	"github.com/x448/float16"
	ort "github.com/yalue/onnxruntime_go"
)

// Tensor is a block of numbers: Data is a []float32, []float64, []float16.Float16, []uint8,
// []int8, []int32, []int64 or []bool with as many elements as Shape says, row by
// row. An input's Data is read in place and must not change while it runs; an
// output's is the caller's.
type Tensor struct {
	Shape []int64
	Data  any
}

// Float32s is the data of a float32 tensor, or of a float16 tensor widened.
func (t Tensor) Float32s() ([]float32, error) {
	switch data := t.Data.(type) {
	case []float32:
		return data, nil
	case []float16.Float16:
		wide := make([]float32, len(data))
		for i, value := range data {
			wide[i] = value.Float32()
		}
		return wide, nil
	}
	return nil, fmt.Errorf("tensor holds %T, not float32 or float16", t.Data)
}

// elementType names the type of a tensor's elements; "" where there is none.
func (t Tensor) elementType() string {
	switch t.Data.(type) {
	case []float32:
		return "float32"
	case []float64:
		return "float64"
	case []float16.Float16:
		return "float16"
	case []uint8:
		return "uint8"
	case []int8:
		return "int8"
	case []int32:
		return "int32"
	case []int64:
		return "int64"
	case []bool:
		return "bool"
	}
	return ""
}

// supported reports whether tensors of an element type can be given and taken.
func supported(kind string) bool {
	switch kind {
	case "float32", "float64", "float16", "uint8", "int8", "int32", "int64", "bool":
		return true
	}
	return false
}

func (t Tensor) value() (ort.Value, error) {
	switch data := t.Data.(type) {
	case []float32:
		return newValue(t.Shape, data)
	case []float64:
		return newValue(t.Shape, data)
	case []float16.Float16:
		return newHalfValue(t.Shape, data)
	case []uint8:
		return newValue(t.Shape, data)
	case []int8:
		return newValue(t.Shape, data)
	case []int32:
		return newValue(t.Shape, data)
	case []int64:
		return newValue(t.Shape, data)
	case []bool:
		return newValue(t.Shape, data)
	}
	return nil, fmt.Errorf("tensor of %T cannot be given to a model", t.Data)
}

func newValue[T ort.TensorData](shape []int64, data []T) (ort.Value, error) {
	if err := checkLength(shape, len(data)); err != nil {
		return nil, err
	}
	return ort.NewTensor(ort.NewShape(shape...), data)
}

// newHalfValue goes through bytes, as the binding has no float16.
func newHalfValue(shape []int64, data []float16.Float16) (ort.Value, error) {
	if err := checkLength(shape, len(data)); err != nil {
		return nil, err
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 2*len(data))
	return ort.NewCustomDataTensor(ort.NewShape(shape...), bytes, ort.TensorElementDataTypeFloat16)
}

func checkLength(shape []int64, length int) error {
	if want := ort.NewShape(shape...).FlattenedSize(); want != int64(length) {
		return fmt.Errorf("tensor of shape %v takes %d values, not %d", shape, want, length)
	}
	return nil
}

// fromValue takes the data out of a value; the value may be destroyed after.
func fromValue(value ort.Value) (Tensor, error) {
	shape := []int64(value.GetShape())
	switch tensor := value.(type) {
	case *ort.Tensor[float32]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[float64]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[uint8]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int8]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int32]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int64]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[bool]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.CustomDataTensor: // made by emptyHalf: nothing else has this type
		bytes := tensor.GetData()
		return Tensor{shape, unsafe.Slice((*float16.Float16)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/2)}, nil
	}
	return Tensor{}, fmt.Errorf("model gives %T, which is not read here", value)
}

// emptyHalf is room for a float16 output of a shape.
func emptyHalf(shape []int64) (ort.Value, error) {
	return newHalfValue(shape, make([]float16.Float16, ort.NewShape(shape...).FlattenedSize()))
}
