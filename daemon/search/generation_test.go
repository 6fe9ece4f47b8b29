package search

import (
	"testing"
	"testing/synctest"
	"time"
)

// starting is an engine that has just been made, of which only the wait for an
// encoder is asked.
func starting() *Engine { return &Engine{made: time.Now(), first: make(chan struct{})} }

// TestAQueryWaitsForTheEncoderToStart: it is answered whole, not by its words alone.
func TestAQueryWaitsForTheEncoderToStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, g := starting(), new(Generation)
		got := make(chan *Generation)
		go func() { got <- e.await(t.Context()) }()
		synctest.Wait()
		e.Serve(g)
		if serving := <-got; serving != g {
			t.Errorf("got %p, want %p", serving, g)
		}
		g.queries.Done()
		e.Serve(nil) // an encoder that is lost later is not waited for
		if begin := time.Now(); e.await(t.Context()) != nil || time.Since(begin) != 0 {
			t.Errorf("waited %v", time.Since(begin))
		}
	})
}

func TestAnEncoderThatDoesNotStartHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := starting()
		for _, want := range []time.Duration{startTimeout, 0} {
			begin := time.Now()
			if serving := e.await(t.Context()); serving != nil || time.Since(begin) != want {
				t.Errorf("got %v after %v, want none after %v", serving, time.Since(begin), want)
			}
		}
	})
}
