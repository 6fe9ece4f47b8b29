package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func measure(value, low, high float64) api.LearningMeasure {
	return api.LearningMeasure{Value: value, Low: low, High: high}
}

func proposedRun() api.LearningRun {
	gain, guard := measure(20.24, 16.9, 23.41), measure(-0.6, -1.4, 0.2)
	return api.LearningRun{
		Number: 3, State: api.LearningProposed, By: api.LearningBySchedule, Began: "2026-03-01T03:00:00Z", Ended: "2026-03-01T03:01:00Z",
		From: "builtin", Encoder: "learned-3", Photos: 848, Held: 212, Tags: 140, Learned: 118, Gain: &gain, Guard: &guard,
	}
}

func unproposedRun() api.LearningRun {
	return api.LearningRun{
		Number: 2, State: api.LearningNoProposal, Reason: "the tag \"dog\x1b[2J\" is all there is: it takes two tags at least", By: api.LearningByHand, Began: "2026-02-26T12:00:00Z", Ended: "2026-02-26T12:00:01Z",
		From: "builtin", Encoder: "learned-2", Photos: 12, Tags: 1,
	}
}

func servingRun() api.LearningRun {
	run := proposedRun()
	run.Number, run.Encoder, run.Serves, run.Began, run.Applied, run.By = 1, "learned-1", true, "2026-01-10T12:00:00Z", "2026-02-20T12:34:00Z", api.LearningByHand
	return run
}

func hits(relevant ...bool) (all []api.LearningHit) {
	for i, one := range relevant {
		all = append(all, api.LearningHit{ID: int64(i + 1), Path: api.NewPath(fmt.Sprintf("/photos/2019/summer/IMG_%d.jpg", 1000+i)), Relevant: one})
	}
	return all
}

func learningReport() api.LearningReport {
	report := api.LearningReport{
		Run: proposedRun(), Events: 97, Notes: []string{"Photos that were tagged twice as \"Strand\" and \"strand\" count once; both spellings are found. This note is longer than a line of a terminal has room for."},
		Before: api.LearningFigures{MAP: measure(23.7, 20.1, 27.5), P5: measure(21, 17, 25), R10: measure(30.1, 26, 34), Queries: 118},
		After:  api.LearningFigures{MAP: measure(43.9, 39.8, 48.1), P5: measure(38.2, 34, 43), R10: measure(55, 50, 60), Queries: 118},
		Guard:  &api.LearningGuard{Pictures: 1000, Queries: 5000, R1Before: 28, R1After: 27.4, Change: measure(-0.6, -1.4, 0.2)},
		Examples: []api.LearningExample{
			{Query: "Strand", Before: hits(false, true, false, false, false), After: append(hits(true, true, true, false), api.LearningHit{ID: 77})},
			{Query: "\x1b[31m犬", Before: hits(false), After: hits(true, false)},
		},
		Kept: 0.2, Seconds: 41, Memory: 480_000_000,
	}
	for i := range 20 {
		report.PerTag = append(report.PerTag, api.LearningTag{Tag: fmt.Sprintf("tag %d", i), Photos: 40 + i, Held: 8, Before: new(20 + float64(i)), After: new(60.0)})
	}
	report.PerTag = append(report.PerTag,
		api.LearningTag{Tag: "worse", Photos: 30, Held: 6, Before: new(50.0), After: new(41.5)}, api.LearningTag{Tag: "not measured", Photos: 9},
		api.LearningTag{Tag: "Oma", Photos: 4, Held: 1, Lacking: 6}, api.LearningTag{Tag: "Garten", Photos: 9, Lacking: 1})
	return report
}

