package tinyclip

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func written(t *testing.T, o Options) map[string][]byte {
	t.Helper()
	folder := t.TempDir()
	if err := Write(folder, o); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(folder, path))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestOneSeedOneModel(t *testing.T) {
	for _, o := range []Options{{}, {Newer: true}, {Half: true}, {Masked: true}} {
		first, again := written(t, o), written(t, o)
		o.Seed++
		other := written(t, o)
		for name, content := range first {
			if !bytes.Equal(content, again[name]) {
				t.Errorf("%+v: %s is not always the same", o, name)
			}
		}
		weights := "visual/model.onnx"
		if o.Newer {
			weights += ".data"
		}
		if bytes.Equal(first[weights], other[weights]) {
			t.Errorf("%+v: two seeds give one model", o)
		}
	}
}

func TestImpossibleModels(t *testing.T) {
	for _, o := range []Options{{Side: 33}, {Dimensions: 3}, {Newer: true, Half: true}} {
		if err := Write(t.TempDir(), o); err == nil {
			t.Errorf("%+v was written", o)
		}
	}
}
