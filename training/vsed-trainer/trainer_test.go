package main

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.toml")
	f := func(text string) (config, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return readConfig(path)
	}
	c, err := f("[stage1]\nepochs = 3\nrate = 0.5\n[model]\nparts = 1\n")
	want := defaults()
	want.One.Epochs, want.One.Rate, want.Model.Parts = 3, .5, 1
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	if width := c.Model.width([]int{1280, 1152, 672}); width != 1280 {
		t.Errorf("width %d", width)
	}
	for text, problem := range map[string]string{"[stage1]\nepoch = 3\n": "there is no such key", "[stage1\n": "run.toml"} {
		if _, err := f(text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, err := readConfig(path + ".absent"); err == nil {
		t.Error("no file was read")
	}
}

func TestContentWords(t *testing.T) {
	lists := [][]string{
		{"Two dogs and a dog run .", "The dog is running"}, {"A dog's ball", "the ball"}, {"dog", "dog", "ball", "ball"}, {"a ball and the cat"},
	}
	vocabulary, of, err := contentWords(lists)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ball", "dog"}; !reflect.DeepEqual(vocabulary, want) {
		t.Errorf("vocabulary %v", vocabulary)
	}
	if want := [][]string{{"dog"}, {"ball", "dog"}, {"ball", "dog"}, {"ball"}}; !reflect.DeepEqual(of, want) {
		t.Errorf("words %v", of)
	}
}

func TestTableHasMeanAndDeviation(t *testing.T) {
	var t1 table
	for _, value := range []float64{1, 2, 6} {
		t1.add("heads", "R@1", value)
	}
	t1.add("heads", "R@5", 4)
	var out strings.Builder
	if err := t1.print(&out, true); err != nil {
		t.Fatal(err)
	}
	if mean, deviation := t1.rows[0].Mean, t1.rows[0].Deviation; mean != 3 || math.Abs(deviation-math.Sqrt(7)) > 1e-12 {
		t.Errorf("mean %v, deviation %v", mean, deviation)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), `"values":[1,2,6]`) {
		t.Errorf("printed %s", out.String())
	}
}

// TestJoinedHasUnitLength: and its parts weigh what is asked.
func TestJoinedHasUnitLength(t *testing.T) {
	a := channel{[][]float32{{.6, .8}}, [][]float32{{1, 0}}}
	both := joined(a, a, .5)
	var square float64
	for _, value := range both.pictures[0] {
		square += float64(value) * float64(value)
	}
	if math.Abs(square-1) > 1e-6 || len(both.sentences[0]) != 4 || math.Abs(float64(both.sentences[0][0]/both.sentences[0][2])-2) > 1e-6 {
		t.Errorf("%v, squares %v", both, square)
	}
}
