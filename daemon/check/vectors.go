package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"vsed/daemon/catalogue"
	"vsed/index/vector"
)

// checkVectors compares the index of each space with the catalogue. One that is
// merely behind is right.
func checkVectors(ctx context.Context, c *catalogue.Catalogue, folder string, repair bool) (findings []catalogue.Finding, err error) {
	names, err := c.Spaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		index := filepath.Join(folder, name)
		if _, err := os.Stat(index); errors.Is(err, os.ErrNotExist) {
			continue
		}
		problem, err := vectorsProblem(ctx, c, name, index)
		if err != nil {
			return nil, err
		}
		if problem == "" {
			continue
		}
		if repair {
			err = os.RemoveAll(index)
		}
		findings = append(findings, catalogue.Finding{What: problem, Mended: repair && err == nil})
		if err != nil {
			return findings, err
		}
	}
	return findings, nil
}

func vectorsProblem(ctx context.Context, c *catalogue.Catalogue, name, folder string) (problem string, err error) {
	space, err := c.Space(ctx, name)
	if err != nil {
		return "", err
	}
	findable, dimensions, err := space.Findable(ctx)
	if err != nil || findable == 0 {
		return "", err
	}
	vectors, err := vector.Open(folder, dimensions, vector.Options{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, vectors.Close()) }()
	if rebuilt := vectors.Rebuilt(); rebuilt != nil {
		return fmt.Sprintf("the vector index of the space %q was damaged: %v", name, rebuilt), nil
	}
	behind, err := space.Changed(ctx, catalogue.Cursor{Change: vectors.Change() + 1}, 1)
	if err != nil || len(behind) > 0 {
		return "", err
	}
	newest, err := c.Change(ctx)
	switch held := int64(vectors.Len()); {
	case err != nil:
		return "", err
	case vectors.Change() > newest:
		return fmt.Sprintf("the vector index of the space %q is ahead of the catalogue (change %d, %d)", name, vectors.Change(), newest), nil
	case held != findable:
		return fmt.Sprintf("the vector index of the space %q holds %d photos where the catalogue has %d", name, held, findable), nil
	}
	return "", nil
}