// school serves a library that has learned.
func school(t *testing.T) (*servertest.Library, *api.Client) {
	library := servertest.New()
	library.School.Shelf = &library.Shelf
	library.School.Runs = []api.LearningRun{proposedRun(), unproposedRun(), servingRun()}
	refused := api.LearningReport{Run: unproposedRun(), PerTag: []api.LearningTag{{Tag: "dog", Photos: 12, Lacking: 3}}}
	served := learningReport()
	served.Run = servingRun()
	library.School.Reports = map[int]api.LearningReport{1: served, 2: refused, 3: learningReport()}
	for i, tag := range []string{"Strand", "Strand", "\x1b[31mhostile"} {
		library.School.Suggested = append(library.School.Suggested, api.Suggestion{
			Photo: int64(70 + i), Path: api.NewPath("/photos/2019/summer/holiday at the sea/a photo of a long name.jpg"), LearnedTag: api.LearnedTag{Tag: tag, Confidence: []float64{0.999, 0.84, 0.61}[i]},
		})
	}
	library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone})
	return library, servertest.Serve(t, library)
}

// TestAReportOfFewPhotosOnTopOfAnother is of photos that were held out in turn.
func TestAReportOfFewPhotosOnTopOfAnother(t *testing.T) {
	library, client := school(t)
	report := learningReport()
	report.Run.Photos, report.Run.Held, report.Run.Folds, report.Run.From = 100, 100, 4, "learned-2"
	report.Serving = &api.LearningServing{Photos: 24, Before: api.LearningFigures{MAP: measure(50, 40, 60)}, After: api.LearningFigures{MAP: measure(55, 45, 65)}, Gain: measure(5, 1.5, 9)}
	report.Run.Applied = "2026-03-01T03:00:00Z"
	library.School.Runs[0], library.School.Reports[3] = report.Run, report
	text, _ := vsectl(t, client, 0, "learn", "report", "3")
	for _, want := range []string{
		": a proposal, applied before.\n",
		"from 100 photos; measured by searches for 118 tags among them, one of 4 parts put aside at a time, whole days",
		"\n\nBeside learned-2, with what it had learned, on 24 photos that are new to both: ranking 50.0 with it, 55.0 with run 3, +5.0 (+1.5 to +9.0).\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if list, _ := vsectl(t, client, 0, "learn", "list"); !strings.Contains(list, " 100 ") || strings.Contains(list, " 200 ") {
		t.Errorf("the list counts photos twice:\n%s", list)
	}
	library.Shelf.Installed = []api.InstalledEncoder{{Name: "learned-3", State: api.EncoderKept, Learned: &report.Run}}
	if shown, _ := vsectl(t, client, 0, "encoder", "show", "learned-3"); !strings.Contains(shown, "learned  118 of 140 tags on 100 photos\n") {
		t.Errorf("the encoder counts photos twice:\n%s", shown)
	}
}

func restful() api.Learning {
	proposal, last := proposedRun(), unproposedRun()
	return api.Learning{
		Proposal: &proposal, Last: &last, Serving: "learned-1", Learned: true, Before: "builtin", Base: "builtin", Tagged: 1060, TagsGiven: 3120, NewTags: 12, Enough: 50,
		Auto: "propose", Next: "2026-03-02T03:00:00Z",
	}
}

func TestLearnTables(t *testing.T) {
	library, client := school(t)
	library.School.SetLearning(restful())
	f := func(name string, width, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, client, width, append([]string{"learn"}, args...)...)
		if got != code {
			t.Errorf("%q: exit code %d, want %d\n%s", args, got, code, text)
		}
		golden(t, name, []byte(text))
	}
	f("learn-status.txt", 80, 0, "status")
	f("learn-status.json", 80, 0, "status", "--json")
	f("learn-list.txt", 0, 0, "list")
	f("learn-list-80.txt", 80, 0, "list")
	f("learn-report.txt", 0, 0, "report")
	f("learn-report-80.txt", 80, 0, "report", "3")
	f("learn-report-served.txt", 80, 0, "report", "1")
	f("learn-report-no-proposal.txt", 80, 0, "report", "2")
	f("learn-report.json", 80, 0, "report", "2", "--json")
	f("learn-suggestions.txt", 80, 0, "suggestions")
	f("learn-suggestions-page.txt", 80, 0, "suggestions", "--limit", "1", "--tag", "Strand")
	f("learn-suggestions.json", 80, 0, "suggestions", "--least", "0.9", "--json")
	f("learn-suggestions-none.txt", 80, 1, "suggestions", "--least", "1")
	if none, _ := vsectl(t, client, 0, "learn", "suggestions", "--tag", "Strant"); !strings.Contains(none, "\"Strant\" is suggested for no photo: ") {
		t.Error(none)
	}
	all, _ := vsectl(t, client, 80, "learn", "report", "--all")
	for _, want := range []string{"tag 13", "worse", "\nnot measured       9         0       -      -       -\n\n", "Oma (6 more)"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
}

