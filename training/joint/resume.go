package joint

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"vsed/training/checkpoint"
)

// kept is what a checkpoint says beside its tensors.
type kept struct {
	Settings Settings `json:"settings"`
	Sizes    Sizes    `json:"sizes"`
	From     string   `json:"from"` // digest of the data and of the model that was begun with
	Curve    []Epoch  `json:"curve"`
}

// begunFrom is the digest of what a run learns from, so that a checkpoint is not gone on
// from with other features or words.
func begunFrom(model *Model, captioned, tagged Data) (string, error) {
	sum := sha256.New()
	rows := slices.Concat(captioned.Pictures, tagged.Pictures, [][]float32{model.Words})
	for _, tensor := range model.tensors {
		rows = append(rows, tensor.Values)
	}
	var raw []byte
	for _, row := range rows {
		var err error
		if raw, err = binary.Append(raw[:0], binary.LittleEndian, row); err != nil {
			return "", err
		}
		sum.Write(raw)
	}
	for _, data := range []Data{captioned, tagged} {
		fmt.Fprintln(sum, len(data.Pictures), data.Captions, data.Owner, data.Tags, data.TagWords)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// namedValues are lists of numbers that a checkpoint holds.
func (l *learner) namedValues(best *Model) (tensors []checkpoint.Tensor) {
	add := func(name string, values []float32) {
		tensors = append(tensors, checkpoint.Tensor{Name: name, Values: values})
	}
	for i, model := range []*Model{l.model, best} {
		of := []string{"", "best "}[i]
		add(of+"words", model.Words)
		for _, tensor := range model.tensors {
			add(of+tensor.Name, tensor.Values)
		}
	}
	for i, parameter := range l.parameters {
		mean, square := l.adam.Moments(i)
		add("mean of "+parameter.Name, mean)
		add("square of "+parameter.Name, square)
	}
	return tensors
}

// save keeps the run after an epoch.
func (r Run) save(l *learner, best *Model, curve []Epoch) error {
	if r.Checkpoint == "" {
		return nil
	}
	settings, err := json.Marshal(kept{r.Settings, l.model.Sizes, r.from, curve})
	if err != nil {
		return err
	}
	random, err := l.source.MarshalBinary()
	if err != nil {
		return err
	}
	return checkpoint.Write(r.Checkpoint, checkpoint.State{Step: l.adam.Steps(), Random: random, Settings: settings, Tensors: l.namedValues(best)})
}

// resume takes a run up where its checkpoint has left it, and gives the curve so far.
func (r Run) resume(l *learner, best *Model) (curve []Epoch, err error) {
	if r.Checkpoint == "" {
		return nil, nil
	}
	state, err := checkpoint.Read(r.Checkpoint)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var was kept
	if err := json.Unmarshal(state.Settings, &was); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", r.Checkpoint, err)
	}
	curve, was.Curve = was.Curve, nil
	before, err := json.Marshal(was)
	if err != nil {
		return nil, err
	}
	now, err := json.Marshal(kept{r.Settings, l.model.Sizes, r.from, nil})
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(before, now) {
		return nil, fmt.Errorf("checkpoint %s is of a run with other settings or other data: delete it to begin anew", r.Checkpoint)
	}
	for _, tensor := range l.namedValues(best) {
		if err := state.Restore(tensor.Name, tensor.Values); err != nil {
			return nil, err
		}
	}
	l.adam.Resume(state.Step)
	l.step.Resume(state.Step)
	return curve, l.source.UnmarshalBinary(state.Random)
}
