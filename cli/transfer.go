package cli

import (
	"fmt"
	"math"
	"time"
)

// A transfer shows how far bytes are on their way: over each other on a terminal,
// else as lines now and then.
type transfer struct {
	doing string // "Downloading", "Sending"
	total int64
	out   Screen
	clock func() time.Time
	print time.Duration // between two lines

	begun, shown time.Time
	before       int64 // that were there at the beginning
	bar          bar
}

// redraw is how often a bar changes.
const redraw = 100 * time.Millisecond

// at shows that so many bytes are done.
func (t *transfer) at(done int64) {
	now := t.clock()
	if t.begun.IsZero() {
		t.begun, t.before = now, done
	}
	pause := t.print
	if t.out.Width > 0 {
		pause = redraw
	}
	if now.Sub(t.shown) < pause {
		return
	}
	t.shown = now
	t.show(done, now)
}

func (t *transfer) show(done int64, now time.Time) {
	text := t.text(done, now)
	if t.out.Width == 0 {
		_ = t.out.printf("%s\n", text) // what is shown matters less than what is done
		return
	}
	t.bar.out = t.out
	_ = t.bar.draw(done, t.total, text)
}

// text gives the speed once it can be told.
func (t *transfer) text(done int64, now time.Time) string {
	text := fmt.Sprintf("%s: %s of %s", t.doing, bytesText(done), bytesText(t.total))
	seconds := now.Sub(t.begun).Seconds()
	if got := done - t.before; seconds >= 1 && got > 0 {
		rate := float64(got) / seconds
		text += fmt.Sprintf(", %s/s, %s left", bytesText(int64(math.Round(rate))), left(max(0, t.total-done), rate))
	}
	return text
}

// note prints a line above the bar.
func (t *transfer) note(line string) {
	t.clear()
	_ = t.out.say("%s", line)
}

// clear takes the bar away.
func (t *transfer) clear() {
	_ = t.bar.clear()
}
