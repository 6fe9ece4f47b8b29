package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"vsed/index/vector"
)

const dimensions = 16

func randomUnit(random *rand.Rand) []float32 {
	values := make([]float32, dimensions)
	var squares float64
	for i := range values {
		values[i] = float32(random.NormFloat64())
		squares += float64(values[i]) * float64(values[i])
	}
	for i := range values {
		values[i] /= float32(math.Sqrt(squares))
	}
	return values
}

func TestOnlyWhatFitsStandsAboveTheFloor(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	vectors, err := vector.Open(t.TempDir(), dimensions, vector.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer vectors.Close()
	var sample, background [][]float32
	var put []vector.Vector
	for id := range int64(200) {
		photo := randomUnit(random)
		sample, put = append(sample, photo), append(put, vector.Vector{ID: id, Values: photo})
		background = append(background, randomUnit(random))
	}
	if err := vectors.Apply(put, nil, 1); err != nil {
		t.Fatal(err)
	}
	c, err := Calibrate(t.Context(), background, sample, vectors)
	if err != nil {
		t.Fatal(err)
	}
	// Of random directions the cosines have mean 0 and deviation 1/√dimensions.
	if math.Abs(c.Mean) > 0.02 || math.Abs(c.Deviation-0.25) > 0.01 {
		t.Errorf("mean %v, deviation %v", c.Mean, c.Deviation)
	}
	standing := func(query []float32) float64 {
		found, err := vectors.Search(t.Context(), query, standingPhotos, nil)
		if err != nil {
			t.Fatal(err)
		}
		standing, err := c.Standing(found.Hits, vectors)
		if err != nil {
			t.Fatal(err)
		}
		return standing
	}
	alarms := 0
	for _, photo := range sample {
		if standing(photo) < c.Floor {
			t.Error("a photo's own vector is no good match")
		}
		if standing(randomUnit(random)) >= c.Floor {
			alarms++
		}
	}
	if share := float64(alarms) / float64(len(sample)); math.Abs(share-(1-floorQuantile)) > 0.15 {
		t.Errorf("%v of random sentences stand above a floor for %v", share, 1-floorQuantile)
	}
	if standing, err := c.Standing(nil, vectors); err != nil || standing >= c.Floor {
		t.Errorf("without photos the standing is %v, %v", standing, err)
	}
}

func TestALibraryIsMeasuredOnceItIsLargeEnough(t *testing.T) {
	w := newWorld(t, 0)
	calibrate := func(seen int) *Calibration {
		if _, err := w.engine.calibrateServing(t.Context(), seen); err != nil {
			t.Fatal(err)
		}
		return w.engine.serving.calibrated()
	}
	if c := calibrate(1); c.background != nil {
		t.Errorf("one photo is measured: %+v", c)
	}
	mean := 1. / leastLibrary
	for angle := 1; angle < leastLibrary; angle++ {
		w.add(fmt.Sprintf("%d.jpg", angle), angle)
		mean += math.Cos(float64(angle)*math.Pi/180) / leastLibrary
	}
	w.caughtUp()
	if c := calibrate(leastLibrary - 1); c.background != nil {
		t.Error("a small library is measured while it grows")
	}
	// Every sentence without a number is at 0°.
	c := calibrate(leastLibrary)
	if math.Abs(c.Mean-mean) > 1e-3 || c.rows != leastLibrary || len(c.background) != len(Background()) {
		t.Errorf("mean %v, not %v; %d rows, %d sentences", c.Mean, mean, c.rows, len(c.background))
	}
}
