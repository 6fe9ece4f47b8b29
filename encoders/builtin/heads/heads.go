// Package heads is the file of the built-in encoder's trained heads: two small
// networks that bring picture features and sentence features into one space. Training
// writes it, the maker of the bundle reads it; neither knows the other.
//
// A file is a line, the length of a header of JSON, the header, the numbers, and the
// SHA-256 of all before. A weight is an int8 times a scale of its column, which costs
// nothing that can be measured and a quarter of the bytes.
package heads

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// A Layer is linear: inputs times weights plus offset.
type Layer struct {
	Inputs  int       `json:"inputs"`
	Outputs int       `json:"outputs"`
	Weights []int8    `json:"-"` // [inputs, outputs]
	Scales  []float32 `json:"-"` // by output
	Offset  []float32 `json:"-"` // by output
}

// NewLayer takes weights [inputs, outputs] to the nearest int8 of their column.
func NewLayer(inputs, outputs int, weights, offset []float32) Layer {
	l := Layer{Inputs: inputs, Outputs: outputs, Weights: make([]int8, len(weights)), Scales: make([]float32, outputs), Offset: offset}
	for i, value := range weights {
		l.Scales[i%outputs] = max(l.Scales[i%outputs], float32(math.Abs(float64(value)))/127)
	}
	for i, value := range weights {
		if scale := l.Scales[i%outputs]; scale > 0 {
			l.Weights[i] = int8(max(-127, min(127, math.RoundToEven(float64(value)/float64(scale)))))
		}
	}
	return l
}

// Values are the weights as numbers, [inputs, outputs].
func (l Layer) Values() []float32 {
	values := make([]float32, len(l.Weights))
	for i, weight := range l.Weights {
		values[i] = float32(weight) * l.Scales[i%l.Outputs]
	}
	return values
}

// A Head is a layer, a rectifier and a layer.
type Head struct {
	Hidden Layer `json:"hidden"`
	Output Layer `json:"output"`
}

// File is what a file holds.
type File struct {
	// SentenceScale multiplies a sentence's feature, of unit length, before its head.
	SentenceScale float32 `json:"sentence_scale"`
	// ClassNames is the weight of the class names beside the heads in a vector.
	ClassNames float64 `json:"class_names"`
	Picture    Head    `json:"picture"`
	Sentence   Head    `json:"sentence"`
}

// magic begins every file: what it is, and the version of what follows.
const magic = "vsed heads 1\n"

// limit is the most inputs or outputs of a layer.
const limit = 1 << 16

func (f *File) layers() []*Layer {
	return []*Layer{&f.Picture.Hidden, &f.Picture.Output, &f.Sentence.Hidden, &f.Sentence.Output}
}

// Dimensions is the length of the heads' vectors.
func (f *File) Dimensions() int { return f.Picture.Output.Outputs }

func (f *File) check() error {
	for _, layer := range f.layers() {
		if layer.Inputs < 1 || layer.Outputs < 1 || layer.Inputs > limit || layer.Outputs > limit {
			return fmt.Errorf("a layer of %d inputs and %d outputs", layer.Inputs, layer.Outputs)
		}
	}
	switch {
	case f.Picture.Hidden.Outputs != f.Picture.Output.Inputs, f.Sentence.Hidden.Outputs != f.Sentence.Output.Inputs:
		return errors.New("a head whose two layers do not fit")
	case f.Sentence.Output.Outputs != f.Dimensions():
		return fmt.Errorf("heads of %d and %d dimensions", f.Dimensions(), f.Sentence.Output.Outputs)
	case !(f.SentenceScale > 0) || !(f.ClassNames > 0) || math.IsInf(f.ClassNames, 0):
		return fmt.Errorf("sentence scale %v and class names' weight %v, which must be above 0", f.SentenceScale, f.ClassNames)
	}
	return nil
}

// Write writes the file in place of one that is there.
func (f *File) Write(path string) error {
	data, err := f.encode()
	if err != nil {
		return fmt.Errorf("heads: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

func (f *File) encode() ([]byte, error) {
	if err := errors.Join(f.check(), f.checkNumbers()); err != nil {
		return nil, err
	}
	header, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	data := append(binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(header))), header...)
	for _, layer := range f.layers() {
		for _, numbers := range []any{layer.Scales, layer.Offset, layer.Weights} {
			if data, err = binary.Append(data, binary.LittleEndian, numbers); err != nil {
				return nil, err
			}
		}
	}
	digest := sha256.Sum256(data)
	return append(data, digest[:]...), nil
}

// Read reads what Write wrote.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("heads %s: %w; take the file from the project again, or train it with vsed-trainer", path, err)
	}
	return f, nil
}

func parse(data []byte) (*File, error) {
	head := len(magic) + 4
	if len(data) < head+sha256.Size || !bytes.HasPrefix(data, []byte(magic)) {
		return nil, errors.New("is no file of heads of this version")
	}
	content, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if digest := sha256.Sum256(content); !bytes.Equal(digest[:], sum) {
		return nil, errors.New("is damaged: its checksum does not match")
	}
	length := int(binary.LittleEndian.Uint32(content[len(magic):]))
	if length > len(content)-head {
		return nil, errors.New("is damaged: its header is longer than the file")
	}
	f := &File{}
	if err := json.Unmarshal(content[head:head+length], f); err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := f.numbers(content[head+length:]); err != nil {
		return nil, err
	}
	return f, f.checkNumbers()
}

// checkNumbers refuses what would make every vector of no number.
func (f *File) checkNumbers() error {
	for i, layer := range f.layers() {
		for _, value := range slices.Concat(layer.Scales, layer.Offset) {
			if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
				return fmt.Errorf("layer %d of 4 holds %v", i+1, value)
			}
		}
	}
	return nil
}

func (f *File) numbers(data []byte) error {
	total := 0
	for _, layer := range f.layers() {
		total += layer.Inputs*layer.Outputs + 8*layer.Outputs
	}
	if len(data) != total {
		return fmt.Errorf("is damaged: it has %d bytes of numbers, its header speaks of %d", len(data), total)
	}
	for _, layer := range f.layers() {
		layer.Weights, layer.Scales, layer.Offset = make([]int8, layer.Inputs*layer.Outputs), make([]float32, layer.Outputs), make([]float32, layer.Outputs)
		for _, numbers := range []any{layer.Scales, layer.Offset, layer.Weights} {
			// Decode would read int8 beyond the end of the slice: it is given no more.
			size := binary.Size(numbers)
			if _, err := binary.Decode(data[:size], binary.LittleEndian, numbers); err != nil {
				return err
			}
			data = data[size:]
		}
	}
	return nil
}
