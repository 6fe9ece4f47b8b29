package encoder

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
)

// LeastConfidence is what a learned tag needs to be told of a picture. A search ranks by
// it, so that it lies far below what anybody would be shown as a suggestion: on photos of
// Corel5k, after 750 with tags, 18 of 207 tags are told of a photo, and beside vectors rank
// as all do (mAP 58.2, of 58.3). Of 0.05 ten are told (57.5), of 0.01 28 (58.4).
const LeastConfidence = 0.02

// learned tells of a feature how sure to be of each learned tag. As the projection it
// runs on the CPU, in batches of one size.
type learned struct {
	graph *graph
	names []string
}

// openLearned gives nil where no tags were learned.
func openLearned(b *bundle.Bundle, loader *loader) (*learned, error) {
	names, err := b.LearnedTags()
	if err != nil || names == nil {
		return nil, err
	}
	loaded, err := loader.openSmall(b.Tags.Graph)
	if err != nil {
		return nil, err
	}
	return &learned{loaded, names}, nil
}

func (l *learned) close() error {
	if l == nil {
		return nil
	}
	return l.graph.close()
}

// list gives the tags, none where none were learned.
func (l *learned) list() []string {
	if l == nil {
		return nil
	}
	return l.names
}

// tags gives those of the first count features of a batch.
func (l *learned) tags(ctx context.Context, batch runtime.Tensor, count int) ([][]*contract.LearnedTag, error) {
	found := make([][]*contract.LearnedTag, count)
	if l == nil {
		return found, nil
	}
	values, err := l.graph.values(ctx, projectionBatch*len(l.names), batch)
	if err != nil {
		return nil, fmt.Errorf("learned tags: %w", err)
	}
	for i, row := range rows(values, len(l.names))[:count] {
		if found[i], err = surest(row); err != nil {
			return nil, fmt.Errorf("learned tags of feature %d: %w", i, err)
		}
	}
	return found, nil
}

// surest lists the tags that are sure enough, the surest first, of equal ones in the
// order of their places.
func surest(confidences []float32) (tags []*contract.LearnedTag, err error) {
	for place, confidence := range confidences {
		if !(confidence >= 0 && confidence <= 1) { // NaN fails too
			return nil, fmt.Errorf("the graph gives tag %d a probability of %v", place, confidence)
		}
		if confidence >= LeastConfidence {
			tags = append(tags, &contract.LearnedTag{Tag: uint32(place), Confidence: confidence})
		}
	}
	slices.SortStableFunc(tags, func(a, b *contract.LearnedTag) int { return cmp.Compare(b.Confidence, a.Confidence) })
	return tags[:min(len(tags), contract.PictureTagsLimit)], nil
}
