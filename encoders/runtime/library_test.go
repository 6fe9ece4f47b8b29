package runtime

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCandidates(t *testing.T) {
	if got := Candidates("/opt/ort.so", "/usr/bin/x"); len(got) != 1 || got[0] != "/opt/ort.so" {
		t.Errorf("a named library does not stand alone: %v", got)
	}
	if got := Candidates("", "/tree/bin/x")[0]; got != "/tree/build/lib/libonnxruntime.so.1" {
		t.Errorf("first candidate %s", got)
	}
}

// alone reports whether a test runs in a process of its own, where no other has
// loaded a library; if not, it starts one and takes over how that ends.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv("ALONE") == t.Name() {
		return true
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), "ALONE="+t.Name(), "GORACE=atexit_sleep_ms=0")
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
	return false
}

func TestProblems(t *testing.T) {
	if !alone(t) {
		return
	}
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want, path string) {
		t.Helper()
		if got := initialise(path); !strings.Contains(got, want) || strings.Contains(got, "\n") {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	f("does not exist", filepath.Join(t.TempDir(), "absent.so"))
	f("was not found", "libonnxruntime-that-nobody-has.so")
	f("cannot be loaded", text)
	f("is not ONNX Runtime", "libm.so.6")
	f("is too old", oldLibrary(t))
}

// TestTheLibraryKeepsToItself: it leaves nothing in the user's folders, where official
// builds keep what they have to send home.
func TestTheLibraryKeepsToItself(t *testing.T) {
	if !alone(t) {
		return
	}
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "TMPDIR"} {
		t.Setenv(name, home)
	}
	load(t)
	left, err := os.ReadDir(home)
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// oldLibrary compiles a library that has no interface of the version asked for,
// as every ONNX Runtime before 1.23.
func oldLibrary(t *testing.T) string {
	t.Helper()
	const source = `static const void *api(unsigned version) { return 0; }
static const char *version(void) { return "1.17.0"; }
static struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
void *OrtGetApiBase(void) { return &base; }`
	folder := t.TempDir()
	file, library := filepath.Join(folder, "old.c"), filepath.Join(folder, "old.so")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, file).CombinedOutput(); err != nil {
		t.Fatalf("compile a library: %v: %s", err, output)
	}
	return library
}

func TestMissingLibraryNamesTheRemedy(t *testing.T) {
	if !alone(t) {
		return
	}
	_, err := Load([]string{"/nowhere/libonnxruntime.so.1"})
	var setup *SetupError
	if !errors.As(err, &setup) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{"1.23", "/nowhere/libonnxruntime.so.1", "make model", Environment} {
		if !strings.Contains(setup.Reason, want) {
			t.Errorf("%q does not say %q", setup.Reason, want)
		}
	}
}
