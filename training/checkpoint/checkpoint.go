// Package checkpoint keeps the state of a training run in one file, so that a run
// that was killed goes on as if it had not been: whole or as before at every moment,
// and refused where a byte of it has changed. It knows tensors by name, and nothing
// of models.
package checkpoint

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// State is all that a run goes on from.
type State struct {
	Step     int             `json:"step"`     // that were taken
	Random   []byte          `json:"random"`   // the generator, as its MarshalBinary gives it
	Settings json.RawMessage `json:"settings"` // of the run, for it to compare
	Tensors  []Tensor        `json:"tensors"`
}

// Tensor is one list of numbers: a weight, a moment of the optimiser, a curve.
type Tensor struct {
	Name   string    `json:"name"`
	Values []float32 `json:"-"`
	Length int       `json:"length"` // set by Write and Read
}

// magic begins every file: what it is, and the version of what follows.
const magic = "vsed checkpoint 1\n"

// part is added to the name while a file is written; what a killed run leaves of one
// is overwritten by the next.
const part = ".part"

// Write puts the state into the file at path, in place of one that is there. After a
// crash or on a full disk the file is the old one. Only one run may write to a path.
func Write(path string, state State) error {
	err := write(path+part, state)
	if err == nil {
		err = os.Rename(path+part, path)
	}
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w: make room for it, and run again; what was kept before is as it was", path, errors.Join(err, remove(path+part)))
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return nil
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func write(path string, state State) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buffered := bufio.NewWriterSize(file, 1<<20)
	digest := sha256.New()
	if err := encode(io.MultiWriter(buffered, digest), state); err != nil {
		return err
	}
	if _, err := buffered.Write(digest.Sum(nil)); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return file.Sync()
}

// encode writes a line, the length of a header of JSON, the header, and the numbers
// of each tensor, little-endian.
func encode(w io.Writer, state State) error {
	tensors := make([]Tensor, len(state.Tensors))
	for i, tensor := range state.Tensors {
		tensors[i] = Tensor{Name: tensor.Name, Length: len(tensor.Values)}
	}
	values := state.Tensors
	state.Tensors = tensors
	header, err := json.Marshal(state)
	if err != nil {
		return err
	}
	head := binary.LittleEndian.AppendUint32([]byte(magic), uint32(len(header)))
	if _, err := w.Write(append(head, header...)); err != nil {
		return err
	}
	for _, tensor := range values {
		if err := binary.Write(w, binary.LittleEndian, tensor.Values); err != nil {
			return err
		}
	}
	return nil
}

// Read gives back what Write put into a file. An error that is os.ErrNotExist means
// that there is none; any other that it cannot be gone on from.
func Read(path string) (State, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return State{}, err
	}
	state, err := decode(data)
	if err != nil {
		return State{}, fmt.Errorf("checkpoint %s: %w; delete it to begin anew", path, err)
	}
	return state, nil
}

func decode(data []byte) (State, error) {
	head := len(magic) + 4
	if len(data) < head+sha256.Size || !bytes.HasPrefix(data, []byte(magic)) {
		return State{}, errors.New("is not a checkpoint of this version, or was cut short")
	}
	content, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if digest := sha256.Sum256(content); !bytes.Equal(digest[:], sum) {
		return State{}, errors.New("is damaged: its checksum does not match")
	}
	length := int(binary.LittleEndian.Uint32(content[len(magic):]))
	if length > len(content)-head {
		return State{}, errors.New("is damaged: its header is longer than the file")
	}
	var state State
	if err := json.Unmarshal(content[head:head+length], &state); err != nil {
		return State{}, err
	}
	return state, numbers(&state, content[head+length:])
}

// numbers fills the tensors.
func numbers(state *State, data []byte) error {
	for i := range state.Tensors {
		tensor := &state.Tensors[i]
		if tensor.Length < 0 || tensor.Length > len(data)/4 {
			return fmt.Errorf("is damaged: %q is longer than the file", tensor.Name)
		}
		tensor.Values = make([]float32, tensor.Length)
		if _, err := binary.Decode(data, binary.LittleEndian, tensor.Values); err != nil {
			return err
		}
		data = data[4*tensor.Length:]
	}
	if len(data) > 0 {
		return errors.New("is damaged: it holds more than its tensors")
	}
	return nil
}

// Restore copies a tensor into values of the same length.
func (s *State) Restore(name string, values []float32) error {
	for _, tensor := range s.Tensors {
		if tensor.Name != name {
			continue
		}
		if len(tensor.Values) != len(values) {
			return fmt.Errorf("checkpoint: %q has %d values, the model %d", name, len(tensor.Values), len(values))
		}
		copy(values, tensor.Values)
		return nil
	}
	return fmt.Errorf("checkpoint: has no %q", name)
}
