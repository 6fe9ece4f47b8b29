package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"vsed/cli/table"
	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

func encoders() []api.InstalledEncoder {
	return []api.InstalledEncoder{
		{Name: "builtin", State: api.EncoderServing, Fixed: true, Model: "builtin", Version: "1", Licence: "Apache-2.0 AND ISC", Space: "3f2a", Bytes: 41_300_000,
			Coverage: &api.Coverage{Encoded: 12_000, Waiting: 300, SetAside: 2, Offline: 40}},
		{Name: "vit-b-32__openai", State: api.EncoderIncoming, Model: "ViT-B-32__openai", Version: "0123abcd", Licence: "MIT", Space: "9c01", Bytes: 605_400_000,
			Coverage: &api.Coverage{Encoded: 12_342}},
		{Name: "hostile", State: api.EncoderInstalled, Model: "a\x1b[2J model of a very long name that nobody can read to its end", Bytes: 2_340_000_000},
	}
}

func passed() api.EncoderTest {
	return api.EncoderTest{
		Name: "vit-b-32__openai", Passed: true, Model: "ViT-B-32__openai", Version: "0123abcd", Space: "9c01", BundleDigest: "77",
		Sessions: []api.EncoderSession{
			{Name: "picture", Provider: "cuda", Precision: "float16", Fallback: "tensorrt: libnvinfer.so.10 is missing: install TensorRT 10"},
			{Name: "text", Provider: "cpu", Precision: "float32"},
		},
		Checks: []api.EncoderCheck{
			{Name: "golden", Passed: true, Detail: "3 pictures and 3 sentences, least cosine 0.99998 of 0.999"},
			{Name: "not constant", Passed: true, Detail: "cosine 0.31"},
		},
		PictureMS: 16.2, TextMS: 3.4, Memory: 388_000_000,
	}
}

func swapUnderWay() api.Swap {
	return api.Swap{
		Stage: api.SwapEncoding, From: "builtin", To: "vit-b-32__openai", Rate: 25.34,
		Coverage: api.Coverage{Encoded: 12_000, Waiting: 300, SetAside: 2, Offline: 40},
	}
}

// ended is how swapUnderWay ends.
func ended() api.Swap {
	return api.Swap{Stage: api.SwapNone, Last: &api.SwapReport{
		From: "builtin", To: "vit-b-32__openai", At: "2026-03-01T12:34:00Z",
		Coverage: api.Coverage{Encoded: 12_300, SetAside: 2, Offline: 40}, Offline: []api.Path{api.NewPath("/media/a disk\x1b[31m")},
	}}
}

// shelf serves a library with encoders.
func shelf(t *testing.T) (*servertest.Library, *api.Client) {
	library := servertest.New()
	library.Shelf.Installed = encoders()
	library.Shelf.Report = passed()
	library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone, From: "builtin"})
	return library, servertest.Serve(t, library)
}

// vsectl runs a command of the encoder group against a client's daemon.
func vsectl(t *testing.T, client *api.Client, width int, args ...string) (text string, code int) {
	t.Helper()
	var out bytes.Buffer
	code = run(t.Context(), slices.Concat([]string{"vsectl", "--socket", client.Socket}, args), Screen{Writer: &out, Width: width, Now: now()}, Screen{Writer: &out, Width: width})
	for _, r := range out.String() {
		if r != '\n' && r != '\r' && r != '\x1b' && !table.Printable(r) {
			t.Errorf("%q: %q reaches the terminal", args, r)
		}
	}
	return out.String(), code
}

