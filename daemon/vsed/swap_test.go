package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vsed/daemon/api"
)

// shelved has a fake encoder for each bundle in the state folder, whose flags
// are in the file that the bundle consists of.
const shelved = `if [ "$1" = "--bundle" ]; then exec %[1]s $(cat "$2/flags"); fi; exec %[1]s --space builtin-space --feature-space builtin`

// newShelf is a world whose default encoder has the space "builtin-space".
func newShelf(t *testing.T) *world {
	w := newWorld(t)
	path := filepath.Join(filepath.Dir(w.state), "shelved.sh")
	w.check(os.WriteFile(path, []byte("#!/bin/sh\n"+fmt.Sprintf(shelved, filepath.Join(binaries, "vsed-encoder-fake"))+"\n"), 0o755))
	w.environment = []string{"VSED_ENCODER_PLUGIN=" + path}
	return w
}

// shelve installs a fake encoder.
func (w *world) shelve(name, flags string) {
	w.Helper()
	folder := filepath.Join(w.state, "encoders", name)
	w.check(os.MkdirAll(folder, 0o700))
	w.check(os.WriteFile(filepath.Join(folder, "flags"), []byte(flags), 0o600))
}

func (w *world) use(name string, now bool) {
	w.Helper()
	_, err := w.client.UseEncoder(w.Context(), api.SwapRequest{Encoder: name, Now: now})
	w.check(err)
}

func (w *world) untilServes(space string) {
	w.Helper()
	w.untilStatus(space+" serves", func(s api.Status) bool { return s.Encoder.Space == space })
}

func (w *world) untilStage(stage string) (swap api.Swap) {
	w.Helper()
	w.until("the swap is "+stage, func() bool {
		var err error
		swap, err = w.client.Swap(w.Context())
		return err == nil && swap.Stage == stage
	})
	return swap
}

func (w *world) library(photos int) {
	w.Helper()
	for i := range photos {
		w.photo(fmt.Sprintf("%d/%d.jpg", i%7, i), []color.RGBA{red, green, blue}[i%3], i)
	}
}

// answer gives the hits of a query in their order, which no two encoders have in
// common. From words alone is an error.
func (w *world) answer(ctx context.Context, query string) (string, error) {
	result, err := w.client.Search(ctx, query, 100, "")
	if err != nil {
		return "", err
	}
	if result.Partial != "" {
		return "", errors.New(result.Partial)
	}
	var hits strings.Builder
	for _, hit := range result.Hits {
		fmt.Fprintf(&hits, "%d ", hit.ID)
	}
	return hits.String(), nil
}

// answered waits for an answer from vectors.
func (w *world) answered(query string) (answer string) {
	w.Helper()
	w.until("vectors are searched", func() bool {
		answer, _ = w.answer(w.Context(), query)
		return answer != ""
	})
	return answer
}

// A questioner queries without pause, as several do at once.
type questioner struct {
	*world
	query  string
	killed atomic.Bool // the daemon may be away, or not have all its parts yet
	cancel context.CancelFunc
	asking sync.WaitGroup

	mutex sync.Mutex
	asked []asked
}

// asked is an answer with the time of its query.
type asked struct {
	began, ended time.Time
	answer       string
}

func (w *world) ask(query string) *questioner {
	q := &questioner{world: w, query: query}
	ctx, cancel := context.WithCancel(w.Context())
	q.cancel = cancel
	for range 3 {
		q.asking.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				answer, err := w.answer(ctx, query)
				q.note(ctx, asked{began, time.Now(), answer}, err)
			}
		})
	}
	return q
}

func (q *questioner) note(ctx context.Context, one asked, err error) {
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && q.killed.Load():
		time.Sleep(10 * time.Millisecond) // the next one may be answered
		return
	case err != nil:
		q.Errorf("a query was not answered from vectors after %v: %v", one.ended.Sub(one.began), err)
		return
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.asked = append(q.asked, one)
}

// heard reports whether a query has had this answer.
func (q *questioner) heard(answer string) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	return slices.ContainsFunc(q.asked, func(one asked) bool { return one.answer == answer })
}

// wantOneStep stops asking once the second has been heard. Each answer must be that of one of the two encoders,
// and no query that began after one had the answer of the second may have that of
// the first. It gives how many each had, and the longest time of one.
func (q *questioner) wantOneStep(first, second string) (before, after int, longest time.Duration) {
	q.Helper()
	q.until("the second encoder answers", func() bool { return q.heard(second) })
	q.cancel()
	q.asking.Wait()
	if first == second || first == "" {
		q.Fatalf("the two encoders cannot be told apart by %q", q.query)
	}
	var lastBegan time.Time
	firstEnded := time.Now()
	for _, one := range q.asked {
		longest = max(longest, one.ended.Sub(one.began))
		switch one.answer {
		case first:
			before++
			if one.began.After(lastBegan) {
				lastBegan = one.began
			}
		case second:
			after++
			if one.ended.Before(firstEnded) {
				firstEnded = one.ended
			}
		default:
			q.Errorf("an answer is of neither encoder: %s\nfirst  %s\nsecond %s", one.answer, first, second)
		}
	}
	if before == 0 || after == 0 || lastBegan.After(firstEnded) {
		q.Errorf("%d answers of the first, %d of the second; the last of the first began %v after the first of the second", before, after, lastBegan.Sub(firstEnded))
	}
	return before, after, longest
}

