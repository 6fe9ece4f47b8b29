package joint

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"vsed/encoders/runtime"
	"vsed/encoders/runtime/runtimetest"
	"vsed/training/evaluation"
	"vsed/training/words"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world has things, each with a word of its own; a picture shows some of them, a
// caption names two of those with other words between, tags name all.
const (
	things     = 12
	firstThing = words.Unknown + 1
	fillers    = 5
	length     = 8
)

var worldSizes = Sizes{Picture: 24, Word: 10, Joint: 16, Vocabulary: firstThing + things + fillers}

// draw makes pictures, whose look is the same in each world.
func draws(count, captions int, seed uint64) (data Data) {
	looks, random := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(seed, 2))
	var look [things][]float64
	for thing := range look {
		for range worldSizes.Picture {
			look[thing] = append(look[thing], looks.NormFloat64())
		}
		data.TagWords = append(data.TagWords, []int32{int32(firstThing + thing)})
	}
	for i := range count {
		seen := random.Perm(things)[:3]
		picture := make([]float32, worldSizes.Picture)
		for j := range picture {
			for _, thing := range seen {
				picture[j] += float32(look[thing][j])
			}
			picture[j] += float32(random.NormFloat64() / 2)
		}
		data.Pictures = append(data.Pictures, picture)
		for range captions {
			random.Shuffle(len(seen), func(a, b int) { seen[a], seen[b] = seen[b], seen[a] })
			sentence := []int32{words.Begin}
			for _, thing := range seen {
				if random.IntN(2) == 0 {
					sentence = append(sentence, int32(firstThing+things+random.IntN(fillers)))
				}
				sentence = append(sentence, int32(firstThing+thing))
			}
			data.Captions, data.Owner = append(data.Captions, append(sentence, words.End)), append(data.Owner, i)
		}
		tags := slices.Clone(seen)
		slices.Sort(tags)
		data.Tags = append(data.Tags, tags)
	}
	return data
}

func trial(loss string) Settings {
	return Settings{
		Loss: loss, Margin: .2, Temperature: .07, Epochs: 12, Captioned: 32, Captions: 1, Tags: 1, Web: 1, Rate: 5e-3, TenthAfter: 100, Clip: 2,
		WarmUp: 2, Noise: .1, Unknown: .05, Sharing: "all", MostTags: 3, Length: length, Threads: 1,
	}
}

func newModel(seed uint64) *Model { return New(worldSizes, rand.New(rand.NewPCG(seed, 0))) }

// found is text → image R@1 in percent.
func found(t *testing.T, library *runtime.Library, model *Model, data Data) float64 {
	t.Helper()
	reader := Reader{library, 1, length}
	pictures, err := reader.Pictures(t.Context(), model, data.Pictures)
	if err != nil {
		t.Fatal(err)
	}
	captions, err := reader.Sentences(t.Context(), model, data.Captions)
	if err != nil {
		t.Fatal(err)
	}
	result, err := evaluation.Retrieve(evaluation.Captioned{Pictures: pictures, Captions: captions, Owner: data.Owner})
	if err != nil {
		t.Fatal(err)
	}
	return result.TextToImage.R1.Value
}

func lastEpoch(_ context.Context, e Epoch, _ *Model) (float64, error) { return float64(e.Number), nil }

// TestEveryLossLearns: and finds among 60 pictures, of which some show the same things,
// what chance finds in 1.7 of 100 tries.
func TestEveryLossLearns(t *testing.T) {
	library := runtimetest.Load(t)
	data, held := draws(300, 2, 1), draws(60, 1, 2)
	for _, loss := range Losses() {
		model := newModel(1)
		curve, err := Run{Settings: trial(loss), Library: library}.Learn(t.Context(), model, data, Data{}, lastEpoch)
		if err != nil {
			t.Fatal(err)
		}
		if hits := found(t, library, model, held); hits < 20 || len(curve) != 12 || loss != "vse++" && curve[11].Loss > curve[0].Loss/2 {
			t.Errorf("%s: R@1 %.1f, curve %v", loss, hits, curve)
		}
	}
}

// TestTagsTeachTheRest: of half of the things no caption tells; from tags alone the
// pictures learn them, and sentences find them, since the words are the same.
func TestTagsTeachTheRest(t *testing.T) {
	library := runtimetest.Load(t)
	few, many, held := draws(30, 2, 1), draws(400, 0, 3), draws(60, 1, 2)
	model := newModel(1)
	if _, err := (Run{Settings: trial("vse"), Library: library}).Learn(t.Context(), model, few, Data{}, lastEpoch); err != nil {
		t.Fatal(err)
	}
	before := found(t, library, model, held)
	two := trial("vse")
	two.Tagged, two.Rate, two.TenthAfter, two.Curriculum = 32, 2e-3, 10, .5
	curve, err := Run{Settings: two, Library: library}.Learn(t.Context(), model, few, many, lastEpoch)
	if err != nil {
		t.Fatal(err)
	}
	if after := found(t, library, model, held); after < before+5 {
		t.Errorf("R@1 %.1f before, %.1f after", before, after)
	}
	if curve[9].Rate != two.Rate || math.Abs(curve[10].Rate-two.Rate/10) > 1e-12 {
		t.Errorf("rates %v and %v after ten epochs at %v", curve[9].Rate, curve[10].Rate, two.Rate)
	}
	if curve[0].Open != 100 || curve[11].Open != 400 {
		t.Errorf("the curriculum let in %d and %d of 400", curve[0].Open, curve[11].Open)
	}
}

