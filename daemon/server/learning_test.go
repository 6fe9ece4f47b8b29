package server_test

import (
	"strings"
	"testing"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func TestLearningShapes(t *testing.T) {
	library := servertest.New()
	school := &library.School
	school.Shelf = &library.Shelf
	running := api.LearningRun{Number: 2, State: api.LearningRunning, By: api.LearningByHand, Began: "2026-03-01T12:00:00Z", From: "builtin", Encoder: "learned-2"}
	proposed := api.LearningRun{Number: 1, State: api.LearningProposed, By: api.LearningBySchedule, Began: "2026-03-01T03:00:00Z", From: "builtin", Encoder: "learned-1", Gain: &api.LearningMeasure{Value: 8, Low: 5, High: 11}}
	school.Runs = []api.LearningRun{proposed}
	school.Reports = map[int]api.LearningReport{1: {Run: proposed, Examples: []api.LearningExample{{Query: "dog"}}}}
	idle := api.Learning{Auto: "off", Enough: 50}
	busy := idle
	busy.Run, busy.Progress = &running, &api.LearningProgress{Step: "heads", Done: 1, Total: 20}
	school.SetLearning(idle, busy)
	school.Suggested = []api.Suggestion{
		{Photo: 7, Path: api.NewPath("/p/a.jpg"), LearnedTag: api.LearnedTag{Tag: "dog", Confidence: 0.9}},
		{Photo: 8, Path: api.NewPath("/p/b.jpg"), LearnedTag: api.LearnedTag{Tag: "dog", Confidence: 0.6}},
	}
	client := servertest.Serve(t, library)
	f := func(method, target, body string, status int, want string) {
		t.Helper()
		gotStatus, _, got := ask(t, client, method, target, body)
		if gotStatus != status || strings.TrimSpace(got) != want {
			t.Errorf("%s %s:\ngot  %d %s\nwant %d %s", method, target, gotStatus, got, status, want)
		}
	}
	refused := func(method, target, body string, status int, want string) {
		t.Helper()
		gotStatus, headers, got := ask(t, client, method, target, body)
		if gotStatus != status || headers.Get("Content-Type") != "application/problem+json" || !strings.Contains(got, want) {
			t.Errorf("%s %s:\ngot  %d %s\nwant %d %s", method, target, gotStatus, got, status, want)
		}
	}
	const run1 = `{"number":1,"state":"proposed","by":"schedule","began":"2026-03-01T03:00:00Z","from":"builtin","encoder":"learned-1","serves":false,"gain":{"value":8,"low":5,"high":11}}`
	const run2 = `{"number":2,"state":"running","by":"hand","began":"2026-03-01T12:00:00Z","from":"builtin","encoder":"learned-2","serves":false}`
	const figures = `{"map":{"value":0,"low":0,"high":0},"p5":{"value":0,"low":0,"high":0},"r10":{"value":0,"low":0,"high":0},"queries":0}`
	f("POST", "/v1/learning/runs", "", 202, run2)
	refused("POST", "/v1/learning/runs", "", 409, "run 2 is under way")
	f("GET", "/v1/learning", "", 200, `{"run":`+run2+`,"progress":{"step":"heads","done":1,"total":20},"learned":false,"tagged":0,"tags_given":0,"tags_refused":0,"new_tags":0,"enough":50,"auto":"off","suggests":true}`)
	f("GET", "/v1/learning/runs", "", 200, `{"runs":[`+run1+`]}`)
	f("GET", "/v1/learning/runs/1", "", 200, `{"run":`+run1+`,"events":0,"notes":[],"before":`+figures+`,"after":`+figures+`,"kept":0,"class_names":0,"per_tag":[],"examples":[{"query":"dog","before":[],"after":[]}],"seconds":0,"memory_bytes":0}`)
	refused("GET", "/v1/learning/runs/9", "", 404, "there is no learning run 9")
	refused("GET", "/v1/learning/runs/0", "", 422, "number: ")
	f("POST", "/v1/learning/runs/1/apply", "", 202, `{"stage":"","coverage":{"encoded":0,"waiting":0,"set_aside":0,"offline":0},"rate":0,"offline_folders":[]}`)
	refused("POST", "/v1/learning/runs/9/apply", "", 404, "there is no learning run 9")
	if status, _, text := ask(t, client, "POST", "/v1/learning/stop", ""); status != 200 || !strings.Contains(text, `"last":{"number":2,"state":"stopped"`) {
		t.Errorf("stop: %d %s", status, text)
	}
	refused("POST", "/v1/learning/stop", "", 409, "no learning run is under way")
	if status, _, text := ask(t, client, "POST", "/v1/learning/rollback", ""); status != 202 || !strings.Contains(text, `"stage":"none"`) {
		t.Errorf("roll-back: %d %s", status, text)
	}
	const sure = `{"photo":7,"path":"/p/a.jpg","tag":"dog","confidence":0.9}`
	f("GET", "/v1/suggestions?least=0.8", "", 200, `{"suggestions":[`+sure+`],"next":""}`)
	f("GET", "/v1/suggestions?limit=1", "", 200, `{"suggestions":[`+sure+`],"next":"1"}`)
	f("GET", "/v1/suggestions?photo=9", "", 200, `{"suggestions":[],"next":""}`)
	refused("GET", "/v1/suggestions?least=1.5", "", 422, "least: ")
	f("POST", "/v1/suggestions/accept", `{"suggestions":[{"photo":7,"tag":"dog"},{"photo":7,"tag":"cat"}]}`, 200, `{"taken":1,"missed":[{"photo":7,"tag":"cat"}]}`)
	f("POST", "/v1/suggestions/refuse", `{"suggestions":[{"photo":8,"tag":"dog"}]}`, 200, `{"taken":1,"missed":[]}`)
	refused("POST", "/v1/suggestions/accept", `{"suggestions":[]}`, 422, "suggestions: ")
	f("GET", "/v1/suggestions/refused?limit=1", "", 200, `{"refusals":[{"photo":8,"path":"/photos/8.jpg","tag":"dog"}],"next":""}`)
	f("POST", "/v1/suggestions/unrefuse", `{"suggestions":[{"photo":8,"tag":"dog"},{"photo":9,"tag":"dog"}]}`, 200, `{"taken":1,"missed":[{"photo":9,"tag":"dog"}]}`)
	f("GET", "/v1/suggestions/refused", "", 200, `{"refusals":[],"next":""}`)
}
