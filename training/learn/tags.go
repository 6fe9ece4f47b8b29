package learn

import (
	"cmp"
	"errors"
	"slices"

	"vsed/encoders/encoder"
	"vsed/encoders/headgraph"
	"vsed/encoders/learned"
	"vsed/plugins/contract"
	"vsed/training/ridge"
)

// learnedTags are the channel of all photos, and how sure that of the photos to learn
// from is of each tag for each photo held out, as an encoder will tell it.
type learnedTags struct {
	graph headgraph.Tags
	told  map[string][]float64
}

// learnTags gives nil where nothing can be told of the tags.
func (r *run) learnTags() (*learnedTags, error) {
	options, steps := ridge.OptionsFor(r.input.width, learned.VectorsAreFeatures(r.base)), len(r.split.folds)+1
	var apart ridge.Apart
	var each []scored
	for i, fold := range r.split.folds {
		r.step("learning tags", i, steps)
		without, err := r.learnFold(fold, options, &apart)
		if err != nil {
			return nil, err
		}
		each = append(each, without)
	}
	curve, err := apart.Calibrate()
	if errors.Is(err, ridge.ErrNotCalibrated) {
		r.note("the tags are not told by themselves: %v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags := &learnedTags{told: map[string][]float64{}}
	for i, fold := range r.split.folds {
		for k, scores := range each[i].scores {
			tags.tell(fold.from+k, len(r.split.out()), each[i].channel, curve, scores)
		}
	}
	r.step("learning tags", steps-1, steps)
	all := r.input.all()
	whole, err := ridge.Fit(all, all.examples(r.split.learnable), options)
	if err != nil {
		return nil, err
	}
	tags.graph = graphOf(whole, curve)
	r.step("learning tags", steps, steps)
	return tags, nil
}

// scored are the scores of what was held out of a fold.
type scored struct {
	channel *ridge.Channel // without its weights
	scores  [][]float64
}

// learnFold learns without the photos that are held out, and adds those that calibrate.
// The curve bends all tags alike: where no photos are held out to choose by, it may come
// from those that are measured on.
func (r *run) learnFold(of fold, options ridge.Options, apart *ridge.Apart) (found scored, err error) {
	learn := rows{r.input, slices.Concat(of.learn, of.apart)}
	channel, err := ridge.Fit(learn, learn.examples(r.split.learnable), options)
	if err != nil {
		return found, err
	}
	held := rows{r.input, r.split.out()[of.from:of.to]}
	for i := range held.Len() {
		scores, err := channel.Scores(nil, held.Row(nil, i))
		if err != nil {
			return found, err
		}
		found.scores = append(found.scores, scores)
	}
	if len(r.split.choice.places) > 0 {
		held.places = r.split.choice.places
	}
	if err := apart.Add(channel, held, held.examples(r.split.learnable)); err != nil {
		return found, err
	}
	found.channel = &ridge.Channel{Tags: channel.Tags, Carriers: channel.Carriers, Photos: channel.Photos}
	return found, nil
}

// tell keeps what an encoder tells of a photo: the surest tags, of the others nothing.
func (t *learnedTags) tell(photo, photos int, channel *ridge.Channel, curve ridge.Calibration, scores []float64) {
	type sure struct {
		tag        int
		confidence float64
	}
	var list []sure
	for tag, score := range scores {
		if confidence := curve.Confidence(channel, tag, score); confidence >= encoder.LeastConfidence {
			list = append(list, sure{tag, confidence})
		}
	}
	slices.SortStableFunc(list, func(a, b sure) int { return cmp.Compare(b.confidence, a.confidence) })
	for _, each := range list[:min(len(list), contract.PictureTagsLimit)] {
		t.set(channel.Tags[each.tag], photo, photos, each.confidence)
	}
}

func (t *learnedTags) set(tag string, photo, photos int, confidence float64) {
	if t.told[tag] == nil {
		t.told[tag] = make([]float64, photos)
	}
	t.told[tag][photo] = confidence
}

func graphOf(channel *ridge.Channel, curve ridge.Calibration) headgraph.Tags {
	tags := headgraph.Tags{Names: channel.Tags, Weights: channel.Weights, Slope: curve.Slope, Bend: ridge.Bend, Plain: channel.Plain}
	for tag, offset := range curve.Offsets(channel) {
		tags.Bias = append(tags.Bias, float32(channel.Bias[tag]))
		tags.Offset = append(tags.Offset, float32(offset))
	}
	return tags
}
