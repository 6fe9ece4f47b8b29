package ingest

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestTheRateLooksBackTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rate
		if got := r.perSecond(time.Now()); got != 0 {
			t.Errorf("rate %v before the first photo", got)
		}
		for range 100 {
			time.Sleep(time.Second)
			r.add(time.Now(), 8)
		}
		if got := r.perSecond(time.Now()); got != 8 {
			t.Errorf("rate %v, want 8", got)
		}
		time.Sleep(5 * time.Second)
		if got := r.perSecond(time.Now()); got >= 8 || got <= 0 {
			t.Errorf("rate %v after a pause, want less than 8", got)
		}
		time.Sleep(time.Minute)
		if got := r.perSecond(time.Now()); got != 0 {
			t.Errorf("rate %v a minute after the last photo", got)
		}
	})
}
