// Package tfjs reads TensorFlow.js graph models: a model.json and the weight
// files that it names. It checks what it reads and converts nothing.
package tfjs

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strings"
)

// Model is a graph and its constants.
type Model struct {
	nodes   map[string]*Node
	weights map[string]Tensor
}

// Tensor is a constant, row by row. Values of int32 constants are in Ints, those
// of float32 ones in Floats.
type Tensor struct {
	Shape  []int
	Floats []float32
	Ints   []int32
}

// Len is the number of elements that the shape holds.
func (t Tensor) Len() int {
	count := 1
	for _, side := range t.Shape {
		count *= side
	}
	return count
}

type document struct {
	Format   string `json:"format"`
	Topology struct {
		Nodes []*Node `json:"node"`
	} `json:"modelTopology"`
	Manifest []group `json:"weightsManifest"`
}

// group is a run of weights that lie one after another in some files.
type group struct {
	Paths   []string `json:"paths"`
	Weights []weight `json:"weights"`
}

type weight struct {
	Name         string          `json:"name"`
	Type         string          `json:"dtype"`
	Shape        []int           `json:"shape"`
	Quantisation json.RawMessage `json:"quantization"`
}

// Read reads the model.json at name and the weight files beside it.
func Read(files fs.FS, name string) (*Model, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var parsed document
	if err := json.Unmarshal(data, &parsed); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if parsed.Format != "graph-model" {
		return nil, fmt.Errorf("%s: format %q is not a graph model", name, parsed.Format)
	}
	model := &Model{map[string]*Node{}, map[string]Tensor{}}
	for _, node := range parsed.Topology.Nodes {
		if node == nil || node.Name == "" || model.nodes[node.Name] != nil {
			return nil, fmt.Errorf("%s: a node has no name of its own", name)
		}
		model.nodes[node.Name] = node
	}
	for _, each := range parsed.Manifest {
		if err := model.readGroup(files, path.Dir(name), each); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return model, nil
}

func (m *Model) readGroup(files fs.FS, folder string, each group) error {
	var data []byte
	for _, name := range each.Paths {
		shard, err := fs.ReadFile(files, path.Join(folder, name))
		if err != nil {
			return err
		}
		data = append(data, shard...)
	}
	for _, weight := range each.Weights {
		tensor, rest, err := weight.read(data)
		if err != nil {
			return fmt.Errorf("weight %q: %w", weight.Name, err)
		}
		m.weights[weight.Name] = tensor
		data = rest
	}
	if len(data) != 0 {
		return fmt.Errorf("weight files %s hold %d bytes too many", strings.Join(each.Paths, ", "), len(data))
	}
	return nil
}

// read takes the weight off the front of data.
func (w weight) read(data []byte) (Tensor, []byte, error) {
	if w.Quantisation != nil {
		return Tensor{}, nil, fmt.Errorf("is quantised, which is not read here")
	}
	count := 1
	for _, side := range w.Shape {
		if side < 0 || side > 0 && count > math.MaxInt32/side {
			return Tensor{}, nil, fmt.Errorf("shape %v is out of range", w.Shape)
		}
		count *= side
	}
	if len(data) < 4*count {
		return Tensor{}, nil, fmt.Errorf("takes %d bytes, only %d are left", 4*count, len(data))
	}
	tensor := Tensor{Shape: w.Shape}
	for i := range count {
		bits := binary.LittleEndian.Uint32(data[4*i:])
		switch w.Type {
		case "float32":
			tensor.Floats = append(tensor.Floats, math.Float32frombits(bits))
		case "int32":
			tensor.Ints = append(tensor.Ints, int32(bits))
		default:
			return Tensor{}, nil, fmt.Errorf("type %q is not read here", w.Type)
		}
	}
	return tensor, data[4*count:], nil
}

// Node finds a node by its name, or by an input that names one of its outputs.
func (m *Model) Node(name string) (*Node, error) {
	plain, _, _ := strings.Cut(name, ":")
	if node := m.nodes[plain]; node != nil {
		return node, nil
	}
	return nil, fmt.Errorf("the model has no node %q", plain)
}

// Constant is the value of a constant node, seen through Identity and BroadcastTo;
// false for a node that is none.
func (m *Model) Constant(name string) (Tensor, bool) {
	for range len(m.nodes) { // a loop of nodes ends too
		node, err := m.Node(name)
		if err != nil {
			return Tensor{}, false
		}
		switch {
		case node.Op == "Const":
			tensor, ok := m.weights[node.Name]
			return tensor, ok
		case (node.Op == "Identity" || node.Op == "BroadcastTo") && len(node.Inputs) > 0:
			name = node.Inputs[0]
		default:
			return Tensor{}, false
		}
	}
	return Tensor{}, false
}
