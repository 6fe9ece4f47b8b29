package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/training/dataset"
	"vsed/training/experiment"
)

// yfcc is a line of metadata of the form with 23 columns.
func yfcc(number, owner, tags, marker string) string {
	columns := make([]string, 23)
	columns[0], columns[1], columns[8], columns[14], columns[21], columns[22] = number, owner, tags, "http://photos.example/"+number+".jpg", "jpg", marker
	return strings.Join(columns, "\t")
}

func TestWebSetCountsWhatItLeavesOut(t *testing.T) {
	folder := t.TempDir()
	place := func(name string) string { return filepath.Join(folder, name) }
	for name, text := range map[string]string{
		"captions.tsv": "a.jpg\tA dog on the beach .\nb.jpg\ta dog and a kite\n",
		"vocab.txt":    "[PAD]\nsummer\nbeach\n##ing\n",
		"metadata": strings.Join([]string{
			yfcc("1", "anna", "dog,summer", "0"), yfcc("2", "anna", "dog,plage", "0"), yfcc("3", "anna", "summer,on", "0"),
			yfcc("4", "anna", "kite,dog", "0"), yfcc("5", "anna", "kite,dog", "0"), yfcc("6", "berta", "kite,dog", "1"), yfcc("1", "carl", "dog,summer", "0"),
		}, "\n"),
	} {
		if err := os.WriteFile(place(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := webSetOptions{
		Metadata: place("metadata"), Captions: place("captions.tsv"), Pieces: place("vocab.txt"),
		Out: place("tags.tsv"), Addresses: place("addresses.tsv"), Keywords: 10, LeastTags: 2, MostPerOwner: 2,
	}
	var out strings.Builder
	if err := o.run(&out); err != nil {
		t.Fatal(err)
	}
	var left dataset.Left
	if err := json.Unmarshal([]byte(out.String()), &left); err != nil {
		t.Fatal(err)
	}
	if want := (dataset.Left{Taken: 2, NoPhoto: 1, FewTags: 1, NoKeyword: 1, Duplicates: 1, OwnerFull: 1}); left != want {
		t.Errorf("%+v, want %+v", left, want)
	}
	set, err := dataset.ReadTags(o.Out)
	if err != nil || len(set) != 2 || strings.Join(set[1].Tags, " ") != "kite dog" {
		t.Errorf("%v, %v", set, err)
	}
	if text, err := os.ReadFile(o.Addresses); err != nil || !strings.Contains(string(text), "1.jpg\thttp://photos.example/1.jpg\n") {
		t.Errorf("%q, %v", text, err)
	}
	o.Distinct = folder // where no photo lies
	if err := o.run(&out); err == nil || !strings.Contains(err.Error(), "no photo is left") {
		t.Errorf("error %v", err)
	}
	for _, wrong := range []webSetOptions{{Out: "x"}, {Metadata: "x", Folder: "y", Out: "x"}, {Metadata: "x"}, {Metadata: "x", Out: "y"}} {
		if err := wrong.run(&out); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
}

func TestProgressTellsWhatIsLeft(t *testing.T) {
	p := newProgress(os.Stderr, 100)
	p.add(1)
	if told := p.add(1); !strings.HasPrefix(told, "2 of 100 epochs, ") || !strings.HasSuffix(told, " left") {
		t.Errorf("told %q", told)
	}
}

// TestKeptRunsAreNotRepeated: what a folder holds of a run is taken as it is.
func TestKeptRunsAreNotRepeated(t *testing.T) {
	chosen, err := experiment.Chosen(experiment.Ablations(), "^vse, stage")
	if err != nil {
		t.Fatal(err)
	}
	a := &ablations{base: experiment.Defaults(), list: chosen[:2], seeds: 2, kept: t.TempDir(), ones: map[string]experiment.Stage{}}
	if err := a.plan(); err != nil || a.progress.total != 2*(a.base.One.Epochs+a.base.Two.Epochs) {
		t.Fatalf("%+v, %v", a.progress, err)
	}
	for seed := range a.seeds {
		for _, one := range a.list {
			c, err := a.configuration(one)
			if err != nil {
				t.Fatal(err)
			}
			var stage experiment.Stage
			stage.Found.TextToImage.R1.Value = float64(10 + seed)
			if err := a.keep(c, seed, stage); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := a.plan(); err != nil || a.progress.total != 0 {
		t.Fatalf("%+v, %v", a.progress, err)
	}
	if err := a.runAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := a.table.markdown(&out, measureTextR1, measureSum); err != nil {
		t.Fatal(err)
	}
	want := "| | text → image R@1 | sum of recalls | seeds |\n|---|---|---|---|\n" +
		"| VSE, stage I | 10.5 ± 0.7 | 10.5 ± 0.7 | 2 |\n| VSE, stages I and II | 10.5 ± 0.7 | 10.5 ± 0.7 | 2 |\n"
	if out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
}

// TestHelp: each verb's names its flags as the guide does, without a fault.
func TestHelp(t *testing.T) {
	f := func(want string, arguments ...string) {
		t.Helper()
		var text help
		if err := run(t.Context(), arguments); !errors.As(err, &text) || !strings.Contains(string(text), want) {
			t.Errorf("%v: %q", arguments, err)
		} else if strings.Contains(string(text), "\n  -c") {
			t.Errorf("%v: flags with one dash: %s", arguments, text)
		}
	}
	f("\n  evaluate   train with several seeds", "--help")
	f("\n  ablations  measure", "-h")
	for _, group := range verbs() {
		for _, each := range group {
			f("usage: vsed-trainer "+each.name+" [--FLAG", each.name, "--help")
		}
	}
	f("\n  --config file\n", "paper", "-h")
	f("0: all (default all)", "stage2", "--help")
}

// TestVerbsRefuse: what cannot be run is an error before data are read.
func TestVerbsRefuse(t *testing.T) {
	f := func(problem string, arguments ...string) {
		t.Helper()
		if err := run(t.Context(), arguments); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%v: error %v", arguments, err)
		}
	}
	f("--out", "paper")
	f("no ablation", "ablations", "--only", "nothing of the kind")
	f("either", "webset", "--out", "x")
	f("name a verb")
	f("there is no verb \"no-verb\"", "no-verb")
	f("stage1 takes no argument \"run.toml\": see `vsed-trainer stage1 --help`", "stage1", "run.toml")
	f("not defined: --confg: see `vsed-trainer paper --help`", "paper", "--confg", "x")
	f("needs an argument: --out", "paper", "--out")
	f("for flag --seed: parse error", "paper", "--seed", "x")
	f("--count -1", "stage2", "--count", "-1")
	path := filepath.Join(t.TempDir(), "run.toml")
	if err := os.WriteFile(path, []byte("[stage3]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(filepath.Dir(path), "out")
	f("there is no such key: stage3 in line 1", "paper", "--out", out, "--config", path)
	if err := os.WriteFile(path, []byte("[stage2]\ncurriculum = 2.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f("stage2: ", "paper", "--out", out, "--config", path)
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a run folder, %v", err)
	}
	if _, err := experiment.Read(""); err != nil {
		t.Error(err)
	}
}