func TestSwapAndRollBackUnderQueries(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(120)
	w.start()
	w.settled()
	w.shelve("other", "--space other-space --dimensions 24")
	first, asking := w.answered("something"), w.ask("something")
	w.use("other", false)
	w.untilServes("other-space")
	swap := w.untilStage(api.SwapNone)
	if last := swap.Last; last == nil || last.Failed != "" || last.Coverage != (api.Coverage{Encoded: 120}) || last.From != "builtin" || last.To != "other" {
		t.Errorf("the swap ended with %+v", last)
	}
	second := w.answered("something")
	asking.wantOneStep(first, second)

	asking = w.ask("something")
	_, err := w.client.SwapCommand(t.Context(), "rollback")
	w.check(err)
	w.untilServes("builtin-space")
	w.answered("something")
	asking.wantOneStep(second, first)
	if _, err := w.client.SwapCommand(t.Context(), "rollback"); !isRefusal(err, http.StatusConflict) {
		t.Errorf("a second roll-back: %v", err)
	}
	w.stop()
}

// A photo that came after the cut-over waits after a roll-back, and is encoded.
func TestAPhotoLaterThanTheCutOver(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(6)
	w.start()
	w.settled()
	w.shelve("other", "--space other-space")
	w.use("other", false)
	w.untilServes("other-space")
	w.photo("late.jpg", blue, 500)
	w.settled()
	_, err := w.client.SwapCommand(t.Context(), "rollback")
	w.check(err)
	w.untilServes("builtin-space")
	w.untilStatus("the late photo is encoded too", func(s api.Status) bool { return s.Ready && s.Photos.Encoded == 7 })
	w.stop()
}

func isRefusal(err error, status int) bool {
	var refusal *api.Error
	return errors.As(err, &refusal) && refusal.Status == status
}

func TestASwapSurvivesKills(t *testing.T) {
	t.Parallel()
	newShelf(t).swapsThroughKills("other", "--space other-space --slow 30ms --batch 4", "other-space", 500)
}

// swapsThroughKills has a library swap to an encoder while its daemon is killed four
// times, each after up to so many milliseconds.
func (w *world) swapsThroughKills(name, flags, space string, most int) {
	w.Helper()
	w.library(150)
	w.start()
	w.settled()
	w.shelve(name, flags)
	w.use(name, false)
	random := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		pause := time.NewTimer(time.Duration(random.IntN(most)) * time.Millisecond)
		<-pause.C
		w.kill()
		w.start()
	}
	w.untilServes(space)
	if status := w.settled(); status.Photos.Encoded != 150 {
		w.Errorf("status %+v", status.Photos)
	}
	w.stop()
}

func TestAnEncoderThatFailsIsNotUsed(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(3)
	w.start()
	w.settled()
	for flags, reason := range map[string]string{
		"--constant":                     "not constant",
		"--nan":                          "finite",
		"--wrong-size":                   "",
		"--changed":                      "golden",
		"--inverted":                     "pair",
		"--die-at-start":                 "dying",
		"--missing-provider tensorrt":    "provider",
		"--out-of-memory":                "",
		"--wrong-engine --provider cuda": "",
	} {
		w.shelve("bad", "--space bad-space "+flags)
		_, err := w.client.UseEncoder(t.Context(), api.SwapRequest{Encoder: "bad"})
		if !isRefusal(err, http.StatusUnprocessableEntity) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", flags, err)
		}
		if got := w.find("red"); len(got) != 3 {
			t.Errorf("%s: after it, red finds %q", flags, got)
		}
	}
	if _, err := w.client.UseEncoder(t.Context(), api.SwapRequest{Encoder: "nobody"}); !isRefusal(err, http.StatusNotFound) {
		t.Errorf("an unknown encoder: %v", err)
	}
	if _, err := w.client.UseEncoder(t.Context(), api.SwapRequest{Encoder: "builtin"}); !isRefusal(err, http.StatusConflict) {
		t.Errorf("the encoder that serves: %v", err)
	}
	w.stop()
}

