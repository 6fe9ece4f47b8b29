package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"vsed/encoders/builtin/replay"
	"vsed/training/evaluation"
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
	for text, problem := range map[string]string{
		"[stage1]\nepoch = 3\n":         "run.toml: there is no such key: stage1.epoch in line 2",
		"[stage1\n":                     "run.toml: line 1",
		"[stage1]\nloss = \"vse\"\n":    `stage1.loss "vse" is none of contrastive, sum, max, weighted`,
		"[model]\nparts = 0\n":          "model.parts",
		"[data]\nviews = -1\n":          "data.views",
		"[replay]\neach = 0\n":          "replay.each",
		"[stage1]\nrate = nan\n":        "stage1.rate is no finite number",
		"[stage1]\nmargin = -1.0\n":     "stage1.margin",
		"[stage2]\nrate = 0.0\n":        "stage2.rate must be above 0",
		"[stage2]\nthreads = 0\n":       "stage2.threads from 1",
		"[stage2]\nbatch = 99999\n":     "up to 16384 can be run",
		"[model]\ndimensions = \"a\"\n": "line 2: model.dimensions takes a whole number, not this string",
	} {
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

// TestJoinedHasUnitLength: and its parts weigh what is asked, for each sentence.
func TestJoinedHasUnitLength(t *testing.T) {
	a := channel{[][]float32{{.6, .8}}, [][]float32{{1, 0}}}
	both := joined(a, named{a, []float64{3}}, .5)
	var square float64
	for _, value := range both.pictures[0] {
		square += float64(value) * float64(value)
	}
	if math.Abs(square-1) > 1e-6 || len(both.sentences[0]) != 4 || math.Abs(float64(both.sentences[0][0]/both.sentences[0][2])-1/1.5) > 1e-6 {
		t.Errorf("%v, squares %v", both, square)
	}
}

// TestPrincipalComponents finds the directions that rows were drawn along, the widest
// first, and rows come back from their amounts as near as the steps let them.
func TestPrincipalComponents(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const width, count = 40, 300
	spread := []float64{9, 6, 4, 2}
	rows := make([][]float32, count)
	for i := range rows {
		rows[i] = make([]float32, width)
		for k, deviation := range spread { // along the k-th pair of values, and noise
			amount := deviation * random.NormFloat64() / math.Sqrt2
			rows[i][2*k], rows[i][2*k+1] = float32(amount), float32(-amount)
		}
		for j := range rows[i] {
			rows[i][j] += float32(random.NormFloat64() / 20)
		}
	}
	directions, err := principal(rows, len(spread))
	if err != nil {
		t.Fatal(err)
	}
	for k := range spread {
		direction := directions[k]
		if cosine := math.Abs(float64(direction[2*k]-direction[2*k+1])) / math.Sqrt2; cosine < .95 {
			t.Errorf("component %d is %v", k, direction)
		}
	}
	code, err := components(rows, len(spread), .3)
	if err != nil {
		t.Fatal(err)
	}
	found := replay.Part{Pictures: code, Captions: valueByValue(rows, .5)}.Rows()
	for i, row := range found.Captions {
		for j, value := range row {
			if math.Abs(float64(value-rows[i][j])) > .25001 {
				t.Fatalf("row %d value %d is %v by itself, was %v", i, j, value, rows[i][j])
			}
		}
	}
	for i, row := range found.Pictures {
		for j, value := range row {
			if math.Abs(float64(value-rows[i][j])) > .6 {
				t.Fatalf("row %d value %d is %v, was %v", i, j, value, rows[i][j])
			}
		}
	}
}

// TestFirstCaptions: so many of each picture's, in the order of the pictures.
func TestFirstCaptions(t *testing.T) {
	var c captioned
	c.Pictures = make([][]float32, 3)
	for i, owner := range []int{2, 0, 2, 2, 1} {
		c.Owner, c.sentences = append(c.Owner, owner), append(c.sentences, []float32{float32(i)})
	}
	counts, chosen := c.first(2)
	if !reflect.DeepEqual(counts, []byte{1, 1, 2}) || !reflect.DeepEqual(chosen, [][]float32{{1}, {4}, {0}, {2}}) {
		t.Errorf("%v of %v", counts, chosen)
	}
}

// TestScoresAddUp: of a query's tags, and of two channels by their weights.
func TestScoresAddUp(t *testing.T) {
	a := scores{2, map[string][]float64{"x": {1, 3}, "y": {2, 2}}}
	b := scores{2, map[string][]float64{"x": {5, 1}}}
	query := evaluation.Query{Tags: []string{"x", "y", "unheard of"}}
	if got := a.of(query); !reflect.DeepEqual(got, []float64{3, 5}) {
		t.Errorf("scores %v", got)
	}
	if got := a.plus(b, 3)(query); !reflect.DeepEqual(got, []float64{2, -2}) {
		t.Errorf("both channels' scores %v", got)
	}
}
