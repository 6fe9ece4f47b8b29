package ridge

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// rows are features in memory.
type rows [][]float32

func (r rows) Len() int                            { return len(r) }
func (r rows) Width() int                          { return len(r[0]) }
func (r rows) Row(into []float32, i int) []float32 { return append(into, r[i]...) }

// drawn makes photos whose first tags show in their features.
func drawn(random *rand.Rand, photos, width, tags int) (rows, []Example) {
	features, examples := make(rows, photos), make([]Example, photos)
	for i := range features {
		features[i] = make([]float32, width)
		for j := range features[i] {
			features[i][j] = random.Float32()
		}
		for tag := range tags {
			if random.IntN(4) == 0 {
				examples[i].Tags = append(examples[i].Tags, fmt.Sprintf("tag %02d", tag))
				features[i][tag%width] += 2
			} else if random.IntN(10) == 0 {
				examples[i].Refused = append(examples[i].Refused, fmt.Sprintf("tag %02d", tag))
			}
		}
	}
	return features, examples
}

// oracle is the regression by its definition: targets written out, the normal
// equations of the weights, Gauss's elimination with pivots.
func oracle(features rows, examples []Example, options Options, tag string, ask []float32) float64 {
	var z [][]float64
	var y []float64
	tagged, carriers := 0., 0.
	for _, example := range examples {
		if len(example.Tags) > 0 {
			tagged++
		}
		if slices.Contains(example.Tags, tag) {
			carriers++
		}
	}
	for i, example := range examples {
		target := 0.
		switch has, no := slices.Contains(example.Tags, tag), slices.Contains(example.Refused, tag); {
		case len(example.Tags)+len(example.Refused) == 0:
			continue
		case has:
			target = 1 - carriers/tagged
		case no:
			target = -1 - carriers/tagged
		case len(example.Tags) > 0:
			target = -carriers / tagged
		}
		z, y = append(z, prepared(features[i], options.Plain)), append(y, target)
	}
	asked := prepared(ask, options.Plain)
	width := len(asked)
	for j := range width {
		mean, variance := 0., 0.
		for i := range z {
			mean += z[i][j] / float64(len(z))
		}
		for i := range z {
			variance += (z[i][j] - mean) * (z[i][j] - mean) / float64(len(z))
		}
		for i := range z {
			z[i][j] = (z[i][j] - mean) / math.Sqrt(variance)
		}
		asked[j] = (asked[j] - mean) / math.Sqrt(variance)
	}
	equations := make([][]float64, width)
	for a := range width {
		equations[a] = make([]float64, width+1)
		equations[a][a] = options.Lambda
		for i := range z {
			for b := range width {
				equations[a][b] += z[i][a] * z[i][b]
			}
			equations[a][width] += z[i][a] * y[i]
		}
	}
	score := carriers / tagged
	for j, weight := range eliminate(equations) {
		score += weight * asked[j]
	}
	return score
}

func prepared(feature []float32, plain bool) []float64 {
	values, square := make([]float64, len(feature)), 0.
	for i, value := range feature {
		if values[i] = float64(value); !plain {
			values[i] = math.Copysign(math.Sqrt(math.Abs(float64(value))), float64(value))
		}
		square += values[i] * values[i]
	}
	for i := range values {
		values[i] /= math.Sqrt(square)
	}
	return values
}

func eliminate(a [][]float64) []float64 {
	n := len(a)
	for column := range n {
		pivot := column
		for i := column; i < n; i++ {
			if math.Abs(a[i][column]) > math.Abs(a[pivot][column]) {
				pivot = i
			}
		}
		a[column], a[pivot] = a[pivot], a[column]
		for i := range n {
			if i == column {
				continue
			}
			factor := a[i][column] / a[column][column]
			for j := column; j <= n; j++ {
				a[i][j] -= factor * a[column][j]
			}
		}
	}
	solution := make([]float64, n)
	for i := range n {
		solution[i] = a[i][n] / a[i][i]
	}
	return solution
}

