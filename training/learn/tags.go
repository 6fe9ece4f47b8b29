package learn

import (
	"cmp"
	"errors"
	"slices"

	"vsed/encoders/encoder"
	"vsed/encoders/headgraph"
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
	r.step("learning tags", 0, 2)
	options := ridge.Options{Lambda: ridge.Lambda(r.input.width)}
	learn := rows{r.input, r.split.in()}
	// The curve bends all tags alike: where no photos are held out to choose by, it may come
	// from those that are measured on.
	calibrating := rows{r.input, r.split.choice}
	if calibrating.Len() == 0 {
		calibrating.places = r.split.held
	}
	without, err := ridge.Fit(learn, learn.examples(r.split.learnable), options)
	if err != nil {
		return nil, err
	}
	curve, err := without.Calibrate(calibrating, calibrating.examples(r.split.learnable))
	if errors.Is(err, ridge.ErrNotCalibrated) {
		r.note("the tags are not told by themselves: %v", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags, held := &learnedTags{told: map[string][]float64{}}, rows{r.input, r.split.out()}
	for i := range held.Len() {
		scores, err := without.Scores(nil, held.Row(nil, i))
		if err != nil {
			return nil, err
		}
		tags.tell(i, held.Len(), without, curve, scores)
	}
	r.step("learning tags", 1, 2)
	all := rows{r.input, slices.Concat(r.split.learn, r.split.out(), r.split.refused)}
	slices.Sort(all.places)
	whole, err := ridge.Fit(all, all.examples(r.split.learnable), options)
	if err != nil {
		return nil, err
	}
	tags.graph = graphOf(whole, curve)
	r.step("learning tags", 2, 2)
	return tags, nil
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
		name := channel.Tags[each.tag]
		if t.told[name] == nil {
			t.told[name] = make([]float64, photos)
		}
		t.told[name][photo] = each.confidence
	}
}

func graphOf(channel *ridge.Channel, curve ridge.Calibration) headgraph.Tags {
	tags := headgraph.Tags{Names: channel.Tags, Weights: channel.Weights, Slope: curve.Slope, Bend: ridge.Bend}
	for tag, offset := range curve.Offsets(channel) {
		tags.Bias = append(tags.Bias, float32(channel.Bias[tag]))
		tags.Offset = append(tags.Offset, float32(offset))
	}
	return tags
}
