package dataset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// refused expects an error of a place with words in it.
func refused(t *testing.T, err error, line int, words ...string) {
	t.Helper()
	var problem *Error
	if !errors.As(err, &problem) || problem.Line != line || problem.Remedy == "" {
		t.Errorf("error %v, want one of line %d with a remedy", err, line)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q, want %q in it", err, word)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has several lines", err)
	}
}

func TestCaptions(t *testing.T) {
	set, err := parseCaptions(strings.NewReader("\ufeffb.jpg\tA dog .\na.jpg\tTwo  cats\r\n\nb.jpg\tA dog ."), "f")
	want := Set{{Name: "b.jpg", Captions: []string{"A dog .", "A dog ."}}, {Name: "a.jpg", Captions: []string{"Two cats"}, Row: 1}}
	if err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%+v, %v, want %+v", set, err, want)
	}
	f := func(text string, line int, words ...string) {
		t.Helper()
		_, err := parseCaptions(strings.NewReader(text), "captions.tsv")
		refused(t, err, line, append(words, "captions.tsv")...)
	}
	f("a.jpg\tx\nb.jpg\t \n", 2, "the caption is empty")
	f("a.jpg\tx\n\nb.jpg", 3, "there is no tab")
	f("\tx", 1, "name is missing")
	f("/etc/a.jpg\tx", 1, "no path below")
	f("a/../../b.jpg\tx", 1, "no path below")
	f("a.jpg\t\xff", 1, "not UTF-8")
	f("a.jpg\tx\x00y", 1, "control characters")
	f("a.jpg\t"+strings.Repeat("x", captionLimit+1), 1, "has 10001 bytes")
	f("a.jpg\tx\n"+strings.Repeat("x", lineLimit), 2, "longer than 1 MiB")
	f("", 0, "no line")
}

// TestCaptionsByTheNameOfTheFile: VSE++'s have five lines a photo, and no line too few.
func TestCaptionsByTheNameOfTheFile(t *testing.T) {
	text := "a dog\nA Café .\nc\nd\ne\nf\ng\nh\ni\na dog\n"
	folder := folderOf(t, map[string]string{
		"caps.txt": text, "few.txt": text + "one more\n", "empty.txt": "a dog\n \n", "none.txt": "",
		"set.json": karpathy, "captions.tsv": "a.jpg\tA dog .",
	})
	read := func(name string) (Set, error) { return ReadCaptioned(filepath.Join(folder, name)) }
	want := Set{
		{Name: "0", Captions: []string{"a dog", "A Café .", "c", "d", "e"}}, {Name: "1", Captions: []string{"f", "g", "h", "i", "a dog"}, Row: 1},
	}
	if set, err := read("caps.txt"); err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%+v, %v", set, err)
	}
	for name, first := range map[string]string{"set.json": "val2014/x.jpg", "captions.tsv": "a.jpg"} {
		if set, err := read(name); err != nil || set[0].Name != first {
			t.Errorf("%s: %+v, %v", name, set, err)
		}
	}
	_, err := read("few.txt")
	refused(t, err, 0, "few.txt", "11 captions")
	_, err = read("empty.txt")
	refused(t, err, 2, "the caption is empty")
	_, err = read("none.txt")
	refused(t, err, 0, "no line")
}

func TestTags(t *testing.T) {
	set, err := parseTags(strings.NewReader("a.jpg\tsea, sun,sea\nsub/b.jpg\tcafe\u0301"), "f")
	want := Set{{Name: "a.jpg", Tags: []string{"sea", "sun"}}, {Name: "sub/b.jpg", Tags: []string{"caf\u00e9"}, Row: 1}}
	if err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%+v, %v, want %+v", set, err, want)
	}
	var written bytes.Buffer
	if err := WriteTags(&written, set); err != nil {
		t.Fatal(err)
	}
	if again, err := parseTags(&written, "f"); err != nil || !reflect.DeepEqual(again, set) {
		t.Errorf("what was written is read as %+v, %v", again, err)
	}
	f := func(text string, line int, words ...string) {
		t.Helper()
		_, err := parseTags(strings.NewReader(text), "tags.tsv")
		refused(t, err, line, append(words, "tags.tsv")...)
	}
	f("a.jpg\tsea,,sun", 1, "the tag is empty")
	f("a.jpg\tsea\na.jpg\tsun", 2, "stands twice")
	f("a.jpg\t"+strings.Repeat("x", 500), 1, "has 500 bytes, 255 are allowed")
	for _, bad := range []Set{{{Name: "a", Tags: []string{"x,y"}}}, {{Name: "a\tb", Tags: []string{"x"}}}} {
		if err := WriteTags(&written, bad); err == nil {
			t.Errorf("%v can be written", bad)
		}
	}
}

