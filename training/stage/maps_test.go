package stage

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"vsed/encoders/runtime/runtimetest"
)

// vectorsOf are pictures and sentences of an encoder that sees natures, but takes tags,
// which are words for two of them at once, for others.
func vectorsOf(pictures, known int) (data Tagged, held [][]float32) {
	const width = 12
	random := rand.New(rand.NewPCG(7, 8))
	draw := func(noise float64) []float32 {
		row := make([]float32, width)
		for i := range row {
			row[i] = float32(noise * random.NormFloat64())
		}
		return row
	}
	unit := func(row []float32) []float32 {
		length := math.Sqrt(dot(row, row))
		for i := range row {
			row[i] = float32(float64(row[i]) / length)
		}
		return row
	}
	for range 6 {
		data.Words = append(data.Words, unit(draw(1)))
	}
	for i := range pictures {
		row := draw(.15)
		row[i%6]++
		data.Pictures, data.Tags = append(data.Pictures, unit(row)), append(data.Tags, []int{i % 6})
	}
	for range known {
		data.Known = append(data.Known, unit(draw(1)))
	}
	for range 40 {
		held = append(held, unit(draw(1)))
	}
	return data, held
}

// TestMapsLearnAndKeep learns with and without the likenesses of before.
func TestMapsLearnAndKeep(t *testing.T) {
	library := runtimetest.Load(t)
	data, held := vectorsOf(60, 50)
	start := NewMaps(12)
	learn := func(distilled float64) (Heads, float64) {
		t.Helper()
		two := MapsOf(data.Pictures, data.Known)
		two.Threads, two.Rate, two.Distilled = 1, 3e-3, distilled
		learned, err := two.Run(t.Context(), library, start, data, Captioned{}, func(Epoch) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		before, err := start.Cosines(t.Context(), library, 1, held, data.Known)
		if err != nil {
			t.Fatal(err)
		}
		after, err := learned.Cosines(t.Context(), library, 1, held, data.Known)
		if err != nil {
			t.Fatal(err)
		}
		return learned, Likeness(before, after)
	}
	before := precision(t, library, start, data)
	free, freely := learn(0)
	kept, keeping := learn(10)
	if a, b := precision(t, library, free, data), precision(t, library, kept, data); a < before+20 || b < before+5 {
		t.Errorf("precision %.1f before, %.1f and %.1f after", before, a, b)
	}
	if keeping < freely+.02 {
		t.Errorf("likeness %.3f where it is learned to be kept, %.3f elsewhere", keeping, freely)
	}
	part, likeness, err := LeastKept(t.Context(), library, 1, []Held{{kept, held}}, data.Known)
	if err != nil || part <= 0 || part > 1 || likeness < LeastLikeness {
		t.Errorf("%v of the old maps is kept for a likeness of %v, %v", part, likeness, err)
	}
	if same, likeness, err := LeastKept(t.Context(), library, 1, []Held{{start, held}}, data.Known); err != nil || same != 0 || likeness < .9999 {
		t.Errorf("of maps that changed nothing %v is kept, likeness %v, %v", same, likeness, err)
	}
	if _, _, err := LeastKept(t.Context(), library, 1, nil, data.Known); err == nil {
		t.Error("maps were asked of no pictures")
	}
}

func TestTemperatureGoesWithTheCosines(t *testing.T) {
	data, _ := vectorsOf(300, 20)
	near := slices.Clone(data.Known)
	for i, row := range near {
		near[i] = slices.Clone(row)
		for k := range row {
			near[i][k] *= .1
		}
	}
	wide, narrow := MapsOf(data.Pictures, data.Known).Temperature, MapsOf(data.Pictures, near).Temperature
	if math.Abs(narrow-wide/10) > 1e-6 || wide < .05 || wide > .3 {
		t.Errorf("temperatures %v and %v", wide, narrow)
	}
}

func TestLikenessByHand(t *testing.T) {
	before := [][]float64{{1, 5}, {2, 5}, {3, 5}} // of three pictures with two sentences
	f := func(want float64, after [][]float64) {
		t.Helper()
		if got := Likeness(before, after); math.Abs(got-want) > 1e-9 {
			t.Errorf("likeness %v, want %v", got, want)
		}
	}
	f(1, [][]float64{{10, 5}, {20, 5}, {30, 5}})
	f(0, [][]float64{{3, 5}, {2, 5}, {1, 5}})
	f((math.Sqrt(.75)+1)/2, [][]float64{{1, 7}, {1, 8}, {2, 9}})
}

func TestKnownSentencesOfAnotherWidth(t *testing.T) {
	data, _ := vectorsOf(20, 3)
	data.Known[1] = data.Known[1][:5]
	_, err := MapsOf(data.Pictures, data.Known[:1]).Run(t.Context(), runtimetest.Load(t), NewMaps(12), data, Captioned{}, nil)
	if err == nil || !strings.Contains(err.Error(), "known sentence 1 has 5 values") {
		t.Errorf("error %v", err)
	}
}
