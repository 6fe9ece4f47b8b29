package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func key() EngineKey {
	return EngineKey{Model: "sha256:1", Runtime: "1.23.0", TensorRT: "10.3.0", Driver: "540.4.0", Device: "Orin", Capability: "8.7", Precision: "float16",
		Shapes: []ShapeRange{{"image", []int64{1, 3}, []int64{8, 3}, []int64{8, 3}}, {"size", []int64{1}, []int64{1}, []int64{1}}}}
}

func folder(t *testing.T, k EngineKey) string {
	t.Helper()
	name, err := k.Folder()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// TestEngineKeys changes each part in turn: each names a folder of its own.
func TestEngineKeys(t *testing.T) {
	seen := []string{folder(t, key())}
	f := func(change func(*EngineKey)) {
		t.Helper()
		k := key()
		change(&k)
		name := folder(t, k)
		if slices.Contains(seen, name) || !filepath.IsLocal(name) {
			t.Errorf("folder %s", name)
		}
		seen = append(seen, name)
	}
	f(func(k *EngineKey) { k.Model = "sha256:2" })
	f(func(k *EngineKey) { k.Runtime = "1.24.0" })
	f(func(k *EngineKey) { k.TensorRT = "10.3.1" })
	f(func(k *EngineKey) { k.Driver = "R36.4.3" })
	f(func(k *EngineKey) { k.Device = "Thor" })
	f(func(k *EngineKey) { k.Capability = "8.6" })
	f(func(k *EngineKey) { k.Precision = "float32" })
	f(func(k *EngineKey) { k.Shapes = nil })
	f(func(k *EngineKey) { k.Shapes[0].Max = []int64{16, 3} })
	turned := key()
	slices.Reverse(turned.Shapes)
	if folder(t, turned) != seen[0] || turned.Shapes[0].Input != "size" {
		t.Error("the order of the shapes matters, or was changed")
	}
}

func TestEngineKeyWithAGap(t *testing.T) {
	k := key()
	k.TensorRT = ""
	if _, err := k.Folder(); err == nil || !strings.Contains(err.Error(), "TensorRT version is not known") {
		t.Errorf("error %v", err)
	}
}

func TestStaleEngines(t *testing.T) {
	cache := t.TempDir()
	current := folder(t, key())
	for _, name := range []string{current, engines + "old", "other"} {
		if err := os.Mkdir(filepath.Join(cache, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(cache, engines+"file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stale, err := StaleEngines(cache, current)
	if err != nil || !slices.Equal(stale, []string{filepath.Join(cache, engines+"old")}) {
		t.Errorf("stale %v, %v", stale, err)
	}
	if stale, err := StaleEngines(filepath.Join(cache, "absent")); err != nil || stale != nil {
		t.Errorf("absent cache: %v, %v", stale, err)
	}
	if _, err := StaleEngines(filepath.Join(cache, engines+"file")); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("file for a cache: %v", err)
	}
}

// TestKeyOfThisMachine: without TensorRT there is a gap, and no folder.
func TestKeyOfThisMachine(t *testing.T) {
	library := load(t)
	k := library.EngineKey("sha256:1", TensorRT{Half: true})
	if k.Model != "sha256:1" || k.Precision != "float16" || k.Runtime != library.Version {
		t.Errorf("key %+v", k)
	}
	if _, err := k.Folder(); (err == nil) != (k.TensorRT != "" && k.Driver != "" && k.Device != "") {
		t.Errorf("key %+v: %v", k, err)
	}
}

func TestPackedVersions(t *testing.T) {
	f := func(packed, wide int64, want string) {
		t.Helper()
		if got := decimal(packed, wide); got != want {
			t.Errorf("%d is %s, not %s", packed, got, want)
		}
	}
	f(100300, 10, "10.3.0")
	f(101602, 10, "10.16.2")
	f(8502, 10, "8.5.2")
	f(90300, 9, "9.3.0")
	f(92000, 9, "9.20.0")
	f(8907, 9, "8.9.7")
	f(0, 9, "")
}