// TestBestEpochStays: the weights are those of the epoch that the judge liked best.
func TestBestEpochStays(t *testing.T) {
	library := runtimetest.Load(t)
	data := draws(64, 1, 1)
	settings := trial("vse")
	settings.Epochs = 4
	var second *Model
	judge := func(_ context.Context, e Epoch, m *Model) (float64, error) {
		if e.Number == 2 {
			second = m.Clone()
		}
		return -math.Abs(float64(e.Number) - 2), nil
	}
	model := newModel(1)
	curve, err := Run{Settings: settings, Library: library}.Learn(t.Context(), model, data, Data{}, judge)
	if err != nil {
		t.Fatal(err)
	}
	if Best(curve) != 1 || !slices.Equal(model.Words, second.Words) || !slices.Equal(model.tensors[0].Values, second.tensors[0].Values) {
		t.Errorf("the best is epoch %d", curve[Best(curve)].Number)
	}
	nan := func(context.Context, Epoch, *Model) (float64, error) { return math.NaN(), nil }
	if _, err := (Run{Settings: settings, Library: library}).Learn(t.Context(), model, data, Data{}, nan); err == nil {
		t.Error("a score that is no number was taken")
	}
}

// TestEndedRunGoesOn: a run that ends at any epoch and begins again comes to the same
// weights, bit by bit, as one that goes through; so does the same run again.
func TestEndedRunGoesOn(t *testing.T) {
	library := runtimetest.Load(t)
	captioned, tagged := draws(64, 2, 1), draws(96, 0, 3)
	settings := trial("vse++")
	settings.Epochs, settings.Tagged, settings.Curriculum = 5, 32, 1
	ended := errors.New("ended")
	learn := func(path string, endAt int) (*Model, []Epoch, error) {
		model := newModel(1)
		curve, err := Run{Settings: settings, Library: library, Checkpoint: path}.Learn(t.Context(), model, captioned, tagged, func(_ context.Context, e Epoch, _ *Model) (float64, error) {
			if e.Number == endAt {
				return 0, ended
			}
			return float64(e.Number % 4), nil
		})
		return model, curve, err
	}
	whole, curve, err := learn("", 0)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "run")
	for _, endAt := range []int{2, 4} {
		if _, _, err := learn(path, endAt); !errors.Is(err, ended) {
			t.Fatal(err)
		}
	}
	again, curveAgain, err := learn(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(curve, curveAgain) || !slices.Equal(whole.Words, again.Words) {
		t.Errorf("curves %v and %v", curve, curveAgain)
	}
	for i, tensor := range whole.Tensors() {
		if !slices.Equal(tensor.Values, again.tensors[i].Values) {
			t.Errorf("%s differs", tensor.Name)
		}
	}
	captioned.Pictures[3][0] += .5
	if _, _, err := learn(path, 0); err == nil || !strings.Contains(err.Error(), "other data") {
		t.Errorf("a checkpoint of other data: %v", err)
	}
	captioned.Pictures[3][0] -= .5
	settings.Rate /= 2
	if _, _, err := learn(path, 0); err == nil || !strings.Contains(err.Error(), "other settings") {
		t.Errorf("a checkpoint of other settings: %v", err)
	}
}

func TestWrongSettingsAndDataAreRefused(t *testing.T) {
	library := runtimetest.Load(t)
	f := func(problem string, change func(s *Settings, captioned, tagged *Data)) {
		t.Helper()
		settings, captioned, tagged := trial("vse"), draws(8, 1, 1), draws(8, 0, 2)
		settings.Tagged = 4
		change(&settings, &captioned, &tagged)
		_, err := Run{Settings: settings, Library: library}.Learn(t.Context(), newModel(1), captioned, tagged, lastEpoch)
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("want %q, error %v", problem, err)
		}
	}
	f("loss", func(s *Settings, _, _ *Data) { s.Loss = "hinge" })
	f("sharing", func(s *Settings, _, _ *Data) { s.Sharing = "some" })
	f("temperature", func(s *Settings, _, _ *Data) { s.Loss, s.Temperature = "contrastive", 0 })
	f("epochs", func(s *Settings, _, _ *Data) { s.Epochs = 0 })
	f("each may be 0", func(s *Settings, _, _ *Data) { s.Captioned = 1 })
	f("weights", func(s *Settings, _, _ *Data) { s.Web = 0 })
	f("noise", func(s *Settings, _, _ *Data) { s.Noise = 1 })
	f("tenth_after", func(s *Settings, _, _ *Data) { s.TenthAfter = 0 })
	f("owners", func(_ *Settings, c, _ *Data) { c.Owner = c.Owner[1:] })
	f("caption 0 is of picture 8", func(_ *Settings, c, _ *Data) { c.Owner[0] = 8 })
	f("has 3 values", func(_ *Settings, c, _ *Data) { c.Pictures[0] = []float32{1, 2, 3} })
	f("has tags [12]", func(_ *Settings, _, d *Data) { d.Tags[0] = []int{things} })
	f("vocabulary", func(_ *Settings, c, _ *Data) { c.Captions[0] = nil })
	f("two are the least", func(_ *Settings, _, d *Data) { d.Tags = make([][]int, 8) })
}
