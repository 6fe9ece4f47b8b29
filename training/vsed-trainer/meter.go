package main

import (
	"fmt"
	"io"
	"time"

	"vsed/training/stage"
)

// saidTimes is about how often a run is spoken of.
const saidTimes = 5

// meter tells how fast steps go, and how long the rest takes.
type meter struct {
	output      io.Writer
	begun       time.Time
	done, total int // steps
}

func newMeter(output io.Writer, steps int) *meter {
	return &meter{output: output, begun: time.Now(), total: steps}
}

// say counts the steps of an epoch, and now and then says how far the run is.
func (m *meter) say(what string, at stage.Epoch, epochs, steps int) {
	m.done = min(m.done+steps, m.total)
	if at.Number%max(1, epochs/saidTimes) != 0 && at.Number != epochs {
		return
	}
	seconds := time.Since(m.begun).Seconds()
	left := time.Duration(seconds / float64(m.done) * float64(m.total-m.done) * float64(time.Second))
	fmt.Fprintf(m.output, "%s, epoch %d of %d, loss %.3f; %d of %d steps, %.1f/s, %v left\n",
		what, at.Number, epochs, at.Loss, m.done, m.total, float64(m.done)/seconds, left.Round(time.Second))
}
