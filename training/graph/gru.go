package graph

import (
	"slices"

	"vsed/encoders/onnx"
)

// GRU are the weights of a gated recurrent unit of H values over inputs of D, with
// one row a value. The gates are reset (the first H rows) and update; the candidate
// is what the state becomes as far as the update gate lets go of the old one:
//
//	r, z = σ(InputGates·x + StateGates·h + Offsets)
//	n    = tanh(InputCandidate·x + CandidateOffset + r · (StateCandidate·h + StateOffset))
//	h'   = n + z · (h − n)
type GRU struct {
	InputGates, StateGates, GatesOffset             *Value // [2H, D], [2H, H], [2H, 1]
	InputCandidate, StateCandidate, CandidateOffset *Value // [H, D], [H, H], [H, 1]
	StateOffset                                     *Value // [H, 1]
}

// NewGRU declares the weights as variables, whose names begin with name.
func (g *Graph) NewGRU(name string, inputs, state int) GRU {
	return GRU{
		InputGates:      g.Variable(name+".gates.input", 2*state, inputs),
		StateGates:      g.Variable(name+".gates.state", 2*state, state),
		GatesOffset:     g.Variable(name+".gates.offset", 2*state, 1),
		InputCandidate:  g.Variable(name+".candidate.input", state, inputs),
		StateCandidate:  g.Variable(name+".candidate.state", state, state),
		CandidateOffset: g.Variable(name+".candidate.offset", state, 1),
		StateOffset:     g.Variable(name+".candidate.state.offset", state, 1),
	}
}

// Recur runs a gated recurrent unit over words and gives its last state, a row a
// sentence. The words are a matrix of rows, all first words before all second ones.
// padding [steps, sentences] is 1 where a sentence has ended and 0 where it has not;
// there the state stays, and no gradient arises. nil means that none is padded.
//
// States are columns inside: then the gates are whole blocks of memory, the weights
// the large side of each product, and their gradients one product over all steps.
func (g *Graph) Recur(unit GRU, words, padding *Value, steps int) *Value {
	rows, _ := turned(g, words, false)
	if steps < 1 || rows%steps != 0 {
		g.fail("%d rows of words are not %d steps", rows, steps)
		return words
	}
	r := &recurrence{graph: g, unit: unit, words: words, size: unit.StateCandidate.sides[0], sentences: rows / steps}
	r.forward(steps, padding)
	last := r.steps[steps-1].after
	result := g.plain("Transpose", []*Value{last}, []int{r.sentences, r.size}, onnx.Ints("perm", 1, 0))
	g.differentiable(result, r.edges()...)
	return result
}

// recurrence is one use of a unit.
type recurrence struct {
	graph           *Graph
	unit            GRU
	words           *Value
	size, sentences int
	steps           []recurrentStep

	upstream  *Value // for which gradients were made
	gradients map[*Value]*Value
}

// recurrentStep holds what the way back needs of a step.
type recurrentStep struct {
	before, after            *Value // states; before is nil at the first step
	reset, update, candidate *Value
	inner                    *Value // reset · (StateCandidate·h + StateOffset)
	carried                  *Value // update · (h − candidate)
}

func (r *recurrence) forward(steps int, padding *Value) {
	g := r.graph
	parts := slices.Repeat([][]int{{r.sentences, r.words.sides[1]}}, steps)
	words := g.several("Split", []*Value{r.words}, parts, onnx.Int("axis", 0))
	ended := make([]*Value, steps)
	if padding != nil {
		ended = g.several("Split", []*Value{padding}, slices.Repeat([][]int{{1, r.sentences}}, steps), onnx.Int("axis", 0))
	}
	var state *Value
	for i := range steps {
		step := r.step(words[i], state, ended[i])
		state = step.after
		r.steps = append(r.steps, step)
	}
}

func (r *recurrence) step(words, state, ended *Value) recurrentStep {
	g, u := r.graph, r.unit
	step := recurrentStep{before: state}
	gates := g.gemm(u.InputGates, words, u.GatesOffset, false, true)
	if state != nil {
		gates = g.gemm(u.StateGates, state, gates, false, false)
	}
	gates = r.op("Sigmoid", gates)
	half := []int{r.size, r.sentences}
	two := g.several("Split", []*Value{gates}, [][]int{half, half}, onnx.Int("axis", 0))
	step.reset, step.update = two[0], two[1]
	if ended != nil {
		step.update = r.op("Max", step.update, ended)
	}
	recalled := u.StateOffset
	if state != nil {
		recalled = g.gemm(u.StateCandidate, state, u.StateOffset, false, false)
	}
	step.inner = r.op("Mul", step.reset, recalled)
	step.candidate = r.op("Tanh", r.op("Add", g.gemm(u.InputCandidate, words, u.CandidateOffset, false, true), step.inner))
	change := r.op("Neg", step.candidate)
	if state != nil {
		change = r.op("Sub", state, step.candidate)
	}
	step.carried = r.op("Mul", step.update, change)
	step.after = r.op("Add", step.candidate, step.carried)
	return step
}

