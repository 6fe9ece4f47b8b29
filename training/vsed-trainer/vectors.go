package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/training/experiment"
	"vsed/training/words"
)

// runVectors writes vectors of all words of captions, as GloVe's file has them, from
// the encoder's own text side: for the paper's model to begin from where neither
// GloVe's nor word2vec's are at hand.
func runVectors(ctx context.Context, arguments []string) (err error) {
	flags := newFlags("vectors")
	path := flags.String("config", "", "`file` of the configuration of a paper run, whose captions' words get vectors; without one that of docs/learning.md")
	out := flags.String("out", "", "`file` to write; where absent, the configuration's model.vectors")
	folder := flags.String("bundle", "build/encoders/builtin", "`folder` of the encoder")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	c, err := experiment.Read(*path)
	if err != nil {
		return err
	}
	if *out == "" {
		if *out = c.Model.Vectors; *out == "" {
			return errors.New("model.vectors is empty: words are drawn, which takes no file")
		}
	}
	captions, err := c.Captions()
	if err != nil {
		return err
	}
	tokens := map[string]bool{}
	for _, caption := range captions {
		for _, token := range words.Tokens(caption) {
			tokens[token] = true
		}
	}
	library, err := runtime.Load([]string{c.Library})
	if err != nil {
		return err
	}
	read, err := bundle.Read(*folder)
	if err != nil {
		return fmt.Errorf("%w; `make model` makes the built-in one", err)
	}
	sentences, err := encoder.OpenSentences(ctx, *folder, read.Text, library)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sentences.Close()) }()
	list := slices.Sorted(maps.Keys(tokens))
	vectors := make([][]float32, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i, word := range list {
		group.Go(func() (err error) {
			vectors[i], err = sentences.Feature(ctx, word)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return writeFile(*out, func(w io.Writer) error { return words.WriteVectors(w, list, vectors) })
}