func TestTagsThatTeachNothing(t *testing.T) {
	f := func(want string, tags ...[]string) {
		t.Helper()
		var set Set
		for _, list := range tags {
			set = append(set, Photo{Tags: list})
		}
		err := set.CheckTags()
		if want == "" {
			if err != nil {
				t.Errorf("%v: %v", tags, err)
			}
			return
		}
		refused(t, err, 0, want)
	}
	f("no photo has a tag")
	f("no photo has a tag", nil, nil)
	f(`one tag only, "sea"`, []string{"sea"}, nil, []string{"sea"})
	f("have the same tags", []string{"sea", "sun"}, []string{"sun", "sea"})
	f("", []string{"sea", "sun"}, []string{"sun"})
	f("", []string{"sea"}, []string{"sun"})
}

func TestPartsOfASet(t *testing.T) {
	set := Set{{Name: "a", Split: "train", Tags: []string{"x"}}, {Name: "b", Split: "val", Captions: []string{"x", "y"}}, {Name: "c", Split: "restval"}}
	f := func(got Set, want ...string) {
		t.Helper()
		if !slices.Equal(got.Names(), want) {
			t.Errorf("%v, want %v", got.Names(), want)
		}
	}
	f(set.Split("train", "restval"), "a", "c")
	f(set.Without([]string{"a", "z"}), "b", "c")
	f(set.Tagged(), "a")
	only, err := set.Only([]string{"c", "a"})
	if err != nil {
		t.Fatal(err)
	}
	f(only, "c", "a")
	_, err = set.Only([]string{"z"})
	refused(t, err, 0, `"z"`)
	if texts := set.Texts(); !slices.Equal(texts, []string{"x", "y"}) {
		t.Errorf("texts %v", texts)
	}
}

const karpathy = `{"dataset":"coco","other":[1,{"images":2}],"images":[
{"filepath":"val2014","filename":"x.jpg","imgid":1,"split":"restval","sentences":[{"raw":"A dog.","tokens":["a","dog"]},{"tokens":["two","dogs"]}]},
{"filename":"y.jpg","imgid":0,"split":"test","sentences":[{"raw":"A cat."}]}],"more":{}}`

func TestKarpathy(t *testing.T) {
	set, err := parseKarpathy(strings.NewReader(karpathy), "f")
	want := Set{
		{Name: "val2014/x.jpg", Split: "restval", Captions: []string{"A dog.", "two dogs"}, Row: 1},
		{Name: "y.jpg", Split: "test", Captions: []string{"A cat."}},
	}
	if err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%+v, %v, want %+v", set, err, want)
	}
	f := func(text, words string) {
		t.Helper()
		_, err := parseKarpathy(strings.NewReader(text), "dataset.json")
		refused(t, err, 0, words, "dataset.json")
	}
	f("", "no JSON object")
	f("[]", "no JSON object")
	f("{}", `no "images"`)
	f(`{"images":{}}`, "no list")
	f(`{"images":[]}`, "no line")
	f(karpathy[:len(karpathy)-12], "ends early")
	f(strings.Replace(karpathy, "restval", "dev", 1), `image 1: its split is "dev"`)
	f(strings.Replace(karpathy, `"imgid":1`, `"imgid":0`, 1), "image 2: imgid is 0")
	f(strings.Replace(karpathy, `"imgid":1`, `"imgid":7`, 1), "image 1: imgid is 7")
	f(strings.Replace(karpathy, `"imgid":1`, `"imgid":"1"`, 1), "image 1: json")
	f(strings.Replace(karpathy, `A cat.`, ` `, 1), "image 2")
	f(strings.Replace(karpathy, `{"raw":"A cat."}`, ``, 1), "no sentence")
	f(strings.Replace(karpathy, `y.jpg`, `../y.jpg`, 1), "image 2")
	f(strings.Replace(karpathy, `y.jpg`, `val2014/x.jpg`, 1), "stands twice")
}

