package runfolder

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
		if count > 0 && !strings.Contains(picture, `points="60.0,30.0 230.0,113.0 400.0,179.4"`) {
			t.Errorf("the curve lies elsewhere: %s", picture)
		}
	}
}

// TestScalesAreRound, and hold what is drawn.
func TestScalesAreRound(t *testing.T) {
	f := func(low, high float64, want ...float64) {
		t.Helper()
		got := scale(low, high)
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("%g to %g: got %v, want %v", low, high, got, want)
		}
	}
	f(4.818, 11.77, 4, 6, 8, 10, 12)
	f(1, 100, 0, 20, 40, 60, 80, 100)
	f(-0.03, 0.01, -0.03, -0.02, -0.01, 0, 0.01)
	f(27.3, 28.4, 27, 27.5, 28, 28.5)
	f(3, 3, 3)
	if ticks := scale(1e17, 1e17+16); len(ticks) > mostTicks+1 {
		t.Errorf("%d lines", len(ticks))
	}
}
