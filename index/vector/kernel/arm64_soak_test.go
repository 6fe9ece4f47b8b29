//go:build soak

package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestOnArm64Soak compiles the tests of this package for arm64 and runs them in an
// emulator, with and without the dot product instructions.
func TestOnArm64Soak(t *testing.T) {
	if runtime.GOARCH == "arm64" {
		t.Skip("this machine is an arm64 one: the other tests are the same")
	}
	const compiler, emulator, root = "aarch64-linux-gnu-gcc", "qemu-aarch64", "/usr/aarch64-linux-gnu"
	for _, name := range []string{compiler, emulator} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not installed (Debian: gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)", name)
		}
	}
	program := filepath.Join(t.TempDir(), "kernel.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=1", "CC="+compiler, "GOFLAGS=-buildvcs=false")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compile for arm64: %v: %s", err, output)
	}
	for _, processor := range []string{"max", "cortex-a72"} { // the second has no dot product
		run := exec.CommandContext(t.Context(), emulator, "-cpu", processor, "-L", root, program, "-test.v", "-test.run", "Half|Plain|Sum")
		output, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v: %s", processor, err, output)
		}
		t.Logf("%s: %s", processor, output)
	}
}
