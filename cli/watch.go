package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"vsed/daemon/api"
)

// watch shows progress until the daemon is ready.
func watch(ctx context.Context, options StatusOptions, out Screen) error {
	p := printer{options: options, out: out, bar: bar{out: out}}
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
	bar     bar
}

func (p *printer) show(status api.Status) error {
	if p.options.JSON {
		return p.out.jsonLine(status)
	}
	if err := p.showProblem(cmp.Or(status.Problem, status.Encoder.Problem, status.Decoder.Problem)); err != nil {
		return err
	}
	if p.out.Width > 0 {
		done := status.Photos.Total - status.Photos.Waiting
		if status.Ready {
			done = status.Photos.Total
		}
		return p.bar.draw(done, status.Photos.Total, progress(status))
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
	return errors.Join(p.bar.clear(), p.out.say("Photos wait: %s", problem))
}

// finish leaves the last bar standing and passes err on.
func (p *printer) finish(err error) error {
	_ = p.bar.leave() // err, or the end, is what matters now
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
