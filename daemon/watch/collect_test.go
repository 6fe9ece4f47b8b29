package watch

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// collected runs a collector in a bubble of time; play sends it happenings. The
// reports come as lines, each with the time since the start.
func collected(t *testing.T, play func(send func(path, lost string))) []string {
	t.Helper()
	var lines []string
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		note := func(what any) { lines = append(lines, fmt.Sprint(time.Since(start).Milliseconds(), " ", what)) }
		ctx, cancel := context.WithCancel(t.Context())
		happenings, done := make(chan happening), make(chan struct{})
		c := newCollector(func(paths []string, _ time.Time) {
			if len(paths) > 10 {
				note(fmt.Sprint(len(paths), " paths"))
				return
			}
			note(paths)
		}, func(reason string, _ time.Time) { note(reason) }, new(atomic.Int64))
		go func() { c.run(ctx, happenings); close(done) }()
		play(func(path, lost string) { happenings <- happening{path, lost} })
		time.Sleep(time.Hour)
		cancel()
		<-done
	})
	return lines
}

func TestCollector(t *testing.T) {
	f := func(name string, play func(send func(path, lost string)), want ...string) {
		t.Helper()
		if got := collected(t, play); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	f("nothing", func(func(string, string)) {})
	f("one", func(send func(string, string)) { send("a", "") }, "500 [a]")
	f("two at once, in order", func(send func(string, string)) { send("b", ""); send("a", "") }, "500 [a b]")
	f("a slow copy settles once", func(send func(string, string)) {
		for range 20 {
			send("slow", "")
			time.Sleep(400 * time.Millisecond)
		}
	}, "8100 [slow]")
	f("a slow copy holds up nobody", func(send func(string, string)) {
		for i := range 5 {
			send("slow", "")
			if i == 1 {
				send("fast", "")
			}
			time.Sleep(400 * time.Millisecond)
		}
	}, "900 [fast]", "2100 [slow]")
	f("again later", func(send func(string, string)) { send("a", ""); time.Sleep(time.Minute); send("a", "") }, "500 [a]", "60500 [a]")
	f("lost", func(send func(string, string)) { send("a", ""); send("", "overflow"); send("b", "") }, "500 overflow")
	f("the first reason counts", func(send func(string, string)) { send("", "overflow"); send("", "other") }, "500 overflow")
	f("single paths again after a rescan", func(send func(string, string)) {
		send("", "overflow")
		time.Sleep(time.Second)
		send("a", "")
	}, "500 overflow", "1500 [a]")
	f("as many as may wait", func(send func(string, string)) { many(send, burst) }, "500 1000 paths")
	f("one too many", func(send func(string, string)) { many(send, burst+1) }, "500 many changes at once")
	f("many times the same", func(send func(string, string)) {
		for range 5 * burst {
			send("a", "")
		}
	}, "500 [a]")
	f("a rescan does not wait for ever", func(send func(string, string)) {
		many(send, burst)
		for range 150 {
			send("more", "")
			time.Sleep(100 * time.Millisecond)
		}
	}, "10000 many changes at once", "15400 [more]")
}

func many(send func(path, lost string), count int) {
	for number := range count {
		send(fmt.Sprint(number), "")
	}
}
