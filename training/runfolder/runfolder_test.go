package runfolder

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

type settings struct {
	Rate float64 `json:"rate"`
}

func open(t *testing.T, path string, rate float64) *Folder {
	t.Helper()
	f, err := Open(path, settings{rate})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func add(t *testing.T, f *Folder, name string, at int, value float64) {
	t.Helper()
	if err := f.Add(name, at, value); err != nil {
		t.Fatal(err)
	}
}

// TestARunGoesOn: it finds its curves, and passes the last points once more.
func TestARunGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "runs", "one")
	f := open(t, path, .1)
	for at := 1; at <= 4; at++ {
		add(t, f, "loss", at, 10/float64(at))
	}
	add(t, f, "R@1", 4, 20)
	if _, err := Open(path, settings{.1}); err == nil || !strings.Contains(err.Error(), "in use by another run") {
		t.Errorf("two runs at once: error %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = open(t, path, .1)
	add(t, f, "loss", 3, 3.5)
	want := []Curve{{"loss", []Point{{1, 10}, {2, 5}, {3, 3.5}}}, {"R@1", []Point{{4, 20}}}}
	data, err := os.ReadFile(f.Path(CurvesFile))
	if err != nil {
		t.Fatal(err)
	}
	var read []Curve
	if err := json.Unmarshal(data, &read); err != nil || !reflect.DeepEqual(read, want) || !reflect.DeepEqual(f.curves, want) {
		t.Errorf("curves %s, want %v; error %v", data, want, err)
	}
	if err := f.Report(map[string]int{"r1": 28}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil || len(files) != 4 {
		t.Errorf("files %v, error %v", files, err)
	}
}

func TestOtherRunsAreRefused(t *testing.T) {
	path := t.TempDir()
	f := open(t, path, .1)
	add(t, f, "loss", 1, 2)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, settings{.2}); err == nil || !strings.Contains(err.Error(), "another configuration") {
		t.Errorf("error %v", err)
	}
	if err := f.Add("loss", 2, math.NaN()); err == nil {
		t.Error("a loss that is no number is on the curve")
	}
	if err := os.WriteFile(f.Path(CurvesFile), []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, settings{.1}); err == nil || !strings.Contains(err.Error(), CurvesFile) {
		t.Errorf("error %v", err)
	}
	if _, err := Open(f.Path(ConfigFile), settings{}); err == nil {
		t.Error("a file is taken for a folder")
	}
}

// TestThePicture is well-formed whatever the names and numbers, and a falling curve
// falls.
func TestThePicture(t *testing.T) {
	curves := []Curve{
		{"loss <1> & \"more\"", []Point{{1, 10}, {2, 5}, {3, 1}}}, {"flat", []Point{{1, 3}}}, {"none", nil},
	}
	for count := range len(curves) + 1 {
		picture := string(Draw(curves[:count]))
		decoder := xml.NewDecoder(strings.NewReader(picture))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%d curves: %v in %s", count, err, picture)
			}
		}
		if strings.Contains(picture, "NaN") || strings.Count(picture, "<g ") != count {
			t.Errorf("%d curves: %s", count, picture)
		}
		if count > 0 && !strings.Contains(picture, `points="60.0,30.0 234.0,120.0 408.0,192.0"`) {
			t.Errorf("the curve lies elsewhere: %s", picture)
		}
	}
}
