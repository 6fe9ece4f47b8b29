package hub

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/tinyclip"
)

// unpacked reads an archive to its end, as names with their contents.
func unpacked(t *testing.T, from io.Reader) (names []string, contents map[string]string) {
	t.Helper()
	contents = map[string]string{}
	for archive := tar.NewReader(from); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		names, contents[header.Name] = append(names, header.Name), string(content)
	}
}

func TestArchive(t *testing.T) {
	folder := model(t, tinyclip.Options{Newer: true})
	link := filepath.Join(folder, "visual", "model.onnx") // a hub's own cache has links
	if err := errors.Join(os.Rename(link, filepath.Join(t.TempDir(), "blob")), os.WriteFile(link+".tmp", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(t.TempDir(), "blob")
	if err := errors.Join(os.WriteFile(blob, []byte("graph"), 0o600), os.Symlink(blob, link), os.Remove(link+".tmp")); err != nil {
		t.Fatal(err)
	}
	packed, err := Pack(t.Context(), folder, Origin{Name: "tiny", Licence: "MIT", Version: "12ab", Source: "example/tiny"})
	if err != nil {
		t.Fatal(err)
	}
	var last int64
	archive := packed.Archive(func(done int64) { last = done })
	names, contents := unpacked(t, archive)
	if err := archive.Close(); err != nil || last < packed.Bytes {
		t.Errorf("%d bytes were read of %d, %v", last, packed.Bytes, err)
	}
	if want := []string{sumsName, originName, "config.json"}; !slices.Equal(names[:3], want) || len(names) != 10 {
		t.Errorf("files %q", names)
	}
	var sums string
	for _, name := range names[1:] {
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(contents[name])), name)
	}
	if contents[sumsName] != sums || contents["visual/model.onnx"] != "graph" {
		t.Errorf("got\n%swant\n%s", contents[sumsName], sums)
	}
	if want := `{"name":"tiny","version":"12ab","licence":"MIT","source":"example/tiny"}`; contents[originName] != want {
		t.Errorf("origin %s", contents[originName])
	}
}

func TestArchiveThatIsClosedEarly(t *testing.T) {
	packed, err := Pack(t.Context(), model(t, tinyclip.Options{}), Origin{})
	if err != nil {
		t.Fatal(err)
	}
	archive := packed.Archive(func(int64) {})
	if _, err := archive.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	archive.Close() // TestMain sees whether a goroutine is left
}

func TestPackOfABundle(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{manifestName, "picture.onnx"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := Pack(t.Context(), folder, Origin{Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	archive := packed.Archive(func(int64) {})
	defer archive.Close()
	if names, _ := unpacked(t, archive); !slices.Equal(names, []string{sumsName, manifestName, "picture.onnx"}) {
		t.Errorf("files %q", names)
	}
}

func TestPackOfSomethingElse(t *testing.T) {
	folder := t.TempDir()
	_, err := Pack(t.Context(), folder, Origin{})
	var layout *LayoutError
	if !errors.As(err, &layout) || len(layout.Missing) != len(required()) {
		t.Error(err)
	}
	if _, err := Pack(t.Context(), filepath.Join(folder, "none"), Origin{}); err == nil {
		t.Error("a folder that is not there was packed")
	}
}

func TestSettings(t *testing.T) {
	f := func(text string, mode os.FileMode, want Settings, problem string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "vsectl.toml")
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		got, err := LoadSettings(file)
		if problem == "" && err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
		if problem != "" && (err == nil || !strings.Contains(err.Error(), problem) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v, want %s", text, err, problem)
		}
	}
	f("", 0o644, Settings{}, "")
	f("[hub]\nmirror = \"https://example.org\"\n", 0o644, Settings{Mirror: "https://example.org"}, "")
	f("[hub]\ntoken = \"secret\"\n", 0o600, Settings{Token: "secret"}, "")
	f("[hub]\ntoken = \"secret\"\n", 0o644, Settings{}, "chmod 600")
	f("[hub]\ntokn = \"secret\"\n", 0o600, Settings{}, "vsectl.toml:2: there is no such key")
	f("[hub]\ntoken = secret\n", 0o600, Settings{}, "vsectl.toml:2: this is not understood")
	f("[hub]\ntoken = 12\n", 0o600, Settings{}, "vsectl.toml:2: this is not understood")
	if got, err := LoadSettings(filepath.Join(t.TempDir(), "none")); err != nil || got != (Settings{}) {
		t.Errorf("without a file: %+v, %v", got, err)
	}
}

func TestAddresses(t *testing.T) {
	f := func(h Hub, want string) {
		t.Helper()
		err := h.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", h.Address, err, want)
		}
	}
	f(Hub{Address: DefaultAddress, Token: "t"}, "")
	f(Hub{Address: "http://mirror.example/hub"}, "")
	f(Hub{Address: "http://127.0.0.1:8080", Token: "t"}, "")
	f(Hub{Address: "http://mirror.example", Token: "t"}, "unencrypted")
	for _, wrong := range []string{"", "mirror.example", "ftp://x", "https://me:secret@x", "https://x/?a=b"} {
		f(Hub{Address: wrong}, "is no hub's address")
	}
}