func TestEncoders(t *testing.T) {
	library, client := shelf(t)
	f := func(name string, width, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, client, width, append([]string{"encoder"}, args...)...)
		if got != code {
			t.Errorf("%q: exit code %d, want %d\n%s", args, got, code, text)
		}
		golden(t, name, []byte(text))
	}
	f("encoder-list.txt", 0, 0, "list")
	f("encoder-list-80.txt", 80, 0, "list")
	f("encoder-list.json", 0, 0, "list", "--json")
	f("encoder-show.txt", 80, 0, "show", "builtin")
	f("encoder-test.txt", 80, 0, "test", "builtin")
	failed := passed()
	failed.Passed, failed.Failure, failed.Checks[1] = false, "not constant: all pictures have one vector", api.EncoderCheck{Name: "not constant", Detail: "cosine 1"}
	library.Shelf.Report = failed
	f("encoder-test-failed.txt", 80, 2, "test", "builtin")
	learned := servingRun()
	library.Shelf.Installed = append(library.Shelf.Installed, api.InstalledEncoder{
		Name: "learned-1", State: api.EncoderKept, Model: "EfficientNet-B0 + MiniLM", Version: "1", Space: "77ab", Bytes: 41_300_000, Learned: &learned,
	})
	f("encoder-show-learned.txt", 80, 0, "show", "learned-1")
}

func TestEncoderCommands(t *testing.T) {
	library, client := shelf(t)
	f := func(want string, code int, args ...string) {
		t.Helper()
		text, got := vsectl(t, client, 0, append([]string{"encoder"}, args...)...)
		if got != code || !strings.Contains(text, want) {
			t.Errorf("%q: got %d\n%swant %d\n%s", args, got, text, code, want)
		}
	}
	f(`no encoder "nobody" is installed`, 1, "show", "nobody")
	f("encoder show takes the NAME of one encoder", 2, "show")
	f(`"state": "serving"`, 0, "show", "builtin", "--json")
	f(`"passed": true`, 0, "test", "builtin", "--json")
	f("give either --wait or --no-wait", 2, "use", "hostile", "--wait", "--no-wait")
	library.Shelf.SetSwap(swapUnderWay())
	f("hostile encodes: 12,002 of 12,342 photos, 25.3/s, 12 s left. It goes on by itself", 0, "use", "hostile", "--no-wait")
	f("hostile is paused at 12,002 of 12,342 photos: `vsectl encoder resume` goes on\n", 0, "pause")
	f("hostile encodes: ", 0, "resume")
	f(`"stage": "paused"`, 0, "pause", "--json")
	f("hostile and its vectors are deleted.\n", 0, "remove", "hostile")
	f(`no encoder "hostile" is installed`, 1, "remove", "hostile")
	f("", 0, "remove", "vit-b-32__openai", "--json")
	f("encoder rollback takes no argument", 2, "rollback", "builtin")
}

// TestFollow shows each stage until the encoder serves.
func TestFollow(t *testing.T) {
	f := func(name string, width int, asJSON bool) {
		t.Helper()
		library, client := shelf(t)
		stages := []api.Swap{swapUnderWay(), swapUnderWay(), swapUnderWay(), ended()}
		stages[1].Problem = "the disk is full: make room in /var/lib/vsed"
		stages[2].Stage, stages[2].Coverage.Waiting, stages[2].Offline = api.SwapOffline, 0, []api.Path{api.NewPath("/media/disk"), api.NewPath("/b")}
		library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone}, stages...)
		var out bytes.Buffer
		options := EncoderUseOptions{Common: Common{client, asJSON}, Waiting: Waiting{Wait: true, Poll: time.Millisecond}, Name: "vit-b-32__openai"}
		if err := runEncoderUse(t.Context(), options, Screen{Writer: &out, Width: width}); err != nil {
			t.Error(err)
		}
		golden(t, name, out.Bytes())
	}
	f("encoder-use.txt", 0, false)
	f("encoder-use-80.txt", 80, false)
	f("encoder-use.json", 0, true)
}

func TestFollowEndsOtherwise(t *testing.T) {
	f := func(want string, last api.Swap) {
		t.Helper()
		library, client := shelf(t)
		library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone}, swapUnderWay(), last)
		var out bytes.Buffer
		options := EncoderUseOptions{Common: Common{Client: client}, Waiting: Waiting{Wait: true, Poll: time.Millisecond}, Name: "vit-b-32__openai"}
		err := runEncoderUse(t.Context(), options, Screen{Writer: &out})
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	f("was ended by another command", api.Swap{Stage: api.SwapNone})
	failed := ended()
	failed.Last.Failed = "no encoder \"vit-b-32__openai\" is installed"
	f("builtin goes on serving: no encoder", failed)
	other := swapUnderWay()
	other.To = "hostile"
	f("gave way to one to hostile", other)
}

