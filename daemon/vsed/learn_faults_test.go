package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/api"
)

// trainerScript stands in for vsed-trainer: what it does is in the file "does" beside
// the state folder. What it proposes is a fake encoder that has learned two tags.
const trainerScript = `#!/bin/sh
run=$3
echo '{"step":"heads","done":1,"total":2}'
does=$(cat "%[1]s")
case "$does" in
hang) cat <&3; exit 1;; # until the daemon is gone
die) echo 'no room for the weights' >&2; exit 1;;
esac
name=$(sed 's/.*"name":"\([^"]*\)".*/\1/' "$run/task.json")
cp "$run/photos.jsonl" "%[1]s.photos"
mkdir "$run/bundle"
echo "{\"name\":\"$name\"}" >"$run/bundle/manifest.json"
echo "--space $name-space --head 2 --feature-space shared --learned-tags reddish,greenish,bluish" >"$run/bundle/flags"
echo '{"format":1,"outcome":"proposed","photos":4,"tags":2,"learned":2,"gain":{"value":5,"low":1,"high":9}}' >"$run/report.json"
case "$does" in linger) cat <&3;; esac
`

// newSchool is a world with three tagged photos, a fake encoder that has a bundle, and
// the trainer of the script.
func newSchool(t *testing.T) *world {
	w := newShelf(t)
	programs := filepath.Join(filepath.Dir(w.state), "bin")
	w.check(os.Mkdir(programs, 0o755))
	for _, name := range []string{"vsed", "vsectl", "vsed-decoder-vips", "vsed-encoder-onnx"} {
		if os.Link(filepath.Join(binaries, name), filepath.Join(programs, name)) != nil {
			t.Skip("the programs' folder and the world's are on two disks")
		}
	}
	w.programs = programs
	w.check(os.WriteFile(filepath.Join(programs, "vsed-trainer"), []byte(fmt.Sprintf(trainerScript, w.does(""))), 0o755))
	w.shelve("base", "--space base-space --feature-space shared")
	for i := range 12 {
		w.photo(fmt.Sprintf("%d.jpg", i), []color.RGBA{red, green, blue}[i%3], i)
	}
	w.start()
	w.settled()
	w.use("base", false)
	w.untilServes("base-space")
	w.settled()
	return w
}

// does has the trainer do something from now on, and gives the file that says so.
func (w *world) does(what string) string {
	w.Helper()
	path := filepath.Join(filepath.Dir(w.state), "does")
	if what != "" {
		w.check(os.WriteFile(path, []byte(what), 0o644))
	}
	return path
}

func (w *world) tagged(name string, tags ...string) int64 {
	w.Helper()
	photos, err := w.client.PhotosByPath(w.Context(), filepath.Join(w.photos, name))
	w.check(err)
	if len(photos) != 1 {
		w.Fatalf("%s: %d photos", name, len(photos))
	}
	if len(tags) > 0 {
		_, err = w.client.AddTags(w.Context(), photos[0].ID, tags)
		w.check(err)
	}
	return photos[0].ID
}

// learned waits for the end of the run that goes on, and gives the newest.
func (w *world) learned() api.LearningRun {
	w.Helper()
	w.until("learning has ended", func() bool {
		learning, err := w.client.Learning(w.Context())
		return err == nil && learning.Run == nil
	})
	runs, err := w.client.LearningRuns(w.Context())
	w.check(err)
	return runs[0]
}

func (w *world) learn() api.LearningRun {
	w.Helper()
	_, err := w.client.StartLearning(w.Context())
	w.check(err)
	return w.learned()
}

// underWay starts a run and waits for its trainer.
func (w *world) underWay() {
	w.Helper()
	_, err := w.client.StartLearning(w.Context())
	w.check(err)
	w.until("the trainer is at work", func() bool {
		learning, err := w.client.Learning(w.Context())
		return err == nil && learning.Progress != nil && learning.Progress.Step == "heads"
	})
}

func (w *world) refused(err error, status int, want string) {
	w.Helper()
	var refusal *api.Error
	if !errors.As(err, &refusal) || refusal.Status != status || !strings.Contains(refusal.Detail, want) || strings.Contains(refusal.Detail, "\n") {
		w.Errorf("got %v, want %d with %q", err, status, want)
	}
}

func (w *world) untilSwapped() {
	w.Helper()
	w.untilStage(api.SwapNone)
}

