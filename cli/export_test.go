package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/cli/table"
	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

// tagged is a library with what makes an export hard: names that are not UTF-8,
// formulas, levels, quotes, copies, a photo without a file.
func tagged() *servertest.Library {
	copied := photo(7, "/photos/2019/a \"b\", c.jpg", "dog", `=HYPERLINK("http://x")`, "animal/dog & cat")
	copied.Paths = append(copied.Paths, api.NewPath(hostile))
	copied.Digest = strings.Repeat("0a", 32)
	copied.Tags = append(copied.Tags, api.Tag{Name: "guess", Source: "learned"}, api.Tag{Name: "'quoted", Source: "file"})
	lost := photo(9, "", "gone")
	lost.Paths, lost.Digest = nil, strings.Repeat("0b", 32)
	removed := photo(10, "/removed/a.jpg", "gone")
	removed.Paths, removed.Digest = nil, strings.Repeat("0c", 32)
	return servertest.New(copied, photo(8, "/photos/untagged.jpg"), lost, removed)
}

func export(t *testing.T, library *servertest.Library, out Screen, args ...string) (code int, problems string) {
	t.Helper()
	client := servertest.Serve(t, library)
	var text bytes.Buffer
	code = run(t.Context(), slices.Concat([]string{"vsectl", "export", "tags", "--socket", client.Socket}, args), out, Screen{Writer: &text})
	return code, text.String()
}

func TestExportCSV(t *testing.T) {
	var text bytes.Buffer
	if code, problems := export(t, tagged(), Screen{Writer: &text}); code != 0 {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	golden(t, "export.csv", text.Bytes())
	rows, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(rows) != 1+2*5+2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// Every row and column is there, and a spreadsheet that separates at another
// character finds no cell that begins a formula.
func TestExportCSVToATerminal(t *testing.T) {
	var text bytes.Buffer
	if code, problems := export(t, tagged(), Screen{Writer: &text, Width: 80}); code != 0 {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	for _, r := range text.String() {
		if r != '\n' && !table.Printable(r) {
			t.Errorf("%q reaches the terminal", r)
		}
	}
}

func TestExportJSON(t *testing.T) {
	var text bytes.Buffer
	if code, problems := export(t, tagged(), Screen{Writer: &text}, "--json"); code != 0 {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	golden(t, "export.jsonl", text.Bytes())
}

func TestExportXMP(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "out")
	var text bytes.Buffer
	code, problems := export(t, tagged(), Screen{Writer: &text}, "--format", "xmp", "--output", folder)
	if want := "vsectl: partial result: 2 photos are left out of which no file is known, as the folder was removed; `--format csv` has them with the path that they had\n"; code != 3 || problems != want {
		t.Errorf("exit code %d: %s", code, problems)
	}
	if want := "2 XMP documents written below " + folder + ".\n"; text.String() != want {
		t.Errorf("got %s", text.String())
	}
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, folder))
		}
		return err
	})
	if want := []string{hostile + ".xmp", "/photos/2019/a \"b\", c.jpg.xmp"}; err != nil || !sameElements(files, want) {
		t.Errorf("%q, %v", files, err)
	}
	document, err := os.ReadFile(folder + "/photos/2019/a \"b\", c.jpg.xmp")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "export.xmp", document)
}

func sameElements(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// Nothing is overwritten, nothing lands among the photos, by a link neither, and
// no path of a strange daemon leads out of the folder.
func TestExportXMPStaysWhereItMay(t *testing.T) {
	photos := t.TempDir()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(photos, link); err != nil {
		t.Fatal(err)
	}
	f := func(want string, library *servertest.Library, folder string) {
		t.Helper()
		library.Set(api.Status{Folders: []api.Folder{{Path: api.NewPath(photos)}}})
		code, problems := export(t, library, Screen{Writer: &bytes.Buffer{}}, "--format=xmp", "--output", folder)
		if code != 2 || !strings.Contains(problems, want) {
			t.Errorf("%s: got %d %s, want %s", folder, code, problems, want)
		}
	}
	f("lies in the photo folder", tagged(), photos)
	f("lies in the photo folder", tagged(), filepath.Join(photos, "new", "out"))
	f("lies in the photo folder", tagged(), filepath.Join(link, "out"))
	f("is not empty", tagged(), full)
	if entries, err := os.ReadDir(photos); err != nil || len(entries) > 0 {
		t.Errorf("the photo folder holds %v, %v", entries, err)
	}
	f("is not that of a file", servertest.New(photo(1, "/../../escaped.jpg", "x")), filepath.Join(t.TempDir(), "out"))
}

func TestExportUsage(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		code, problems := export(t, tagged(), Screen{Writer: &bytes.Buffer{}}, args...)
		if code != 2 || problems != "vsectl: "+want+"\n" {
			t.Errorf("%q: got %d %s, want %s", args, code, problems, want)
		}
	}
	f("name the folder for the XMP documents with --output DIR", "--format", "xmp")
	f(`--format "xml" is not known: give csv or xmp, or --json instead`, "--format", "xml")
	f("CSV goes to standard output: write `> FILE` instead of --output", "--output", "x")
	f("--json goes without --format and --output: it prints the photos as the API has them", "--json", "--format", "csv")
	f("export tags takes no argument", "dog")
}

// An export that the daemon breaks off is an error, though part of it is there.
func TestExportBrokenOff(t *testing.T) {
	library := tagged()
	for range 2000 { // more than is held back
		library.Photos = append(library.Photos, library.Photos[0])
	}
	library.Failure = errors.New("the disk failed")
	for _, args := range [][]string{{"--format", "csv"}, {"--json"}} {
		var text bytes.Buffer
		code, problems := export(t, library, Screen{Writer: &text}, args...)
		if code != 2 || !strings.Contains(problems, "broke the export off, so it is not whole") || text.Len() == 0 {
			t.Errorf("%q: got %d %s with %d bytes", args, code, problems, text.Len())
		}
	}
}

// exiftool, which wrote none of this, reads the tags back.
func TestXMPIsUnderstood(t *testing.T) {
	program, err := exec.LookPath("exiftool")
	if err != nil {
		t.Skip("exiftool is not installed")
	}
	output, err := exec.Command(program, "-s3", "-sep", "|", "-XMP-dc:Subject", "-XMP-digiKam:TagsList", "testdata/export.xmp").CombinedOutput()
	want := `dog|=HYPERLINK("http://x")|animal/dog & cat|'quoted` + "\n" + `=HYPERLINK("http://x")|animal/dog & cat` + "\n"
	if err != nil || string(output) != want {
		t.Errorf("%v: got\n%swant\n%s", err, output, want)
	}
}
