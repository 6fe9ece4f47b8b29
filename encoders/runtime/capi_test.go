package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
)

// TestPlacesInTheTable asks a C compiler where the header that comes with the
// binding has the functions that capi.go calls.
func TestPlacesInTheTable(t *testing.T) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yalue/onnxruntime_go").Output()
	if err != nil {
		t.Skip("no go command")
	}
	code, err := os.ReadFile("capi.go")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{
		"get_error_message": "GetErrorMessage", "release_status": "ReleaseStatus", "enable_profiling": "EnableProfiling",
		"end_profiling": "SessionEndProfiling", "get_allocator": "GetAllocatorWithDefaultOptions", "allocator_free": "AllocatorFree",
		"get_available_providers": "GetAvailableProviders", "release_available_providers": "ReleaseAvailableProviders",
	}
	places := regexp.MustCompile(`place_(\w+) = (\d+),`).FindAllStringSubmatch(string(code), -1)
	if len(places) != len(functions) {
		t.Fatalf("found %d places", len(places))
	}
	check := "#include <stddef.h>\n#include \"onnxruntime_c_api.h\"\n"
	for _, place := range places {
		check += "_Static_assert(offsetof(OrtApi, " + functions[place[1]] + ") == " + place[2] + " * sizeof(void *), \"" + place[1] + "\");\n"
	}
	file := filepath.Join(t.TempDir(), "places.c")
	if err := os.WriteFile(file, []byte(check), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cc", "-fsyntax-only", "-I", strings.TrimSpace(string(folder)), file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

// TestHandles shows that the binding's types still have the fields that capi.go
// looks for.
func TestHandles(t *testing.T) {
	load(t)
	options, err := ort.NewSessionOptions()
	if err != nil {
		t.Fatal(err)
	}
	defer options.Destroy()
	if handle(options, "o") == nil {
		t.Error("session options have no handle")
	}
	for _, fields := range [][]string{{"absent"}, {"o", "absent"}, {}} {
		if got := handle(struct{ o int }{}, fields...); got != nil {
			t.Errorf("%v leads to %v", fields, got)
		}
	}
}

func TestWhatTheLibrarySaysOfItself(t *testing.T) {
	library := load(t)
	if !slices.Contains(library.Providers(), "cpu") || library.APIVersion() < apiVersion {
		t.Errorf("providers %v, C interface %d", library.Providers(), library.APIVersion())
	}
}