func TestLearnCommands(t *testing.T) {
	library, client := school(t)
	library.School.SetLearning(restful())
	f := func(want string, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, client, 0, append([]string{"learn"}, args...)...)
		if got != code || !strings.Contains(text, want) {
			t.Errorf("%q: got %d\n%swant %d\n%s", args, got, text, code, want)
		}
	}
	f("no photo has a tag", 2, "start")
	f("learn start takes no argument", 2, "start", "now")
	f("learn stop takes no argument", 2, "stop", "3")
	f("no learning run is under way", 2, "stop")
	f(`"three" is no number of a run`, 2, "report", "three")
	f("learn apply takes the number of one RUN", 2, "apply", "1", "2")
	f("there is no learning run 9", 1, "report", "9")
	f("there is no learning run 9", 1, "apply", "9")
	f("--least 200 is no confidence: give 0 to 1", 2, "suggestions", "--least", "200")
	f("--least sure is no confidence: give 0 to 1", 2, "suggestions", "--least", "sure")
	f("--least 50% is no confidence: for 50 %, write 0.5", 2, "suggestions", "--least", "50%")
	f("--least 87.5 is no confidence: for 87.5 %, write 0.875", 2, "accept", "--tag", "Strand", "--least", "87.5")
	f("learn refuse takes --least beside --tag alone", 2, "refuse", "id:70", "Strand", "--least", "0.9")
	f("learn accept takes either a PHOTO and at least one TAG, or --tag TAG", 2, "accept", "id:70")
	f("learn refuse takes either", 2, "refuse", "--tag", "Strand", "id:70")
	f("the tag \"cat\" is suggested for no photo", 1, "accept", "--tag", "cat", "--yes")
	f("Nobody can be asked here: add --yes", 2, "accept", "--tag", "Strand")
	f(`"cat" is not suggested for id:70: `, 1, "accept", "id:70", "cat")
	f(`partial result: "cat", "dog" are not suggested for id:70`, 3, "accept", "id:70", "Strand", "cat", "dog")
	f("No suggestion was refused.\n", 1, "refusals")
	f("1 suggestion is refused; the next run learns from it", 0, "refuse", "--tag", "Strand", "--yes")
	f("PHOTO  TAG     PATH\nid:71  Strand  /photos/71.jpg\n", 0, "refusals")
	f(`"refusals": [`, 0, "refusals", "--json", "--tag", "Strand")
	f("learn refusals takes no argument", 2, "refusals", "Strand")
	f("the tag \"cat\" was refused for no photo: `vsectl learn refusals` shows what is", 1, "unrefuse", "--tag", "cat", "--yes")
	f(`"cat" is not refused for id:71: `, 1, "unrefuse", "id:71", "cat")
	f("Have the tag \"Strand\" suggested again for 1 photo that it was refused for? Nobody can be asked here", 2, "unrefuse", "--tag", "Strand")
	f("1 suggestion is refused no more.\n", 0, "unrefuse", "id:71", "Strand")
	f("there is no option --least", 2, "unrefuse", "--tag", "Strand", "--least", "1")
	f(`"taken": 1`, 0, "accept", "id:72", "\x1b[31mhostile", "--json")
	if want := []api.PhotoTag{{Photo: 70, Tag: "Strand"}, {Photo: 72, Tag: "\x1b[31mhostile"}}; !slices.Equal(library.School.Accepted, want) {
		t.Errorf("accepted %v", library.School.Accepted)
	}
	library.School.SetLearning(api.Learning{Serving: "learned-4", Learned: true, Base: "builtin"})
	f("Tags      0 on 0 photos, 0 new since the last run\n", 0, "status")
	library.School.SetLearning(api.Learning{Serving: "learned-4", Learned: true, Base: "builtin", Tagged: 112, TagsGiven: 385, TagsRefused: 9, NewTags: 12})
	f("Tags      385 on 112 photos, 9 suggestions refused; 12 of both new since the last run\n", 0, "status")
	f("learned-4, learned here; `vsectl encoder use builtin` brings builtin back\n", 0, "status")
	library.School.SetLearning(api.Learning{})
	f("Nothing is suggested: no learned encoder serves.", 1, "suggestions")
	f("no proposal waits", 1, "apply")
	f("off; `vsectl learn start` learns now", 0, "status")
	stopped := api.LearningRun{Number: 4, State: api.LearningStopped, Reason: "it was stopped by hand", By: api.LearningByHand, Began: "2026-03-01T12:30:00Z", Ended: "2026-03-01T12:31:00Z"}
	library.School.SetLearning(api.Learning{Last: &stopped})
	f("Last run  4, stopped by hand 3 min ago\n", 0, "status")
	library.School.Runs = []api.LearningRun{stopped}
	f("  4  stopped  4 min ago  hand       -        -     -       -  -\n", 0, "list")
	library.School.Runs = nil
	f("Nothing was learned yet", 1, "list")
	f("no learning run has a report yet", 1, "report")
}

