package main

import (
	"context"
	"slices"
	"syscall"
	"time"

	"vsed/encoders/encoder"
)

// measurement is the CPU time of one picture and of one text query.
type measurement struct {
	PictureMS float64 `json:"picture_ms"`
	TextMS    float64 `json:"text_ms"`
}

// rounds of each step are measured after one that warms up; the median counts.
const rounds = 15

func measure(ctx context.Context, loaded *encoder.Encoder) (*measurement, error) {
	description, err := loaded.Describe(ctx)
	if err != nil {
		return nil, err
	}
	format := description.Picture
	pictures := make([][]byte, description.Batch)
	for i := range pictures {
		pictures[i] = make([]byte, format.Width*format.Height*3)
		for j := range pictures[i] {
			pictures[i][j] = byte(i + j*j/7)
		}
	}
	batch, err := median(func() error { _, err := loaded.EncodePictures(ctx, pictures); return err })
	if err != nil {
		return nil, err
	}
	text, err := median(func() error { _, err := loaded.EncodeTexts(ctx, []string{"a dog on a beach at sunset"}); return err })
	if err != nil {
		return nil, err
	}
	return &measurement{batch / float64(len(pictures)), text}, nil
}

// median is the middle CPU time of a step in milliseconds.
func median(step func() error) (float64, error) {
	if err := step(); err != nil {
		return 0, err
	}
	var times []float64
	for range rounds {
		begin, err := processTime()
		if err != nil {
			return 0, err
		}
		if err := step(); err != nil {
			return 0, err
		}
		end, err := processTime()
		if err != nil {
			return 0, err
		}
		times = append(times, float64(end-begin)/float64(time.Millisecond))
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// processTime is the CPU time that this process has used, in all its threads.
func processTime() (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), nil
}
