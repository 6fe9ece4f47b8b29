package step

import "math"

// hand is the step of a trial written a second time, in float64 and plain loops.
type hand struct {
	weights, mean, square map[string][]float64
	steps                 int
}

func newHand(t *trial) *hand {
	h := &hand{map[string][]float64{}, map[string][]float64{}, map[string][]float64{}, 0}
	h.follow(t)
	return h
}

// follow takes weights and moments over.
func (h *hand) follow(t *trial) {
	for i, parameter := range t.parameters {
		mean, square := t.adam.Moments(i)
		h.weights[parameter.Name], h.mean[parameter.Name], h.square[parameter.Name] = wide(parameter.Values), wide(mean), wide(square)
	}
}

func wide(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, value := range values {
		out[i] = float64(value)
	}
	return out
}

// gradients are the loss of the trial's batch and what it gains with each weight.
func (h *hand) gradients(t *trial) (float64, map[string][]float64) {
	gradients := map[string][]float64{}
	for name, values := range h.weights {
		gradients[name] = make([]float64, len(values))
	}
	features := wide(t.step.Numbers("features"))
	pictures, sentences := make([][]float64, t.batch), make([][]float64, t.batch)
	units := make([]*unrolled, t.batch)
	for i := range t.batch {
		pictures[i] = make([]float64, t.embed)
		for j := range t.embed {
			pictures[i][j] = h.weights["image.offset"][j]
			for k := range t.features {
				pictures[i][j] += features[i*t.features+k] * h.weights["image.weights"][k*t.embed+j]
			}
		}
		var words []int32
		for at := range t.length {
			if row := t.rows[at*t.batch+i]; row >= 0 {
				words = append(words, row)
			}
		}
		units[i] = h.unroll(t, words)
		sentences[i] = units[i].states[len(words)]
	}
	loss, forPictures, forSentences := hinges(pictures, sentences, t.step.Mask("negatives"))
	for i := range t.batch {
		for j := range t.embed {
			gradients["image.offset"][j] += forPictures[i][j]
			for k := range t.features {
				gradients["image.weights"][k*t.embed+j] += forPictures[i][j] * features[i*t.features+k]
			}
		}
		units[i].back(h, t, forSentences[i], gradients)
	}
	return loss, gradients
}

