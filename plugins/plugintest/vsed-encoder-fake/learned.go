package main

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"vsed/plugins/contract"
)

// learned are the tags of --learned-tags.
func (o *options) learned() []string {
	if o.learnedTags == "" {
		return nil
	}
	return strings.Split(o.learnedTags, ",")
}

// tags are the learned tags of a picture's vector, spoiled as --bad-tags says.
func (o *options) tags(vector []float32) (tags []*contract.LearnedTag) {
	for place := range o.learned() {
		if sure := min(1, vector[place]); sure > 0 {
			tags = append(tags, &contract.LearnedTag{Tag: uint32(place), Confidence: sure})
		}
	}
	slices.SortStableFunc(tags, func(a, b *contract.LearnedTag) int { return cmp.Compare(b.Confidence, a.Confidence) })
	if len(tags) == 0 {
		return nil
	}
	last := tags[len(tags)-1]
	switch o.badTags {
	case "place":
		last.Tag = uint32(len(o.learned()))
	case "zero":
		last.Confidence = 0
	case "above":
		tags[0].Confidence = 1.5
	case "nan":
		last.Confidence = float32(math.NaN())
	case "order":
		slices.Reverse(tags)
	case "twice":
		tags = append(tags, last)
	case "many":
		tags = slices.Repeat(tags, contract.PictureTagsLimit)
	}
	return tags
}
