package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/places"
)

// located is a JPEG file with the position of a photo in it.
func located(picture []byte) []byte {
	const xmp = "http://ns.adobe.com/xap/1.0/\x00" + `<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"
    exif:GPSLatitude="38,41.87N" exif:GPSLongitude="9,12.385W"/>
 </rdf:RDF>
</x:xmpmeta>`
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(xmp)+2))
	return slices.Concat(picture[:2], segment, []byte(xmp), picture[2:])
}

// privateBuild is a world of its own programs, with the place names beside them.
func privateBuild(t *testing.T) (w *world, names string) {
	t.Helper()
	w = newWorld(t)
	build := filepath.Dir(w.state)
	w.programs = filepath.Join(build, "bin")
	w.check(os.Mkdir(w.programs, 0o755))
	for _, name := range []string{"vsed", "vsectl", "vsed-decoder-vips"} {
		w.check(os.Link(filepath.Join(binaries, name), filepath.Join(w.programs, name)))
	}
	names = filepath.Join(build, "build/places/places.bin")
	w.check(os.MkdirAll(filepath.Dir(names), 0o755))
	return w, names
}

func (w *world) placeNames(path string, town string) {
	w.Helper()
	var file bytes.Buffer
	w.check(places.Write(&file, []places.Entry{{
		Place:    places.Place{Name: town, City: "Lisbon", Region: "Lisbon District", Country: "Portugal"},
		Latitude: 38.7, Longitude: -9.2,
	}}))
	w.check(os.WriteFile(path+".part", file.Bytes(), 0o644))
	w.check(os.Rename(path+".part", path))
}

// A photo is found by where it was taken, by the place names of the day.
func TestAPhotoHasAPlace(t *testing.T) {
	t.Parallel()
	w, names := privateBuild(t)
	w.photo("a.jpg", red, 1)
	picture, err := os.ReadFile(filepath.Join(w.photos, "a.jpg"))
	w.check(err)
	w.file("a.jpg", located(picture))
	w.photo("b.jpg", blue, 2)
	f := func(queries map[string]string, shown string) {
		t.Helper()
		w.start()
		w.settled()
		for query, want := range queries {
			result, err := w.client.Search(t.Context(), query, 10, "")
			w.check(err)
			if got := result.GoodMatch; got != (want != "") {
				t.Errorf("%q: good match %t", query, got)
			}
			if found := w.find(query); want != "" && found[0] != want {
				t.Errorf("%q: found %q, want %s first", query, found, want)
			}
		}
		if text, _, _ := w.vsectl("photo", "show", filepath.Join(w.photos, "a.jpg")); !strings.Contains(text, shown) {
			t.Errorf("shown %s, want %s", text, shown)
		}
	}
	f(map[string]string{"portugal": "", "belem": ""}, "Place    38.69783, -9.20642\n")
	w.stop()
	if log := w.output.String(); strings.Count(log, "no place names") != 1 {
		t.Errorf("the log does not say once that there are no place names:\n%s", log)
	}

	w.placeNames(names, "Belém")
	f(map[string]string{"portugal": "a.jpg", "belem": "a.jpg", "ajuda": ""}, "Place    Belém, Lisbon, Lisbon District, Portugal\n")
	w.placeNames(names, "Ajuda") // the daemon has the old file still
	w.stop()

	f(map[string]string{"portugal": "a.jpg", "ajuda": "a.jpg", "belem": ""}, "Place    Ajuda, Lisbon, Lisbon District, Portugal\n")
	w.stop()
	if log := w.output.String(); !strings.Contains(log, "made anew") {
		t.Errorf("the log does not say that the keyword index is made anew:\n%s", log)
	}
	f(map[string]string{"ajuda": "a.jpg"}, "Ajuda")
	w.stop()
	if log := w.output.String(); strings.Contains(log, "made anew") {
		t.Errorf("the keyword index is made anew without need:\n%s", log)
	}

	w.check(os.WriteFile(names, []byte("damaged"), 0o644))
	f(map[string]string{"portugal": "", "ajuda": ""}, "Place    38.69783, -9.20642\n")
	w.stop()
}
