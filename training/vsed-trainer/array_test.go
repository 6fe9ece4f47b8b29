package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/encoders/runtime/runtimetest"
	"vsed/training/evaluation"
)

// saveNPY writes rows as numpy.save does.
func saveNPY(t *testing.T, path string, rows [][]float32) {
	t.Helper()
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(rows), len(rows[0]))
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	file := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	body := bytes.NewBuffer(append(file, header...))
	for _, row := range rows {
		if err := binary.Write(body, binary.LittleEndian, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// rowOf is a made-up photo's feature, captionsOf what is said of it: in two alphabets.
func rowOf(photo int) []float32 {
	a, b := showing(photo)
	noise := rand.New(rand.NewPCG(uint64(photo), 1))
	row := make([]float32, 3*len(things))
	for i := range row {
		if row[i] = noise.Float32(); i%len(things) == a || i%len(things) == b {
			row[i]++
		}
	}
	return row
}

func captionsOf(photo int) []string {
	a, b := showing(photo)
	return []string{
		fmt.Sprintf("a %s and a %s", things[a], things[b]), fmt.Sprintf("The %s, the %s in a café .", things[b], things[a]),
		fmt.Sprintf("фото: %s", things[a]), fmt.Sprintf("only the %s", things[b]), fmt.Sprintf("%s %s", things[a], things[b]),
	}
}

// researcher writes a set as those have it who work on COCO: Karpathy's file, whose
// photos stand in another order than the rows, and the same as VSE++'s files.
func researcher(t *testing.T) (place func(string) string) {
	t.Helper()
	folder := t.TempDir()
	place = func(name string) string { return filepath.Join(folder, name) }
	const photos = 120
	var images []map[string]any
	rows := map[string][][]float32{}
	texts := map[string]string{}
	for photo := range photos {
		split := []string{"train", "train", "restval", "val", "test"}[photo/len(things)%5]
		var sentences []map[string]any
		file := strings.Replace(split, "restval", "train", 1)
		for _, caption := range captionsOf(photo) {
			sentences = append(sentences, map[string]any{"raw": caption, "tokens": strings.Fields(caption)})
			texts[file] += caption + "\n"
			rows[file] = append(rows[file], rowOf(photo))
		}
		images = append(images, map[string]any{"filename": fmt.Sprintf("%d.jpg", photo), "split": split, "imgid": photo, "sentences": sentences})
		rows["all"] = append(rows["all"], rowOf(photo))
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(photos, func(i, j int) { images[i], images[j] = images[j], images[i] })
	data, err := json.Marshal(map[string]any{"dataset": "made up", "images": images})
	if err != nil {
		t.Fatal(err)
	}
	write(t, place("dataset.json"), string(data))
	for split, list := range rows {
		saveNPY(t, place(split+".npy"), list)
		write(t, place(split+".txt"), texts[split])
	}
	common := fmt.Sprintf("library = %q\n[model]\njoint = 12\nword = 8\nvectors = \"\"\n[stage1]\nepochs = 8\ncaptioned = 16\nrate = 0.01\nlength = 8\n"+
		"[stage2]\nepochs = 2\ncaptioned = 16\ntagged = 16\nsteps = 3\nlength = 8\n", runtimetest.Path(t))
	write(t, place("karpathy.toml"), common+fmt.Sprintf("[data]\ncaptions = %q\nfeatures = %q\ncaptioned = 40\n", place("dataset.json"), place("all.npy")))
	write(t, place("vse.toml"), common+fmt.Sprintf("[data]\ncaptions = %q\nfeatures = %q\ndev_captions = %q\ndev_features = %q\ntest_captions = %q\ntest_features = %q\ncaptioned = 40\n",
		place("train.txt"), place("train.npy"), place("val.txt"), place("val.npy"), place("test.txt"), place("test.npy")))
	return place
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPaperFromPrecomputedFeatures: both forms in which researchers have a set give a
// model that finds its test photos, and a report with all that is published.
func TestPaperFromPrecomputedFeatures(t *testing.T) {
	place := researcher(t)
	for _, form := range []string{"karpathy", "vse"} {
		out := place(form + " run")
		if err := run(t.Context(), []string{"paper", "--config", place(form + ".toml"), "--out", out, "--test", "--folds", "2"}); err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		var report paperReport
		data, err := os.ReadFile(filepath.Join(out, "report.json"))
		if err == nil {
			err = json.Unmarshal(data, &report)
		}
		if err != nil {
			t.Fatal(err)
		}
		if report.Photos != 40 || report.Tagged != 32 || report.Two == nil || len(report.Test) != 2 {
			t.Fatalf("%s: %d captioned, %d tagged, test %+v", form, report.Photos, report.Tagged, report.Test)
		}
		// Six kinds of photos are told apart, not the four of a kind.
		all, folded := report.Test[0], report.Test[1]
		if all.Folds != 1 || folded.Folds != 2 || all.TextToImage.Queries != 120 || folded.ImageToText.Queries != 24 {
			t.Errorf("%s: %+v", form, report.Test)
		}
		if of := all.TextToImage; of.R5.Value < 60 || of.R10.Value < of.R5.Value || !(of.MedianRank >= 1) || of.MedianRank > 5 {
			t.Errorf("%s: test %+v", form, of)
		}
		if folded.TextToImage.R5.Value < all.TextToImage.R5.Value {
			t.Errorf("%s: among 12 R@5 is %v, among 24 %v", form, folded.TextToImage.R5.Value, all.TextToImage.R5.Value)
		}
	}
}

// TestAFolderIsOfOneRun: with its configuration, and again with nothing left to do.
func TestAFolderIsOfOneRun(t *testing.T) {
	place := researcher(t)
	paper := func(form string) error {
		return run(t.Context(), []string{"paper", "--config", place(form + ".toml"), "--out", place("run")})
	}
	if err := paper("vse"); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(place("run"), weightsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := paper("karpathy"); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Errorf("another run: error %v", err)
	}
	if err := paper("vse"); err != nil {
		t.Error(err)
	}
	after, err := os.ReadFile(filepath.Join(place("run"), weightsFile))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("other weights, error %v", err)
	}
	changed := make([][]float32, 5*72)
	for i := range changed {
		changed[i] = rowOf(i / 5)
	}
	saveNPY(t, place("train.npy"), changed)
	if err := paper("vse"); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("other features: error %v", err)
	}
}

// TestPrecomputedFeaturesThatWillNotDo: each is one line that says what to do.
func TestPrecomputedFeaturesThatWillNotDo(t *testing.T) {
	place := researcher(t)
	f := func(problem, form, old, changed string, arguments ...string) {
		t.Helper()
		text, err := os.ReadFile(place(form))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %q", form, old)
		}
		write(t, place("changed"+filepath.Ext(form)), strings.ReplaceAll(string(text), old, changed))
		config := place("changed.toml")
		if form == "dataset.json" {
			write(t, config, fmt.Sprintf("library = %q\n[web]\nfrom = \"none\"\n[model]\nvectors = \"\"\n[data]\ncaptions = %q\nfeatures = %q\n",
				runtimetest.Path(t), place("changed.json"), place("all.npy")))
		}
		err = run(t.Context(), append([]string{"paper", "--config", config, "--out", place("none")}, arguments...))
		if err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, error %v", problem, err)
		}
		if _, err := os.Stat(place("none")); err == nil {
			t.Errorf("%q: a run folder", problem)
		}
	}
	spoilt := make([][]float32, 120)
	for i := range spoilt {
		spoilt[i] = rowOf(i)
	}
	saveNPY(t, place("few.npy"), spoilt[:119])
	write(t, place("text.npy"), "an array\n")
	spoilt[7][2] = float32(math.NaN())
	saveNPY(t, place("nan.npy"), spoilt)
	f("few.npy: it has 119 rows for 120 photos", "karpathy.toml", "all.npy", "few.npy")
	f("nan.npy: row 7: value 2 is NaN", "karpathy.toml", "all.npy", "nan.npy")
	f("no such file", "karpathy.toml", "all.npy", "absent.npy")
	f("is no .npy file", "karpathy.toml", "all.npy", "text.npy")
	f("name the features of "+place("val.txt")+" as data.dev_features", "vse.toml", "dev_features", "#")
	f("name the features of "+place("test.txt")+" as data.test_features", "vse.toml", "test_features", "#", "--test")
	var same, one string
	for i := range 30 {
		same += fmt.Sprintf("%d\tdog,boat\n", i)
		one += fmt.Sprintf("%d\tdog\n", i)
	}
	write(t, place("same.tsv"), same)
	write(t, place("one.tsv"), one)
	web := fmt.Sprintf("[web]\nfrom = \"set\"\ntags = %q\nfeatures = %q\n", place("NAME.tsv"), place("all.npy"))
	f("same.tsv: all 30 tagged photos have the same tags", "vse.toml", "[model]", strings.Replace(web, "NAME", "same", 1)+"[model]")
	f("one.tsv: all 30 tagged photos have one tag only", "vse.toml", "[model]", strings.Replace(web, "NAME", "one", 1)+"[model]")
	f("do not make 5 folds", "vse.toml", "joint = 12", "joint = 10", "--test", "--folds", "5")
	f("leaves no photo for stage II", "karpathy.toml", "captioned = 40", "captioned = 0")
	f("has no sentence", "dataset.json", `"sentences":[`, `"sentences":[],"others":[`)
	f("the caption is empty", "dataset.json", `"raw":"a `, `"raw":" ","was":"a `)
	f("has no photo of the split val", "dataset.json", `"split":"val"`, `"split":"train"`)
}

