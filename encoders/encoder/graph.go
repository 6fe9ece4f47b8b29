package encoder

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"vsed/encoders/runtime"
)

// graph is a session that one caller uses at a time, so that its memory is that
// of one run, and the output that is taken from it.
type graph struct {
	turn    sync.Mutex
	session *runtime.Session
	output  int
}

// newGraph finds the output; "" is the first.
func newGraph(session *runtime.Session, output string) (*graph, error) {
	at := 0
	if output != "" {
		at = slices.IndexFunc(session.Outputs, func(port runtime.Port) bool { return port.Name == output })
	}
	if at < 0 || at >= len(session.Outputs) {
		return nil, fmt.Errorf("the graph has no output %q", output)
	}
	if kind := session.Outputs[at].Type; kind != "float32" && kind != "float16" {
		return nil, fmt.Errorf("the graph's output %q is %s, not float32 or float16", session.Outputs[at].Name, kind)
	}
	return &graph{session: session, output: at}, nil
}

// run gives the output.
func (g *graph) run(ctx context.Context, inputs ...runtime.Tensor) (runtime.Tensor, error) {
	g.turn.Lock()
	defer g.turn.Unlock()
	outputs, err := g.session.Run(ctx, inputs...)
	if err != nil {
		return runtime.Tensor{}, err
	}
	return outputs[g.output], nil
}

// values gives the output, which must have this many values.
func (g *graph) values(ctx context.Context, want int, inputs ...runtime.Tensor) ([]float32, error) {
	output, err := g.run(ctx, inputs...)
	if err != nil {
		return nil, err
	}
	values, err := output.Float32s()
	if err == nil && len(values) != want {
		err = fmt.Errorf("output %q has %d values, not %d as the manifest says", g.session.Outputs[g.output].Name, len(values), want)
	}
	return values, err
}

func (g *graph) close() error {
	if g == nil {
		return nil
	}
	return g.session.Close()
}
