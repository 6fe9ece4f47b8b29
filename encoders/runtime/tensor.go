package runtime

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// Tensor is a block of numbers: Data is a []float32, []uint8, []int8, []int32
// or []int64 with as many elements as Shape says, row by row. An input's Data is
// read in place and must not change while it runs; an output's is the caller's.
type Tensor struct {
	Shape []int64
	Data  any
}

// Float32s is the tensor's data as float32.
func (t Tensor) Float32s() ([]float32, error) {
	data, ok := t.Data.([]float32)
	if !ok {
		return nil, fmt.Errorf("tensor holds %T, not float32", t.Data)
	}
	return data, nil
}

func (t Tensor) value() (ort.Value, error) {
	switch data := t.Data.(type) {
	case []float32:
		return newValue(t.Shape, data)
	case []uint8:
		return newValue(t.Shape, data)
	case []int8:
		return newValue(t.Shape, data)
	case []int32:
		return newValue(t.Shape, data)
	case []int64:
		return newValue(t.Shape, data)
	}
	return nil, fmt.Errorf("tensor of %T cannot be given to a model", t.Data)
}

func newValue[T ort.TensorData](shape []int64, data []T) (ort.Value, error) {
	if want := ort.NewShape(shape...).FlattenedSize(); want != int64(len(data)) {
		return nil, fmt.Errorf("tensor of shape %v takes %d values, not %d", shape, want, len(data))
	}
	return ort.NewTensor(ort.NewShape(shape...), data)
}

// fromValue takes the data out of a value; the value may be destroyed after.
func fromValue(value ort.Value) (Tensor, error) {
	shape := []int64(value.GetShape())
	switch tensor := value.(type) {
	case *ort.Tensor[float32]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[uint8]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int8]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int32]:
		return Tensor{shape, tensor.GetData()}, nil
	case *ort.Tensor[int64]:
		return Tensor{shape, tensor.GetData()}, nil
	}
	return Tensor{}, fmt.Errorf("model gives %T, which is not read here", value)
}
