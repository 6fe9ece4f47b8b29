package main

import (
	"fmt"
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
	f("there is no option --fodler: `vsed run --help` lists them", "run", "--fodler", "x")
	f("there is no option --bad: `vsed --help` lists them", "--bad")
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

// What the disk says against a configuration is said before anything runs.
func TestValidateAsksTheDisk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, file, state := filepath.Join(folder, "vsed.toml"), filepath.Join(folder, "file"), filepath.Join(folder, "state")
	for _, err := range []error{os.WriteFile(file, nil, 0o600), os.MkdirAll(filepath.Join(state, "photos"), 0o700), os.Symlink(state, filepath.Join(folder, "link"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(lines string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(fmt.Sprintf("state = %q\n%s", state, lines)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(lines, want string, commands ...string) {
		t.Helper()
		write(lines)
		for _, command := range commands {
			if said := fails(t, exec.Command(filepath.Join(binaries, "vsed"), command, "--config", path)); said != "vsed: "+path+":2: "+want {
				t.Errorf("%s: got %s, want %s", command, said, want)
			}
		}
	}
	f(fmt.Sprintf("folders = [%q]", file), fmt.Sprintf("folders[0] %q is no folder: name the folder that it lies in", file), "validate", "run")
	inside := filepath.Join(state, "photos")
	f(fmt.Sprintf("folders = [%q]", inside), fmt.Sprintf("folders[0] %q lies in the state folder %q, which is for vsed's own files: choose a folder outside", inside, state), "validate", "run")
	linked := filepath.Join(folder, "link", "photos")
	f(fmt.Sprintf("folders = [%q]", linked), fmt.Sprintf("the folder %s and the state folder %s lie in each other: choose another folder, or another --state", linked, state), "validate", "run")
	f("encoder.bundle = \"/nosuch\"", "encoder.bundle \"/nosuch\" has no manifest.json: correct the path", "validate")
	f(fmt.Sprintf("encoder.bundle = %q", file), fmt.Sprintf("encoder.bundle %q has no manifest.json: correct the path", file), "validate")
	write("folders = [\"/a/disk/that/comes/later\"]")
	if output, err := exec.Command(filepath.Join(binaries, "vsed"), "validate", "--config", path).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}

func TestAStartWithoutFoldersSaysHowToAddOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const warning = "level=WARN msg=\"no folder is watched: add one with `vsectl folder add FOLDER`\""
	command := exec.Command(filepath.Join(binaries, "vsed"), "run", "--state", w.state, "--socket", w.socket)
	w.startWith(command)
	if said := w.output.String(); strings.Count(said, warning) != 1 {
		t.Errorf("the log is\n%s", said)
	}
	if stdout, stderr, _ := w.vsectl("status"); !strings.Contains(stdout, "No folder is watched") {
		t.Errorf("the status is %s%s", stdout, stderr)
	}
	w.stop()
	w.start()
	if said := w.output.String(); strings.Contains(said, warning) {
		t.Errorf("the log is\n%s", said)
	}
}
