package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vsed/plugins/contract"
)

func TestEncoderMatchesPicturesAndTexts(t *testing.T) {
	encoder := fakeEncoder(t, Policy{})
	pictures, err := encoder.EncodePictures(t.Context(), [][]byte{picture(250, 0, 0), picture(0, 0, 250)})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := encoder.EncodeTexts(t.Context(), []string{"something red", "something blue"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range texts {
		same, other := dot(texts[i].Vector, pictures[i].Vector), dot(texts[i].Vector, pictures[1-i].Vector)
		if same < 0.9 || other > 0.2 {
			t.Errorf("text %d: cosine %.2f with its picture, %.2f with the other", i, same, other)
		}
	}
	projected, err := encoder.Project(t.Context(), [][]byte{pictures[0].Feature})
	if err != nil {
		t.Fatal(err)
	}
	if cosine := dot(projected[0].Vector, pictures[0].Vector); cosine < 0.9999 {
		t.Errorf("projection and picture: cosine %f", cosine)
	}
	if problem := encoder.Problem(); problem != "" {
		t.Errorf("problem %q", problem)
	}
}

func TestEncoderDescribesItself(t *testing.T) {
	description, err := fakeEncoder(t, Policy{}, "--space", "other", "--dimensions", "7").Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if description.Space != "other" || description.Dimensions != 7 {
		t.Errorf("description %v", description)
	}
}

func TestEncoderRefusesTheCallersMistakes(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--no-features")
	if _, err := encoder.Project(t.Context(), [][]byte{{1}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Project without features: %v", err)
	}
	if _, err := encoder.EncodePictures(t.Context(), [][]byte{make([]byte, 5)}); err == nil || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("short picture: %v", err)
	}
	if embeddings, err := encoder.EncodeTexts(t.Context(), nil); err != nil || len(embeddings) != 0 {
		t.Errorf("no texts: %v %v", embeddings, err)
	}
	if _, err := encoder.EncodeTexts(t.Context(), []string{"\xff"}); err == nil {
		t.Error("invalid UTF-8 was taken")
	}
}

func TestEncoderWrongReplies(t *testing.T) {
	f := func(flag, want string) {
		t.Helper()
		encoder := fakeEncoder(t, Policy{}, flag)
		_, err := encoder.EncodePictures(t.Context(), [][]byte{picture(1, 2, 3)})
		var wrong *ReplyError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", flag, err, want)
		}
	}
	f("--nan", "not finite")
	f("--long", "length 2, not 1")
	f("--wrong-size", "17 dimensions, not 16")
	f("--lose", "0 embeddings for 1 items")
	f("--huge", "message larger than max")
}

func TestEncoderTellsLearnedTags(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--learned-tags", "reddish,greenish,bluish")
	description, err := encoder.Describe(t.Context())
	if err != nil || len(description.LearnedTags) != 3 || description.FeatureSpace != "fake-float32-16" {
		t.Fatalf("description %v, %v", description, err)
	}
	pictures, err := encoder.EncodePictures(t.Context(), [][]byte{picture(100, 0, 200)})
	if err != nil {
		t.Fatal(err)
	}
	projected, err := encoder.Project(t.Context(), [][]byte{pictures[0].Feature})
	if err != nil {
		t.Fatal(err)
	}
	for _, tags := range [][]*contract.LearnedTag{pictures[0].Tags, projected[0].Tags} {
		if len(tags) != 2 || tags[0].Tag != 2 || tags[1].Tag != 0 || tags[0].Confidence < .8 || tags[1].Confidence < .4 {
			t.Errorf("learned tags %v", tags)
		}
	}
	if texts, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil || texts[0].Tags != nil {
		t.Errorf("a text has %v, %v", texts, err)
	}
}

func TestEncoderWrongTags(t *testing.T) {
	f := func(kind, want string) {
		t.Helper()
		encoder := fakeEncoder(t, Policy{}, "--learned-tags", "reddish,greenish,bluish", "--bad-tags", kind)
		_, err := encoder.EncodePictures(t.Context(), [][]byte{picture(100, 50, 200)})
		if kind == "text" {
			_, err = encoder.EncodeTexts(t.Context(), []string{"red"})
		}
		var wrong *ReplyError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kind, err, want)
		}
	}
	f("place", "learned tag 3, of 3")
	f("zero", "confidence of 0")
	f("above", "confidence of 1.5")
	f("nan", "confidence of NaN")
	f("order", "begin with the surest")
	f("twice", "the learned tag 1 twice")
	f("many", "96 learned tags, more than 32")
	f("text", "a text with 1 learned tags")
}