// hinges is the maximum of hinges over vectors that are scaled to unit length here.
func hinges(pictures, sentences [][]float64, negatives []bool) (loss float64, forPictures, forSentences [][]float64) {
	const margin = 0.2
	n := len(pictures)
	score := func(i, j int) float64 { return dot(unit(pictures[i]), unit(sentences[j])) }
	slope := make([]float64, n*n)
	hinge := func(own, wrong int, cost float64) {
		if cost > 0 {
			loss += cost
			slope[wrong]++
			slope[own]--
		}
	}
	for i := range n {
		row, column := -1, -1
		for j := range n {
			if negatives[i*n+j] && (row < 0 || score(i, j) > score(i, row)) {
				row = j
			}
			if negatives[j*n+i] && (column < 0 || score(j, i) > score(column, i)) {
				column = j
			}
		}
		hinge(i*n+i, i*n+row, margin+score(i, row)-score(i, i))
		hinge(i*n+i, column*n+i, margin+score(column, i)-score(i, i))
	}
	for i := range n {
		forPicture, forSentence := make([]float64, len(pictures[i])), make([]float64, len(pictures[i]))
		for j := range n {
			for k := range forPicture {
				forPicture[k] += slope[i*n+j] * unit(sentences[j])[k]
				forSentence[k] += slope[j*n+i] * unit(pictures[j])[k]
			}
		}
		forPictures, forSentences = append(forPictures, unitBack(pictures[i], forPicture)), append(forSentences, unitBack(sentences[i], forSentence))
	}
	return loss, forPictures, forSentences
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func unit(x []float64) []float64 {
	length := math.Sqrt(dot(x, x))
	y := make([]float64, len(x))
	for i := range x {
		y[i] = x[i] / length
	}
	return y
}

func unitBack(x, upstream []float64) []float64 {
	length, y := math.Sqrt(dot(x, x)), unit(x)
	along := dot(y, upstream)
	gradient := make([]float64, len(x))
	for i := range x {
		gradient[i] = (upstream[i] - y[i]*along) / length
	}
	return gradient
}

// unrolled is the recurrent unit on one sentence; lists have an entry a step.
type unrolled struct {
	words                               []int32
	states                              [][]float64 // one more: the first is zero
	reset, update, candidate, remembers [][]float64
}

func (h *hand) unroll(t *trial, words []int32) *unrolled {
	u := &unrolled{words: words, states: [][]float64{make([]float64, t.embed)}}
	w := h.weights
	for at, word := range words {
		x, before := w["words"][int(word)*t.width:(int(word)+1)*t.width], u.states[at]
		product := func(inputs, states string, row int) (input, state float64) {
			return dot(w[inputs][row*t.width:(row+1)*t.width], x), dot(w[states][row*t.embed:(row+1)*t.embed], before)
		}
		var reset, update, candidate, remembers, after []float64
		for k := range t.embed {
			input, state := product("sentence.gates.input", "sentence.gates.state", k)
			r := 1 / (1 + math.Exp(-input-state-w["sentence.gates.offset"][k]))
			input, state = product("sentence.gates.input", "sentence.gates.state", t.embed+k)
			z := 1 / (1 + math.Exp(-input-state-w["sentence.gates.offset"][t.embed+k]))
			input, state = product("sentence.candidate.input", "sentence.candidate.state", k)
			state += w["sentence.candidate.state.offset"][k]
			n := math.Tanh(input + w["sentence.candidate.offset"][k] + r*state)
			reset, update, candidate, remembers = append(reset, r), append(update, z), append(candidate, n), append(remembers, state)
			after = append(after, (1-z)*n+z*before[k])
		}
		u.reset, u.update, u.candidate, u.remembers = append(u.reset, reset), append(u.update, update), append(u.candidate, candidate), append(u.remembers, remembers)
		u.states = append(u.states, after)
	}
	return u
}

// back adds the gradients of a sentence, of which the last state gains upstream.
func (u *unrolled) back(h *hand, t *trial, upstream []float64, gradients map[string][]float64) {
	for at := len(u.words) - 1; at >= 0; at-- {
		before, word := u.states[at], int(u.words[at])
		earlier := make([]float64, t.embed)
		// through adds what a pre-activation of a row gains to weights, word and state
		through := func(inputs, offsets string, row int, gain float64) {
			for j := range t.width {
				gradients[inputs][row*t.width+j] += gain * h.weights["words"][word*t.width+j]
				gradients["words"][word*t.width+j] += gain * h.weights[inputs][row*t.width+j]
			}
			gradients[offsets][row] += gain
		}
		recur := func(states string, row int, gain float64) {
			for j := range t.embed {
				gradients[states][row*t.embed+j] += gain * before[j]
				earlier[j] += gain * h.weights[states][row*t.embed+j]
			}
		}
		for k := range t.embed {
			r, z, n := u.reset[at][k], u.update[at][k], u.candidate[at][k]
			earlier[k] += upstream[k] * z
			forN := upstream[k] * (1 - z) * (1 - n*n)
			forZ := upstream[k] * (before[k] - n) * z * (1 - z)
			forR := forN * u.remembers[at][k] * r * (1 - r)
			through("sentence.candidate.input", "sentence.candidate.offset", k, forN)
			through("sentence.gates.input", "sentence.gates.offset", k, forR)
			through("sentence.gates.input", "sentence.gates.offset", t.embed+k, forZ)
			gradients["sentence.candidate.state.offset"][k] += forN * r
			recur("sentence.candidate.state", k, forN*r)
			recur("sentence.gates.state", k, forR)
			recur("sentence.gates.state", t.embed+k, forZ)
		}
		upstream = earlier
	}
}

// adam takes a step, on those rows of the words that the batch names.
func (h *hand) adam(t *trial, gradients map[string][]float64, rate, scale float64) {
	const beta1, beta2, epsilon, decay = 0.9, 0.999, 1e-8, 0.01
	h.steps++
	used := map[int]bool{}
	for _, row := range t.rows {
		used[int(row)] = true
	}
	for name, values := range h.weights {
		for i := range values {
			if name == "words" && !used[i/t.width] {
				continue
			}
			g, mean, square := scale*gradients[name][i], h.mean[name], h.square[name]
			mean[i] = beta1*mean[i] + (1-beta1)*g
			square[i] = beta2*square[i] + (1-beta2)*g*g
			if name != "words" {
				values[i] -= rate * decay * values[i]
			}
			first, second := mean[i]/(1-math.Pow(beta1, float64(h.steps))), square[i]/(1-math.Pow(beta2, float64(h.steps)))
			values[i] -= rate * first / (math.Sqrt(second) + epsilon)
		}
	}
}
