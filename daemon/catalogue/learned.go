package catalogue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

const (
	// confidenceParts is in how many parts a confidence is stored: more than the
	// percent that is shown, so that those of one percent keep their order.
	confidenceParts = 10_000
	// LeastConfidence is the lowest that is kept. What is less likely helps no search
	// and is nothing to suggest.
	LeastConfidence = 0.01
	// suggestionPage is how many candidates are looked at together.
	suggestionPage = 500
)

// parts is how a confidence is stored.
func parts(confidence float64) int64 { return int64(math.Round(confidence * confidenceParts)) }

// A LearnedTag is a tag that a space's encoder believes to be a photo's.
type LearnedTag struct {
	Name       string
	Confidence float64 // calibrated probability, above 0, at most 1
}

// A LearnedCount is a learned tag with how many photos probably have it.
type LearnedCount struct {
	Name   string
	Photos int64
}

// nameTags notes the learned tags of a space, so that they can be read without its
// encoder. Those of a space do not change: its name covers them. Where an encoder has
// them change nonetheless, what is stored would be of other tags, and is dropped.
func (s *Space) nameTags(ctx context.Context, names []string) error {
	if known := s.learned.Load(); known != nil && slices.Equal(*known, names) {
		return nil
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM learned_name; DELETE FROM learned`)
	for tag, name := range names {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO learned_name (tag, name) VALUES (?, ?)`, tag, name)
		}
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	names = slices.Clone(names)
	s.learned.Store(&names)
	return nil
}

// readNames reads what nameTags noted.
func (s *Space) readNames(ctx context.Context) error {
	names, err := queryColumn[string](ctx, s.write, "learned tags", `SELECT name FROM learned_name ORDER BY tag`)
	if err == nil {
		s.learned.Store(&names)
	}
	return err
}

// LearnedNames gives the tags that the space's encoder has learned, by their number.
// The caller must not change it.
func (s *Space) LearnedNames() []string { return *s.learned.Load() }

// LearnedTags gives the tags that the space's encoder has learned, in their order,
// with the number of photos that have them by at least such a confidence.
func (s *Space) LearnedTags(ctx context.Context, least float64) (tags []LearnedCount, err error) {
	for number, name := range s.LearnedNames() {
		one := LearnedCount{Name: name}
		err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM learned WHERE tag = ? AND confidence >= ?`, number, parts(least)).Scan(&one.Photos)
		if err != nil {
			return nil, fmt.Errorf("count learned tags: %w", err)
		}
		tags = append(tags, one)
	}
	return tags, nil
}

// Learned gives the tags that the space's encoder believes to be the photo's, the
// surest first, but for those that someone said or the user refused.
func (s *Space) Learned(ctx context.Context, photo int64) (tags []LearnedTag, err error) {
	found, err := s.likely(ctx, `photo = ? ORDER BY confidence DESC, tag`, photo)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	said, err := s.catalogue.said(ctx, s, []int64{photo})
	for _, one := range found {
		if word, ok := said[photo]; ok && !word[fold(one.Name)] {
			tags = append(tags, one.LearnedTag)
		}
	}
	return tags, err
}
