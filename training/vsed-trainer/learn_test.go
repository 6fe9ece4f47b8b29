package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime/runtimetest"
	"vsed/plugins/contract"
	"vsed/plugins/sandbox"
)

// A sandbox is for life, so a run in it is this test binary started anew, with a folder of
// the test's in this variable.
const confinedVariable = "VSED_TRAINER_CONFINED"

func TestMain(m *testing.M) {
	folder := os.Getenv(confinedVariable)
	if folder == "" {
		os.Exit(m.Run())
	}
	main()
	fmt.Println(whatIsPossible(folder))
}

// whatIsPossible tries, after a run, what no run needs.
func whatIsPossible(folder string) string {
	_ = os.Setenv("TMPDIR", filepath.Join(folder, "elsewhere")) // where the probe writes
	possible := sandbox.Probe()
	for _, path := range []string{"elsewhere/secret", "elsewhere", "."} {
		if file, err := os.Open(filepath.Join(folder, path)); err == nil {
			possible = append(possible, "open "+path)
			_ = file.Close()
		}
	}
	for _, path := range []string{"base/manifest.json", "base/new", "elsewhere/new", "run.json"} {
		if os.WriteFile(filepath.Join(folder, path), nil, 0o600) == nil {
			possible = append(possible, "write "+path)
		}
	}
	return "possible: " + strings.Join(possible, "; ")
}

// TestALearningRunIsConfined begins from a bundle of which a file is a link to elsewhere,
// with too few photos to go far: daemon/vsed has one that goes to its end.
func TestALearningRunIsConfined(t *testing.T) {
	folder := t.TempDir()
	run := confinedRun(t, folder)
	command := exec.Command(os.Args[0], "learn", "--run", run)
	command.Env = append(os.Environ(), confinedVariable+"="+folder)
	var said, problems bytes.Buffer
	command.Stdout, command.Stderr = &said, &problems
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %s%s", err, said.String(), problems.String())
	}
	var report contract.TrainingReport
	text, err := os.ReadFile(filepath.Join(run, contract.ReportFile))
	if err := errors.Join(err, json.Unmarshal(text, &report)); err != nil || report.Photos == 0 || report.Memory == 0 {
		t.Errorf("%v: %s", err, text)
	}
	_, possible, probed := strings.Cut(said.String(), "possible:")
	switch {
	case strings.Contains(problems.String(), "a part of the sandbox only"):
		t.Skipf("this kernel lacks a part: %s%s", problems.String(), possible)
	case !probed || strings.TrimSpace(possible) != "":
		t.Errorf("in the sandbox it is possible to %s", possible)
	}
}

// confinedRun makes the folder of a run on a few photos, a copy of the built-in
// bundle, and a folder that is none of the run's.
func confinedRun(t *testing.T, folder string) (run string) {
	t.Helper()
	library := runtimetest.Path(t)
	about, err := bundle.Read("../../build/encoders/builtin")
	if err != nil || about.Learning == nil {
		t.Skipf("no built-in encoder with heads: run `make model` first (%v)", err)
	}
	at := func(elements ...string) string { return filepath.Join(append([]string{folder}, elements...)...) }
	var lines, features bytes.Buffer
	encode := json.NewEncoder(&lines)
	seen := camera{about.Widths()}
	for i := range 4 {
		embeddings, failure := seen.EncodePictures(t.Context(), [][]byte{{byte(i)}})
		err = errors.Join(err, failure, encode.Encode(contract.TrainingPhoto{Photo: int64(i + 1), Tags: []string{"dog"}}))
		features.Write(embeddings[0].GetFeature())
	}
	task, failure := json.Marshal(contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: at("base"), FeatureSpace: about.FeatureSpace(), Library: library, Name: "learned-1", Seed: 1, Threads: 2,
	})
	err = errors.Join(err, failure, os.CopyFS(at("base"), os.DirFS(about.Path("."))), os.Mkdir(at("run"), 0o700), os.Mkdir(at("elsewhere"), 0o700),
		os.WriteFile(at("elsewhere", "secret"), nil, 0o600), os.Rename(at("base", "vocab.txt"), at("vocab.txt")), os.Symlink(at("vocab.txt"), at("base", "vocab.txt")),
		os.WriteFile(at("run", contract.TaskFile), task, 0o600), os.WriteFile(at("run", contract.PhotosFile), lines.Bytes(), 0o600),
		os.WriteFile(at("run", contract.FeaturesFile), features.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return at("run")
}
