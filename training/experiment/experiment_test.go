package experiment

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/runtime/runtimetest"
	"vsed/training/dataset"
	"vsed/training/evaluation"
	"vsed/training/joint"
	"vsed/training/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConfigurationIsStrict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run.toml")
	f := func(text string) (Config, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Read(path)
	}
	c, err := f("loss = \"vse++\"\n[data]\ncaptioned = 0\n[stage2]\ncurriculum = 0.0\n")
	want := Defaults()
	want.Loss, want.Data.Captioned, want.Two.Curriculum = "vse++", 0, 0
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	for text, problem := range map[string]string{
		"[stage1]\nepoch = 3\n":          "there is no such key: stage1.epoch in line 2",
		"[stage1\n":                      "run.toml",
		"loss = \"hinge\"\n":             "is none of",
		"[stage1]\nloss = \"vse\"\n":     "stands above",
		"[stage1]\nepochs = 0\n":         "stage1: 0 epochs",
		"[stage2]\nsharing = \"some\"\n": `stage2: sharing "some" is none of`,
		"[web]\nfrom = \"everywhere\"\n": "web.from",
		"[web]\nfrom = \"set\"\n":        "wants web.tags",
		"[web]\npart = 0.0\n":            "web.part",
		"[web]\nnoise = 1.5\n":           "web.noise",
		"[model]\nfloor = 0\n":           "model.floor",
		"[model]\njoint = 100000000\n":   "up to 16384 can be run",
		"[stage1]\nmargin = nan\n":       "stage1.margin is no finite number",
		"[stage1]\nclip = -1.0\n":        "stage1: margin 0.3, decay 0, clip -1",
		"[stage1]\nlength = 1000000\n":   "stage1: length 1000000",
		"[stage2]\nthreads = 0\n":        "stage2: length 16, captioned 128, tagged 128 and threads 0: up to 256, 8192, 8192 and 256",
	} {
		if _, err := f(text); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, err := Read(path + ".absent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestAblationsAreConfigurations: each can be set, has a name of its own, and changes
// something, or is the default.
func TestAblationsAreConfigurations(t *testing.T) {
	names := map[string]bool{}
	for _, one := range Ablations() {
		c := Defaults()
		if err := c.Set(one.TOML); err != nil {
			t.Errorf("%s: %v", one.Name, err)
		}
		if names[one.Name] {
			t.Errorf("%q stands twice", one.Name)
		}
		names[one.Name] = true
	}
	stageOnes := map[string]bool{}
	for _, one := range Ablations() {
		c := Defaults()
		if err := c.Set(one.TOML); err != nil {
			t.Fatal(err)
		}
		stageOnes[c.StageOneKey(1)] = true
		if c.Key(1) == c.Key(2) {
			t.Error("two seeds have one key")
		}
	}
	if len(stageOnes) != 7 { // two of VSE and of VSE++, of drawn words, weighted, contrastive
		t.Errorf("%d kinds of stage I", len(stageOnes))
	}
	for only, want := range map[string]int{"^vse, .*curriculum": 1, "^VSE, .*Curriculum": 1, "VSE++": 10, `^vse\+\+, stage`: 9, "": 26} {
		if chosen, err := Chosen(Ablations(), only); err != nil || len(chosen) != want {
			t.Errorf("%q: chosen %v, %v", only, chosen, err)
		}
	}
	for _, only := range []string{"no such", "("} {
		if _, err := Chosen(Ablations(), only); err == nil {
			t.Errorf("%q was taken", only)
		}
	}
}

// household are photos of few things, whose pictures show which: the first half has
// captions, the others tags alone.
func household(count, from int) (p photos) {
	things := []string{"dog", "cat", "ball", "tree", "boat", "girl"}
	for i := range count {
		place := from + i
		a, b := place%len(things), (place/len(things)+place+1)%len(things)
		picture := make([]float32, len(things)+2)
		picture[a]++
		picture[b]++
		picture[len(things)+place%2] = .5
		p.pictures = append(p.pictures, picture)
		p.set = append(p.set, dataset.Photo{Name: fmt.Sprint(place), Captions: []string{
			fmt.Sprintf("A %s and the %s .", things[a], things[b]), fmt.Sprintf("there is one %s with a %s", things[b], things[a]),
		}})
	}
	return p
}

func trial(t *testing.T, change string) *Experiment {
	t.Helper()
	library := runtimetest.Load(t)
	c := Defaults()
	if err := errors.Join(c.Set("[model]\njoint = 12\nword = 8\nvectors = \"\"\n[stage1]\nepochs = 6\ncaptioned = 16\nrate = 0.01\nlength = 8\nthreads = 1\n"+
		"[stage2]\nepochs = 3\nsteps = 0\ncaptioned = 16\ntagged = 16\nrate = 0.005\nlength = 8\nthreads = 1\n"), c.Set(change)); err != nil {
		t.Fatal(err)
	}
	m := material{texts: []string{"a dog on holiday"}, captioned: household(24, 0), web: household(48, 24), dev: household(12, 72)}
	for i := range m.web.set { // a word that no caption has
		m.web.set[i].Tags, m.web.set[i].Captions = append(words.NewTagger().PseudoTags(m.web.set[i].Captions), "holiday"), nil
	}
	x, err := newExperiment(c, library, m)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func silent(int, joint.Epoch, evaluation.Retrieval) error { return nil }

// TestStagesFollow: stage II goes on from stage I with the words that only tags have,
// and a checkpoint gives the same stage without its steps.
func TestStagesFollow(t *testing.T) {
	x := trial(t, "")
	path := filepath.Join(t.TempDir(), "one")
	one, err := x.StageOne(t.Context(), 1, path, silent)
	if err != nil {
		t.Fatal(err)
	}
	epochs := 0
	again, err := x.StageOne(t.Context(), 1, path, func(int, joint.Epoch, evaluation.Retrieval) error { epochs++; return nil })
	if err != nil || epochs != 0 || !reflect.DeepEqual(one, again) {
		t.Errorf("from its checkpoint stage I took %d epochs, %v", epochs, err)
	}
	two, err := x.StageTwo(t.Context(), one, 1, "", silent)
	if err != nil {
		t.Fatal(err)
	}
	if best := one.Curve[joint.Best(one.Curve)].Score; one.Found.RSum() != best {
		t.Errorf("stage I gave %v, its best epoch %v", one.Found.RSum(), best)
	}
	if len(one.Curve) != 6 || len(two.Curve) != 3 || one.Found.RSum() < 150 {
		t.Errorf("curves %v and %v", one.Curve, two.Curve)
	}
	first, second := x.Words(one.Model), x.Words(two.Model)
	if slices.Contains(first, "holiday") || !slices.Contains(second, "holiday") || !slices.Equal(first, second[:len(first)]) {
		t.Errorf("words %v, then %v", first, second)
	}
	if a, b := x.Epochs(); a != 6 || b != 3 {
		t.Errorf("%d and %d epochs", a, b)
	}
}

func TestTagsAreSpoilt(t *testing.T) {
	var lists [][]string
	for i := range 400 {
		lists = append(lists, []string{fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i)})
	}
	kept := 0
	for i, tags := range spoil(lists, .3) {
		for _, tag := range tags {
			if slices.Contains(lists[i], tag) {
				kept++
			}
		}
	}
	if kept < 780 || kept > 900 {
		t.Errorf("%d of 1200 tags are true", kept)
	}
}

// TestSetIsDividedTheSameWay: and nothing is lost.
func TestSetIsDividedTheSameWay(t *testing.T) {
	set := household(50, 0).set
	drawn, others := divide(set, 20)
	again, _ := divide(set, 20)
	if !slices.Equal(drawn.Names(), again.Names()) || len(drawn) != 20 {
		t.Errorf("%v, then %v", drawn.Names(), again.Names())
	}
	all := append(drawn.Names(), others.Names()...)
	slices.Sort(all)
	want := set.Names()
	slices.Sort(want)
	if !slices.Equal(all, want) {
		t.Errorf("%v", all)
	}
	if all, none := divide(set, 0); len(all) != 50 || none != nil {
		t.Errorf("%d and %d", len(all), len(none))
	}
}

func TestVectorsBeginTheWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "words.txt")
	if err := os.WriteFile(path, []byte("dog 1 2 3 4\nzebra 5 6 7 8\nholiday 2 2 2 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := trial(t, fmt.Sprintf("[model]\nvectors = %q\n", path))
	m := x.newModel(1)
	list := x.Words(m)
	if slices.Contains(list, "zebra") || m.Word != 4 {
		t.Errorf("words %v of %d values", list, m.Word)
	}
	for word, want := range map[string][]float32{"dog": {1, 2, 3, 4}, "holiday": {2, 2, 2, 2}} {
		at := m.Vocabulary - len(list) + slices.Index(list, word)
		if got := m.Words[4*at : 4*at+4]; !slices.Equal(got, want) {
			t.Errorf("%s has %v", word, got)
		}
	}
}

func TestCurvesAreDrawn(t *testing.T) {
	var svg strings.Builder
	lines := []Line{{"a < b", []joint.Epoch{{Number: 1, Score: 10}, {Number: 2, Score: 30}}}, {"c", []joint.Epoch{{Number: 1, Score: 12}}}}
	if err := WriteSVG(&svg, lines); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(svg.String()))
	curves := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "polyline" {
			curves++
		}
	}
	if curves != 2 || !strings.Contains(svg.String(), "a &lt; b") {
		t.Errorf("%s", svg.String())
	}
	if err := WriteSVG(&svg, nil); err == nil {
		t.Error("nothing was drawn")
	}
}
