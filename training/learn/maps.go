package learn

import (
	"context"
	"fmt"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/encoder"
	"vsed/encoders/headgraph"
	"vsed/plugins/contract"
	"vsed/training/model"
	"vsed/training/stage"
)

// general are the features of sentences of nobody's photos, of unit length.
func general(ctx context.Context, sentences *encoder.Sentences) (features [][]float32, err error) {
	for _, sentence := range GeneralSentences() {
		row, err := sentences.Feature(ctx, sentence)
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", sentence, err)
		}
		features = append(features, unit(row))
	}
	return features, nil
}

// beginMaps has maps stand in the place of heads: at first they leave vectors as they are.
// There are no class names beside them, so that their weight is nothing.
func (j *judge) beginMaps() {
	j.prepared = unitRows(rows{j.input, j.split.out()})
	j.named = j.prepared
	j.start = j.asHeads(stage.NewMaps(j.base.Dimensions()), nil)
}

// asHeads takes maps for heads; without those of folds they are the same for all.
func (j *judge) asHeads(maps stage.Heads, folds []stage.Heads) *learnedHeads {
	for len(folds) < len(j.split.folds) {
		folds = append(folds, maps)
	}
	return &learnedHeads{file: &heads.File{}, heads: maps, folds: folds}
}

// unitRows are vectors as maps take them.
func unitRows(from rows) (vectors [][]float32) {
	for i := range from.Len() {
		vectors = append(vectors, unit(from.Row(nil, i)))
	}
	return vectors
}

// entered are sentences of unit length as heads, or maps, take them.
func (j *judge) entered(sentences [][]float32) [][]float32 {
	if j.standard == nil {
		return sentences
	}
	return model.Scaled(sentences)
}

// learnMaps trains maps, without the photos of each fold too, and gives nil where
// sentences of nobody's photos would find the photos held out too differently.
func (r *run) learnMaps(ctx context.Context, judge *judge, lessons []lesson) (*learnedHeads, error) {
	var trained []stage.Heads
	for i, each := range lessons {
		maps, err := r.runTwo(ctx, judge, each, stage.Captioned{}, 0, func(epoch stage.Epoch) {
			if i == 0 {
				r.points = append(r.points, contract.TrainingPoint{Stage: "maps", Epoch: epoch.Number, Loss: epoch.Loss})
			}
		})
		if err != nil {
			return nil, err
		}
		trained = append(trained, maps)
	}
	folds := trained[1:]
	if len(folds) == 0 {
		folds = []stage.Heads{trained[0].Clone()}
	}
	r.step("looking for what was forgotten", 0, 0)
	kept, likeness, err := stage.LeastKept(ctx, r.library, r.task.Threads, judge.held(folds), judge.others)
	if err != nil {
		return nil, err
	}
	r.report.Kept = kept
	if kept >= 1 {
		r.note("other vectors would forget too much of what they knew: they stay as they are")
		return nil, nil
	}
	r.note("%d sentences of nobody's photos find photos as before: correlation %.4f, %v is the least", len(judge.others), likeness, stage.LeastLikeness)
	for _, maps := range append(folds, trained[0]) {
		maps.Blend(judge.start.heads, kept)
	}
	return judge.asHeads(trained[0], folds), nil
}

// held are the photos held out of each fold, and the maps that have not seen them.
func (j *judge) held(maps []stage.Heads) (list []stage.Held) {
	for i, fold := range j.split.folds {
		list = append(list, stage.Held{Maps: maps[i], Pictures: j.prepared[fold.from:fold.to]})
	}
	return list
}

// mapsOf are maps as they are written.
func mapsOf(of stage.Heads) *headgraph.Maps {
	written := func(head *model.Head) headgraph.Map { return headgraph.Map{Weights: head.Weights, Offset: head.Offset} }
	return &headgraph.Maps{Picture: written(of.Picture), Sentence: written(of.Sentence)}
}
