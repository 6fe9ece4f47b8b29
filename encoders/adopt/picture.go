package adopt

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
)

// preprocess is open_clip's configuration of a picture's way into the graph.
type preprocess struct {
	Size          json.RawMessage `json:"size"` // a number, or height and width
	Mode          string          `json:"mode"`
	Mean          []float64       `json:"mean"`
	Deviation     []float64       `json:"std"`
	Interpolation string          `json:"interpolation"`
	Resize        string          `json:"resize_mode"`
	Fill          int             `json:"fill_color"`
}

var kernels = map[string]string{"bicubic": "cubic", "bilinear": "linear", "lanczos": "lanczos3"}

var fits = map[string]string{"": "crop", "shortest": "crop", "squash": "squash", "longest": "pad"}

func readPicture(folder string, c *config) (picture *bundle.Picture, precision string, err error) {
	var p preprocess
	if err := readJSON(folder, preprocessFile, &p); err != nil {
		return nil, "", err
	}
	model, err := runtime.Inspect(filepath.Join(folder, filepath.FromSlash(pictureFile)))
	if err != nil {
		return nil, "", err
	}
	picture = &bundle.Picture{Graph: graphOf(pictureFile, model)}
	if err := p.fill(picture); err != nil {
		return nil, "", fmt.Errorf("%s: %w", preprocessFile, err)
	}
	if err := readPorts(model, picture); err != nil {
		return nil, "", fmt.Errorf("%s: %w", pictureFile, err)
	}
	if picture.Output, err = vectorOutput(model, c.Dimensions); err != nil {
		return nil, "", fmt.Errorf("%s: %w", pictureFile, err)
	}
	if picture.Type != "uint8" {
		picture.Mean, picture.Deviation = p.Mean, p.Deviation
	}
	return picture, model.Precision, nil
}

// fill translates the preprocessing.
func (p *preprocess) fill(picture *bundle.Picture) error {
	var sides [2]int
	if json.Unmarshal(p.Size, &sides[0]) == nil {
		sides[1] = sides[0]
	} else if err := json.Unmarshal(p.Size, &sides); err != nil || len(p.Size) == 0 {
		return fmt.Errorf("size is %s, neither a number nor height and width", orMissing(p.Size))
	}
	picture.Height, picture.Width = sides[0], sides[1]
	if picture.Height < 1 || picture.Width < 1 {
		return fmt.Errorf("size is %s", p.Size)
	}
	var known bool
	if picture.Kernel, known = kernels[p.Interpolation]; !known {
		return fmt.Errorf("interpolation is %q, not bicubic, bilinear or lanczos", p.Interpolation)
	}
	if picture.Fit, known = fits[p.Resize]; !known {
		return fmt.Errorf("resize_mode is %q, not shortest, squash or longest", p.Resize)
	}
	if picture.Fit == "pad" && p.Fill != 0 {
		return fmt.Errorf("fill_color is %d; only black, 0, can be given", p.Fill)
	}
	if p.Mode != "" && p.Mode != "RGB" {
		return fmt.Errorf("mode is %q, not RGB", p.Mode)
	}
	if len(p.Mean) != 3 || len(p.Deviation) != 3 {
		return fmt.Errorf("mean and std have %d and %d values, not one a channel", len(p.Mean), len(p.Deviation))
	}
	return nil
}

func orMissing(text json.RawMessage) string {
	if len(text) == 0 {
		return "missing"
	}
	return string(text)
}

// readPorts takes type, layout and batch from the graph's one input.
func readPorts(model *runtime.Model, picture *bundle.Picture) error {
	if len(model.Inputs) != 1 {
		return fmt.Errorf("takes %d inputs, not one picture", len(model.Inputs))
	}
	input := model.Inputs[0]
	picture.Input, picture.Type = input.Name, input.Type
	if !slices.Contains([]string{"uint8", "float32", "float16"}, input.Type) {
		return fmt.Errorf("input %q is %s, not uint8, float32 or float16", input.Name, input.Type)
	}
	if len(input.Dims) != 4 {
		return fmt.Errorf("input %q has shape %v, not four sides", input.Name, input.Dims)
	}
	height, width := input.Dims[2], input.Dims[3]
	switch {
	case input.Dims[1] == 3:
		picture.Layout = "NCHW"
	case input.Dims[3] == 3:
		picture.Layout = "NHWC"
		height, width = input.Dims[1], input.Dims[2]
	default:
		return fmt.Errorf("input %q has shape %v, in which no side is the three channels", input.Name, input.Dims)
	}
	if (height > 0 && height != int64(picture.Height)) || (width > 0 && width != int64(picture.Width)) {
		return fmt.Errorf("input %q has shape %v, %s has size %d×%d", input.Name, input.Dims, preprocessFile, picture.Width, picture.Height)
	}
	picture.Batch = maximumBatch
	if fixed := input.Dims[0]; fixed > 0 {
		picture.Batch = int(fixed)
	}
	return nil
}

// vectorOutput finds the output that is a vector for each input.
func vectorOutput(model *runtime.Model, dimensions int) (string, error) {
	var found []string
	for _, port := range model.Outputs {
		rows := len(port.Dims) == 2 && (port.Dims[1] == int64(dimensions) || port.Dims[1] < 0)
		if (rows || port.Dims == nil) && (port.Type == "float32" || port.Type == "float16") {
			found = append(found, port.Name)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d of its %d outputs are vectors of %d dimensions as embed_dim in %s says, not one", len(found), len(model.Outputs), dimensions, configFile)
	}
	return found[0], nil
}

func graphOf(file string, model *runtime.Model) bundle.Graph {
	graph := bundle.Graph{File: file}
	for _, weights := range model.Weights {
		graph.Weights = append(graph.Weights, filepath.ToSlash(filepath.Join(filepath.Dir(file), weights)))
	}
	return graph
}
