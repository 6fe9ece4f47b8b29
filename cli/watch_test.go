package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"vsed/daemon/api"
	"vsed/daemon/server/servertest"
)

// Watching ends when the daemon is ready, and shows what was between.
func TestWatch(t *testing.T) {
	library := servertest.New()
	client := servertest.Serve(t, library)
	f := func(name string, width int, asJSON bool) {
		t.Helper()
		library.Set(status())
		out := &hook{seen: func(string) {
			ready := status()
			ready.Ready = true
			library.Set(ready)
		}}
		options := StatusOptions{Common: Common{client, asJSON}, Watch: true, Poll: time.Millisecond}
		if err := runStatus(t.Context(), options, Screen{Writer: out, Width: width}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.Bytes())
	}
	f("watch.txt", 0, false)
	f("watch-100.txt", 100, false)
	f("watch.json", 0, true)
}

func TestWatchIsInterrupted(t *testing.T) {
	library := servertest.New()
	library.Set(status())
	client := servertest.Serve(t, library)
	ctx, cancel := context.WithCancel(t.Context())
	out := &hook{seen: func(string) { cancel() }}
	err := runStatus(ctx, StatusOptions{Common: Common{Client: client}, Watch: true, Poll: time.Millisecond}, Screen{Writer: out, Width: 80})
	if exitCode(err) != 130 || message(err) != "" {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Errorf("the prompt would stand in the bar: %q", out.String())
	}
}

func TestTimeLeft(t *testing.T) {
	f := func(waiting int64, rate float64, want string) {
		t.Helper()
		if got := left(waiting, rate); got != want {
			t.Errorf("%d at %g: got %s, want %s", waiting, rate, got, want)
		}
	}
	f(1, 30, "1 s")
	f(300, 25, "12 s")
	f(1790, 10, "2 min 59 s")
	f(1_000_000, 28, "9 h 55 min")
	f(1<<62, 1e-300, "277,777 h 46 min")
}

func TestReadyCountsWhatIsFoundOfAFolderThatIsAway(t *testing.T) {
	f := func(want string, counts api.Counts) {
		t.Helper()
		if got := progress(api.Status{Ready: true, Photos: counts}); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("ready, 58 photos encoded, all offline", api.Counts{Offline: 58, OfflineEncoded: 58})
	f("ready, 60 photos encoded, 58 of them offline", api.Counts{Encoded: 2, Offline: 59, OfflineEncoded: 58})
	f("ready, 1 photo encoded, all offline, 3 quarantined", api.Counts{Offline: 1, OfflineEncoded: 1, Quarantined: 3})
	f("ready, 2 photos encoded", api.Counts{Encoded: 2, Offline: 1})
}
