package cli

import (
	"bytes"
	"strings"
	"testing"

	"vsed/cli/table"
)

// TestBarFits: whatever the width, also where the text beside the bar was longer before.
func TestBarFits(t *testing.T) {
	for width := 2; width < 200; width++ {
		var text bytes.Buffer
		line := bar{out: Screen{Writer: &text, Width: width}}
		for _, beside := range []string{"photos: 999 of 1,000, 1 min 12 s left", "photos: 1,000 of 1,000"} {
			text.Reset()
			if err := line.draw(500, 1000, beside); err != nil {
				t.Fatal(err)
			}
			if got := table.Width(strings.TrimSuffix(strings.TrimPrefix(text.String(), "\r"), "\x1b[K")); got >= width {
				t.Errorf("width %d: %d columns", width, got)
			}
		}
	}
}

// TestBarStands: it is as long whatever the text beside it, and none where nothing is
// done, or nobody knows of how much.
func TestBarStands(t *testing.T) {
	var text bytes.Buffer
	line := bar{out: Screen{Writer: &text, Width: 60}}
	f := func(done, total int64, beside, want string) {
		t.Helper()
		text.Reset()
		if err := line.draw(done, total, beside); err != nil || text.String() != "\r"+want+"\x1b[K" {
			t.Errorf("got %q, %v, want %q", text.String(), err, want)
		}
	}
	const long, short = "steps, 5 of 10, 1 min 12 s left", "steps, 6 of 10, 9 s left"
	f(0, 10, "steps", "steps")
	f(5, 0, "steps", "steps")
	f(5, 10, long, strings.Repeat("█", 13)+strings.Repeat("░", 13)+"  "+long)
	f(6, 10, short, strings.Repeat("█", 15)+strings.Repeat("░", 11)+"  "+short)
}