// Without a number, the newest proposal is meant, and no older one.
func TestNothingWaits(t *testing.T) {
	f := func(want string, edit func(newest *api.LearningRun)) {
		t.Helper()
		library, client := school(t)
		library.School.SetLearning(api.Learning{})
		edit(&library.School.Runs[0])
		text, code := vsectl(t, client, 0, "learn", "apply")
		if code != exitNone || !strings.Contains(text, want) || len(library.School.Applied) > 0 {
			t.Errorf("got %d %s, want %s; applied %v", code, text, want, library.School.Applied)
		}
	}
	f("that of run 3, the newest, was applied before; `vsectl learn apply 3` takes it again", func(run *api.LearningRun) { run.Applied = run.Ended })
	f("that of run 3, the newest, serves already", func(run *api.LearningRun) { run.Applied, run.Serves = run.Ended, true })
	f("that of run 3, the newest, cannot be applied: self-test: golden", func(run *api.LearningRun) { run.Reason = "self-test: golden" })
	f("that of run 3, the newest, is on top of builtin, which does not serve now: `vsectl status` shows what does", func(*api.LearningRun) {})
	f("that of run 1, the newest, serves already", func(run *api.LearningRun) { run.State = api.LearningNoProposal })

	library, client := school(t)
	library.School.Runs[0].Reason = "self-test: golden: other vectors"
	if text, _ := vsectl(t, client, 0, "learn", "list"); !strings.Contains(text, "  3  unfit        ") || !strings.Contains(text, "Run 3 cannot be applied: self-test: golden: other vectors\n") {
		t.Error(text)
	}
	low := measure(0.4, -0.1, 0.9)
	library.School.Runs[2].Gain = &low
	if text, _ := vsectl(t, client, 0, "learn", "list"); !strings.Contains(text, "  +0.4 chance?  ") {
		t.Error(text)
	}
	report := library.School.Reports[3]
	report.Run = library.School.Runs[0]
	library.School.Reports[3] = report
	if text, _ := vsectl(t, client, 0, "learn", "report"); !strings.Contains(text, "a proposal that cannot be applied: self-test: golden") || strings.Contains(text, "learn apply") {
		t.Error(text)
	}
}