// TestAgainstTheDefinition draws few photos and many, so that both sides are solved.
func TestAgainstTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		width := 3 + random.IntN(20)
		features, examples := drawn(random, 2+random.IntN(60), width, 1+random.IntN(6))
		options := Options{Lambda: math.Pow(10, 3*random.Float64()-1), Plain: random.IntN(2) == 0}
		channel, err := Fit(features, examples, options)
		if errors.Is(err, ErrNoTags) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		asked, _ := drawn(random, 1, width, 1)
		scores, err := channel.Scores(nil, slices.Clone(asked[0]))
		if err != nil {
			t.Fatal(err)
		}
		for place, tag := range channel.Tags {
			if want := oracle(features, examples, options, tag, asked[0]); math.Abs(scores[place]-want) > 1e-4*(1+math.Abs(want)) {
				t.Errorf("%d photos, width %d, %+v: score of %s is %v, want %v", len(features), width, options, tag, scores[place], want)
			}
		}
	}
}

// TestBothSidesAgree solves one problem by the photos and by the values.
func TestBothSidesAgree(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(3, 4)), 700, 300, 20)
	targets := newTargets(examples)
	s, err := measure(features, targets.used, false)
	if err != nil {
		t.Fatal(err)
	}
	dual, err := solveDual(s, targets, 30)
	if err != nil {
		t.Fatal(err)
	}
	primal, err := solvePrimal(s, targets, 30)
	if err != nil {
		t.Fatal(err)
	}
	for i := range dual.Data {
		if math.Abs(dual.Data[i]-primal.Data[i]) > 1e-12 {
			t.Fatalf("weight %d is %v by the photos, %v by the values", i, dual.Data[i], primal.Data[i])
		}
	}
}

func TestOneResultWhateverTheCores(t *testing.T) {
	for _, photos := range []int{150, 900} {
		features, examples := drawn(rand.New(rand.NewPCG(5, 6)), photos, 400, 30)
		fit := func(cores int) *Channel {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
			channel, err := Fit(features, examples, Options{Lambda: 10})
			if err != nil {
				t.Fatal(err)
			}
			return channel
		}
		want := fit(1)
		for range 3 {
			if got := fit(4); !reflect.DeepEqual(got, want) {
				t.Errorf("%d photos: another run gives other weights", photos)
			}
		}
	}
}

func TestARefusalLowersATag(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(7, 8)), 200, 20, 5)
	score := func() float64 {
		channel, err := Fit(features, examples, Options{Lambda: 5})
		if err != nil {
			t.Fatal(err)
		}
		scores, err := channel.Scores(nil, slices.Clone(features[0]))
		if err != nil {
			t.Fatal(err)
		}
		return scores[0]
	}
	examples[0] = Example{}
	before := score()
	examples[0] = Example{Refused: []string{"tag 00", "never given"}}
	if after := score(); after >= before-0.01 {
		t.Errorf("the score is %v after the refusal, %v before", after, before)
	}
	examples[0] = Example{Tags: []string{"tag 00"}, Refused: []string{"tag 00"}}
	if after := score(); after <= before {
		t.Errorf("a tag that was refused before and given now: %v, %v before", after, before)
	}
}

func TestAnUntaggedPhotoSaysNothing(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(9, 10)), 100, 20, 5)
	want, err := Fit(features, examples, Options{Lambda: 5})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Fit(append(features, make([]float32, 20)), append(examples, Example{}), Options{Lambda: 5})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a photo without tags changes the channel; error %v", err)
	}
}

