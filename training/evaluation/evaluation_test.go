package evaluation_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"vsed/index/evaluate"
	"vsed/training/evaluation"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// hand is two pictures with two captions each, on a line.
func hand() evaluation.Captioned {
	return evaluation.Captioned{
		Pictures: [][]float32{{1, 0}, {0, 1}},
		Captions: [][]float32{{.5, .6}, {.9, .1}, {.2, .9}, {.9, .9}},
		Owner:    []int{0, 0, 1, 1},
	}
}

func TestRanksByHand(t *testing.T) {
	ranks, err := evaluation.Rank(hand())
	if err != nil {
		t.Fatal(err)
	}
	// Picture 0 scores .5 .9 .2 .9: its best caption ties with another's, which counts
	// against it. Caption 3 scores .9 .9, a tie again.
	if want := (evaluation.Ranks{Pictures: []int{1, 0}, Captions: []int{1, 0, 0, 1}}); !reflect.DeepEqual(ranks, want) {
		t.Errorf("ranks %+v, want %+v", ranks, want)
	}
	result, err := evaluation.Retrieve(hand())
	if err != nil {
		t.Fatal(err)
	}
	near(t, "image to text R@1", result.ImageToText.R1.Value, 50)
	near(t, "text to image R@1", result.TextToImage.R1.Value, 50)
	near(t, "rsum", result.RSum(), 50+50+4*100)
	near(t, "median rank", result.TextToImage.MedianRank, 1) // floor(0.5) + 1
	if in := result.TextToImage.R1; in.Low > 50 || in.High < 50 || in.Low == in.High {
		t.Errorf("interval %+v", in)
	}
}

func TestFoldsAreRankedAlone(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	vector := func() []float32 {
		return []float32{random.Float32() - .5, random.Float32() - .5, random.Float32() - .5}
	}
	var whole evaluation.Captioned
	for picture := range 20 {
		whole.Pictures = append(whole.Pictures, vector())
		for range 1 + picture%3 {
			whole.Captions, whole.Owner = append(whole.Captions, vector()), append(whole.Owner, picture)
		}
	}
	folded, err := evaluation.RetrieveFolds(whole, 5)
	if err != nil {
		t.Fatal(err)
	}
	var ranks []int
	var median, medianPicture float64
	for fold := range 5 {
		part := evaluation.Captioned{Pictures: whole.Pictures[4*fold : 4*fold+4]}
		for i, owner := range whole.Owner {
			if owner/4 == fold {
				part.Captions, part.Owner = append(part.Captions, whole.Captions[i]), append(part.Owner, owner%4)
			}
		}
		alone, err := evaluation.Rank(part)
		if err != nil {
			t.Fatal(err)
		}
		ranks = append(ranks, alone.Captions...)
		median += float64(evaluate.MedianRank(alone.Captions)) / 5
		medianPicture += float64(evaluate.MedianRank(alone.Pictures)) / 5
	}
	near(t, "R@1", folded.TextToImage.R1.Value, 100*evaluate.Mean(evaluate.Within(ranks, 1)))
	near(t, "median rank", folded.TextToImage.MedianRank, median)
	near(t, "median rank of pictures", folded.ImageToText.MedianRank, medianPicture)
	if one, err := evaluation.Retrieve(whole); err != nil || one.TextToImage.R1.Value >= folded.TextToImage.R1.Value {
		t.Errorf("among all pictures R@1 is %v, among a fifth %v", one.TextToImage.R1.Value, folded.TextToImage.R1.Value)
	}
}

