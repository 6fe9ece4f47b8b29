package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// evaluate runs `vsectl evaluate` over the world's photos with a file of labels.
func (w *world) evaluate(kind, labels string, more ...string) (measures map[string]float64, err error) {
	w.Helper()
	file := filepath.Join(filepath.Dir(w.state), "labels.tsv")
	w.check(os.WriteFile(file, []byte(labels), 0o644))
	command := exec.Command(filepath.Join(w.programs, "vsectl"), append([]string{"evaluate", "--photos", w.photos, kind, file, "--json"}, more...)...)
	command.Env = append(os.Environ(), w.environment...)
	var said output
	command.Stderr = &said
	text, err := command.Output()
	if err != nil && len(text) == 0 {
		w.Fatalf("vsectl evaluate: %v: %s", err, &said)
	}
	var report struct {
		Measures []struct {
			Name  string  `json:"name"`
			Value float64 `json:"value"`
		} `json:"measures"`
	}
	w.check(json.Unmarshal(text, &report))
	measures = map[string]float64{}
	for _, measure := range report.Measures {
		measures[measure.Name] = measure.Value
	}
	return measures, err
}

func TestEvaluateMeasuresWhatSearchFinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lines []string
	for i := range 4 {
		w.photo(string(rune('a'+i))+".jpg", red, i)
		w.photo(string(rune('m'+i))+".jpg", green, 10+i)
		lines = append(lines, string(rune('a'+i))+".jpg\tred,first", string(rune('m'+i))+".jpg\tgreen,first")
	}
	// A setting that writes beside the photos must not be obeyed.
	config := filepath.Join(filepath.Dir(w.state), "vsed.toml")
	w.check(os.WriteFile(config, []byte("[tags]\nwrite_sidecars = true\n"), 0o644))
	tags, err := w.evaluate("--tags", strings.Join(lines, "\n"), "--config", config)
	w.check(err)
	for name, want := range map[string]float64{
		"mAP, half of the photos tagged": 1, "R@10, no tags known": 1, "mAP of the untagged half, half of the photos tagged": 1,
	} {
		if tags[name] != want {
			t.Errorf("%s is %v, want %v: %v", name, tags[name], want, tags)
		}
	}
	found, err := filepath.Glob(w.photos + "/*")
	w.check(err)
	if len(found) != 8 {
		t.Errorf("the folder of photos holds %v", found)
	}

	captions, err := w.evaluate("--captions", "a.jpg\tsomething (red): -OR \"red\"\nabsent.jpg\tred\nm.jpg\tgreen\n")
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 {
		t.Errorf("a photo is absent: %v", err)
	}
	if got := captions["R@5"]; got < 0.6 || got > 0.7 {
		t.Errorf("two of three photos are among the first five of eight, R@5 is %v", got)
	}
}