func TestEncoderWrongDescriptions(t *testing.T) {
	f := func(field, want string) {
		t.Helper()
		_, err := fakeEncoder(t, Policy{}, "--bad-description", field).Describe(t.Context())
		var unavailable *UnavailableError
		if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", field, err, want)
		}
		if strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q is not one plain line", field, err)
		}
	}
	f("space", `space "../../etc"`)
	f("dimensions", "0 dimensions")
	f("picture", "0×0 pixels")
	f("batch", "none or too many")
	f("floor", "not a cosine")
	f("digest", "not a SHA-256")
	f("feature", "has 0 bytes")
	f("feature-space", "both or none")
	f("tags", `learned tag "a" stands twice`)
	f("name", "not plain text")
}

func TestEncoderCrash(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--crash-on-picture", "010203")
	batch := [][]byte{picture(250, 0, 0), picture(1, 2, 3)}
	_, err := encoder.EncodePictures(t.Context(), batch)
	var crash *CrashError
	if !errors.As(err, &crash) || !strings.Contains(err.Error(), "exit status 3; it wrote: crashing as told") {
		t.Fatalf("crash: %v", err)
	}
	if problem := encoder.Problem(); !strings.Contains(problem, "exit status 3") {
		t.Errorf("problem %q", problem)
	}
	if _, err := encoder.EncodePictures(t.Context(), batch[:1]); err != nil {
		t.Errorf("after the crash: %v", err)
	}
	if problem := encoder.Problem(); problem != "" {
		t.Errorf("problem after recovery %q", problem)
	}
}

func TestEncoderCrashWhileIdle(t *testing.T) {
	encoder := fakeEncoder(t, Policy{})
	process := processOf(t, encoder.supervisor)
	process.signalKill()
	<-process.Exited()
	if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil {
		t.Errorf("after the crash: %v", err)
	}
}

func TestEncoderHang(t *testing.T) {
	encoder := fakeEncoder(t, Policy{CallTimeout: 300 * time.Millisecond}, "--hang")
	process := processOf(t, encoder.supervisor)
	_, err := encoder.EncodePictures(t.Context(), [][]byte{picture(1, 2, 3)})
	var timeout *TimeoutError
	if !errors.As(err, &timeout) || !strings.Contains(err.Error(), "longer than 300ms") {
		t.Fatalf("hang: %v", err)
	}
	<-process.Exited()
	if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil {
		t.Errorf("after the kill: %v", err)
	}
}

func TestEncoderCancelledCallIsNotThePluginsFault(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--slow", "200ms")
	process := processOf(t, encoder.supervisor)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := encoder.EncodeTexts(ctx, []string{"red"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled call: %v", err)
	}
	if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil {
		t.Error(err)
	}
	if processOf(t, encoder.supervisor) != process {
		t.Error("the plugin was replaced")
	}
}

func TestEncoderHangIsFoundOutByImpatientCallers(t *testing.T) {
	encoder := fakeEncoder(t, Policy{CallTimeout: 300 * time.Millisecond}, "--hang-on-text", "stop")
	process := processOf(t, encoder.supervisor)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := encoder.EncodeTexts(ctx, []string{"stop"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
	<-process.Exited()
	if problem := encoder.Problem(); !strings.Contains(problem, "longer than 300ms") {
		t.Errorf("problem %q", problem)
	}
}

func TestBystandersOfAKillAreNotBlamed(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--slow", "1h")
	process := processOf(t, encoder.supervisor)
	begun := make(chan struct{})
	go func() {
		<-begun
		process.signalKill()
	}()
	_, err := invoke(encoder.supervisor, process, "encoding texts", func(ctx context.Context) (*contract.EncodeResponse, error) {
		close(begun)
		return contract.NewEncoderClient(process.Connection()).EncodeTexts(ctx, &contract.EncodeTextsRequest{Texts: []string{"red"}})
	})
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "because of another call") {
		t.Errorf("bystander: %v", err)
	}
}

func TestEncoderPanicIsOneCallsAffair(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--panic-on-text", "boo")
	process := processOf(t, encoder.supervisor)
	_, err := encoder.EncodeTexts(t.Context(), []string{"boo"})
	var wrong *ReplyError
	if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "panic: panicking as told") {
		t.Errorf("panic: %v", err)
	}
	if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil || processOf(t, encoder.supervisor) != process {
		t.Errorf("after the panic: %v", err)
	}
}

func TestEncoderSetUpWrongly(t *testing.T) {
	encoder := fakeEncoder(t, Policy{}, "--setup-on-text", "boo")
	_, err := encoder.EncodeTexts(t.Context(), []string{"boo"})
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "install libfake") {
		t.Errorf("set up wrongly: %v", err)
	}
	if problem := encoder.Problem(); !strings.Contains(problem, "install libfake") {
		t.Errorf("problem %q", problem)
	}
	if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil || encoder.Problem() != "" {
		t.Errorf("after a good call: %v, problem %q", err, encoder.Problem())
	}
}

