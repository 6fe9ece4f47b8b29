package main

import (
	"fmt"
	"os"
	"time"
)

// A progress tells on standard error how far a long step is, every few seconds.
type progress struct {
	what         string
	first, total int
	begun, said  time.Time
}

func newProgress(what string, total int) *progress {
	now := time.Now()
	return &progress{what: what, total: total, begun: now, said: now}
}

func (p *progress) show(done int) {
	if time.Since(p.said) < 5*time.Second || done <= p.first {
		return
	}
	p.said = time.Now()
	rate := float64(done-p.first) / time.Since(p.begun).Seconds()
	left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
	fmt.Fprintf(os.Stderr, "%d of %d %s, %.0f/s, %v left\n", done, p.total, p.what, rate, left.Round(time.Second))
}
