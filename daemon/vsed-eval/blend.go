package main

import (
	"context"
	"fmt"

	"vsed/daemon/search"
	"vsed/index/fusion"
)

// sampleSize is how many photos the calibration takes, as in package search.
const sampleSize = 1000

// calibration is the one that the daemon measures for this encoder and these photos.
func (s *set) calibration(ctx context.Context) (*search.Calibration, error) {
	background, err := s.texts.encode(ctx, search.Background())
	if err != nil {
		return nil, err
	}
	var sample [][]float32
	for i := 0; i < len(s.photos); i += max(1, len(s.photos)/sampleSize) {
		sample = append(sample, s.photos[i].vector)
	}
	return search.Calibrate(ctx, background, sample, s.vectors)
}

// tune measures the blend with less and more weight on the words.
func tune(ctx context.Context, s *set, t *table) error {
	c, err := s.calibration(ctx)
	if err != nil {
		return err
	}
	var list []way
	for _, words := range []float64{0.5, 1, 2, 3, 4, fusion.Words, 6, 8, 12} {
		blend := c.Blend()
		blend.Words = words
		list = append(list, way{fmt.Sprintf("blend, words %g", words), blend.Fuse})
	}
	return s.hybrid(ctx, t, list)
}