func TestWhatCannotBeLearned(t *testing.T) {
	f := func(want string, change func(features rows, examples []Example, o *Options) (rows, []Example)) {
		t.Helper()
		features, examples := drawn(rand.New(rand.NewPCG(11, 12)), 10, 5, 3)
		o := Options{Lambda: 1}
		features, examples = change(features, examples, &o)
		if _, err := Fit(features, examples, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("10 features for 9 photos", func(r rows, e []Example, _ *Options) (rows, []Example) { return r, e[1:] })
	f("no photo has a tag", func(r rows, e []Example, _ *Options) (rows, []Example) { return r, make([]Example, 10) })
	f("lambda is 0", func(r rows, e []Example, o *Options) (rows, []Example) { o.Lambda = 0; return r, e })
	f("lambda is NaN", func(r rows, e []Example, o *Options) (rows, []Example) { o.Lambda = math.NaN(); return r, e })
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		f("finite number", func(r rows, e []Example, _ *Options) (rows, []Example) {
			e[3].Tags, r[3][2] = []string{"x"}, float32(bad)
			return r, e
		})
	}
}

// TestOddFeatures has values that never change, photos that are equal, one photo.
func TestOddFeatures(t *testing.T) {
	f := func(features rows, examples ...Example) {
		t.Helper()
		channel, err := Fit(features, examples, Options{Lambda: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := channel.Scores(nil, make([]float32, features.Width())); err != nil {
			t.Error(err)
		}
		if _, err := channel.Scores(nil, make([]float32, features.Width()+1)); err == nil {
			t.Error("a feature of another width is scored")
		}
	}
	f(rows{{1, 2}}, Example{Tags: []string{"a"}})
	f(rows{{0, 0}, {0, 0}, {0, 0}}, Example{Tags: []string{"a"}}, Example{Tags: []string{"b"}}, Example{Tags: []string{"c"}})
	f(rows{{1, 2}, {1, 2}}, Example{Tags: []string{"a"}}, Example{Tags: []string{strings.Repeat("z", 500)}})
	f(rows{{1, -2, 5}, {1, 3, 5}, {1, 4, 5}, {1, 5, 5}}, Example{Tags: []string{"東京"}}, Example{Tags: []string{"a", "a"}}, Example{}, Example{Refused: []string{"a"}})
}

// TestConfidenceIsAProbability learns on one half, calibrates on a quarter and counts
// on the last.
func TestConfidenceIsAProbability(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(13, 14)), 2000, 30, 12)
	channel, err := Fit(features[:1000], examples[:1000], Options{Lambda: 100})
	if err != nil {
		t.Fatal(err)
	}
	calibration, err := channel.Calibrate(features[1000:1500], examples[1000:1500])
	if err != nil {
		t.Fatal(err)
	}
	var said, found, count [5]float64
	for i, example := range examples[1500:] {
		if len(example.Tags) == 0 {
			continue
		}
		scores, err := channel.Scores(nil, slices.Clone(features[1500+i]))
		if err != nil {
			t.Fatal(err)
		}
		for place, tag := range channel.Tags {
			confidence := calibration.Confidence(channel, place, scores[place])
			bin := min(4, int(5*confidence))
			said[bin] += confidence
			count[bin]++
			if slices.Contains(example.Tags, tag) {
				found[bin]++
			}
		}
	}
	for bin := range count {
		if count[bin] > 100 && math.Abs(said[bin]-found[bin])/count[bin] > 0.08 {
			t.Errorf("of %v pairs %.2f are said, %.2f are right", count[bin], said[bin]/count[bin], found[bin]/count[bin])
		}
	}
	if count[4] < 100 || count[0] < 100 {
		t.Errorf("the confidences %v are not spread", count)
	}
}

// TestConfidenceKnowsHowRareATagIs gives all tags the same poor scores: what is left
// is how many photos have them.
func TestConfidenceKnowsHowRareATagIs(t *testing.T) {
	random := rand.New(rand.NewPCG(19, 20))
	features, examples := make(rows, 3000), make([]Example, 3000)
	shares := []float64{0.5, 0.1, 0.02}
	for i := range features {
		features[i] = []float32{random.Float32(), random.Float32(), 1 + random.Float32()}
		for tag, share := range shares {
			if random.Float64() < share*float64(features[i][0]+0.5) {
				examples[i].Tags = append(examples[i].Tags, fmt.Sprint(tag))
			}
		}
		if len(examples[i].Tags) == 0 {
			examples[i].Tags = []string{"none"}
		}
	}
	channel, err := Fit(features[:1500], examples[:1500], Options{Lambda: 10})
	if err != nil {
		t.Fatal(err)
	}
	calibration, err := channel.Calibrate(features[1500:], examples[1500:])
	if err != nil {
		t.Fatal(err)
	}
	for tag, share := range shares {
		var mean float64
		for i := 1500; i < 3000; i++ {
			scores, err := channel.Scores(nil, slices.Clone(features[i]))
			if err != nil {
				t.Fatal(err)
			}
			mean += calibration.Confidence(channel, tag, scores[tag]) / 1500
		}
		if mean < share/2 || mean > share*2 {
			t.Errorf("the mean confidence of a tag that %.2f of the photos have is %.3f", share, mean)
		}
	}
}

func TestLearnCalibratesOnWhatIsHeldOut(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(17, 18)), 400, 20, 6)
	held := make([]bool, 400)
	for i := 300; i < 400; i++ {
		held[i] = true
	}
	channel, calibration, err := Learn(features, examples, held, Options{Lambda: 10})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Fit(features, examples, Options{Lambda: 10})
	if err != nil || !reflect.DeepEqual(channel, whole) {
		t.Errorf("the channel is not learned from all photos; error %v", err)
	}
	without, err := Fit(features[:300], examples[:300], Options{Lambda: 10})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := without.Calibrate(features[300:], examples[300:]); err != nil || calibration != want {
		t.Errorf("calibration %+v, want %+v; error %v", calibration, want, err)
	}
	if _, _, err := Learn(features, examples, held[1:], Options{Lambda: 10}); err == nil {
		t.Error("a photo without a side is taken")
	}
}