func TestAcceptAsks(t *testing.T) {
	f := func(answer, want string, code, accepted int) {
		t.Helper()
		library, client := school(t)
		var out bytes.Buffer
		err := runLearnTake(t.Context(), LearnTakeOptions{Common: Common{Client: client}, Verb: accept, Tag: "Strand", Least: 0.8, Answer: strings.NewReader(answer)}, Screen{Writer: &out})
		if exitCode(err) != code || out.String() != want || len(library.School.Accepted) != accepted {
			t.Errorf("%q: %v, %s, accepted %v", answer, err, out.String(), library.School.Accepted)
		}
	}
	const question = `Give the tag "Strand" to 2 photos that it is suggested for with 80 % or more? [y/N] `
	f("y\n", question+"2 suggestions are tags of yours now.\n", 0, 2)
	f("YES", question+"2 suggestions are tags of yours now.\n", 0, 2)
	f("\n", question, 2, 0)
	f("", question, 2, 0)
	f("what?\n", question, 2, 0)
}

// A run is followed to its report.
func TestLearnStart(t *testing.T) {
	stages := func() []api.Learning {
		run := proposedRun()
		run.State, run.Ended, run.Gain, run.Guard = api.LearningRunning, "", nil, nil
		var all []api.Learning
		for _, p := range []*api.LearningProgress{nil, {Step: "features"}, {Step: "heads", Done: 3, Total: 20, Rate: 1.5, SecondsLeft: 11.3}, {Step: "heads", Done: 20, Total: 20}} {
			all = append(all, api.Learning{Run: &run, Progress: p})
		}
		return append(all, api.Learning{})
	}
	f := func(name string, width int, asJSON bool) {
		t.Helper()
		library, client := school(t)
		library.School.SetLearning(api.Learning{}, stages()...)
		var out bytes.Buffer
		options := LearnStartOptions{Common{client, asJSON}, Waiting{Wait: true, Poll: time.Millisecond}}
		if err := runLearnStart(t.Context(), options, Screen{Writer: &out, Width: width, Now: now()}); err != nil {
			t.Error(err)
		}
		golden(t, name, out.Bytes())
	}
	f("learn-start.txt", 0, false)
	f("learn-start-80.txt", 80, false)
	f("learn-start.json", 0, true)

	library, client := school(t)
	library.School.SetLearning(api.Learning{}, stages()...)
	text, code := vsectl(t, client, 0, "learn", "start", "--no-wait")
	if want := "Learning run 3 has begun; `vsectl learn status` shows how far it is.\n"; code != 0 || text != want {
		t.Errorf("got %d %s, want %s", code, text, want)
	}
	if text, code = vsectl(t, client, 0, "learn", "stop"); code != 0 || text != "The learning run has ended; what served goes on serving.\n" {
		t.Errorf("stop: %d %s", code, text)
	}
}

