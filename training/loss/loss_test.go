package loss

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const side = 6

// oracle is a loss written by hand: its value, and its gradient for the scores.
type oracle func(scores [side][side]float64, negatives [side][side]bool) (float64, [side][side]float64)

// turned asks with the columns what an oracle of one direction asks with the rows.
func turned(one oracle) oracle {
	return func(scores [side][side]float64, negatives [side][side]bool) (float64, [side][side]float64) {
		var turnedScores [side][side]float64
		var turnedNegatives [side][side]bool
		for i := range side {
			for j := range side {
				turnedScores[j][i], turnedNegatives[j][i] = scores[i][j], negatives[i][j]
			}
		}
		value, slope := one(scores, negatives)
		other, otherSlope := one(turnedScores, turnedNegatives)
		for i := range side {
			for j := range side {
				slope[i][j] += otherSlope[j][i]
			}
		}
		return value + other, slope
	}
}

func sumByHand(margin float64) oracle {
	return func(scores [side][side]float64, negatives [side][side]bool) (value float64, slope [side][side]float64) {
		for i := range side {
			for j := range side {
				if cost := margin + scores[i][j] - scores[i][i]; negatives[i][j] && cost > 0 {
					value += cost
					slope[i][j]++
					slope[i][i]--
				}
			}
		}
		return value, slope
	}
}

// maxByHand is weighted by the rank for a β other than 0.
func maxByHand(margin, beta float64) oracle {
	return func(scores [side][side]float64, negatives [side][side]bool) (value float64, slope [side][side]float64) {
		for i := range side {
			worst, answers, rank := -1, 1, 1
			for j := range side {
				if !negatives[i][j] {
					continue
				}
				answers++
				if scores[i][j] > scores[i][i] {
					rank++
				}
				if worst < 0 || scores[i][j] > scores[i][worst] {
					worst = j
				}
			}
			if worst < 0 {
				continue
			}
			weight := 1 + beta/float64(answers-rank+1)
			if cost := margin + scores[i][worst] - scores[i][i]; cost > 0 {
				value += weight * cost
				slope[i][worst] += weight
				slope[i][i] -= weight
			}
		}
		return value, slope
	}
}

func contrastByHand(scores [side][side]float64, negatives [side][side]bool) (value float64, slope [side][side]float64) {
	for i := range side {
		total := 0.0
		for j := range side {
			if i == j || negatives[i][j] {
				total += math.Exp(scores[i][j])
			}
		}
		value += (math.Log(total) - scores[i][i]) / (2 * side)
		for j := range side {
			if i == j || negatives[i][j] {
				slope[i][j] = math.Exp(scores[i][j]) / total / (2 * side)
			}
		}
		slope[i][i] -= 1.0 / (2 * side)
	}
	return value, slope
}

// mixed is part of one oracle and the rest of another.
func mixed(hardness float64, hard, soft oracle) oracle {
	return func(scores [side][side]float64, negatives [side][side]bool) (float64, [side][side]float64) {
		value, slope := hard(scores, negatives)
		other, otherSlope := soft(scores, negatives)
		for i := range side {
			for j := range side {
				slope[i][j] = hardness*slope[i][j] + (1-hardness)*otherSlope[i][j]
			}
		}
		return hardness*value + (1-hardness)*other, slope
	}
}

func TestLossesAgreeWithThoseByHand(t *testing.T) {
	const margin = 0.2
	type build func(g *graph.Graph, scores, negatives *graph.Value) *graph.Value
	hardness := func(share float64) build {
		return func(g *graph.Graph, scores, negatives *graph.Value) *graph.Value {
			return Hinges(g, scores, negatives, g.Constant([]float64{share}), margin)
		}
	}
	f := func(name string, made build, want oracle) {
		t.Helper()
		for _, crowded := range []bool{false, true} {
			agree(t, name, crowded, made, want)
		}
	}
	sum, largest := turned(sumByHand(margin)), turned(maxByHand(margin, 0))
	f("SumOfHinges", func(g *graph.Graph, s, n *graph.Value) *graph.Value { return SumOfHinges(g, s, n, margin) }, sum)
	f("MaxOfHinges", func(g *graph.Graph, s, n *graph.Value) *graph.Value { return MaxOfHinges(g, s, n, margin) }, largest)
	f("Hinges at 0", hardness(0), sum)
	f("Hinges at 1", hardness(1), largest)
	f("Hinges at 0.3", hardness(.3), mixed(.3, largest, sum))
	f("Weighted", func(g *graph.Graph, s, n *graph.Value) *graph.Value { return Weighted(g, s, n, margin, 1) }, turned(maxByHand(margin, 1)))
	f("Weighted by nothing", func(g *graph.Graph, s, n *graph.Value) *graph.Value { return Weighted(g, s, n, margin, 0) }, largest)
	f("Contrastive", Contrastive, turned(contrastByHand))
}

// agree compares a loss with one by hand on drawn scores. A crowded batch has pairs
// that are not each other's negatives, and one picture with no negative at all.
func agree(t *testing.T, name string, crowded bool, made func(g *graph.Graph, scores, negatives *graph.Value) *graph.Value, want oracle) {
	t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	var scores [side][side]float64
	var negatives [side][side]bool
	var flat []float64
	var mask []bool
	for i := range side {
		for j := range side {
			scores[i][j] = random.NormFloat64()
			if i == j {
				scores[i][j] += .8
			}
			negatives[i][j] = i != j && !(crowded && (i == 0 || i+j == 5))
			flat, mask = append(flat, scores[i][j]), append(mask, negatives[i][j])
		}
	}
	value, slope := runLoss(t, made, flat, mask)
	wantValue, wantSlope := want(scores, negatives)
	if math.Abs(value-wantValue) > 1e-9 {
		t.Errorf("%s (crowded: %v): %v, by hand %v", name, crowded, value, wantValue)
	}
	for i := range side {
		for j := range side {
			if math.Abs(slope[i*side+j]-wantSlope[i][j]) > 1e-9 {
				t.Fatalf("%s (crowded: %v): gradient at %d, %d is %v, by hand %v", name, crowded, i, j, slope[i*side+j], wantSlope[i][j])
			}
		}
	}
}

func runLoss(t *testing.T, made func(g *graph.Graph, scores, negatives *graph.Value) *graph.Value, scores []float64, mask []bool) (float64, []float64) {
	t.Helper()
	library := runtimetest.Load(t)
	g := graph.NewDouble("loss")
	model, err := g.Training(made(g, g.Variable("scores", side, side), g.Mask("negatives", side, side)))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "loss.onnx")
	if err := os.WriteFile(file, model.ONNX, 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := library.Open(file, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	sides := []int64{side, side}
	outputs, err := session.Run(t.Context(), runtime.Tensor{Shape: sides, Data: scores}, runtime.Tensor{Shape: sides, Data: mask})
	if err != nil {
		t.Fatal(err)
	}
	return outputs[0].Data.([]float64)[0], outputs[1].Data.([]float64)
}
