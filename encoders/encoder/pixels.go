package encoder

import (
	"fmt"

	"github.com/x448/float16"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
)

// filler makes a picture graph's input of pixels.
type filler func(pixels [][]byte, batch int) runtime.Tensor

// newFiller chooses by the manifest's type and layout. A short batch is filled up
// with zeros.
func newFiller(about bundle.Picture) (filler, error) {
	switch about.Type {
	case "uint8":
		return fillAs(about, func(value float64) uint8 { return uint8(value) }), nil
	case "float32":
		return fillAs(about, func(value float64) float32 { return float32(value) }), nil
	case "float16":
		return fillAs(about, func(value float64) float16.Float16 { return float16.Fromfloat32(float32(value)) }), nil
	}
	return nil, fmt.Errorf("picture.type is %q, which is not known here", about.Type)
}

func fillAs[T any](about bundle.Picture, convert func(float64) T) filler {
	tables := tablesOf(about, convert)
	area := about.Width * about.Height
	shape := []int64{0, int64(about.Height), int64(about.Width), 3}
	pixel, channel := 3, 1 // steps to the next pixel and channel
	if about.Layout == "NCHW" {
		shape = []int64{0, 3, int64(about.Height), int64(about.Width)}
		pixel, channel = 1, area
	}
	return func(pictures [][]byte, batch int) runtime.Tensor {
		data := make([]T, batch*area*3)
		for i, picture := range pictures {
			place := data[i*area*3 : (i+1)*area*3]
			for c := range 3 {
				table := &tables[c]
				for j, at := c, c*channel; j < len(picture); j, at = j+3, at+pixel {
					place[at] = table[picture[j]]
				}
			}
		}
		return runtime.Tensor{Shape: append([]int64{int64(batch)}, shape[1:]...), Data: data}
	}
}

// tablesOf gives, for each channel, what the graph takes for each value of a pixel.
func tablesOf[T any](about bundle.Picture, convert func(float64) T) (tables [3][256]T) {
	for c := range tables {
		for value := range tables[c] {
			exact := float64(value)
			if about.Mean != nil {
				exact = (exact/255 - about.Mean[c]) / about.Deviation[c]
			}
			tables[c][value] = convert(exact)
		}
	}
	return tables
}

// checkPicturePorts compares the graph with the manifest.
func checkPicturePorts(session *runtime.Session, about bundle.Picture) error {
	if len(session.Inputs) != 1 || session.Inputs[0].Name != about.Input {
		return fmt.Errorf("picture.input is %q, the graph takes %v", about.Input, portNames(session.Inputs))
	}
	input := session.Inputs[0]
	if input.Type != about.Type {
		return fmt.Errorf("picture.type is %s, the graph takes %s", about.Type, input.Type)
	}
	want := []int64{-1, int64(about.Height), int64(about.Width), 3}
	if about.Layout == "NCHW" {
		want = []int64{-1, 3, int64(about.Height), int64(about.Width)}
	}
	fits := len(input.Dims) == len(want)
	for i := 1; fits && i < len(want); i++ {
		fits = input.Dims[i] < 0 || input.Dims[i] == want[i]
	}
	if !fits {
		return fmt.Errorf("picture.width, height and layout make %v, the graph takes %v", want, input.Dims)
	}
	if fixed := input.Dims[0]; fixed > int64(about.Batch) {
		return fmt.Errorf("picture.batch is %d, the graph takes %d pictures at a time", about.Batch, fixed)
	}
	return nil
}

func portNames(ports []runtime.Port) []string {
	var names []string
	for _, port := range ports {
		names = append(names, port.Name)
	}
	return names
}