func TestLearnStartEndsOtherwise(t *testing.T) {
	f := func(state, reason, want string) {
		t.Helper()
		library, client := school(t)
		run := proposedRun()
		run.State = api.LearningRunning
		library.School.SetLearning(api.Learning{}, api.Learning{Run: &run}, api.Learning{})
		library.School.Runs[0].State, library.School.Runs[0].Reason = state, reason
		options := LearnStartOptions{Common{Client: client}, Waiting{Wait: true, Poll: time.Millisecond}}
		err := runLearnStart(t.Context(), options, Screen{Writer: new(bytes.Buffer), Now: now()})
		if exitCode(err) != exitUsage || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f(api.LearningFailed, "the disk is full: make room", "learning run 3 failed: the disk is full: make room")
	f(api.LearningStopped, "it was stopped by hand", "learning run 3 was stopped by hand")
	f(api.LearningInterrupted, "the daemon ended under it: start another", "learning run 3 was interrupted: the daemon ended under it: start another")
}

func TestInterruptLeavesTheRun(t *testing.T) {
	library, client := school(t)
	run := proposedRun()
	run.State = api.LearningRunning
	library.School.SetLearning(api.Learning{}, api.Learning{Run: &run, Progress: &api.LearningProgress{Step: "heads"}})
	ctx, cancel := context.WithCancel(t.Context())
	out := &hook{seen: func(text string) {
		if strings.Contains(text, "heads") {
			cancel()
		}
	}}
	err := runLearnStart(ctx, LearnStartOptions{Common{Client: client}, Waiting{Wait: true, Poll: time.Hour}}, Screen{Writer: out, Width: 80})
	if exitCode(err) != exitInterrupted || !strings.HasSuffix(out.String(), "Learning run 3 goes on; `vsectl learn status` shows how far it is,\n`vsectl learn stop` ends it.\n") {
		t.Errorf("%v: %q", err, out.String())
	}
}

func TestApplyAndRollBackFollowTheSwap(t *testing.T) {
	library, client := school(t)
	library.School.SetLearning(restful())
	none := api.Swap{Stage: api.SwapNone}
	over := api.Swap{Stage: api.SwapNone, Last: &api.SwapReport{From: "builtin", To: "learned-3", Coverage: api.Coverage{Encoded: 1060}}}
	library.Shelf.SetSwap(none, api.Swap{Stage: api.SwapEncoding, From: "builtin", To: "learned-3"}, over)
	text, code := vsectl(t, client, 80, "learn", "apply")
	if code != 0 || !strings.HasPrefix(text, "Testing what run 3 proposes …\n") || !strings.Contains(text, "learned-3 serves in the place of builtin.\n") || !slices.Equal(library.School.Applied, []int{3}) {
		t.Errorf("apply: %d\n%s%v", code, text, library.School.Applied)
	}
	back := api.Swap{Stage: api.SwapNone, Last: &api.SwapReport{From: "learned-3", To: "builtin", RollBack: true, Coverage: api.Coverage{Encoded: 1060}}}
	library.Shelf.SetSwap(over, api.Swap{Stage: api.SwapIndexing, From: "learned-3", To: "builtin"}, back)
	if text, code = vsectl(t, client, 0, "learn", "rollback"); code != 0 || !strings.Contains(text, "builtin serves in the place of learned-3.\n") {
		t.Errorf("roll-back: %d\n%s", code, text)
	}
	library.Shelf.SetSwap(over, api.Swap{Stage: api.SwapIndexing, From: "learned-3", To: "builtin"}, back)
	if text, code = vsectl(t, client, 0, "learn", "rollback", "--json"); code != 0 || strings.Count(text, "\n") != 1 || !strings.Contains(text, `"stage":"none"`) {
		t.Errorf("roll-back --json: %d\n%s", code, text)
	}
}

func TestStatusShowsLearning(t *testing.T) {
	library, client := school(t)
	library.Set(status())
	run := proposedRun()
	both := restful()
	both.Run, both.Progress = &run, &api.LearningProgress{Step: "heads", Done: 3, Total: 20}
	library.School.SetLearning(both)
	text, code := vsectl(t, client, 80, "status")
	const want = "\nLearning: run 3: heads, 3 of 20\nProposal: learning run 3 waits, points for your tags +20.2 (+16.9 to +23.4); for\nother sentences -0.6: `vsectl learn report 3`\n"
	if code != 0 || !strings.Contains(text, want) {
		t.Errorf("got %d\n%s", code, text)
	}
}

func TestWhatServesIsNotTestedAnew(t *testing.T) {
	_, client := school(t)
	if text, _ := vsectl(t, client, 80, "learn", "apply", "1"); strings.Contains(text, "Testing") {
		t.Error(text)
	}
}

func TestPhotoShowsWhatWasLearnedApart(t *testing.T) {
	one := photo(7, "/photos/a.jpg", "dog")
	one.Learned = []api.LearnedTag{{Tag: "Strand", Confidence: 0.849}, {Tag: "\x1b[2Jsea", Confidence: 0.58}}
	client := servertest.Serve(t, servertest.New(one))
	text, code := vsectl(t, client, 0, "photo", "show", "id:7")
	if want := "Tags     dog (user)\nLearned  Strand 84 %\n         \\x1b[2Jsea 58 %\n"; code != 0 || !strings.Contains(text, want) {
		t.Errorf("got %d\n%s", code, text)
	}
}