func TestASwapWaitsForOfflineFolders(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(9)
	w.start()
	w.settled()
	away := w.photos + "-away"
	w.check(os.Rename(w.photos, away))
	w.untilStatus("the folder is offline", func(s api.Status) bool { return s.Photos.Offline == 9 })
	w.shelve("other", "--space other-space")
	w.use("other", false)
	if swap := w.untilStage(api.SwapOffline); len(swap.Offline) != 1 || swap.Offline[0].Text != w.photos {
		t.Errorf("it waits for %+v", swap.Offline)
	}
	w.use("other", true)
	w.untilServes("other-space")
	if got := w.find("3.jpg"); len(got) == 0 {
		t.Error("the offline photos are not found by their names")
	}
	w.check(os.Rename(away, w.photos))
	w.untilStatus("the folder is encoded on its return", func(s api.Status) bool { return s.Ready && s.Photos.Encoded == 9 })
	w.stop()
}

// A photo that only the incoming encoder cannot take is set aside at the
// cut-over, not before, and the swap ends all the same.
func TestAPhotoThatOnlyTheIncomingEncoderFailsOn(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(6)
	w.start()
	w.settled()
	w.shelve("other", "--space other-space --crash-on-picture "+fmt.Sprintf("%02x%02x%02x", 0, 0, 229))
	w.use("other", false)
	w.untilServes("other-space")
	swap := w.untilStage(api.SwapNone)
	if sum := swap.Last.Coverage; sum.Total() != 6 || sum.Waiting != 0 {
		t.Errorf("coverage %+v", sum)
	}
	w.stop()
}

// An incoming encoder that stays down costs the one that serves no photo, and goes
// on when it works again.
func TestAnIncomingEncoderThatStaysDown(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(60)
	w.start()
	w.settled()
	broken := filepath.Join(filepath.Dir(w.state), "broken")
	w.shelve("other", "--space other-space --batch 2 --slow 20ms --crash-if "+broken)
	w.use("other", false)
	w.untilStage(api.SwapEncoding)
	w.check(os.WriteFile(broken, nil, 0o600))
	for i := range 40 { // more than wait before an encoder
		w.photo(fmt.Sprintf("late/%d.jpg", i), red, 1000+i)
	}
	w.untilStatus("the late photos are encoded", func(s api.Status) bool { return s.Photos.Encoded == 100 })
	if swap := w.untilStage(api.SwapEncoding); !strings.Contains(swap.Problem, "crashing as told") {
		t.Errorf("the swap's problem is %q", swap.Problem)
	}
	w.check(os.Remove(broken))
	w.untilServes("other-space")
	if swap := w.untilStage(api.SwapNone); swap.Last.Coverage != (api.Coverage{Encoded: 100}) {
		t.Errorf("the swap ended with %+v", swap.Last)
	}
	w.stop()
}

func TestPauseCancelAndRemove(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(60)
	w.start()
	w.settled()
	w.shelve("other", "--space other-space --slow 200ms --batch 2")
	w.use("other", false)
	w.untilStage(api.SwapEncoding)
	if err := w.client.RemoveEncoder(t.Context(), "other"); !isRefusal(err, http.StatusConflict) {
		t.Errorf("removing the incoming encoder: %v", err)
	}
	swap, err := w.client.SwapCommand(t.Context(), "pause")
	w.check(err)
	if swap.Stage != api.SwapPaused {
		t.Errorf("paused: %+v", swap)
	}
	_, err = w.client.SwapCommand(t.Context(), "resume")
	w.check(err)
	w.use("builtin", false) // ends the swap
	w.untilStage(api.SwapNone)
	w.check(w.client.RemoveEncoder(t.Context(), "other"))
	if list, err := w.client.Encoders(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("installed: %+v, %v", list, err)
	}
	w.stop()
}

// What a preparation makes takes over under queries; the status and the line for
// systemd tell how far it is.
func TestAPreparedEngineTakesOver(t *testing.T) {
	t.Parallel()
	w := newShelf(t)
	w.library(30)
	engine := filepath.Join(w.state, "engines/builtin/engine")
	w.useEncoder("exec "+filepath.Join(binaries, "vsed-encoder-fake")+` "$@"`, "--provider cuda --slow-preparing 200ms --engine "+engine)
	w.start()
	status := w.untilStatus("the preparation is told", func(s api.Status) bool { return s.Encoder.Preparation != nil && s.Encoder.Preparation.Done > 0 })
	if p := status.Encoder.Preparation; p.Total != 4 || p.Step == "" || p.Seconds <= 0 || p.Failed != "" || status.Encoder.Provider != "cuda" {
		t.Errorf("preparation %+v on %s", p, status.Encoder.Provider)
	}
	w.untilStatus("the engine runs", func(s api.Status) bool {
		return s.Ready && s.Encoder.Provider == "tensorrt" && s.Encoder.Preparation == nil && s.Photos.Encoded == 30
	})
	w.stop()
}
