package plugintest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/plugins/host"
	"vsed/plugins/plugintest"
	"vsed/plugins/sdk"
)

const (
	// flagsVariable makes TestFlags test the fake encoder with these flags.
	flagsVariable = "VSED_TEST_FLAGS"
	// fakeVariable is the path of the fake encoder that another process has built.
	fakeVariable = "VSED_TEST_FAKE"
)

// folder holds the plugins that the tests build.
var folder string

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "decoder" {
		sdk.ServeDecoder(newBlackDecoder)
		return
	}
	goleak.VerifyTestMain(withFolder{m})
}

type withFolder struct{ tests *testing.M }

func (w withFolder) Run() int {
	var err error
	if folder, err = os.MkdirTemp("", "vsed-plugintest"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return w.tests.Run()
}

// fake returns the command of the fake encoder, which is built where neither the
// environment nor an earlier test names one.
func fake(t *testing.T, flags ...string) host.Command {
	path := os.Getenv(fakeVariable)
	if path == "" {
		path = filepath.Join(folder, "vsed-encoder-fake")
	}
	if _, err := os.Stat(path); err != nil {
		output, err := exec.Command("go", "build", "-o", path, "vsed/plugins/plugintest/vsed-encoder-fake").CombinedOutput()
		if err != nil {
			t.Fatalf("build the fake encoder: %v: %s", err, output)
		}
	}
	return host.Command{Name: "fake", Path: path, Args: flags}
}

func TestFakePasses(t *testing.T) { plugintest.Encoder(t, fake(t)) }

func TestFakeWithoutFeaturesPasses(t *testing.T) {
	plugintest.Encoder(t, fake(t, "--no-features", "--dimensions", "4", "--batch", "1"))
}

// TestFlags is run by TestSuiteFindsFaults in a process of its own, to fail.
func TestFlags(t *testing.T) {
	flags := os.Getenv(flagsVariable)
	if flags == "" {
		t.Skip("is run by TestSuiteFindsFaults")
	}
	plugintest.Encoder(t, fake(t, strings.Fields(flags)...))
}

func TestSuiteFindsFaults(t *testing.T) {
	built := fake(t).Path
	f := func(flags, want string) {
		t.Helper()
		command := exec.Command(os.Args[0], "-test.run", "^TestFlags$", "-test.v")
		command.Env = append(os.Environ(), flagsVariable+"="+flags, fakeVariable+"="+built)
		output, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(output), want) {
			t.Errorf("%s: %v, want %q in:\n%s", flags, err, want, output)
		}
	}
	f("--nan", "not finite")
	f("--wrong-size", "17 dimensions, not 16")
	f("--lose", "embeddings for")
	f("--crash-on 3", "exit status 3")
	f("--die-at-start", "dying at start")
	f("--bad-description digest", "not a SHA-256")
	f("--reverse", "is nearer to picture")
	f("--random", "again: cosine")
	f("--inverted", "self-test: pairs: picture 0 fits")
}
