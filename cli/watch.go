package cli

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// watch shows progress until the daemon is ready.
func watch(ctx context.Context, options StatusOptions, out Screen) error {
	p := printer{options: options, out: out}
	ticker := time.NewTicker(options.Poll)
	defer ticker.Stop()
	for {
		status, err := options.Client.Status(ctx)
		if err == nil {
			err = p.show(status)
		}
		if err != nil || status.Ready {
			return p.finish(err)
		}
		select {
		case <-ctx.Done():
			return p.finish(ctx.Err())
		case <-ticker.C:
		}
	}
}

// A printer shows one status after another: over each other on a terminal, else
// as lines now and then.
type printer struct {
	options StatusOptions
	out     Screen
	printed time.Time
	problem string
	drawn   bool
}

func (p *printer) show(status api.Status) error {
	if p.options.JSON {
		return p.out.jsonLine(status)
	}
	if err := p.showProblem(cmp.Or(status.Problem, status.Encoder.Problem, status.Decoder.Problem)); err != nil {
		return err
	}
	if p.out.Width > 0 {
		p.drawn = true
		return p.out.printf("\r%s\x1b[K", bar(status, p.out.Width))
	}
	if !status.Ready && time.Since(p.printed) < p.options.Print {
		return nil
	}
	p.printed = time.Now()
	return p.out.printf("%s\n", progress(status))
}

// showProblem says once why nothing moves.
func (p *printer) showProblem(problem string) error {
	if problem == p.problem {
		return nil
	}
	p.problem = problem
	if problem == "" {
		return nil
	}
	start := ""
	if p.drawn {
		start = "\r\x1b[K"
	}
	return p.out.printf("%sPhotos wait: %s\n", start, table.Escape(problem))
}

// finish leaves the last bar standing and passes err on.
func (p *printer) finish(err error) error {
	if p.drawn {
		_ = p.out.printf("\n") // err, or the end, is what matters now
	}
	return err
}

// progress says in words how far the daemon is.
func progress(status api.Status) string {
	counts := status.Photos
	switch {
	case status.Ready:
		return "ready, " + encodedPhotos(counts)
	case counts.Waiting == 0:
		return fmt.Sprintf("looking for photos, %s so far", number(counts.Total))
	}
	text := fmt.Sprintf("%s of %s done", number(counts.Total-counts.Waiting), photos(counts.Total))
	if status.Rate > 0 {
		text += fmt.Sprintf(", %.1f/s, %s left", status.Rate, left(counts.Waiting, status.Rate))
	}
	return text
}

// encodedPhotos counts what searches find, also in folders that are away, and what
// was set aside.
func encodedPhotos(counts api.Counts) string {
	text := photos(counts.Encoded+counts.OfflineEncoded) + " encoded"
	switch {
	case counts.OfflineEncoded > 0 && counts.Encoded == 0:
		text += ", all offline"
	case counts.OfflineEncoded > 0:
		text += fmt.Sprintf(", %s of them offline", number(counts.OfflineEncoded))
	}
	if counts.Quarantined > 0 {
		text += fmt.Sprintf(", %s quarantined", number(counts.Quarantined))
	}
	return text
}

func photos(n int64) string { return plural(n, "photo", "photos") }

// left tells the time for waiting photos at rate a second.
func left(waiting int64, rate float64) string {
	seconds := math.Ceil(float64(waiting) / rate)
	switch whole := int64(min(seconds, 1e9)); {
	case whole < 60:
		return fmt.Sprintf("%d s", whole)
	case whole < 3600:
		return fmt.Sprintf("%d min %02d s", whole/60, whole%60)
	default:
		return fmt.Sprintf("%s h %02d min", number(whole/3600), whole/60%60)
	}
}

const (
	widestBar    = 40
	narrowestBar = 10
)

// bar draws how far the daemon is.
func bar(status api.Status, width int) string {
	counts := status.Photos
	done := counts.Total - counts.Waiting
	if status.Ready {
		done = counts.Total
	}
	return drawBar(done, counts.Total, table.Escape(progress(status)), width)
}

// drawBar draws progress in one line of at most width columns, one less so that
// the cursor does not wrap. text is harmless.
func drawBar(done, total int64, text string, width int) string {
	room := min(widestBar, width-1-table.Width(text)-2)
	if room < narrowestBar || total <= 0 {
		return table.ShortenEnd(text, width-1)
	}
	filled := max(0, min(room, int(float64(room)*float64(done)/float64(total))))
	return strings.Repeat("█", filled) + strings.Repeat("░", room-filled) + "  " + text
}
