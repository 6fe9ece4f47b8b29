package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/training/features"
	"vsed/training/model"
)

// leastUses is how many captions must have a word for it to be learned.
const leastUses = 5

// contentWords gives for each list of captions the words that say something: of three
// letters or more, not among bleve's English stop words, and in leastUses captions of
// all. It stands in for a tagger's nouns and verbs.
func contentWords(lists [][]string) (vocabulary []string, of [][]string, err error) {
	stop := analysis.NewTokenMap()
	if err := stop.LoadBytes(en.EnglishStopWords); err != nil {
		return nil, nil, err
	}
	uses := map[string]int{}
	of = make([][]string, len(lists))
	for i, captions := range lists {
		for _, caption := range captions {
			words := strings.FieldsFunc(strings.ToLower(caption), func(letter rune) bool { return !unicode.IsLetter(letter) })
			slices.Sort(words)
			for _, word := range slices.Compact(words) {
				if len(word) >= 3 && !stop[word] {
					uses[word]++
					of[i] = append(of[i], word)
				}
			}
		}
	}
	for i, words := range of {
		slices.Sort(words)
		of[i] = slices.DeleteFunc(slices.Compact(words), func(word string) bool { return uses[word] < leastUses })
	}
	for word, count := range uses {
		if count >= leastUses {
			vocabulary = append(vocabulary, word)
		}
	}
	slices.Sort(vocabulary)
	return vocabulary, of, nil
}

// readWords gives the photos to learn from their content words as tags. The words'
// features are kept in a file beside the others.
func (w *workshop) readWords(ctx context.Context) (err error) {
	vocabulary, of, err := contentWords(w.train.texts)
	if err != nil {
		return err
	}
	if len(vocabulary) == 0 {
		return fmt.Errorf("no word stands in %d captions: set stage1.tags to 0", leastUses)
	}
	rows, err := w.textFeatures(ctx, w.Data.WordFeatures, vocabulary)
	if err != nil {
		return err
	}
	w.train.Words = model.Scaled(rows)
	w.train.Tags = make([][]int, len(of))
	for i, words := range of {
		for _, word := range words {
			place, _ := slices.BinarySearch(vocabulary, word)
			w.train.Tags[i] = append(w.train.Tags[i], place)
		}
	}
	return nil
}

// textFeatures reads the features of texts from a file, to which it adds what is missing.
func (w *workshop) textFeatures(ctx context.Context, path string, texts []string) (rows [][]float32, err error) {
	read, err := bundle.Read(w.Bundle)
	if err != nil {
		return nil, fmt.Errorf("%w; `make model` makes the built-in one", err)
	}
	sentences, err := encoder.OpenSentences(ctx, w.Bundle, read.Text, w.library)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sentences.Close()) }()
	trial, err := sentences.Feature(ctx, texts[0])
	if err != nil {
		return nil, err
	}
	origin := features.Origin{Space: read.FeatureSpace(), Encoder: read.Name, Bundle: read.Digest(), Widths: read.Widths(), TextWidth: len(trial)}
	store, err := features.Create(path, origin)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.AddSentences(ctx, sentences, runtime.NumCPU(), texts, sayProgress()); err != nil {
		return nil, err
	}
	return store.Sentences(texts)
}

// sayProgress tells now and then how far a long step is.
func sayProgress() func(features.Progress) {
	said := time.Now()
	return func(progress features.Progress) {
		if time.Since(said) >= sayEvery {
			said = time.Now()
			fmt.Fprintln(os.Stderr, progress)
		}
	}
}

const sayEvery = 5 * time.Second
