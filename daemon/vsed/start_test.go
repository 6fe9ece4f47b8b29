package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A start that fails leaves nothing behind that was not there before it.
func TestAFailedStartLeavesNoStateFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	f := func(state string) {
		t.Helper()
		command := exec.Command(filepath.Join(binaries, "vsed"), "run", "--state", state, "--socket", w.socket)
		if said := fails(t, command); !strings.Contains(said, w.socket) {
			t.Errorf("said %s", said)
		}
	}
	above := t.TempDir()
	f(filepath.Join(above, "state"))
	f(filepath.Join(above, "deep", "state"))
	if entries, err := os.ReadDir(above); err != nil || len(entries) > 0 {
		t.Errorf("%v is left, %v", entries, err)
	}
	mine := t.TempDir()
	kept := filepath.Join(mine, "kept")
	w.check(os.WriteFile(kept, nil, 0o600))
	fails(t, exec.Command(filepath.Join(binaries, "vsed"), "run", "--state", mine, "--socket", w.socket))
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

func TestWrongUseIsRefusedInALine(t *testing.T) {
	t.Parallel()
	f := func(want string, arguments ...string) {
		t.Helper()
		if said := fails(t, exec.Command(filepath.Join(binaries, "vsed"), arguments...)); said != "vsed: "+want {
			t.Errorf("%q: got %s, want %s", arguments, said, want)
		}
	}
	f("there is no command \"rnu\": `vsed --help` lists them", "rnu")
	f("flag provided but not defined: -bad: see `vsed run --help`", "run", "--bad")
	f("configuration \"/none\": file does not exist: write it, or run with --state, --folder and --socket instead", "run", "--config", "/none")
}

func TestVersionAndEffectiveConfiguration(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "vsed.toml")
	if err := os.WriteFile(path, []byte("state = \"/srv/vsed\"\n[log]\nlevel = \"warn\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want string, arguments ...string) {
		t.Helper()
		output, err := exec.Command(filepath.Join(binaries, "vsed"), arguments...).Output()
		if err != nil || !strings.Contains(string(output), want) {
			t.Errorf("%q: %v, got %s, want %s", arguments, err, output, want)
		}
	}
	f("vsed version ", "--version")
	f("level = \"warn\"  # "+path+":3\n", "validate", "--config", path)
	f("processes = 0  # default\n", "validate", "--config", path)
}
