package places

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func save(t testing.TB, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "places.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func written(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := Write(&file, entries); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func opened(t testing.TB, entries ...Entry) *Gazetteer {
	t.Helper()
	g, err := Open(save(t, written(t, entries...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func entry(latitude, longitude float64, name string) Entry {
	return Entry{Place: Place{Name: name, Country: "Nowhere"}, Latitude: latitude, Longitude: longitude}
}

var lisbon = Entry{
	Place:    Place{Name: "Belém", City: "Lisbon", Region: "Lisbon District", Country: "Portugal"},
	Latitude: 38.69783, Longitude: -9.20641,
}

func TestNear(t *testing.T) {
	g := opened(t, lisbon, entry(89.9, 10, "Pole"), entry(-89.9, 10, "South"), entry(0, 179.9, "East"), entry(0, -179.8, "West"),
		entry(10, 10, "first"), entry(10, 10, "second"))
	f := func(latitude, longitude float64, want string) {
		t.Helper()
		if found, ok := g.Near(latitude, longitude); found.Name != want || ok != (want != "") {
			t.Errorf("%v, %v: %+v %t, want %q", latitude, longitude, found, ok, want)
		}
	}
	f(38.7, -9.2, "Belém")
	f(90, 0, "Pole")
	f(90, -180, "Pole")
	f(89.9, -170, "Pole") // 22 km across the pole
	f(-90, 33, "South")
	f(0, 180, "East")
	f(0, -180, "East")
	f(0, -179.9, "West")
	f(10, 10, "first")
	f(10, 10.46, "")       // 50.3 km
	f(10, 10.455, "first") // 49.8 km
	f(50, 50, "")          // nothing near
	f(math.NaN(), 0, "")   // none of the rest is a position
	f(0, math.NaN(), "")   //
	f(90.1, 0, "")         //
	f(0, math.Inf(1), "")  //
	f(0, 180+179.9, "")    //
	f(-90-1e-9, 0, "")     //
	f(38.7, -9.2, "Belém") // as often as one likes
	found, _ := g.Near(lisbon.Latitude, lisbon.Longitude)
	if found.Kilometres > 0.001 {
		t.Errorf("%v km from itself", found.Kilometres)
	}
	found.Kilometres = 0
	if found != lisbon.Place {
		t.Errorf("got %+v, want %+v", found, lisbon.Place)
	}
}

func TestNilKnowsNothing(t *testing.T) {
	var g *Gazetteer
	if _, ok := g.Near(0, 0); ok || g.Sum() != "" || g.Close() != nil {
		t.Error("a nil gazetteer knows a place")
	}
}

// haversine is the great-circle distance in kilometres.
func haversine(latitude1, longitude1, latitude2, longitude2 float64) float64 {
	const degree = math.Pi / 180
	north, east := math.Sin((latitude1-latitude2)*degree/2), math.Sin((longitude1-longitude2)*degree/2)
	square := north*north + math.Cos(latitude1*degree)*math.Cos(latitude2*degree)*east*east
	return 2 * earth * math.Asin(math.Sqrt(min(square, 1)))
}

// somewhere gives positions that are all over the earth, and crowds at the
// poles, at the date line and in a town.
func somewhere(random *rand.Rand) (latitude, longitude float64) {
	sign := float64(2*random.IntN(2) - 1)
	switch random.IntN(4) {
	case 0:
		return sign * (90 - random.ExpFloat64()/2), 360*random.Float64() - 180
	case 1:
		return 180*random.Float64() - 90, sign * (180 - random.ExpFloat64()/2)
	case 2:
		return 50 + random.NormFloat64()/10, 10 + random.NormFloat64()/10
	}
	return math.Asin(2*random.Float64()-1) * 180 / math.Pi, 360*random.Float64() - 180
}

func TestNearAgreesWithEveryDistance(t *testing.T) {
	// A file's positions are off by up to half a metre.
	const metre = 0.001
	random := rand.New(rand.NewPCG(1, 2))
	found, none := 0, 0
	for _, count := range []int{0, 1, 2, 3, 10, 1000} {
		entries := make([]Entry, count)
		for i := range entries {
			latitude, longitude := somewhere(random)
			entries[i] = entry(max(min(latitude, 90), -90), longitude, fmt.Sprint(i))
		}
		g := opened(t, entries...)
		for range 1000 {
			latitude, longitude := somewhere(random)
			least := math.Inf(1)
			for _, one := range entries {
				least = min(least, haversine(latitude, longitude, one.Latitude, one.Longitude))
			}
			place, ok := g.Near(latitude, longitude)
			if math.Abs(least-reach) > metre && ok != (least < reach) || ok && math.Abs(place.Kilometres-least) > metre {
				t.Fatalf("%d places: nearest to %v, %v is %+v %t, want one at %v km", count, latitude, longitude, place, ok, least)
			}
			if ok {
				found++
			} else {
				none++
			}
		}
	}
	if found < 500 || none < 500 {
		t.Errorf("%d near a place and %d not: too few of one to tell", found, none)
	}
}

func TestOpenRefuses(t *testing.T) {
	file := written(t, lisbon)
	f := func(content []byte, want string) {
		t.Helper()
		path := save(t, content)
		_, err := Open(path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%v, want %q and the path", err, want)
		}
	}
	for at := range file {
		damaged := bytes.Clone(file)
		damaged[at] ^= 0x10
		f(damaged, "")
		f(file[:at], "")
	}
	f(append(bytes.Clone(file), 0), "damaged: install or build it again")
	f(nil, "0 bytes are no file of places")
	f(bytes.Repeat([]byte("text "), 100), "not a file of places")
	newer := bytes.Clone(file)
	newer[len(magic)]++
	f(newer, "version 2 of the format, want 1")
	if _, err := Open(t.TempDir() + "/absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestWriteRefusesALongName(t *testing.T) {
	if err := Write(&bytes.Buffer{}, []Entry{entry(0, 0, strings.Repeat("x", 256))}); err == nil {
		t.Error("a name of 256 bytes was taken")
	}
}

func TestTheFileSaysWhoseTheDataAre(t *testing.T) {
	header := written(t, lisbon)[:headerSize]
	if !bytes.Contains(header, []byte(notice)) {
		t.Errorf("header %q", header)
	}
}

// What another program made gives an error or some names, never a crash, even
// where its sum is right.
func FuzzParse(f *testing.F) {
	f.Add(written(f, lisbon, entry(0, 0, "middle"), entry(-10, 170, "")))
	f.Add(written(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) < headerSize {
			return
		}
		parts, _, err := parse(content)
		if err != nil {
			return
		}
		g := &Gazetteer{layout: parts}
		for _, at := range [][2]float64{{38.7, -9.2}, {0, 0}, {90, 0}, {-10, 180}} {
			g.Near(at[0], at[1])
		}
	})
}

// The file that `make model` makes.
const built = "../../build/places/places.bin"

func builtGazetteer(t testing.TB) *Gazetteer {
	t.Helper()
	g, err := Open(built)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("needs `make model`: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestTheBuiltFile(t *testing.T) {
	g := builtGazetteer(t)
	f := func(latitude, longitude float64, want Place) {
		t.Helper()
		found, ok := g.Near(latitude, longitude)
		found.Kilometres = 0
		if !ok || found != want {
			t.Errorf("%v, %v: %+v %t, want %+v", latitude, longitude, found, ok, want)
		}
	}
	f(48.8606, 2.3376, Place{"Paris", "", "Île-de-France", "France", 0})                        // the Louvre
	f(51.5014, -0.1419, Place{"City of Westminster", "London", "England", "United Kingdom", 0}) // Buckingham Palace
	f(40.7829, -73.9654, Place{"Manhattan", "New York City", "New York", "United States", 0})   // Central Park
	f(41.8902, 12.4922, Place{"Rome", "", "Lazio", "Italy", 0})                                 // the Colosseum
	f(48.8049, 2.1204, Place{"Versailles", "", "Île-de-France", "France", 0})                   // the palace
	f(37.8199, -122.4783, Place{"Sausalito", "", "California", "United States", 0})             // the Golden Gate Bridge
	f(-33.8568, 151.2153, Place{"The Rocks", "Sydney", "New South Wales", "Australia", 0})      // the opera
	f(42.0, 21.43, Place{"Skopje", "", "Grad Skopje", "North Macedonia", 0})                    // a name of 2019
	if _, ok := g.Near(30, -40); ok {
		t.Error("a place in the middle of the Atlantic")
	}
}

func BenchmarkNear(b *testing.B) {
	g := builtGazetteer(b)
	random := rand.New(rand.NewPCG(3, 4))
	at := make([][2]float64, 4096)
	for i := range at {
		at[i][0], at[i][1] = 35+20*random.Float64(), 30*random.Float64()-5 // Europe: most are near a place
	}
	for i := 0; b.Loop(); i++ {
		g.Near(at[i%len(at)][0], at[i%len(at)][1])
	}
}

func BenchmarkOpen(b *testing.B) {
	builtGazetteer(b)
	for b.Loop() {
		g, err := Open(built)
		if err != nil {
			b.Fatal(err)
		}
		g.Close()
	}
}
