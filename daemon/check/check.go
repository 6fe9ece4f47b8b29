// Package check compares what a stopped daemon left in its state folder with
// itself: the catalogue, the vectors in it and the keyword index. What is
// derived can be repaired by making it again; what is not is only told.
package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"vsed/daemon/catalogue"
	"vsed/index/keyword"
)

// Run checks the state folder, which no daemon may have open, and gives what it
// found. With repair, derived parts that are wrong are removed; the next start
// makes them again. A catalogue of another schema is an error.
func Run(ctx context.Context, state string, repair bool) (findings []catalogue.Finding, err error) {
	if err := catalogue.CheckSchema(ctx, state); err != nil {
		return nil, err
	}
	c, err := catalogue.Open(ctx, state)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if findings, err = c.Check(ctx, repair); err != nil {
		return nil, err
	}
	words, err := checkWords(ctx, c, filepath.Join(state, "keyword"), repair)
	if err != nil {
		return nil, err
	}
	vectors, err := checkVectors(ctx, c, filepath.Join(state, "vectors"), repair)
	return slices.Concat(findings, words, vectors), err
}

// checkWords compares the keyword index with the catalogue. An index that is
// merely behind is right: it catches up at the next start.
func checkWords(ctx context.Context, c *catalogue.Catalogue, folder string, repair bool) (findings []catalogue.Finding, err error) {
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	problem, err := wordsProblem(ctx, c, folder)
	if err != nil || problem == "" {
		return nil, err
	}
	if repair {
		err = os.RemoveAll(folder)
	}
	return []catalogue.Finding{{What: problem, Mended: repair && err == nil}}, err
}

func wordsProblem(ctx context.Context, c *catalogue.Catalogue, folder string) (problem string, err error) {
	words, err := keyword.Open(folder, keyword.AsStored())
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, words.Close()) }()
	if rebuilt := words.Rebuilt(); rebuilt != nil {
		return fmt.Sprintf("the keyword index was damaged: %v", rebuilt), nil
	}
	seen, err := words.Change()
	if err != nil {
		return "", err
	}
	newest, err := c.Changed(ctx, catalogue.Cursor{Change: seen + 1}, 1)
	if err != nil || len(newest) > 0 {
		return "", err // behind
	}
	return compareCounts(ctx, c, words, seen)
}

func compareCounts(ctx context.Context, c *catalogue.Catalogue, words *keyword.Index, seen int64) (problem string, err error) {
	held, err := words.Len()
	if err != nil {
		return "", err
	}
	visible, err := c.Visible(ctx)
	if err != nil {
		return "", err
	}
	change, err := c.Change(ctx)
	switch {
	case err != nil:
		return "", err
	case seen > change:
		return fmt.Sprintf("the keyword index is ahead of the catalogue (change %d, %d)", seen, change), nil
	case held != visible:
		return fmt.Sprintf("the keyword index holds %d photos where the catalogue has %d", held, visible), nil
	}
	return "", nil
}
