package search

import (
	"context"
	_ "embed" // the background
	"math"
	"slices"
	"strings"
	"time"

	"vsed/daemon/catalogue"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/vector"
)

//go:embed background.txt
var background string

// Background gives sentences of the kind that people search with. Any one of them
// describes few photos of a library, so that their cosines with photos are those of
// sentences that do not fit.
func Background() []string { return strings.Split(strings.TrimSpace(background), "\n") }

const (
	// standingPhotos is how many of the nearest photos may make a match good: the
	// nearest of all is often one that is near to every sentence.
	standingPhotos = 10
	// floorQuantile is the share of background sentences whose best photo is no good
	// match. Some of them do describe photos of the library, so it is less than the
	// share of wrong ones that it turns away: see docs/search.md.
	floorQuantile = 0.4
	// leastDeviation keeps an encoder that answers everything alike from dividing by
	// zero.
	leastDeviation = 1e-6
)

// A Calibration tells what the cosines of a generation mean among the photos of a
// library. It does not change.
type Calibration struct {
	// Mean and Deviation are those of the cosine between a photo and a sentence that
	// does not describe it.
	Mean, Deviation float64
	// Floor is the standing below which there is no good match.
	Floor float64

	background [][]float32
	rows       int // of the index when this was measured
}

// uncalibrated serves for the first seconds of a generation, and for a library too
// small to measure.
func uncalibrated() *Calibration { return &Calibration{Deviation: 0.1} }

// Calibrate measures a library by the vectors of background sentences and a sample
// of its photos, at least one of each.
func Calibrate(ctx context.Context, background, sample [][]float32, vectors *vector.Index) (*Calibration, error) {
	var all []float64
	for _, photo := range sample {
		for _, sentence := range background {
			all = append(all, dot(sentence, photo))
		}
	}
	c := &Calibration{background: background, rows: vectors.Len()}
	c.Mean, c.Deviation = spread(all)
	var standings []float64
	for sentences := range slices.Chunk(background, backgroundBatch) {
		results, err := vectors.SearchMany(ctx, sentences, standingPhotos, nil)
		if err != nil {
			return nil, err
		}
		for _, result := range results {
			standing, err := c.Standing(result.Hits, vectors)
			if err != nil {
				return nil, err
			}
			standings = append(standings, standing)
		}
	}
	slices.Sort(standings)
	c.Floor = standings[int(floorQuantile*float64(len(standings)))]
	return c, nil
}

// Blend is how lists are fused under this calibration.
func (c *Calibration) Blend() fusion.Blend {
	return fusion.Blend{Mean: c.Mean, Deviation: c.Deviation, Words: fusion.Words, Learned: fusion.Learned}
}

// Standing tells how well the best of the nearest photos fits the query: how many
// deviations its cosine lies above those of the background sentences with this very
// photo. hits are the nearest with their cosines, best first. Without any it is far
// below every floor.
func (c *Calibration) Standing(hits []index.Hit, vectors *vector.Index) (float64, error) {
	best := -math.MaxFloat64
	for _, hit := range hits[:min(standingPhotos, len(hits))] {
		photo, ok, err := vectors.Vector(hit.ID)
		if err != nil {
			return 0, err
		}
		if ok {
			cosines := make([]float64, len(c.background))
			for i, sentence := range c.background {
				cosines[i] = dot(sentence, photo)
			}
			mean, deviation := spread(cosines)
			best = max(best, (hit.Score-mean)/deviation)
		}
	}
	return best, nil
}

