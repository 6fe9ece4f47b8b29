package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// image is one of Karpathy's, with so many sentences.
func image(number int, split string, sentences int) string {
	list := make([]string, sentences)
	for i := range list {
		list[i] = fmt.Sprintf(`{"raw":"sentence %d"}`, i)
	}
	return fmt.Sprintf(`{"filename":"%d.jpg","imgid":%d,"split":%q,"sentences":[%s]}`, number, number, split, strings.Join(list, ","))
}

func files(t *testing.T, texts map[string]string) (place func(string) string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(name string) string { return filepath.Join(folder, name) }
}

// TestSplitsOfOneFile: restval learns, val chooses, test does neither, all by the rows of
// the whole file; whoever judges has five captions, whoever learns all.
func TestSplitsOfOneFile(t *testing.T) {
	place := files(t, map[string]string{
		"d.json": `{"images":[` + strings.Join([]string{
			image(3, "train", 7), image(0, "val", 7), image(2, "restval", 1), image(1, "test", 6), image(4, "train", 5)}, ",") + `]}`,
		"test.json": `{"images":[` + image(0, "test", 5) + `]}`,
	})
	f := Files{Captions: place("d.json"), Features: "all.npy", DevCaptions: "absent.tsv", TestCaptions: "absent.tsv"}
	learn, dev, err := f.Learn()
	if err != nil {
		t.Fatal(err)
	}
	test, err := f.Test()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		part     Part
		rows     []int
		captions int
	}{{learn, []int{3, 2, 4}, 7}, {dev, []int{0}, 5}, {test, []int{1}, 5}} {
		if rows := one.part.Set.Rows(); !slices.Equal(rows, one.rows) || one.part.whole != 5 || len(one.part.Set[0].Captions) != one.captions {
			t.Errorf("rows %v of %d, %d captions; want %v, %d", rows, one.part.whole, len(one.part.Set[0].Captions), one.rows, one.captions)
		}
	}
	f.Captions = place("test.json")
	if _, _, err := f.Learn(); err == nil || !strings.Contains(err.Error(), "test.json has no photo of the split train or restval") {
		t.Errorf("error %v", err)
	}
}

// TestAFileForEachPart: and its features, which only a Store may have together.
func TestAFileForEachPart(t *testing.T) {
	five := strings.Repeat("a dog\n", 5)
	place := files(t, map[string]string{"train.txt": five + five, "dev.txt": five, "test.txt": five})
	f := Files{Captions: place("train.txt"), Features: "train.npy", DevCaptions: place("dev.txt"), DevFeatures: "dev.npy", TestCaptions: place("test.txt")}
	learn, dev, err := f.Learn()
	if err != nil || len(learn.Set) != 2 || len(dev.Set) != 1 || learn.features != "train.npy" || dev.features != "dev.npy" {
		t.Errorf("%+v, %+v, %v", learn, dev, err)
	}
	if _, err := f.Test(); err == nil || !strings.Contains(err.Error(), "as data.test_features") {
		t.Errorf("error %v", err)
	}
	f.Features = "all.features"
	if test, err := f.Test(); err != nil || test.features != "all.features" {
		t.Errorf("%+v, %v", test, err)
	}
	f.DevCaptions = ""
	if _, _, err := f.Learn(); err == nil || !strings.Contains(err.Error(), "data.dev_captions") {
		t.Errorf("error %v", err)
	}
}