func TestOneCurveForSeveralChannels(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(17, 18)), 400, 20, 6)
	var apart Apart
	add := func(learn, from, to int) (alone Calibration) {
		t.Helper()
		channel, err := Fit(features[:learn], examples[:learn], Options{Lambda: 10})
		if err != nil {
			t.Fatal(err)
		}
		if err := apart.Add(channel, features[from:to], examples[from:to]); err != nil {
			t.Fatal(err)
		}
		if alone, err = channel.Calibrate(features[from:to], examples[from:to]); err != nil {
			t.Fatal(err)
		}
		return alone
	}
	first := add(300, 300, 400)
	if got, err := apart.Calibrate(); err != nil || got != first {
		t.Errorf("of one channel %+v, %v, want %+v", got, err, first)
	}
	second := add(100, 100, 300)
	both, err := apart.Calibrate()
	if err != nil || both.Slope < min(first.Slope, second.Slope) || both.Slope > max(first.Slope, second.Slope) || both == first || both == second {
		t.Errorf("of both %+v, %v; alone %+v and %+v", both, err, first, second)
	}
}

func TestWhatCannotBeCalibrated(t *testing.T) {
	features, examples := drawn(rand.New(rand.NewPCG(15, 16)), 60, 10, 4)
	channel, err := Fit(features, examples, Options{Lambda: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.Calibrate(features, make([]Example, 60)); !errors.Is(err, ErrNotCalibrated) {
		t.Errorf("nothing held out: %v", err)
	}
	if _, err := channel.Calibrate(features[1:], examples); err == nil {
		t.Error("photos without features are taken")
	}
	for i := range channel.Weights {
		channel.Weights[i] = -channel.Weights[i]
	}
	if calibration, err := channel.Calibrate(features, examples); !errors.Is(err, ErrNotCalibrated) {
		t.Errorf("scores that point the wrong way: %+v, %v", calibration, err)
	}
}

// TestWeightIsTheOneThatWasBest at the numbers of photos where it was measured.
func TestWeightIsTheOneThatWasBest(t *testing.T) {
	for photos, want := range map[int]float64{100: .5, 300: .7, 1000: 1, 4000: 1.5} {
		if got := Weight(photos); math.Abs(got-want) > .02 {
			t.Errorf("after %d photos %v, want %v", photos, got, want)
		}
	}
}