// spread gives mean and deviation of at least one value.
func spread(values []float64) (mean, deviation float64) {
	var sum, squares float64
	for _, value := range values {
		sum, squares = sum+value, squares+value*value
	}
	count := float64(len(values))
	mean = sum / count
	return mean, max(leastDeviation, math.Sqrt(max(0, squares/count-mean*mean)))
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

const (
	// leastLibrary is the smallest library that is measured.
	leastLibrary = 100
	// sampleSize is how many photos stand for a library: with the background about
	// 200,000 cosines.
	sampleSize = 1000
	// sampleParts is from how many places of the catalogue they come.
	sampleParts = 10
	// backgroundBatch is how many sentences are encoded or searched in one call.
	backgroundBatch = 8
	// calibrateInterval is how often is looked whether to measure anew.
	calibrateInterval = 2 * time.Second
)

// keepCalibrated calibrates the generation that serves, and again whenever its
// index has doubled, until the context ends.
func (e *Engine) keepCalibrated(ctx context.Context) {
	tick := time.NewTicker(calibrateInterval)
	defer tick.Stop()
	rows := 0
	for {
		var err error
		if rows, err = e.calibrateServing(ctx, rows); err != nil && ctx.Err() == nil {
			e.log.Error("the encoder's scores cannot be calibrated; trying again", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// calibrateServing measures a library that is due, and gives its size. A small one
// that has grown since it had the size seen waits: its ingest needs the cores, and it
// would be measured anew at once.
func (e *Engine) calibrateServing(ctx context.Context, seen int) (rows int, err error) {
	serving := e.hold()
	if serving == nil {
		return 0, nil
	}
	defer serving.queries.Done()
	rows = serving.Index.vectors.Len()
	if rows < max(leastLibrary, 2*serving.calibrated().rows) || rows < sampleSize && rows > seen {
		return rows, nil
	}
	return rows, serving.calibrate(ctx)
}

func (g *Generation) calibrate(ctx context.Context) (err error) {
	sentences := g.calibrated().background
	if sentences == nil {
		if sentences, err = encodeBackground(ctx, g.Encoder); err != nil {
			return err
		}
	}
	sample, err := g.Index.sample(ctx)
	if err != nil || len(sample) == 0 {
		return err
	}
	measured, err := Calibrate(ctx, sentences, sample, g.Index.vectors)
	if err == nil {
		g.calibration.Store(measured)
	}
	return err
}

// encodeBackground encodes a few sentences at a time: queries go between.
func encodeBackground(ctx context.Context, encoder TextEncoder) (vectors [][]float32, err error) {
	for sentences := range slices.Chunk(Background(), backgroundBatch) {
		embeddings, err := encoder.EncodeTexts(ctx, sentences)
		if err != nil {
			return nil, err
		}
		for _, embedding := range embeddings {
			vectors = append(vectors, embedding.GetVector())
		}
	}
	return vectors, nil
}

// calibrated is the newest calibration of the generation.
func (g *Generation) calibrated() *Calibration {
	if c := g.calibration.Load(); c != nil {
		return c
	}
	return uncalibrated()
}

// goodMatch reports whether one of the nearest photos is likely what was asked for.
// Until the library has been measured the encoder's own floor decides.
func (g *Generation) goodMatch(hits []index.Hit) (bool, error) {
	c := g.calibrated()
	if c.background == nil {
		return len(hits) > 0 && hits[0].Score >= g.MatchFloor, nil
	}
	standing, err := c.Standing(hits, g.Index.vectors)
	return standing >= c.Floor, err
}

// sample gives vectors of photos from all over the catalogue: those that came at
// one time are of one kind.
func (x *Index) sample(ctx context.Context) (vectors [][]float32, err error) {
	newest := x.vectors.Change()
	var last catalogue.Cursor
	for part := range int64(sampleParts) {
		if begin := newest * part / sampleParts; begin > last.Change {
			last = catalogue.Cursor{Change: begin}
		}
		changes, err := x.space.Changed(ctx, last, sampleSize/sampleParts)
		if err != nil || len(changes) == 0 {
			return vectors, err
		}
		for _, change := range changes {
			if change.Vector != nil {
				vectors = append(vectors, change.Vector)
			}
		}
		last = changes[len(changes)-1].Cursor
	}
	return vectors, nil
}