// op adds an operator on tensors of the gates' or the state's sides.
func (r *recurrence) op(operator string, inputs ...*Value) *Value {
	return r.graph.plain(operator, inputs, inputs[0].sides)
}

// edges share one way back, which is made when the first of them is asked.
func (r *recurrence) edges() []edge {
	u := r.unit
	var edges []edge
	for _, to := range []*Value{r.words, u.InputGates, u.StateGates, u.GatesOffset, u.InputCandidate, u.StateCandidate, u.CandidateOffset, u.StateOffset} {
		edges = append(edges, edge{to, func(upstream *Value) *Value {
			if r.upstream != upstream {
				r.upstream, r.gradients = upstream, r.backward(upstream)
			}
			return r.gradients[to]
		}})
	}
	return edges
}

// stepErrors are the gradients of one step for what its σ and tanh were taken of, and
// for what the reset gate was multiplied with.
type stepErrors struct {
	gates, candidate, recalled *Value
}

func (r *recurrence) backward(upstream *Value) map[*Value]*Value {
	g, u := r.graph, r.unit
	turn := func(x *Value) *Value {
		return g.plain("Transpose", []*Value{x}, []int{x.sides[1], x.sides[0]}, onnx.Ints("perm", 1, 0))
	}
	back := r.joined(1, turn(u.StateGates), turn(u.StateCandidate)) // one product a step instead of two
	found := make([]stepErrors, len(r.steps))
	state := turn(upstream)
	for i, step := range slices.Backward(r.steps) {
		var carried *Value
		found[i], carried = r.stepBack(step, state)
		if step.before != nil {
			state = g.gemm(back, r.joined(0, found[i].gates, found[i].recalled), carried, false, false)
		}
	}
	return r.weights(found)
}

// stepBack gives a step's errors and what its earlier state gains by being carried
// over.
func (r *recurrence) stepBack(step recurrentStep, state *Value) (stepErrors, *Value) {
	unity := r.graph.scalar(1)
	less := func(x *Value) *Value { return r.graph.plain("Sub", []*Value{unity, x}, x.sides) }
	open := less(step.update)
	update := r.op("Mul", state, r.op("Mul", step.carried, open))
	slope := r.op("Mul", open, less(r.op("Mul", step.candidate, step.candidate)))
	candidate := r.op("Mul", state, slope)
	recalled := r.op("Mul", candidate, step.reset)
	reset := r.op("Mul", candidate, r.op("Mul", step.inner, less(step.reset)))
	gates := r.joined(0, reset, update)
	return stepErrors{gates, candidate, recalled}, r.op("Mul", state, step.update)
}

func (r *recurrence) joined(axis int, parts ...*Value) *Value {
	return r.graph.plain("Concat", parts, r.graph.joined(axis, parts), onnx.Int("axis", int64(axis)))
}

// weights turns the errors of all steps into the gradients for weights and words.
func (r *recurrence) weights(found []stepErrors) map[*Value]*Value {
	g, u := r.graph, r.unit
	var gates, candidate, recalled []*Value
	states := []*Value{g.Constant(make([]float64, r.size*r.sentences), r.size, r.sentences)}
	for i, each := range found {
		gates, candidate, recalled = append(gates, each.gates), append(candidate, each.candidate), append(recalled, each.recalled)
		if i > 0 {
			states = append(states, r.steps[i].before)
		}
	}
	allGates, allCandidates, allRecalled, allStates := r.joined(1, gates...), r.joined(1, candidate...), r.joined(1, recalled...), r.joined(1, states...)
	gradients := map[*Value]*Value{
		u.InputGates:      g.gemm(allGates, r.words, nil, false, false),
		u.InputCandidate:  g.gemm(allCandidates, r.words, nil, false, false),
		u.StateGates:      g.gemm(allGates, allStates, nil, false, true),
		u.StateCandidate:  g.gemm(allRecalled, allStates, nil, false, true),
		u.GatesOffset:     g.Sum(allGates, 1),
		u.CandidateOffset: g.Sum(allCandidates, 1),
		u.StateOffset:     g.Sum(allRecalled, 1),
	}
	if r.words.varies {
		gradients[r.words] = g.gemm(allGates, u.InputGates, g.gemm(allCandidates, u.InputCandidate, nil, true, false), true, false)
	}
	return gradients
}
