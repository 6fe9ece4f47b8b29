package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"vsed/daemon/catalogue"
	"vsed/daemon/search"
	"vsed/index/keyword"
)

// withLibrary has work ask a copy of the encoded photos as a daemon's client would,
// in the language of queries, after tag has put words on them.
func (s *set) withLibrary(ctx context.Context, tag func(context.Context, *catalogue.Catalogue) error, work func(context.Context, *search.Engine) error) (err error) {
	folder, err := os.MkdirTemp(s.work, "library-*")
	if err != nil {
		return err
	}
	defer func() { err = joined(err, os.RemoveAll(folder)) }()
	for _, part := range []string{"catalogue.db", "catalogue.db-wal", "spaces", "vectors"} {
		if err := copyAll(filepath.Join(folder, part), filepath.Join(s.work, "state", part)); err != nil {
			return err
		}
	}
	c, err := catalogue.Open(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, c.Close()) }()
	if err := tag(ctx, c); err != nil {
		return err
	}
	words, err := keyword.Open(filepath.Join(folder, "words"))
	if err != nil {
		return err
	}
	defer func() { err = joined(err, words.Close()) }()
	log := slog.New(slog.DiscardHandler)
	space := c.Serving()
	index, err := search.OpenIndex(ctx, filepath.Join(folder, "vectors", space.Name()), c, math.MaxInt64, space, int(s.texts.about.GetDimensions()), log)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, index.Close()) }()
	engine := search.New(c, words, nil, log)
	generation := &search.Generation{Index: index, Encoder: s.texts.encoder, MatchFloor: s.texts.about.GetMatchFloor()}
	engine.Serve(generation)
	running, stop := context.WithCancel(ctx)
	followers, running := errgroup.WithContext(running)
	followers.Go(func() error { return index.Follow(running) })
	followers.Go(func() error { return engine.Follow(running) })
	defer func() {
		stop()
		engine.Serve(nil)
		err = joined(err, followers.Wait())
	}()
	if err := complete(ctx, engine, generation); err != nil {
		return err
	}
	return work(ctx, engine)
}

// copyAll copies a file or folder, if there is one.
func copyAll(to, from string) error {
	info, err := os.Stat(from)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	return joined(err, os.WriteFile(to, content, 0o600))
}

// complete waits until all words and vectors can be found, and the scores have been
// calibrated.
func complete(ctx context.Context, engine *search.Engine, g *search.Generation) error {
	for {
		caughtUp, err := engine.CaughtUp(ctx)
		if err != nil || caughtUp && g.Calibrated() {
			return err
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