const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="2024-05-06T07:08:09">
<dc:subject><rdf:Bag>%s</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>`

func sidecarOf(tags ...string) string {
	var items string
	for _, tag := range tags {
		items += "<rdf:li>" + tag + "</rdf:li>"
	}
	return fmt.Sprintf(packet, items)
}

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestFolderWithSidecars(t *testing.T) {
	folder := folderOf(t, map[string]string{
		"a.jpg": "1", "a.JPG.xmp": "not of a.jpg", "a.xmp": sidecarOf("sea", "sun"),
		"anna/b.png": "2", "anna/b.png.XMP": sidecarOf("dog"), "anna/b.heic": "3", "anna/b.xmp": sidecarOf("of two photos"),
		".hidden/c.jpg": "4", "text.txt": "5",
	})
	set, err := ReadFolder(folder)
	taken := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	want := Set{
		{Name: "a.jpg", Tags: []string{"sea", "sun"}, Taken: taken},
		{Name: "anna/b.heic", Owner: "anna", Row: 1},
		{Name: "anna/b.png", Owner: "anna", Tags: []string{"dog"}, Taken: taken, Row: 2},
	}
	if err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%+v, %v, want %+v", set, err, want)
	}
	_, err = ReadFolder(folderOf(t, map[string]string{"a.jpg": "", "a.jpg.xmp": "no packet"}))
	refused(t, err, 0, "a.jpg.xmp", "is not XMP")
	_, err = ReadFolder(t.TempDir())
	refused(t, err, 0, "no photo")
}

func TestSources(t *testing.T) {
	folder := folderOf(t, map[string]string{"tags.tsv": "a.jpg\tx\nb.jpg\ty", "dev.txt": "b.jpg\n", "bad.txt": "c.jpg\n", "twice.txt": "a.jpg\na.jpg"})
	f := func(form, only string) (Set, error) {
		if only != "" {
			only = filepath.Join(folder, only)
		}
		return Source{Form: form, Labels: filepath.Join(folder, "tags.tsv"), Only: only}.Load()
	}
	if set, err := f("tags", "dev.txt"); err != nil || !slices.Equal(set.Names(), []string{"b.jpg"}) {
		t.Errorf("%v, %v", set, err)
	}
	if set, err := f("captions", ""); err != nil || len(set) != 2 {
		t.Errorf("%v, %v", set, err)
	}
	if _, err := f("tag", ""); err == nil || !strings.Contains(err.Error(), `"tag"`) {
		t.Error(err)
	}
	_, err := f("tags", "bad.txt")
	refused(t, err, 0, "c.jpg", "bad.txt")
	_, err = f("tags", "twice.txt")
	refused(t, err, 2, "stands twice")
}

func english(tag string) bool { return !strings.Contains(tag, "é") }

func TestWebSetByTheRules(t *testing.T) {
	w := NewWebSet(Rules{Keywords: []string{"dog", "Sea"}, English: english})
	f := func(count *int, photo Photo, digest string) {
		t.Helper()
		before := *count
		w.Offer(photo, digest)
		if *count != before+1 {
			t.Errorf("%+v is counted otherwise: %+v", photo, w.Left)
		}
	}
	tags := []string{"Dog", "grass"}
	f(&w.Left.Taken, Photo{Name: "1.jpg", Owner: "a", Tags: append(tags, "été")}, "d1")
	f(&w.Left.FewTags, Photo{Name: "2.jpg", Owner: "a", Tags: []string{"dog", "été"}}, "")
	f(&w.Left.NoKeyword, Photo{Name: "3.jpg", Owner: "a", Tags: []string{"cat", "grass"}}, "")
	f(&w.Left.Duplicates, Photo{Name: "1.jpg", Owner: "b", Tags: tags}, "")
	f(&w.Left.Duplicates, Photo{Name: "4.jpg", Owner: "b", Tags: tags}, "d1")
	f(&w.Left.Unreadable, Photo{Name: "../5.jpg", Owner: "b", Tags: tags}, "")
	for i := range 4 {
		f(&w.Left.Taken, Photo{Name: fmt.Sprintf("a%d.jpg", i), Owner: "a", Tags: tags}, "")
	}
	f(&w.Left.OwnerFull, Photo{Name: "6.jpg", Owner: "a", Tags: tags}, "")
	f(&w.Left.Taken, Photo{Name: "7.jpg", Owner: "b", Tags: tags}, "")
	if !slices.Equal(w.Set[0].Tags, tags) || len(w.Set) != 6 || w.Set[5].Row != 5 {
		t.Errorf("set %+v", w.Set)
	}
}

// yfcc writes a line in the form with 23 columns.
func yfcc(id, owner, tags, marker string) string {
	columns := make([]string, 23)
	columns[0], columns[1], columns[3], columns[8] = id, owner, "2012-02-16 09:56:37.0", tags
	columns[14], columns[21], columns[22] = "http://example.org/"+id+"_s.jpg", "png", marker
	return strings.Join(columns, "\t")
}

func TestYFCC(t *testing.T) {
	wide := strings.Split(yfcc("12", "b@N00", "dog,%C3%A9t%C3%A9,the+sea", "0"), "\t")
	wide = slices.Concat([]string{"7", "12", "abcdef"}, wide[1:])
	text := yfcc("11", "a@N00", "dog,wet+grass,50%", "0") + "\n" + strings.Join(wide, "\t") + "\n" + yfcc("13", "a@N00", "dog,sea", "1") + "\n"
	path := filepath.Join(t.TempDir(), "yfcc.gz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	packed := gzip.NewWriter(file)
	if _, err := packed.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(packed.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	w := NewWebSet(Rules{Keywords: []string{"dog"}, English: english})
	if err := w.OfferYFCC(path); err != nil {
		t.Fatal(err)
	}
	taken := time.Date(2012, 2, 16, 9, 56, 37, 0, time.UTC)
	want := Set{
		{Name: "11.jpg", Owner: "a@N00", Tags: []string{"dog", "wet grass", "50%"}, URL: "http://example.org/11_s.jpg", Taken: taken},
		{Name: "12.jpg", Owner: "b@N00", Tags: []string{"dog", "the sea"}, URL: "http://example.org/12_s.jpg", Taken: taken, Row: 1},
	}
	if !reflect.DeepEqual(w.Set, want) || w.Left.NoPhoto != 1 {
		t.Errorf("%+v, %+v, want %+v", w.Set, w.Left, want)
	}
	f := func(line, words string) {
		t.Helper()
		refused(t, w.offerYFCC(strings.NewReader("\n"+line), "yfcc"), 2, words, "yfcc")
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"cut.gz": whole[:len(whole)-20], "no.gz": []byte("11\ta@N00"), "no.bz2": []byte("11\ta@N00")} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var problem *Error
		if err := NewWebSet(Rules{English: english}).OfferYFCC(path); !errors.As(err, &problem) || problem.File != path || problem.Remedy == "" {
			t.Errorf("%s: error %v", name, err)
		}
	}
	f("a\tb", "2 columns")
	f(yfcc("x", "a", "dog,sea", "0"), "number")
	f(yfcc("1", "a", "dog,sea", "2"), "last column")
}

func TestWebSetFromAFolder(t *testing.T) {
	both := sidecarOf("dog", "sea")
	folder := folderOf(t, map[string]string{
		"a/1.jpg": "one", "a/1.xmp": both, "b/2.jpg": "one", "b/2.xmp": both, "b/3.jpg": "two", "b/3.xmp": both, "b/4.jpg": "three",
	})
	w := NewWebSet(Rules{Keywords: []string{"dog"}, English: english})
	if err := w.OfferFolder(folder); err != nil {
		t.Fatal(err)
	}
	if want := (Left{Taken: 2, Duplicates: 1, FewTags: 1}); w.Left != want {
		t.Errorf("%+v, want %+v", w.Left, want)
	}
	set := Set{{Name: "a/1.jpg"}, {Name: "gone.jpg"}, {Name: "b/2.jpg"}, {Name: "b/3.jpg"}}
	if distinct, err := set.Distinct(folder); err != nil || !slices.Equal(distinct.Names(), []string{"a/1.jpg", "b/3.jpg"}) || distinct[1].Row != 1 {
		t.Errorf("%v, %v", distinct, err)
	}
}

func TestEvents(t *testing.T) {
	at := func(hours float64) time.Time {
		return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours * float64(time.Hour)))
	}
	set := Set{
		{Taken: at(5)}, {Taken: at(0)}, {}, {Taken: at(0.9)}, {Taken: at(1.8)}, {Taken: at(2.9)}, {},
		{Looks: 0b1111_0000}, {Looks: 0b1111_1111, Taken: at(5.5)}, {Looks: 1<<63 - 1},
	}
	if events, want := set.Events(), []int{0, 1, 2, 1, 1, 3, 4, 0, 0, 5}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
}

func TestNoBurstIsOnBothSides(t *testing.T) {
	var set Set
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for event := range 60 {
		for shot := range 1 + event%7 {
			set = append(set, Photo{Name: fmt.Sprintf("%d-%d", event, shot), Owner: fmt.Sprint(event), Taken: start.AddDate(0, 0, event).Add(time.Duration(shot) * time.Minute)})
		}
	}
	for seed := range uint64(20) {
		learn, held := set.HoldOut(0.2, seed)
		sides := map[string]int{}
		for side, part := range []Set{learn, held} {
			for _, photo := range part {
				sides[photo.Owner] |= 1 << side
			}
		}
		for event, side := range sides {
			if side == 3 {
				t.Fatalf("event %s is on both sides", event)
			}
		}
		if share := float64(len(held)) / float64(len(set)); share < 0.15 || share > 0.25 || len(learn)+len(held) != len(set) {
			t.Errorf("seed %d: %d of %d are held out", seed, len(held), len(set))
		}
		if _, again := set.HoldOut(0.2, seed); !reflect.DeepEqual(again, held) {
			t.Error("one seed gives two splits")
		}
	}
	if learn, held := set[:1].HoldOut(0.5, 1); len(learn) != 1 || len(held) != 0 {
		t.Error("the only photo is held out")
	}
	if learn, held := set[:2].HoldOut(0.01, 1); len(learn) != 1 || len(held) != 1 {
		t.Errorf("of two events %d are learned from and %d held out", len(learn), len(held))
	}
}

// TestTheSetsForDevelopment reads what a user's checkout lacks.
func TestTheSetsForDevelopment(t *testing.T) {
	const data = "../../../shared/data"
	if _, err := os.Stat(data); err != nil {
		t.Skip("the sets kept for development are not here")
	}
	tagged, err := Source{Form: "tags", Labels: filepath.Join(data, "corel5k/tags.tsv")}.Load()
	if err != nil || len(tagged) != 4500 || tagged.CheckTags() != nil {
		t.Errorf("Corel5k: %d photos, %v", len(tagged), err)
	}
	dev, err := Source{Form: "tags", Labels: filepath.Join(data, "corel5k/tags.tsv"), Only: filepath.Join(data, "corel5k/dev.txt")}.Load()
	if err != nil || len(dev) != 500 {
		t.Errorf("Corel5k dev: %d photos, %v", len(dev), err)
	}
	captioned, err := ReadCaptions(filepath.Join(data, "flickr8k/captions.train.tsv"))
	if err != nil || len(captioned) != 5996 {
		t.Errorf("Flickr8k: %d photos, %v", len(captioned), err)
	}
	for _, photo := range captioned {
		if len(photo.Captions) != 5 {
			t.Errorf("%s has %d captions", photo.Name, len(photo.Captions))
		}
	}
}

func FuzzParsers(f *testing.F) {
	for _, seed := range []string{karpathy, "a.jpg\tx,y\n", yfcc("1", "a", "dog,sea", "0"), "\ufeffa\tb\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		for name, parse := range map[string]func() (Set, error){
			"captions": func() (Set, error) { return parseCaptions(bytes.NewReader(input), "f") },
			"tags":     func() (Set, error) { return parseTags(bytes.NewReader(input), "f") },
			"names":    func() (Set, error) { return parseNames(bytes.NewReader(input), "f") },
			"karpathy": func() (Set, error) { return parseKarpathy(bytes.NewReader(input), "f") },
			"yfcc": func() (Set, error) {
				w := NewWebSet(Rules{Keywords: []string{"dog"}, English: english})
				err := w.offerYFCC(bytes.NewReader(input), "f")
				return w.Set, err
			},
		} {
			set, err := parse()
			if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("%s: the error %q is not one line", name, err)
			}
			if err == nil {
				checkSound(t, name, set)
			}
		}
	})
}

// checkSound tells what no parser may let through.
func checkSound(t *testing.T, name string, set Set) {
	seen := map[string]bool{}
	for _, photo := range set {
		if seen[photo.Name] || !filepath.IsLocal(photo.Name) {
			t.Errorf("%s: the name %q stands twice or is no path below", name, photo.Name)
		}
		seen[photo.Name] = true
		for _, text := range slices.Concat(photo.Captions, photo.Tags) {
			if text == "" || len(text) > captionLimit || strings.TrimSpace(text) != text {
				t.Errorf("%s: the text %q", name, text)
			}
		}
	}
}

func FuzzSidecar(f *testing.F) {
	f.Add([]byte(sidecarOf("dog")))
	f.Fuzz(func(t *testing.T, input []byte) {
		photo := Photo{Name: "a.jpg"}
		if photo.takeSidecar(input) == nil {
			checkSound(t, "sidecar", Set{photo})
		}
	})
}

func TestFoldsKeepEventsWholeAndSpreadTags(t *testing.T) {
	var set Set
	for i := range 96 { // two photos a day; on every sixteenth day a rare tag
		photo := Photo{Name: fmt.Sprint(i), Taken: time.Date(2020, 1, 1+i/2, 12, i%2, 0, 0, time.UTC), Tags: []string{"often"}}
		if i%32 < 2 {
			photo.Tags = append(photo.Tags, "rare")
		}
		if i%5 == 0 {
			photo.Tags = nil
		}
		set = append(set, photo)
	}
	var others int
	for seed := range uint64(20) {
		folds := set.Folds(3, seed)
		if !reflect.DeepEqual(folds, set.Folds(3, seed)) {
			t.Errorf("seed %d gives two splits", seed)
		}
		day, all := map[int]int{}, 0
		for number, fold := range folds {
			rare := 0
			for _, photo := range fold {
				if before, ok := day[photo.Taken.YearDay()]; ok && before != number {
					t.Errorf("seed %d: a day is in two folds", seed)
				}
				day[photo.Taken.YearDay()] = number
				if slices.Contains(photo.Tags, "rare") {
					rare++
				}
			}
			if all += len(fold); len(fold) != 32 || rare == 0 || rare > 2 {
				t.Errorf("seed %d: a fold of %d photos, %d rare", seed, len(fold), rare)
			}
		}
		if all != len(set) {
			t.Errorf("seed %d: %d photos", seed, all)
		}
		if !reflect.DeepEqual(folds, set.Folds(3, seed+1)) {
			others++
		}
	}
	if others < 15 {
		t.Error("other seeds give the same split")
	}
	large := slices.Clone(set)
	for i := range 60 {
		large[i].Taken = set[0].Taken
	}
	if folds := large.Folds(3, 1); len(folds[0]) < 60 || len(folds[1]) == 0 || len(folds[2]) == 0 {
		t.Errorf("a large event: folds of %d, %d and %d", len(folds[0]), len(folds[1]), len(folds[2]))
	}
	if folds := set[:4].Folds(3, 1); len(folds) != 2 || len(folds[0]) != 2 || len(folds[1]) != 2 {
		t.Errorf("two events: %d folds", len(folds))
	}
	if folds := set[:0].Folds(3, 1); len(folds) != 0 {
		t.Errorf("nothing: %d folds", len(folds))
	}
}
