package learn

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/encoders/bundle"
	"vsed/encoders/feature"
	"vsed/encoders/runtime/runtimetest"
	"vsed/index/evaluate"
	"vsed/plugins/contract"
	"vsed/training/evaluation"
	"vsed/training/stage"
)

// builtin gives what `make model` made, and where the library is.
func builtin(t *testing.T) (base *bundle.Bundle, library string) {
	t.Helper()
	library = runtimetest.Path(t)
	base, err := bundle.Read("../../build/encoders/builtin")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no built-in bundle: run `make model` first")
	}
	if err != nil {
		t.Fatal(err)
	}
	return base, library
}

// household is a made-up library: photos of things that each has a look of its own.
type household struct {
	photos   []contract.TrainingPhoto
	features [][]byte
	random   *rand.Rand
	widths   []int
}

func newHousehold(base *bundle.Bundle) *household {
	return &household{random: rand.New(rand.NewPCG(5, 6)), widths: base.Widths()}
}

// add takes photos of things with these tags, one a day.
func (h *household) add(count int, tags ...string) {
	width := 0
	for _, each := range h.widths {
		width += each
	}
	for range count {
		values := make([]float32, width)
		for i := range values {
			values[i] = float32(math.Abs(h.random.NormFloat64()))
		}
		for _, tag := range tags {
			look := rand.New(rand.NewPCG(uint64(len(tag)), uint64(tag[0])))
			for range width / 8 {
				values[look.IntN(width)] += 1.5
			}
		}
		taken := time.Date(2020, 1, len(h.photos)+1, 12, 0, 0, 0, time.UTC).Format("2006-01-02T15:04:05")
		h.photos = append(h.photos, contract.TrainingPhoto{Photo: int64(100 + len(h.photos)), Tags: tags, Taken: taken})
		h.features = append(h.features, feature.Quantise(values, h.widths))
	}
}

// write makes the folder of a run.
func (h *household) write(t *testing.T, base *bundle.Bundle, library string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	put(t, folder, contract.TaskFile, marshal(t, contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: base.Path("."), FeatureSpace: base.FeatureSpace(), Library: library, Name: "learned-1", Seed: 1, Threads: 2,
	}))
	var lines []byte
	for _, photo := range h.photos {
		lines = append(append(lines, marshal(t, photo)...), '\n')
	}
	put(t, folder, contract.PhotosFile, lines)
	put(t, folder, contract.FeaturesFile, slices.Concat(h.features...))
	return folder
}