// TestHeadsFromPrecomputedFeatures: stage I makes the sentences' features itself.
func TestHeadsFromPrecomputedFeatures(t *testing.T) {
	config := madeUp(t) // says where the encoder is
	place := researcher(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "[data]\n", fmt.Sprintf("[data]\nsentence_features = %q\n", place("sentences.features")), 1)
	for key, value := range map[string]string{"captions": place("dataset.json"), "caption_features": place("all.npy")} {
		begin := strings.Index(changed, "\n"+key+" = ") + 1
		end := begin + strings.Index(changed[begin:], "\n")
		changed = changed[:begin] + fmt.Sprintf("%s = %q", key, value) + changed[end:]
	}
	write(t, place("heads.toml"), changed)
	err = run(t.Context(), []string{"stage1", "--config", place("heads.toml"), "--out", place("one")})
	if err == nil || !strings.Contains(err.Error(), "another encoder") || !strings.Contains(err.Error(), "--tags=false") {
		t.Errorf("tags of other features: error %v", err)
	}
	if err := run(t.Context(), []string{"stage1", "--config", place("heads.toml"), "--out", place("one"), "--tags=false"}); err != nil {
		t.Fatal(err)
	}
	var curves []struct {
		Name   string
		Points []struct{ Value float64 }
	}
	data, err := os.ReadFile(filepath.Join(place("one"), "curves.json"))
	if err == nil {
		err = json.Unmarshal(data, &curves)
	}
	if err != nil {
		t.Fatal(err)
	}
	var sums []float64
	for _, curve := range curves {
		if curve.Name == sumCurve {
			for _, point := range curve.Points {
				sums = append(sums, point.Value)
			}
		}
	}
	if len(sums) == 0 || sums[len(sums)-1] < 250 {
		t.Errorf("sums of recalls %v", sums)
	}
}

// TestLineIsThePublishedMeasures, by hand: two photos, each with its caption first but
// one caption, which ranks its photo second.
func TestLineIsThePublishedMeasures(t *testing.T) {
	found, err := evaluation.Retrieve(evaluation.Captioned{
		Pictures: [][]float32{{1, 0}, {0, 1}}, Captions: [][]float32{{1, 0}, {.4, .6}, {0, 1}}, Owner: []int{0, 0, 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "text→image 66.7/100.0/100.0 (median rank 1), image→text 100.0/100.0/100.0 (median rank 1), sum 566.7"
	if got := line(found); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
