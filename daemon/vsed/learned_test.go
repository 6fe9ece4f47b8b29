package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/api"
)

// learnedFlags are those of an encoder over the features of the one that comes first,
// as learning makes it.
const learnedFlags = "--space learned-space --feature-space builtin --head -2 --learned-tags reddish,greenish,bluish"

// TestALearnedEncoderReadsNoPhoto takes the folder away before the swap.
func TestALearnedEncoderReadsNoPhoto(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(120)
	w.start()
	w.settled()
	first, words := w.answered("something"), w.find("bluish")
	away := w.photos + "-away"
	w.check(os.Rename(w.photos, away))
	w.untilStatus("the folder is offline", func(s api.Status) bool { return s.Photos.Offline == 120 })
	w.shelve("learned", learnedFlags)
	asking := w.ask("something")
	w.use("learned", false)
	w.untilServes("learned-space")
	swap := w.untilStage(api.SwapNone)
	if last := swap.Last; last == nil || last.Failed != "" || last.Coverage != (api.Coverage{Encoded: 120}) {
		t.Errorf("the swap ended with %+v", last)
	}
	second := w.answered("something")
	asking.wantOneStep(first, second)

	_, err := w.client.SwapCommand(t.Context(), "rollback")
	w.check(err)
	w.untilServes("builtin-space")
	if again := w.answered("something"); again != first {
		t.Errorf("rolled back it answers %s, before %s", again, first)
	}
	if again := w.find("bluish"); !slices.Equal(again, words) {
		t.Errorf("rolled back it answers %q, before %q", again, words)
	}
	w.check(os.Rename(away, w.photos))
	w.untilStatus("the folder is back", func(s api.Status) bool { return s.Photos.Encoded == 120 })
	w.stop()
}

// A photo that comes while the learned encoder serves has a vector of the earlier one
// at once after a roll-back, without being read again.
func TestARollBackMakesUpWhatCameSince(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(6)
	w.start()
	w.settled()
	w.shelve("learned", learnedFlags)
	w.use("learned", false)
	w.untilServes("learned-space")
	w.photo("late.jpg", blue, 500)
	w.untilStatus("the late photo is encoded", func(s api.Status) bool { return s.Ready && s.Photos.Encoded == 7 })
	w.check(os.Rename(w.photos, w.photos+"-away"))
	w.untilStatus("the folder is offline", func(s api.Status) bool { return s.Photos.Offline == 7 })
	_, err := w.client.SwapCommand(t.Context(), "rollback")
	w.check(err)
	w.untilServes("builtin-space")
	w.until("the late photo is found by its look", func() bool {
		result, err := w.client.Search(t.Context(), "blue group:off", 100, "")
		return err == nil && slices.ContainsFunc(result.Hits, func(hit api.Hit) bool {
			return slices.ContainsFunc(hit.Paths, func(path api.Path) bool { return strings.HasSuffix(path.Text, "late.jpg") })
		})
	})
	w.stop()
}

func TestAProjectionSurvivesKills(t *testing.T) {
	t.Parallel()
	newShelf(t).swapsThroughKills("learned", learnedFlags+" --slow 100ms", "learned-space", 900)
}