func marshal(t *testing.T, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, folder, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, folder, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func silent(contract.Progress) {}

// quick takes few steps.
func quick() stage.Two {
	two := stage.DefaultTwo()
	two.Epochs, two.LeastSteps = 2, 10
	return two
}

func reportOf(t *testing.T, folder string) (report contract.TrainingReport) {
	t.Helper()
	if err := json.Unmarshal(get(t, folder, contract.ReportFile), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

// strange is a tag in letters that no tokenizer of ours can read.
const strange = "𓃰𓃱"

func tagged(base *bundle.Bundle) *household {
	h := newHousehold(base)
	h.add(14, "dog", "Omas Garten")
	h.add(14, "beach")
	h.add(14, "dog", "beach")
	h.add(10, strange)
	h.add(8, "receipt")
	h.add(2, "wedding")
	for i := range 3 {
		h.photos[i].Tags = append(h.photos[i].Tags, strings.Repeat("x", 500), "", "dog")
	}
	h.add(2)
	h.photos[len(h.photos)-1].Refused = []string{"dog"}
	return h
}

// TestAHouseholdGains learns for a while, twice in one folder and to the same bytes.
func TestAHouseholdGains(t *testing.T) {
	if testing.Short() {
		t.Skip("learns twice, which takes seconds")
	}
	base, library := builtin(t)
	if base.Learning == nil || base.Learning.Replay == "" {
		t.Skip("the built-in bundle brings nothing to learn from: run `make model`")
	}
	home := tagged(base)
	folder := home.write(t, base, library)
	var steps []contract.Progress
	learn := func() (report contract.TrainingReport, read *bundle.Bundle) {
		steps = nil
		if err := runWith(t.Context(), folder, Options{Report: func(step contract.Progress) { steps = append(steps, step) }}, quick()); err != nil {
			t.Fatal(err)
		}
		report = reportOf(t, folder)
		read, err := bundle.Read(filepath.Join(folder, contract.LearnedFile))
		if err != nil {
			t.Fatalf("%v; report %+v", err, report)
		}
		return report, read
	}
	report, first := learn()
	if report.Outcome != contract.Proposed || report.Gain.Value <= 0 || report.After.MAP.Value <= report.Before.MAP.Value {
		t.Errorf("outcome %s, %s: %v before, %v after, gain %v", report.Outcome, report.Reason, report.Before.MAP, report.After.MAP, report.Gain)
	}
	if report.Photos != 62 || report.Held != 62 || report.Folds != folds || report.Events != 62 || report.Tags != 6 || report.Learned != 5 {
		t.Errorf("report %+v", report)
	}
	if report.Guard == nil || report.Guard.Change.Value < -mostForgotten || report.Guard.Queries == 0 || report.Kept < leastKept {
		t.Errorf("guard %+v, kept %v", report.Guard, report.Kept)
	}
	notes := strings.Join(report.Notes, "\n")
	for _, want := range []string{"6 tags are left out", "\"" + strange + "\" is in letters that the encoder cannot read: learned"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in the notes %q", want, notes)
		}
	}
	byTag := map[string]contract.TrainingTag{}
	for _, one := range report.PerTag {
		byTag[one.Tag] = one
	}
	if byTag["wedding"].Lacking != 1 || byTag["dog"].Photos != 28 || byTag["dog"].After <= byTag["dog"].Before/2 {
		t.Errorf("tags %+v", report.PerTag)
	}
	if len(report.Examples) == 0 || len(report.Examples[0].Before) == 0 || len(report.Parts) != 2 || report.Seconds <= 0 || report.Memory <= 0 {
		t.Errorf("report %+v", report)
	}
	names, err := first.LearnedTags()
	if err != nil || !slices.Equal(names, []string{"Omas Garten", "beach", "dog", "receipt", strange}) || first.Name != "learned-1" {
		t.Errorf("learned tags %q, %v", names, err)
	}
	if !slices.ContainsFunc(steps, func(step contract.Progress) bool { return step.Total > 0 && step.Done == step.Total }) {
		t.Errorf("progress %v", steps)
	}
	curves := get(t, folder, contract.CurvesFile)

	put(t, folder, unfinished, []byte("of a run that was killed"))
	again, second := learn()
	again.Seconds, again.Memory, report.Seconds, report.Memory = 0, 0, 0, 0
	if string(marshal(t, again)) != string(marshal(t, report)) || second.Digest() != first.Digest() || string(get(t, folder, contract.CurvesFile)) != string(curves) {
		t.Errorf("another run of the same gives\n%s\nand\n%s", marshal(t, report), marshal(t, again))
	}

	// What was learned is a base to learn on again: measured against what it began from.
	task := marshal(t, contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: copied(t, second), FeatureSpace: base.FeatureSpace(), Library: library, Name: "learned-2", Seed: 1, Threads: 2,
	})
	put(t, folder, contract.TaskFile, task)
	third, last := learn()
	if last.Score != second.Score {
		t.Errorf("the same heads have the floor %v, learned on top of themselves %v", second.Score, last.Score)
	}
	if math.Abs(third.Before.MAP.Value-report.Before.MAP.Value) > .5 || !strings.Contains(strings.Join(third.Notes, " "), "learned-1 had learned is left out") {
		t.Errorf("before %v, was %v; notes %q", third.Before.MAP, report.Before.MAP, third.Notes)
	}
	if third.Serving != nil || !strings.Contains(strings.Join(third.Notes, " "), "0 photos held out are new to learned-1") {
		t.Errorf("learned-1 has seen all photos, and is compared with: %+v; notes %q", third.Serving, third.Notes)
	}

	// With photos that it has not seen it is measured against what it had learned, too.
	for _, tag := range []string{"dog", "beach", "receipt"} {
		home.add(8, tag)
	}
	for i := range home.photos[len(home.photos)-24:] {
		home.photos[len(home.photos)-24+i].New = true
	}
	folder = home.write(t, base, library)
	put(t, folder, contract.TaskFile, task)
	fourth, _ := learn()
	s := fourth.Serving
	if s == nil || s.Photos != 24 || s.Before.Queries != 3 || s.Before.MAP.Value < fourth.Before.MAP.Value+20 || s.Gain.Value != s.After.MAP.Value-s.Before.MAP.Value {
		t.Errorf("compared with learned-1: %+v; before it had learned %+v", s, fourth.Before.MAP)
	}
}

// TestWhatServesBetterStays has new photos that the encoder that serves finds first.
func TestWhatServesBetterStays(t *testing.T) {
	var places []int
	query := evaluation.Query{Tags: []string{"sea"}}
	var found, middling, missed []float64
	for i := range 30 {
		places = append(places, i)
		query.Relevant = append(query.Relevant, i < 10)
		found, middling, missed = append(found, float64(-i)), append(middling, float64(i%2)-float64(i)/100), append(missed, float64(i))
	}
	query.Carriers = 10
	all := sample{places: places, bursts: places, columns: places, parts: [][]int{places}, queries: []evaluation.Query{query}}
	base := &bundle.Bundle{}
	base.Name = "learned-7"
	r := &run{base: base, input: &input{photos: make([]photo, 30)}}
	r.split.held = all
	j := &judge{run: r}
	f := func(serves, now []float64, want string) {
		t.Helper()
		before, err := all.rank([][]float64{missed})
		if err != nil {
			t.Fatal(err)
		}
		that := &serving{news: all}
		if that.before, err = all.rank([][]float64{serves}); err != nil {
			t.Fatal(err)
		}
		changes, err := r.firstThatGains(t.Context(), j, before, that, []way{{tags: &learnedTags{}, scores: [][]float64{now}}})
		if err != nil || (changes == nil) != (want != "") || !strings.Contains(r.report.Reason, want) || r.report.Serving.Photos != 30 {
			t.Errorf("proposes %+v, %v; reason %q, want %q; %+v", changes, err, r.report.Reason, want, r.report.Serving)
		}
	}
	f(middling, found, "")
	f(found, found, "")
	f(found, middling, "learned-7, which serves, is better")
}

// TestNewPhotosAreOfNewEvents has photos of days of which one was learned from.
func TestNewPhotosAreOfNewEvents(t *testing.T) {
	in := &input{}
	for i := range 80 {
		taken := time.Date(2020, 1, 1+i/2, 12, i%2, 0, 0, time.UTC)
		in.photos = append(in.photos, photo{id: int64(i), tags: []string{fmt.Sprint("tag ", i%3)}, taken: taken, isNew: i >= 61})
	}
	in.photos[79].tags, in.photos[79].refused, in.photos[79].isNew = nil, []string{"tag 0"}, false
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	got := slices.Sorted(slices.Values(drawn(s.held.places, s.news)))
	if want := numbers(62, 78); !slices.Equal(got, want) {
		t.Errorf("new are %v, want %v", got, want)
	}
}

// copied moves a bundle out of the folder of its run.
func copied(t *testing.T, b *bundle.Bundle) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "bundle")
	if err := os.CopyFS(to, os.DirFS(b.Path("."))); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestTooLittleIsRefusedWithWhatIsLacking(t *testing.T) {
	base, library := builtin(t)
	f := func(want string, change func(*household)) {
		t.Helper()
		h := newHousehold(base)
		change(h)
		folder := h.write(t, base, library)
		for _, left := range []string{contract.ReportFile, contract.CurvesFile} {
			put(t, folder, left, []byte("of an earlier run"))
		}
		if err := os.MkdirAll(filepath.Join(folder, contract.LearnedFile, "golden"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := Run(t.Context(), folder, Options{Report: silent}); err != nil {
			t.Errorf("%q: %v", want, err)
			return
		}
		report := reportOf(t, folder)
		if report.Outcome != contract.NoProposal || !strings.Contains(report.Reason, want) || strings.Contains(report.Reason, "\n") {
			t.Errorf("report %+v, want %q", report, want)
		}
		if _, err := os.Stat(filepath.Join(folder, contract.LearnedFile)); !errors.Is(err, os.ErrNotExist) {
			t.Error("a bundle lies in the folder of a run that proposes nothing")
		}
	}
	f("no photo has a tag", func(*household) {})
	f("no photo has a tag", func(h *household) { h.add(30) })
	f("no photo has a tag", func(h *household) { h.add(30, " ") })
	f("1 photo has tags, 20 are the least: tag 19 more", func(h *household) { h.add(1, "sea") })
	f("3 photos have tags, 20 are the least: tag 17 more; a tag is learned from 3 photos on: \"sea\" lacks 1", func(h *household) { h.add(2, "sea"); h.add(1, "cat") })
	f("one tag only, \"sea\": tag photos of other things", func(h *household) { h.add(30, "sea") })
	f("\"sea\" is on every photo that has tags, so that nothing tells how photos without it look: tag some of other things; a tag is learned from 3 photos on: \"sun\" lacks 1", func(h *household) {
		h.add(28, "sea")
		h.add(2, "sea", "sun")
	})
	f("have the same tags", func(h *household) { h.add(30, "sea", "sun") })
	f("no tag is on 3 photos", func(h *household) {
		for i := range 24 {
			h.add(1, fmt.Sprint("thing ", i))
		}
	})
	f("of one event", func(h *household) {
		h.add(15, "sea")
		h.add(15, "sun")
		for i := range h.photos {
			h.photos[i].Taken = "2020-01-01T12:00:00"
		}
	})
	f("photos of two events", func(h *household) {
		h.add(15, "sea")
		h.add(15, "sun")
		for i := range h.photos {
			h.photos[i].Taken = fmt.Sprintf("2020-01-%02dT12:00:00", 1+i/15)
		}
	})
}

func TestDamagedRunsAreErrors(t *testing.T) {
	base, library := builtin(t)
	f := func(want string, change func(folder string)) {
		t.Helper()
		folder := tagged(base).write(t, base, library)
		change(folder)
		err := Run(t.Context(), folder, Options{Report: silent})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one line with %q", err, want)
		}
		if _, err := os.Stat(filepath.Join(folder, contract.ReportFile)); !errors.Is(err, os.ErrNotExist) {
			t.Error("a report lies in the folder of a run that failed")
		}
	}
	task := func(change func(*contract.TrainingTask)) func(string) {
		return func(folder string) {
			var read contract.TrainingTask
			if err := json.Unmarshal(get(t, folder, contract.TaskFile), &read); err != nil {
				t.Fatal(err)
			}
			change(&read)
			put(t, folder, contract.TaskFile, marshal(t, read))
		}
	}
	f("is of format 2, this trainer reads 1", task(func(task *contract.TrainingTask) { task.Format = 2 }))
	f("names no bundle", task(func(task *contract.TrainingTask) { task.Bundle = "" }))
	f("0 threads", task(func(task *contract.TrainingTask) { task.Threads = 0 }))
	f("no such file", task(func(task *contract.TrainingTask) { task.Bundle = t.TempDir() }))
	f("gather them anew", task(func(task *contract.TrainingTask) { task.FeatureSpace = "other" }))
	f("task.json", func(folder string) { put(t, folder, contract.TaskFile, []byte("{")) })
	f("photos.jsonl, line 2", func(folder string) { put(t, folder, contract.PhotosFile, []byte("{\"photo\":1}\n[]\n")) })
	f("photo 7 stands twice", func(folder string) { put(t, folder, contract.PhotosFile, []byte("{\"photo\":7}\n{\"photo\":7}\n")) })
	f("token too long", func(folder string) { put(t, folder, contract.PhotosFile, make([]byte, lineLimit+1)) })
	f("features.bin has 5 bytes", func(folder string) { put(t, folder, contract.FeaturesFile, make([]byte, 5)) })
	f("no such file", func(folder string) { _ = os.Remove(filepath.Join(folder, contract.FeaturesFile)) })
	f("no such file", func(folder string) { _ = os.Remove(filepath.Join(folder, contract.PhotosFile)) })
}

func TestDamagedFeaturesAreLeftOut(t *testing.T) {
	base, _ := builtin(t)
	h := tagged(base)
	for _, photo := range []int{3, 5} {
		copy(h.features[photo], []byte{0, 0, 0xc0, 0x7f}) // a scale that is NaN
	}
	folder := h.write(t, base, "")
	in, err := readInput(folder, base.Widths(), 1)
	if err != nil || len(in.photos) != 62+1-2 { // one more is known by its refusal alone
		t.Fatalf("%d photos, %v", len(in.photos), err)
	}
	if !slices.ContainsFunc(in.notes, func(note string) bool { return strings.HasPrefix(note, "2 photos are left out") }) {
		t.Errorf("notes %q", in.notes)
	}
	if in.photos[3].id != 104 {
		t.Errorf("photo %d stands where the damaged one stood", in.photos[3].id)
	}
}

func TestTagsAreCleaned(t *testing.T) {
	tags, dropped := cleanTags([]string{"e\u0301", "é", "b", " ", "", "\xff", "a\nb", strings.Repeat("x", 256), "犬"})
	if !slices.Equal(tags, []string{"b", "é", "犬"}) || dropped != 5 {
		t.Errorf("tags %q, %d dropped", tags, dropped)
	}
}

// TestALossIsRefused ranks the photos held out worse than before.
func TestALossIsRefused(t *testing.T) {
	r := &run{report: contract.TrainingReport{Guard: &contract.TrainingGuard{}}}
	r.input = &input{photos: make([]photo, 4)}
	places := []int{0, 1, 2, 3}
	r.split.held = sample{places: places, bursts: places, columns: places, parts: [][]int{places}}
	r.split.held.queries = []evaluation.Query{{Tags: []string{"sea"}, Relevant: []bool{true, true, false, false}, Carriers: 2}}
	j := &judge{run: r}
	before, err := r.split.held.rank([][]float64{{4, 3, 2, 1}})
	if err != nil {
		t.Fatal(err)
	}
	worse := way{tags: &learnedTags{}, scores: [][]float64{{1, 2, 3, 4}}}
	changes, err := r.firstThatGains(t.Context(), j, before, nil, []way{worse, {scores: before.scores}})
	if err != nil || changes != nil || !strings.Contains(r.report.Reason, "100.0 before and 41.7 after") {
		t.Errorf("proposes %+v, %v; reason %q", changes, err, r.report.Reason)
	}
	if want := []int64{0, 0, 0, 0}; !slices.Equal(r.report.Examples[0].After, want) || r.report.Gain.Value != evaluate.Mean([]float64{5. / 12, -1})*0+r.report.After.MAP.Value-100 {
		t.Errorf("report %+v", r.report)
	}
}

func TestQueriesAreOfTagsOnBothSides(t *testing.T) {
	in := &input{}
	for i := range 40 {
		one := photo{id: int64(i), tags: []string{"all"}, taken: time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)}
		if i%2 == 0 {
			one.tags = append(one.tags, "even")
		}
		if i < 3 {
			one.tags = append(one.tags, "few")
		}
		in.photos = append(in.photos, one)
	}
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	if got := slices.Sorted(maps.Keys(s.learnable)); !slices.Equal(got, []string{"even", "few"}) {
		t.Errorf("learned are %q", got)
	}
	if len(s.learn) != 40 || len(s.held.places) != 40 || s.events != 40 {
		t.Errorf("%d to learn from, %d held out of %d events", len(s.learn), len(s.held.places), s.events)
	}
	for _, query := range s.held.queries {
		if query.Tags[0] == "all" || query.Carriers == 0 {
			t.Errorf("query %+v", query)
		}
	}
}

// A refusal within a burst that is held out must not be learned from to measure.
func TestRefusalsOfEventsHeldOutAreApart(t *testing.T) {
	in := &input{}
	for day := range 500 {
		taken := time.Date(2020, 1, 1+day, 0, 0, 0, 0, time.UTC)
		in.photos = append(in.photos,
			photo{id: int64(day), tags: []string{fmt.Sprint("tag ", day%2)}, taken: taken},
			photo{id: int64(1000 + day), refused: []string{"tag 0"}, taken: taken.Add(time.Minute)})
	}
	s, no := divide(in, 3)
	if no != nil {
		t.Fatal(no.reason)
	}
	if len(s.folds) != 1 || len(s.refused) != 500 || len(s.folds[0].apart) != 500-len(s.out()) {
		t.Errorf("%d refused, %d apart from %d held out", len(s.refused), len(s.folds[0].apart), len(s.out()))
	}
	for _, place := range s.folds[0].apart {
		if slices.Contains(s.out(), place-1) {
			t.Errorf("photo %d is of an event that is held out", in.photos[place].id)
		}
	}
}
