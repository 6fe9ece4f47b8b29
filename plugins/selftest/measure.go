package selftest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A step is measured this often, or for this long where it is slow; the median
// counts.
const (
	rounds   = 5
	patience = 3 * time.Second
)

func (t *test) pictureSpeed(ctx context.Context) (string, error) {
	pictures := t.batch()
	whole, err := median(func() error { _, err := t.encoder.EncodePictures(ctx, pictures); return err })
	if err != nil {
		return "", err
	}
	each := whole / time.Duration(len(pictures))
	t.report.PictureMS = milliseconds(each)
	if limit := t.limits.PictureTime; limit > 0 && each > limit {
		return "", fmt.Errorf("a picture takes %.0f ms in batches of %d, %.0f ms are allowed; choose a smaller encoder",
			milliseconds(each), len(pictures), milliseconds(limit))
	}
	return fmt.Sprintf("%.1f ms a picture in batches of %d", milliseconds(each), len(pictures)), nil
}

func (t *test) textSpeed(ctx context.Context) (string, error) {
	each, err := median(func() error { _, err := t.encoder.EncodeTexts(ctx, []string{"a dog on a beach at sunset"}); return err })
	if err != nil {
		return "", err
	}
	t.report.TextMS = milliseconds(each)
	if limit := t.limits.TextTime; limit > 0 && each > limit {
		return "", fmt.Errorf("a text takes %.0f ms, %.0f ms are allowed; choose a smaller encoder", milliseconds(each), milliseconds(limit))
	}
	return fmt.Sprintf("%.1f ms a text", milliseconds(each)), nil
}

func median(step func() error) (time.Duration, error) {
	var times []time.Duration
	for began := time.Now(); len(times) < rounds && time.Since(began) < patience; {
		begin := time.Now()
		if err := step(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// residentBytes is the memory that a process has in use now.
func residentBytes(id int) (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		return 0, fmt.Errorf("memory of the encoder: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("memory of the encoder: process %d has none; it has ended", id)
}
