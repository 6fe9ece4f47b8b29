package experiment

import (
	"context"
	"fmt"

	"vsed/training/evaluation"
)

// A Test measures on photos that have chosen nothing, once all is learned.
type Test struct {
	of    photos
	folds []int
}

// ReadTest reads the test split of the captions, or the photos named apart; they are
// ranked all at once, and in so many folds if there are more than one: five of COCO's
// 5,000 photos are what is published as COCO 1K.
func (x *Experiment) ReadTest(folds int) (*Test, error) {
	test, err := x.Data.files().Test()
	if err != nil {
		return nil, err
	}
	if folds < 1 || len(test.Set)%folds != 0 {
		return nil, fmt.Errorf("%d test photos do not make %d folds of one size: take another number of them", len(test.Set), folds)
	}
	t := &Test{folds: []int{1}}
	if folds > 1 {
		t.folds = append(t.folds, folds)
	}
	t.of, _, err = readPhotos(test, x.material.standard, nil)
	return t, err
}

// Test measures what a stage has come to.
func (x *Experiment) Test(ctx context.Context, of Stage, t *Test) (found []evaluation.Retrieval, err error) {
	settings, lexicon := x.stageOne(0), x.one
	if of.Model.Vocabulary > x.one.vocabulary.Len() {
		settings, lexicon = x.stageTwo(0), x.two
	}
	judge := x.judge(0, settings, lexicon, t.of, nil)
	for _, folds := range t.folds {
		one, err := judge.measure(ctx, of.Model, folds)
		if err != nil {
			return nil, fmt.Errorf("test photos: %w", err)
		}
		found = append(found, one)
	}
	return found, nil
}
