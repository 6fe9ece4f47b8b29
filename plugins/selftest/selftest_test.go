package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// fake is the path of the built vsed-encoder-fake.
var fake string

func TestMain(m *testing.M) { goleak.VerifyTestMain(buildFake{m}) }

type buildFake struct{ tests *testing.M }

func (b buildFake) Run() int {
	folder, err := os.MkdirTemp("", "vsed-selftest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	fake = filepath.Join(folder, "vsed-encoder-fake")
	if output, err := exec.Command("go", "build", "-o", fake, "vsed/plugins/plugintest/vsed-encoder-fake").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the fake encoder: %v: %s\n", err, output)
		return 1
	}
	return b.tests.Run()
}

func command(flags ...string) host.Command {
	return host.Command{Name: "encoder fake", Path: fake, Args: flags}
}

func start(t *testing.T, flags ...string) *host.EncoderHost {
	t.Helper()
	encoder := host.NewEncoder(command(flags...), host.Policy{CallTimeout: 10 * time.Second}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { encoder.Close() })
	return encoder
}

// limits leave a busy machine room.
func limits() Limits {
	return Limits{PictureTime: 200 * time.Millisecond, TextTime: 200 * time.Millisecond, Memory: 200 << 20}
}

func TestSoundEncoderPasses(t *testing.T) {
	report, err := Run(t.Context(), start(t, "--provider", "cuda", "--fallback", "no GPU was found"), limits())
	if err != nil {
		t.Fatal(err)
	}
	if report.Name != "fake" || report.TextMS <= 0 || report.PictureMS <= 0 || report.Memory < 1<<20 || len(report.Checks) != 11 {
		t.Errorf("report %+v", report)
	}
	written, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"name":"picture","provider":"cpu","precision":"float32","fallback":"no GPU was found"}`,
		`"picture on cpu in float32 (not cuda: no GPU was found); text on cpu in float32"`,
		`"6 vectors, least cosine 1.00000 of 0.999 needed"`, `"3 pictures fit their own sentences best`,
	} {
		if !strings.Contains(string(written), want) {
			t.Errorf("no %s in %s", want, written)
		}
	}
}

// TestEachFailureIsRefused lets the fake fail in every way that encoders do.
func TestEachFailureIsRefused(t *testing.T) {
	f := func(check, want string, flags ...string) {
		t.Helper()
		report, err := Run(t.Context(), start(t, flags...), limits())
		var failure *Failure
		if !errors.As(err, &failure) || failure.Check != check || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want check %q to fail with %q", flags, err, check, want)
			return
		}
		last := report.Checks[len(report.Checks)-1]
		if last.Passed || last.Name != check || slices.ContainsFunc(report.Checks[:len(report.Checks)-1], func(c Check) bool { return !c.Passed }) {
			t.Errorf("%v: report %+v", flags, report.Checks)
		}
	}
	f("start", "libfake.so has no provider cuda; install a build", "--missing-provider", "cuda")
	f("start", "dying at start", "--die-at-start")
	f("provider", "asked to run on cuda and runs on cpu, without a reason", "--provider", "cuda", "--fallback", "silent")
	f("vectors", "not finite", "--nan")
	f("vectors", "17 dimensions, not 16", "--wrong-size")
	f("vectors", "a vector of length 2, not 1", "--long")
	f("vectors", "embeddings for", "--lose")
	f("vectors", "signal: killed", "--out-of-memory")
	f("vectors", "exit status 3", "--crash-on", "1")
	f("not constant", "3 different pictures have one vector", "--constant")
	f("golden vectors", "picture 0 has a cosine of", "--changed")
	f("golden vectors", "(on tensorrt in float32)", "--wrong-engine", "--provider", "tensorrt")
	f("golden vectors", "golden vector, 0.999 is needed", "--random")
	f("pairs", `picture 0 fits "something green"`, "--inverted")
	f("projection", `differ by 1.00 in the learned tag "reddish"`, "--learned-tags", "reddish,greenish", "--bad-tags", "projection")
	f("picture speed", "ms are allowed; choose a smaller encoder", "--slow", "250ms", "--batch", "1")
	f("memory", "MB, 209 MB are allowed", "--memory", "300")
}

// TestQuickTellsWhetherVectorsAreWhatTheyWere leaves out what is measured.
func TestQuickTellsWhetherVectorsAreWhatTheyWere(t *testing.T) {
	report, err := Quick(t.Context(), start(t, "--slow", "1ms"))
	if err != nil || len(report.Checks) != 7 || report.PictureMS != 0 || report.Memory != 0 {
		t.Errorf("report %+v, %v", report, err)
	}
	for _, flags := range [][]string{{"--missing-provider", "cuda"}, {"--nan"}, {"--long"}, {"--constant"}, {"--changed"}, {"--random"}, {"--inverted"}, {"--wrong-engine"}} {
		_, err := Quick(t.Context(), start(t, flags...))
		var failure *Failure
		if !errors.As(err, &failure) {
			t.Errorf("%v: %v", flags, err)
		}
	}
}

// TestUnloadFreesMemory measures as the memory check does.
func TestUnloadFreesMemory(t *testing.T) {
	encoder := start(t, "--memory", "100")
	golden, err := encoder.Golden(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.EncodePictures(t.Context(), pixelsOf(golden.Pictures)); err != nil {
		t.Fatal(err)
	}
	loaded, err := residentBytes(encoder.ProcessID())
	if err != nil {
		t.Fatal(err)
	}
	if err := encoder.Unload(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := residentBytes(encoder.ProcessID())
	if err != nil || loaded-left < 90<<20 {
		t.Errorf("%d MB before, %d MB after, %v", loaded>>20, left>>20, err)
	}
}

// deaf is an encoder whose answers never come.
type deaf struct{ Encoder }

func (deaf) Describe(ctx context.Context) (*contract.EncoderDescription, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("start: %w", ctx.Err())
}

func TestEndedContextIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := Run(ctx, deaf{}, Limits{})
	var failure *Failure
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failure) {
		t.Errorf("error %v", err)
	}
}
