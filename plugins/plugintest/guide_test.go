package plugintest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vsed/plugins/host"
	"vsed/plugins/plugintest"
)

const (
	guide = "../../docs/write-an-encoder.md"
	// pythonVariable names a Python that has grpcio and grpcio-tools.
	pythonVariable = "VSED_TEST_PYTHON"
)

// example writes the guide's one block of a language into a file of its own.
func example(t *testing.T, language, name string) (path string) {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(text), "```"+language+"\n")
	block, _, ends := strings.Cut(rest, "```\n")
	if !begins || !ends {
		t.Fatalf("%s has no example in %s", guide, language)
	}
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(block), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheGuidesExampleInGo(t *testing.T) {
	source := example(t, "go", "main.go")
	program := filepath.Join(t.TempDir(), "colours")
	if output, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v: %s", err, output)
	}
	if output, err := exec.Command("gofmt", "-l", source).CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("gofmt would change the example: %s %v", output, err)
	}
	plugintest.Encoder(t, host.Command{Name: "colours", Path: program})
}

func TestTheGuidesExampleInPython(t *testing.T) {
	python := os.Getenv(pythonVariable)
	if python == "" {
		python = "python3"
	}
	if output, err := exec.Command(python, "-c", "import grpc, grpc_tools").CombinedOutput(); err != nil {
		t.Skipf("%s has no grpcio and grpcio-tools (%s names another): %v %s", python, pythonVariable, err, output)
	}
	source := example(t, "python", "encoder.py")
	contract, err := filepath.Abs("../contract")
	if err != nil {
		t.Fatal(err)
	}
	plugintest.Encoder(t, host.Command{Name: "colours", Path: python, Args: []string{source}, Env: []string{"PYTHONPATH=" + contract}})
}