func TestEncoderSurvivesNoise(t *testing.T) {
	counter := &countingHandler{}
	command := fakeCommand(t, "--noisy")
	encoder := NewEncoder(command, Policy{}, slog.New(counter))
	defer encoder.Close()
	for range 3 {
		if _, err := encoder.EncodeTexts(t.Context(), []string{"red"}); err != nil {
			t.Fatal(err)
		}
	}
	if counter.lines.Load() > 2*linesBurst {
		t.Errorf("%d lines were logged", counter.lines.Load())
	}
	if counter.longest.Load() > 2*lineLimit {
		t.Errorf("a line of %d bytes was logged", counter.longest.Load())
	}
}

func TestEncoderConcurrentCallsAmongCrashes(t *testing.T) {
	encoder := fakeEncoder(t, Policy{BackoffFirst: time.Millisecond}, "--crash-on", "20")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				_, err := encoder.EncodePictures(t.Context(), [][]byte{picture(250, 0, 0), picture(0, 250, 0)})
				var crash *CrashError
				var unavailable *UnavailableError
				if err != nil && !errors.As(err, &crash) && !errors.As(err, &unavailable) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestEncoderCloseEndsCallsAndStarts(t *testing.T) {
	f := func(flags ...string) {
		t.Helper()
		encoder := fakeEncoder(t, Policy{}, flags...)
		started, called := make(chan struct{}), make(chan error)
		go func() {
			close(started)
			_, err := encoder.EncodePictures(context.Background(), [][]byte{picture(1, 2, 3)})
			called <- err
		}()
		<-started
		if flags[0] == "--hang" {
			processOf(t, encoder.supervisor)
		}
		before := time.Now()
		encoder.Close()
		encoder.Close()
		if took := time.Since(before); took > 2*time.Second {
			t.Errorf("%s: Close took %v", flags, took)
		}
		if err := <-called; !errors.Is(err, ErrClosed) {
			t.Errorf("%s: call: %v", flags, err)
		}
		if _, err := encoder.Describe(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: call after Close: %v", flags, err)
		}
	}
	f("--hang")
	f("--slow-start", "1h")
}

func TestEncoderOfAnotherSpaceIsRefused(t *testing.T) {
	space := filepath.Join(t.TempDir(), "space")
	write := func(name string) {
		if err := os.WriteFile(space, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	command := fakeCommand(t)
	command.Path = script(t, `exec "$1" --space "$(cat "$2")" --crash-on 1`)
	command.Args = []string{fake, space}
	encoder := encoderOf(t, Policy{}, command)
	if _, err := encoder.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	write("second")
	if _, err := encoder.EncodePictures(t.Context(), [][]byte{picture(1, 2, 3)}); err == nil {
		t.Fatal("no crash")
	}
	_, err := encoder.Describe(t.Context())
	var unavailable *UnavailableError
	if !errors.As(err, &unavailable) || !strings.Contains(err.Error(), "its space is now second and was first") {
		t.Errorf("another space: %v", err)
	}
}