func TestRollback(t *testing.T) {
	library, client := shelf(t)
	back := api.Swap{Stage: api.SwapNone, Last: &api.SwapReport{From: "vit-b-32__openai", To: "builtin", RollBack: true, Coverage: api.Coverage{Encoded: 9, Waiting: 3}}}
	library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone}, api.Swap{Stage: api.SwapIndexing, From: "vit-b-32__openai", To: "builtin"}, back)
	text, code := vsectl(t, client, 80, "encoder", "rollback")
	if code != 0 || !strings.Contains(text, "builtin serves in the place of vit-b-32__openai.\n") || !strings.Contains(text, "The photos that wait are encoded at once") {
		t.Errorf("got %d\n%s", code, text)
	}
}

func TestUseOfWhatServesEndsASwap(t *testing.T) {
	library, client := shelf(t)
	none := api.Swap{Stage: api.SwapNone}
	library.Shelf.SetSwap(swapUnderWay(), none, none)
	text, code := vsectl(t, client, 0, "encoder", "use", "builtin")
	if want := "The swap to vit-b-32__openai is ended; builtin goes on serving.\n"; code != 0 || text != want {
		t.Errorf("got %d %s, want %s", code, text, want)
	}
}

func TestInterruptLeavesTheSwap(t *testing.T) {
	library, client := shelf(t)
	library.Shelf.SetSwap(api.Swap{Stage: api.SwapNone}, swapUnderWay())
	ctx, cancel := context.WithCancel(t.Context())
	out := &hook{seen: func(text string) {
		if strings.Contains(text, "encodes") {
			cancel()
		}
	}}
	options := EncoderUseOptions{Common: Common{Client: client}, Waiting: Waiting{Wait: true, Poll: time.Hour}, Name: "vit-b-32__openai"}
	err := runEncoderUse(ctx, options, Screen{Writer: out, Width: 80})
	if exitCode(err) != exitInterrupted || !strings.HasSuffix(out.String(), "The swap to vit-b-32__openai goes on; `vsectl status` shows how far it is.\n") {
		t.Errorf("%v: %q", err, out.String())
	}
}

func TestStatusShowsASwap(t *testing.T) {
	library, client := shelf(t)
	library.Shelf.SetSwap(swapUnderWay())
	library.Set(status())
	text, code := vsectl(t, client, 80, "status")
	if want := "\nSwap: vit-b-32__openai encodes: 12,002 of 12,342 photos, 25.3/s, 12 s left\n"; code != 0 || !strings.Contains(text, want) {
		t.Errorf("got %d\n%s", code, text)
	}
}

func TestBytes(t *testing.T) {
	f := func(n int64, want string) {
		t.Helper()
		if got := bytesText(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	f(0, "0 B")
	f(999, "999 B")
	f(1500, "2 kB")
	f(605_400_000, "605 MB")
	f(2_340_000_000, "2.3 GB")
}

func TestStatusShowsAPreparation(t *testing.T) {
	library, client := shelf(t)
	f := func(want string, p api.Preparation) {
		t.Helper()
		now := status()
		now.Encoder.Preparation = &p
		library.Set(now)
		if text, code := vsectl(t, client, 80, "status"); code != 0 || !strings.Contains(text, "\nPreparation: "+want+"\n") {
			t.Errorf("got %d\n%s\nwant %s", code, text, want)
		}
	}
	f("builtin: TensorRT engine, picture graph (1 of 2), for 2 min", api.Preparation{Encoder: "builtin", What: "TensorRT engine", Step: "picture graph", Done: 1, Total: 2, Seconds: 125})
	f("builtin: TensorRT engine failed: it gives other vectors", api.Preparation{Encoder: "builtin", What: "TensorRT engine", Failed: "it gives other vectors"})
}