func TestLearningAndItsFaults(t *testing.T) {
	t.Parallel()
	w := newSchool(t)
	start := func() error {
		_, err := w.client.StartLearning(w.Context())
		return err
	}
	w.refused(start(), http.StatusConflict, "no photo has a tag")
	w.tagged("0.jpg", "Herbst")
	w.tagged("1.jpg", "Wiese", "Garten")

	w.does("die")
	if run := w.learn(); run.State != api.LearningFailed || !strings.Contains(run.Reason, "no room for the weights") {
		t.Errorf("a trainer that dies: %+v", run)
	}
	w.does("hang")
	w.underWay()
	w.refused(start(), http.StatusConflict, "learning run 2 is under way")
	_, err := w.client.ApplyLearning(w.Context(), 2)
	w.refused(err, http.StatusConflict, "wait for its end")
	if found := w.find("red"); len(found) != 12 {
		t.Errorf("meanwhile %d photos are found", len(found))
	}
	_, err = w.client.StopLearning(w.Context())
	w.check(err)
	if run := w.learned(); run.Number != 2 || run.State != api.LearningStopped {
		t.Errorf("stopped: %+v", run)
	}
	w.underWay()
	w.kill()
	w.start()
	w.untilServes("base-space")
	if run := w.learned(); run.Number != 3 || run.State != api.LearningInterrupted || !strings.Contains(run.Reason, "start another") {
		t.Errorf("after SIGKILL: %+v", run)
	}
	w.outlivesTheDaemon()

	w.does("propose")
	run := w.learn()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	for event, err := range w.client.Events(ctx, 0) {
		w.check(err)
		if event.Kind == "learning_proposed" {
			break
		}
	}
	photos, err := os.ReadFile(w.does("") + ".photos")
	w.check(err)
	if run.State != api.LearningProposed || run.Encoder != "learned-5" || run.Gain.Value != 5 || strings.Count(string(photos), "\n") != 2 ||
		!strings.Contains(string(photos), `"tags":["Garten","Wiese"]`) {
		t.Errorf("proposed: %+v of %s", run, photos)
	}
	w.applyAndBack()
}

// outlivesTheDaemon has run 4 found by a daemon that is killed before it can write that
// down.
func (w *world) outlivesTheDaemon() {
	w.Helper()
	w.does("linger")
	w.underWay()
	folder := filepath.Join(w.state, "learn", "4")
	w.until("the trainer is done", func() bool {
		report, err := os.ReadFile(filepath.Join(folder, "report.json"))
		return err == nil && bytes.HasSuffix(report, []byte("\n"))
	})
	w.kill()
	w.start()
	w.untilServes("base-space")
	if run := w.learned(); run.Number != 4 || run.State != api.LearningProposed || run.Gain == nil || run.Gain.Value != 5 {
		w.Errorf("after SIGKILL when the trainer was done: %+v", run)
	}
	if _, err := os.Stat(filepath.Join(folder, "features.bin")); !errors.Is(err, os.ErrNotExist) {
		w.Errorf("the features stay: %v", err)
	}
}

// applyAndBack goes on from a proposal of run 5.
func (w *world) applyAndBack() {
	w.Helper()
	apply := func(number int) error {
		_, err := w.client.ApplyLearning(w.Context(), number)
		return err
	}
	rollBack := func() error {
		_, err := w.client.RollBackLearning(w.Context())
		return err
	}
	w.refused(apply(1), http.StatusConflict, "learning run 1 proposes nothing (failed)")
	w.refused(apply(9), http.StatusNotFound, "no learning run 9")
	w.refused(rollBack(), http.StatusConflict, "nothing to roll back: base serves")
	w.use("builtin", false) // its features are others
	w.untilServes("builtin-space")
	w.untilSwapped()
	w.refused(apply(5), http.StatusConflict, "builtin, which serves, has other features")
	w.use("base", false)
	w.untilServes("base-space")
	w.untilSwapped()

	w.shelve("slow", "--space slow-space --slow 80ms")
	w.use("slow", false)
	w.refused(apply(5), http.StatusConflict, "a change of encoders to slow is under way")
	w.use("base", false) // ends it
	w.untilSwapped()
	before := w.answered("red group:off")
	w.check(apply(5))
	w.untilServes("learned-5-space")
	w.untilSwapped()
	w.refused(apply(5), http.StatusConflict, "serves already")
	learning, err := w.client.Learning(w.Context())
	if err != nil || !learning.Learned || !learning.Suggests || learning.Proposal != nil || !learning.Last.Serves {
		w.Errorf("applied: %+v, %v", learning, err)
	}
	w.suggestions()
	w.check(rollBack())
	w.untilServes("base-space")
	w.untilSwapped()
	w.refused(rollBack(), http.StatusConflict, "nothing to roll back: base serves")
	if after := w.answered("red group:off"); after != before {
		w.Errorf("after the roll-back %s, before learning %s", after, before)
	}
	if page, err := w.client.Suggestions(w.Context(), api.SuggestionsRequest{}); err != nil || len(page.Suggestions) != 0 {
		w.Errorf("the encoder before suggests %+v, %v", page, err)
	}
}

