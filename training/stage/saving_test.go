package stage

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/runtime/runtimetest"
	"vsed/training/checkpoint"
)

var errKilled = errors.New("killed")

// TestAKilledRunGoesOn ends runs of both stages where they may be killed, again and
// again, and compares what they come to with a run that nobody ends.
func TestAKilledRunGoesOn(t *testing.T) {
	library := runtimetest.Load(t)
	w := newWorld()
	data, tagged := w.draw(100, 1), w.tagged(60, 1)
	data.Views = [][][]float32{w.draw(100, 3).Pictures}
	one, two := trial(), trialTwo()
	one.Epochs, two.Epochs, two.LeastSteps, two.Noise, two.Average = 4, 10, 20, .1, .9
	for name, learn := range map[string]func(Saving, func(Epoch) error) (Heads, error){
		"stage I": func(saving Saving, report func(Epoch) error) (Heads, error) {
			run := one
			run.Saving = saving
			return run.Run(t.Context(), library, trialHeads(0), data, func(e Epoch, _ Heads) error { return report(e) })
		},
		"stage II": func(saving Saving, report func(Epoch) error) (Heads, error) {
			run := two
			run.Saving = saving
			return run.Run(t.Context(), library, trialHeads(0), tagged, data, report)
		},
	} {
		curve := map[int]float64{}
		whole, err := learn(Saving{}, func(e Epoch) error { curve[e.Number] = e.Loss; return nil })
		if err != nil {
			t.Fatal(err)
		}
		// The checkpoint of every fourth step lies before the end of an epoch, in which
		// the run is killed.
		saving := Saving{Path: filepath.Join(t.TempDir(), "checkpoint"), Every: 4}
		kills := 0
		again := map[int]float64{}
		var heads Heads
		for kills < 20 {
			heads, err = learn(saving, func(e Epoch) error {
				if _, passed := again[e.Number]; !passed {
					again[e.Number] = e.Loss
					return fmt.Errorf("epoch %d: %w", e.Number, errKilled)
				}
				return nil
			})
			if !errors.Is(err, errKilled) {
				break
			}
			kills++
		}
		if err != nil {
			t.Fatal(err)
		}
		if kills < 3 || !slices.Equal(heads.numbers(), whole.numbers()) {
			t.Errorf("%s: %d kills lead to other heads", name, kills)
		}
		for epoch, loss := range curve {
			if again[epoch] != loss {
				t.Errorf("%s: loss of epoch %d is %v, was %v", name, epoch, again[epoch], loss)
			}
		}
		// What has ended gives its result again, without a step.
		heads, err = learn(saving, func(e Epoch) error { return fmt.Errorf("epoch %d came again", e.Number) })
		if err != nil || !slices.Equal(heads.numbers(), whole.numbers()) {
			t.Errorf("%s: the run that had ended gives other heads; error %v", name, err)
		}
	}
}

func TestACheckpointOfAnotherRunIsRefused(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(50, 1)
	one := trial()
	one.Epochs, one.Saving = 1, Saving{Path: filepath.Join(t.TempDir(), "checkpoint"), Every: 1}
	f := func(want string) {
		t.Helper()
		_, err := one.Run(t.Context(), library, trialHeads(0), data, silent)
		if err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("")
	one.Rate *= 2
	f("other settings or other data")
	one.Rate /= 2
	f("")
	data.Pictures[3][0]++
	f("other settings or other data")
	if err := checkpoint.Write(one.Saving.Path, checkpoint.State{Settings: []byte(`"x"`)}); err != nil {
		t.Fatal(err)
	}
	f("delete it to begin anew")
	if err := os.WriteFile(one.Saving.Path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("not a checkpoint of this version")
}

// TestWhatIsNoNumberStopsTheRun names the step and what was no number.
func TestWhatIsNoNumberStopsTheRun(t *testing.T) {
	library := runtimetest.Load(t)
	data := newWorld().draw(50, 1)
	data.Captions[7][1] = float32(math.Inf(1))
	if _, err := trial().Run(t.Context(), library, trialHeads(0), data, silent); err == nil || !strings.Contains(err.Error(), "step ") || !strings.Contains(err.Error(), "loss is not finite") {
		t.Errorf("error %v", err)
	}
	tagged := newWorld().tagged(50, 1)
	tagged.Pictures[7][1] = float32(math.NaN())
	if _, err := trialTwo().Run(t.Context(), library, trialHeads(0), tagged, newWorld().draw(50, 1), func(Epoch) error { return nil }); err == nil || !strings.Contains(err.Error(), "step ") || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("error %v", err)
	}
}
