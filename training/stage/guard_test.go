package stage

import (
	"math"
	"slices"
	"testing"

	"vsed/encoders/runtime/runtimetest"
)

// TestGuardTradesLearningForMemory: the less may be lost, the more stays of the old
// heads, and what is lost is no more than that.
func TestGuardTradesLearningForMemory(t *testing.T) {
	library := runtimetest.Load(t)
	w := newWorld()
	start, err := trial().Run(t.Context(), library, trialHeads(0), w.draw(400, 1), silent)
	if err != nil {
		t.Fatal(err)
	}
	two := trialTwo()
	two.Replay, two.Kept = 0, 0 // forgets
	learned, err := two.Run(t.Context(), library, start, w.tagged(200, 1), Captioned{}, func(Epoch) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	guard, kept := w.draw(100, 2), -1.0
	for _, most := range []float64{100, 10, 2, 0} {
		g, err := Guard(t.Context(), library, 1, start, learned, guard, .2, most)
		if err != nil {
			t.Fatal(err)
		}
		lost := g.Before.TextToImage.R1.Value - g.After.TextToImage.R1.Value
		t.Logf("%v may be lost: %.1f are, %.1f kept", most, lost, g.Kept)
		if lost > most || g.Kept < kept || g.Kept < .2 || g.Kept > 1 {
			t.Errorf("%v may be lost: %v are, %v of the old heads kept, %v before", most, lost, g.Kept, kept)
		}
		kept = g.Kept
		want := learned.Clone()
		want.Blend(start, g.Kept)
		if !slices.Equal(want.numbers(), g.Heads.numbers()) {
			t.Errorf("the heads are not mixed by %v", g.Kept)
		}
	}
	if kept < .3 {
		t.Errorf("%v kept where nothing may be lost: the trial forgets nothing", kept)
	}
	for _, bad := range [][2]float64{{-.1, 1}, {1.1, 1}, {.2, -1}, {math.NaN(), 1}} {
		if _, err := Guard(t.Context(), library, 1, start, learned, guard, bad[0], bad[1]); err == nil {
			t.Errorf("least %v and most %v were taken", bad[0], bad[1])
		}
	}
}
