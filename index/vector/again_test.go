package vector

import (
	"os"
	"os/exec"
	"runtime/debug"
	"testing"
)

// runAgain runs one test in a process of its own, with a variable set, and gives
// what it wrote.
func runAgain(t *testing.T, test, variable string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", test, "-test.v")
	command.Env = append(os.Environ(), variable+"=1")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return string(output)
}

func freeMemory() { debug.FreeOSMemory() }