func TestWhatCannotBeMeasured(t *testing.T) {
	f := func(want string, change func(*evaluation.Captioned)) {
		t.Helper()
		of := hand()
		change(&of)
		if _, err := evaluation.RetrieveFolds(of, 1+len(of.Pictures)%2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("not a number", func(c *evaluation.Captioned) { c.Pictures[1][0] = float32(math.NaN()) })
	f("not a number", func(c *evaluation.Captioned) { c.Captions[1][0] = float32(math.NaN()) })
	f("picture 1 has no caption", func(c *evaluation.Captioned) { c.Owner = []int{0, 0, 0, 0} })
	f("of picture 2", func(c *evaluation.Captioned) { c.Owner[0] = 2 })
	f("3 values", func(c *evaluation.Captioned) { c.Captions[0] = []float32{1, 2, 3} })
	f("each needs one", func(c *evaluation.Captioned) { c.Owner = c.Owner[1:] })
	f("needs pictures", func(c *evaluation.Captioned) { c.Pictures = nil })
	f("folds of one size", func(c *evaluation.Captioned) { c.Pictures = append(c.Pictures, []float32{1, 1}) })
}

func TestTagQueries(t *testing.T) {
	photos := [][]string{{"sea", "sun"}, {"sun", "sea", "sea"}, {"sea", "sun", "dog"}, {"sea"}, {"dog"}, nil}
	asked := func(list []evaluation.Query) (names []string) {
		for _, query := range list {
			names = append(names, strings.Join(query.Tags, "+"))
		}
		return names
	}
	single := evaluation.SingleTags(photos)
	if got := asked(single); !slices.Equal(got, []string{"sea", "sun"}) {
		t.Errorf("single tags %v", got)
	}
	if single[0].Carriers != 4 || !slices.Equal(single[0].Relevant, []bool{true, true, true, true, false, false}) {
		t.Errorf("%+v", single[0])
	}
	if got := asked(evaluation.TagPairs(photos)); !slices.Equal(got, []string{"sea+sun"}) {
		t.Errorf("pairs %v", got)
	}
	report, err := evaluation.MeasureTags(single, func(query evaluation.Query) ([]float64, error) {
		return []float64{5, 4, 3, 2, 1, 3}, nil // sun: yes yes (no yes, a tie)
	})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "average precision of sea", report.Queries[0].AveragePrecision, 100*(1+1+3./4+4./5)/4)
	near(t, "average precision of sun", report.Queries[1].AveragePrecision, 100*(1+1+3./4)/3)
	near(t, "P@5 of sun", report.Queries[1].P5, 60)
	near(t, "R@10", report.R10.Value, 100)
	near(t, "mAP", report.MAP.Value, (report.Queries[0].AveragePrecision+report.Queries[1].AveragePrecision)/2)
	gain, err := evaluation.Gain(report, report)
	if err != nil || gain.Value != 0 || gain.High != 0 {
		t.Errorf("gain of nothing %+v, %v", gain, err)
	}
	if _, err := evaluation.Gain(report, evaluation.TagReport{Queries: report.Queries[:1]}); err == nil {
		t.Error("other queries are compared")
	}
	if _, err := evaluation.MeasureTags(nil, nil); err == nil {
		t.Error("no query is measured")
	}
	if _, err := evaluation.MeasureTags(single, func(evaluation.Query) ([]float64, error) { return []float64{math.NaN(), 0, 0, 0, 0, 0}, nil }); err == nil {
		t.Error("NaN is a score")
	}
}

// TestPartsOfPhotosAreRankedAlone has scores that are higher in one part.
func TestPartsOfPhotosAreRankedAlone(t *testing.T) {
	query := evaluation.Query{
		Tags: []string{"sea"}, Carriers: 4,
		Relevant: []bool{true, false, false, true, true, false, true, false, true},
		Parts:    [][]int{{0, 1, 2}, {3, 4, 5, 6}, {7}, {8}},
	}
	found, err := query.Measure([]float64{3, 2, 1, 40, 30, 20, 10, 500, 600})
	if err != nil {
		t.Fatal(err)
	}
	// One of one, then two and the last of four; the others say nothing.
	near(t, "average precision", found.AveragePrecision, (1+3*(1+1+3./4)/3)/4)
	near(t, "P@5", found.P5, (1./5+3*3./5)/4)
	near(t, "R@10", found.R10, 1)
	query.Parts = query.Parts[2:]
	if found, err := query.Measure([]float64{3, 2, 1, 40, 30, 20, 10, 500, 600}); err == nil {
		t.Errorf("of parts that say nothing: %+v", found)
	}
}

func TestStandardise(t *testing.T) {
	if got := evaluation.Standardise([]float64{1, 3}); !slices.Equal(got, []float64{-1, 1}) {
		t.Errorf("%v", got)
	}
	if got := evaluation.Standardise([]float64{2, 2}); !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("%v", got)
	}
}
