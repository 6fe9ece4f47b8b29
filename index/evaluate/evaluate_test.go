package evaluate_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"vsed/index/evaluate"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestARankingByHand(t *testing.T) {
	// By score: 9 no, 8 yes, 5 no, 5 yes (a tie: the relevant one comes last), 1 no.
	r, err := evaluate.Scored([]float64{5, 8, 1, 5, 9}, []bool{true, true, false, false, false})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rank", float64(r.Rank()), 1)
	near(t, "average precision", r.AveragePrecision(), (1./2+2./4)/2)
	near(t, "precision at 1", r.Precision(1), 0)
	near(t, "precision at 2", r.Precision(2), 0.5)
	near(t, "precision at 10 of 5", r.Precision(10), 0.2)
	near(t, "recall at 3", r.Recall(3), 0.5)
	near(t, "recall at 10", r.Recall(10), 1)
}

func TestWhatAListLeavesOutComesLast(t *testing.T) {
	r, err := evaluate.Listed([]bool{false, false}, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rank", float64(r.Rank()), 8)
	near(t, "average precision", r.AveragePrecision(), 0)
	near(t, "recall", r.Recall(10), 0)
}

func TestWhatCannotBeMeasuredIsAnError(t *testing.T) {
	f := func(scores []float64, relevant []bool) {
		t.Helper()
		if _, err := evaluate.Scored(scores, relevant); err == nil {
			t.Errorf("scores %v of %v are taken", scores, relevant)
		}
		if _, err := evaluate.First(scores, relevant); err == nil {
			t.Errorf("scores %v of %v are taken for the first", scores, relevant)
		}
	}
	f([]float64{1, math.NaN()}, []bool{true, false})
	f([]float64{math.NaN(), 1}, []bool{true, false})
	f([]float64{1}, []bool{true, false})
	if _, err := evaluate.Listed([]bool{false}, 0, 3); !errors.Is(err, evaluate.ErrNoneRelevant) {
		t.Errorf("nothing relevant: %v", err)
	}
	for _, list := range [][]bool{{true, true}, {false, false, false}} {
		if _, err := evaluate.Listed(list, 1, 3); err == nil {
			t.Errorf("the list %v is taken with 1 relevant of 3", list)
		}
	}
	if _, err := evaluate.FalseAlarms([]float64{math.NaN()}, []float64{1}, 0.5); err == nil {
		t.Error("NaN is taken for a hit")
	}
	if _, err := evaluate.FalseAlarms(nil, []float64{1}, 0.5); err == nil {
		t.Error("no hit is taken for a curve")
	}
}

func TestRanksByHand(t *testing.T) {
	ranks := []int{0, 4, 5, 9, 10, 99}
	near(t, "R@1", evaluate.Mean(evaluate.Within(ranks, 1)), 1./6)
	near(t, "R@5", evaluate.Mean(evaluate.Within(ranks, 5)), 2./6)
	near(t, "R@10", evaluate.Mean(evaluate.Within(ranks, 10)), 4./6)
	near(t, "median rank", float64(evaluate.MedianRank(ranks)), 8) // floor((5+9)/2) + 1
	near(t, "median rank of three", float64(evaluate.MedianRank([]int{7, 0, 2})), 3)
	near(t, "median rank of halves", float64(evaluate.MedianRank([]int{0, 1})), 1) // floor(0.5) + 1
}

func TestFalseAlarmsByHand(t *testing.T) {
	hits := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	f := func(kept float64, want evaluate.Alarm) {
		t.Helper()
		got, err := evaluate.FalseAlarms(hits, []float64{0, 1, 1.5, 2, 20}, kept)
		if err != nil || got != want {
			t.Errorf("kept %v: got %+v, %v, want %+v", kept, got, err, want)
		}
	}
	f(1, evaluate.Alarm{Kept: 1, Threshold: 1, False: 0.8})
	f(0.95, evaluate.Alarm{Kept: 1, Threshold: 1, False: 0.8})
	f(0.9, evaluate.Alarm{Kept: 0.9, Threshold: 2, False: 0.4})
	f(0.1, evaluate.Alarm{Kept: 0.1, Threshold: 10, False: 0.2})
	f(0, evaluate.Alarm{Kept: 0.1, Threshold: 10, False: 0.2})
}

func TestBootstrapHoldsTheMean(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	held := 0
	for range 60 {
		values := make([]float64, 100)
		for i := range values {
			values[i] = random.Float64()
		}
		if in := evaluate.Bootstrap(values, 7); in.Low <= 0.5 && 0.5 <= in.High {
			held++
		}
	}
	if held < 52 || held == 60 {
		t.Errorf("the true mean lies in %d of 60 intervals", held)
	}
	if evaluate.Bootstrap([]float64{1, 2, 3}, 1) != evaluate.Bootstrap([]float64{1, 2, 3}, 1) {
		t.Error("one seed gives two intervals")
	}
}

// naive measures from the definitions: an item is at the place that the number of
// items gives it that must stand before it.
type naive struct {
	scores   []float64
	relevant []bool
}

func (n naive) place(item int) int {
	place := 0
	for other, score := range n.scores {
		tie := score == n.scores[item]
		switch {
		case score > n.scores[item],
			tie && n.relevant[item] && !n.relevant[other],
			tie && n.relevant[item] == n.relevant[other] && other < item:
			place++
		}
	}
	return place
}

// within gives the number of relevant items in the first k places, and of all.
func (n naive) within(k int) (found, all float64) {
	for item, relevant := range n.relevant {
		if relevant {
			all++
			if n.place(item) < k {
				found++
			}
		}
	}
	return found, all
}

func TestMeasuresAreThoseOfTheDefinitions(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		n := naive{}
		for range 1 + random.IntN(40) {
			n.scores = append(n.scores, float64(random.IntN(10))) // many ties
			n.relevant = append(n.relevant, random.IntN(4) == 0)
		}
		n.relevant[0] = true
		r, err := evaluate.Scored(n.scores, n.relevant)
		if err != nil {
			t.Fatal(err)
		}
		best, precision := len(n.scores), 0.
		for item, relevant := range n.relevant {
			if relevant {
				place := n.place(item)
				best = min(best, place)
				found, all := n.within(place + 1)
				precision += found / float64(place+1) / all
			}
		}
		near(t, "rank", float64(r.Rank()), float64(best))
		if first, err := evaluate.First(n.scores, n.relevant); err != nil || first != best {
			t.Errorf("the first is at %d (%v), want %d", first, err, best)
		}
		near(t, "average precision", r.AveragePrecision(), precision)
		for _, k := range []int{1, 5, 10} {
			found, all := n.within(k)
			near(t, "precision", r.Precision(k), found/float64(k))
			near(t, "recall", r.Recall(k), found/all)
		}
	}
}
