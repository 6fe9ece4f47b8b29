package runtime

import (
	"context"
	"fmt"
	"reflect"
	goruntime "runtime"

	ort "github.com/yalue/onnxruntime_go"
)

// Bound is a session tied to the caller's own slices: each run reads its inputs
// where they are and writes its outputs where they shall be. What is run thousands
// of times on megabytes of weights, as a step of training, copies none of them.
type Bound struct {
	session         *Session
	inputs, outputs []ort.Value
	pinned          goruntime.Pinner
}

// Bind ties tensors to the session's inputs and outputs, in their order. Several
// inputs may be the same slice; an output's must be its own. The slices must not be
// used while a run is under way.
func (s *Session) Bind(inputs, outputs []Tensor) (*Bound, error) {
	if len(inputs) != len(s.Inputs) || len(outputs) != len(s.Outputs) {
		return nil, fmt.Errorf("model takes %d inputs and gives %d outputs, not %d and %d", len(s.Inputs), len(s.Outputs), len(inputs), len(outputs))
	}
	b := &Bound{session: s}
	var err error
	if b.inputs, err = valuesOf(inputs, s.Inputs, "input"); err == nil {
		b.outputs, err = valuesOf(outputs, s.Outputs, "output")
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	for _, tensors := range [][]Tensor{inputs, outputs} {
		for _, tensor := range tensors {
			if data := reflect.ValueOf(tensor.Data); data.Len() > 0 {
				b.pinned.Pin(data.UnsafePointer())
			}
		}
	}
	return b, nil
}

// Run runs the model once; a context that ends stops it between two operators, and
// the outputs then hold nothing of use.
func (b *Bound) Run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.session.run(ctx, b.inputs, b.outputs)
}

// Close lets go of the slices; the session stays open.
func (b *Bound) Close() {
	destroy(b.inputs)
	destroy(b.outputs)
	b.pinned.Unpin()
}
