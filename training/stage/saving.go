package stage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"vsed/training/checkpoint"
)

// Saving says where a run keeps the state from which it goes on after it was killed, to
// the same bits. The file stays after the run; the caller removes it when the result is
// safe.
type Saving struct {
	Path  string // of the checkpoint; empty: none is kept
	Every int    // so many steps, and at the last
}

// saver writes the state of a learner and of what deals its batches.
type saver struct {
	Saving
	run     json.RawMessage // what must be the same for a run to go on
	learner *learner
	dealers []*dealer
	steps   int
	sum     float64 // of the losses since the last point of the curve
	count   int
}

// progress is what a checkpoint says beside numbers.
type progress struct {
	Run   json.RawMessage `json:"run"`
	Sum   float64         `json:"sum"`
	Count int             `json:"count"`
}

// resume makes the saver of a run and goes on from its checkpoint where there is one.
func (l *learner) resume(saving Saving, settings any, data func(io.Writer), steps int, dealers ...*dealer) (*saver, error) {
	s := &saver{Saving: saving, learner: l, dealers: dealers, steps: steps}
	if s.Path == "" {
		return s, nil
	}
	digest := sha256.New()
	data(digest)
	var err error
	if s.run, err = json.Marshal(struct {
		Settings any    `json:"settings"`
		Data     string `json:"data"`
	}{settings, hex.EncodeToString(digest.Sum(nil))}); err != nil {
		return nil, err
	}
	state, err := checkpoint.Read(s.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, err
	}
	return s, s.restore(state)
}

// add counts the loss of a step and gives the mean since the last point of the curve.
func (s *saver) add(loss float64, pointDone bool) (mean float64) {
	s.sum, s.count = s.sum+loss, s.count+1
	mean = s.sum / float64(s.count)
	if pointDone {
		s.sum, s.count = 0, 0
	}
	return mean
}

// keep writes the state if it is time to.
func (s *saver) keep() error {
	done := s.learner.adam.Steps()
	if s.Path == "" || done%max(1, s.Every) != 0 && done != s.steps {
		return nil
	}
	settings, err := json.Marshal(progress{s.run, s.sum, s.count})
	if err != nil {
		return err
	}
	state := checkpoint.State{Step: done, Settings: settings, Tensors: s.tensors()}
	if state.Random, err = s.learner.source.MarshalBinary(); err != nil {
		return err
	}
	for i, deal := range s.dealers {
		state.Tensors = append(state.Tensors, deal.state(i)...)
	}
	return checkpoint.Write(s.Path, state)
}

func (s *saver) restore(state checkpoint.State) error {
	var at progress
	if err := json.Unmarshal(state.Settings, &at); err != nil {
		return fmt.Errorf("checkpoint %s: %w; delete it to begin anew", s.Path, err)
	}
	if !bytes.Equal(at.Run, s.run) || state.Step > s.steps {
		return fmt.Errorf("checkpoint %s is of a run with other settings or other data: delete it to begin anew", s.Path)
	}
	if err := s.learner.source.UnmarshalBinary(state.Random); err != nil {
		return err
	}
	for _, tensor := range s.tensors() {
		if err := state.Restore(tensor.Name, tensor.Values); err != nil {
			return err
		}
	}
	for i, deal := range s.dealers {
		if err := deal.restore(i, state); err != nil {
			return err
		}
	}
	s.sum, s.count = at.Sum, at.Count
	s.learner.adam.Resume(state.Step)
	s.learner.step.Resume(state.Step)
	return nil
}

// tensors are all numbers of the run that change, in place.
func (s *saver) tensors() (tensors []checkpoint.Tensor) {
	add := func(name string, values []float32) {
		tensors = append(tensors, checkpoint.Tensor{Name: name, Values: values})
	}
	for i, tensor := range s.learner.heads.tensors() {
		mean, square := s.learner.adam.Moments(i)
		add(tensor.Name, tensor.Values)
		add(tensor.Name+".mean", mean)
		add(tensor.Name+".square", square)
	}
	if s.learner.rates.Average > 0 {
		for _, tensor := range s.learner.average.tensors() {
			add(tensor.Name+".average", tensor.Values)
		}
	}
	return tensors
}

// state is what a dealer goes on from: float32 has all places up to 16 million.
func (d *dealer) state(number int) []checkpoint.Tensor {
	left := make([]float32, 1+len(d.holders)) // how many pictures are still to come, and which
	left[0] = float32(len(d.order))
	for i, picture := range d.order {
		left[1+i] = float32(picture)
	}
	var dealt, owned []float32
	for picture, captions := range d.owned {
		dealt = append(dealt, float32(d.dealt[picture]))
		for _, caption := range captions {
			owned = append(owned, float32(caption))
		}
	}
	name := fmt.Sprintf("dealer %d.", number)
	return []checkpoint.Tensor{{Name: name + "left", Values: left}, {Name: name + "dealt", Values: dealt}, {Name: name + "owned", Values: owned}}
}

// restore fills in the state of a dealer of the same captions.
func (d *dealer) restore(number int, state checkpoint.State) error {
	tensors := d.state(number)
	for _, tensor := range tensors {
		if err := state.Restore(tensor.Name, tensor.Values); err != nil {
			return err
		}
	}
	left, dealt, owned := tensors[0].Values, tensors[1].Values, tensors[2].Values
	d.order = nil
	for _, picture := range left[1 : 1+int(left[0])] {
		d.order = append(d.order, int(picture))
	}
	for picture, captions := range d.owned {
		d.dealt[picture] = int(dealt[picture])
		for i := range captions {
			captions[i] = int(owned[i])
		}
		owned = owned[len(captions):]
	}
	return nil
}

// Digest writes all that is learned from, so that a checksum tells it from other data.
func (c Captioned) Digest(w io.Writer) {
	for _, rows := range append([][][]float32{c.Pictures, c.Captions, c.Words}, c.Views...) {
		digest(w, rows)
	}
	fmt.Fprint(w, c.Owner, c.Tags)
}

// Digest writes all that is learned from.
func (t Tagged) Digest(w io.Writer) {
	digest(w, t.Pictures)
	digest(w, t.Words)
	digest(w, t.Known)
	fmt.Fprint(w, t.Tags)
}

func digest(w io.Writer, rows [][]float32) {
	fmt.Fprintln(w, len(rows))
	for _, row := range rows {
		if len(row) > 0 { // as they lie in memory: a checkpoint does not leave the machine
			w.Write(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(row))), 4*len(row)))
		}
	}
}
