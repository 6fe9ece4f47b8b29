package graph

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/onnx"
	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runner calls a model by the names of its ports; inputs that are not given are drawn.
type runner struct {
	t       testing.TB
	model   *Model
	session *runtime.Session
	values  map[string]any
}

func run(t testing.TB, model *Model, err error) *runner {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	library := runtimetest.Load(t)
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, model.ONNX, 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := library.Open(file, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return &runner{t, model, session, map[string]any{}}
}

// draw gives each input of numbers that has none values between low and high.
func (r *runner) draw(low, high float64) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, port := range r.model.Inputs {
		if r.values[port.Name] != nil || port.Kind != onnx.Float64 {
			continue
		}
		values := make([]float64, port.Size())
		for i := range values {
			values[i] = low + (high-low)*random.Float64()
		}
		r.values[port.Name] = values
	}
}

func (r *runner) run() map[string][]float64 {
	r.t.Helper()
	var inputs []runtime.Tensor
	for _, port := range r.model.Inputs {
		inputs = append(inputs, runtime.Tensor{Shape: wide(port.Sides), Data: r.values[port.Name]})
	}
	outputs, err := r.session.Run(r.t.Context(), inputs...)
	if err != nil {
		r.t.Fatal(err)
	}
	results := map[string][]float64{}
	for i, port := range r.model.Outputs {
		results[port.Name] = outputs[i].Data.([]float64)
	}
	return results
}