// refusals lists the one that there is, takes it back, and refuses it again.
func (w *world) refusals(photo int64) {
	w.Helper()
	named := []api.PhotoTag{{Photo: photo, Tag: "Reddish"}}
	listed := func(want int) {
		w.Helper()
		page, err := w.client.Refusals(w.Context(), api.RefusalsRequest{Tag: "REDDISH", Limit: 1})
		if err != nil || len(page.Refusals) != want || (want > 0 && (page.Refusals[0].Photo != photo || page.Refusals[0].Tag != "reddish" || page.Refusals[0].Text == "")) {
			w.Errorf("refusals %+v, %v, want %d", page, err, want)
		}
	}
	change := func(how func(context.Context, []api.PhotoTag) (api.SuggestionsTaken, error), want int64) {
		w.Helper()
		if taken, err := how(w.Context(), named); err != nil || taken.Taken != want || len(taken.Missed) != 1-int(want) {
			w.Errorf("%+v, %v, want %d", taken, err, want)
		}
	}
	listed(1)
	change(w.client.RefuseSuggestions, 0) // it is refused already
	change(w.client.UnrefuseSuggestions, 1)
	change(w.client.UnrefuseSuggestions, 0)
	listed(0)
	change(w.client.RefuseSuggestions, 1)
	change(w.client.AcceptSuggestions, 1) // that of a refusal, too
	listed(0)
	_, err := w.client.RemoveTags(w.Context(), photo, []string{"reddish"})
	w.check(err)
}

// suggestions accepts one and refuses another.
func (w *world) suggestions() {
	w.Helper()
	ask := func(asked api.SuggestionsRequest) (list []api.Suggestion) {
		w.Helper()
		page, err := w.client.Suggestions(w.Context(), asked)
		w.check(err)
		return page.Suggestions
	}
	first, second := w.tagged("3.jpg"), w.tagged("6.jpg")
	reddish := func() []api.Suggestion { return ask(api.SuggestionsRequest{Tag: "reddish", Least: api.DefaultLeast}) }
	if list := reddish(); len(list) != 4 || list[0].Confidence < list[3].Confidence {
		w.Errorf("of the four red photos: %+v", list)
	}
	if list := ask(api.SuggestionsRequest{Photo: first}); len(list) == 0 || list[0].Tag != "reddish" {
		w.Errorf("photo %d: %+v", first, list)
	}
	var pages []api.Suggestion
	for asked := (api.SuggestionsRequest{Limit: 3}); ; {
		page, err := w.client.Suggestions(w.Context(), asked)
		w.check(err)
		pages = append(pages, page.Suggestions...)
		if asked.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if all := ask(api.SuggestionsRequest{Limit: 1000}); len(all) != len(pages) {
		w.Errorf("%d suggestions, on pages %d", len(all), len(pages))
	}
	_, err := w.client.Suggestions(w.Context(), api.SuggestionsRequest{Cursor: "damaged"})
	w.refused(err, http.StatusUnprocessableEntity, "the cursor is damaged")

	taken, err := w.client.AcceptSuggestions(w.Context(), []api.PhotoTag{{Photo: first, Tag: "reddish"}, {Photo: first, Tag: "REDDISH"}, {Photo: first, Tag: "unheard of"}})
	if err != nil || taken.Taken != 1 || len(taken.Missed) != 1 {
		w.Errorf("accepted %+v, %v", taken, err)
	}
	if taken, err = w.client.RefuseSuggestions(w.Context(), []api.PhotoTag{{Photo: second, Tag: "reddish"}}); err != nil || taken.Taken != 1 || len(taken.Missed) > 0 {
		w.Errorf("refused %+v, %v", taken, err)
	}
	if list := reddish(); len(list) != 2 {
		w.Errorf("after one was accepted and one refused: %+v", list)
	}
	w.refusals(second)
	tags, err := w.client.Tags(w.Context(), first)
	if err != nil || len(tags) != 1 || tags[0] != (api.Tag{Name: "reddish", Source: "user"}) {
		w.Errorf("tags %+v, %v", tags, err)
	}
	photo, err := w.client.Photo(w.Context(), w.tagged("9.jpg"))
	if err != nil || len(photo.Tags) != 0 || len(photo.Learned) == 0 || photo.Learned[0].Tag != "reddish" {
		w.Errorf("a photo that was left alone: %+v, %v", photo, err)
	}
}
