package stage

import (
	"context"
	"fmt"

	"vsed/encoders/runtime"
	"vsed/training/evaluation"
)

// Guarded is what is left of learned heads when captioned pictures, which they were not
// learned from, have been asked how much they may forget.
type Guarded struct {
	Heads  Heads
	Kept   float64              // part of the old weights in them
	Before evaluation.Retrieval // of the guard, by the old heads
	After  evaluation.Retrieval // and by these
}

// keptStep is by how much the part of the old weights rises at each try.
const keptStep = .1

// Guard mixes learned heads with those that they began from (WiSE-FT): the least part
// of the old weights, from a least one on, by which text → image R@1 of the guard falls
// by no more than most, in percent points. With all of them nothing has been learned,
// nor lost.
func Guard(ctx context.Context, library *runtime.Library, threads int, start, learned Heads, guard Captioned, least, most float64) (g Guarded, err error) {
	if !(least >= 0 && least <= 1 && most >= 0) {
		return g, fmt.Errorf("the part of the old heads begins at %v and may cost %v: it must lie from 0 to 1, and may not cost less than nothing", least, most)
	}
	if g.Before, err = start.Retrieve(ctx, library, threads, guard); err != nil {
		return g, err
	}
	for g.Kept = least; ; g.Kept = min(1, g.Kept+keptStep) {
		g.Heads = learned.Clone()
		g.Heads.Blend(start, g.Kept)
		if g.After, err = g.Heads.Retrieve(ctx, library, threads, guard); err != nil {
			return g, err
		}
		if g.Kept == 1 || g.Before.TextToImage.R1.Value-g.After.TextToImage.R1.Value <= most {
			return g, nil
		}
	}
}

// Retrieve measures how captions and pictures find each other.
func (h Heads) Retrieve(ctx context.Context, library *runtime.Library, threads int, of Captioned) (evaluation.Retrieval, error) {
	pictures, err := h.Picture.Vectors(ctx, library, threads, of.Pictures)
	if err != nil {
		return evaluation.Retrieval{}, err
	}
	captions, err := h.Sentence.Vectors(ctx, library, threads, of.Captions)
	if err != nil {
		return evaluation.Retrieval{}, err
	}
	return evaluation.Retrieve(evaluation.Captioned{Pictures: pictures, Captions: captions, Owner: of.Owner})
}
