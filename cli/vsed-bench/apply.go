package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"vsed/daemon/api"
)

const (
	applyPhotos = 100_000
	applyLimit  = 30.0 // seconds
	applyP95    = 200.0
	appliedName = "applied"

	betweenQueries = 100 * time.Millisecond
)

// benchApply measures how long another encoder over the same features takes to serve
// 100,000 photos, whose folder is away, with its self-test and its index, while a
// client searches.
func benchApply(ctx context.Context, o options, report func(figure)) (err error) {
	library, state := filepath.Join(o.work, "apply-library"), filepath.Join(o.work, "apply")
	if err := makeApplyLibrary(ctx, o, library); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "indexing the library of 100,000 photos; a second run finds it indexed")
	if _, err := whileReady(ctx, o, library, func(*service) error { return nil }); err != nil {
		return err
	}
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	if output, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", library, state).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", library, err, output)
	}
	if err := otherWeights(o.bundle(), filepath.Join(state, "encoders", appliedName)); err != nil {
		return err
	}
	_, err = whileReady(ctx, o, state, func(s *service) error { return s.apply(ctx, report) })
	return err
}

func (s *service) apply(ctx context.Context, report func(figure)) error {
	queries, err := libraryQueries()
	if err != nil {
		return err
	}
	if _, err := s.ask(ctx, queries[:queryWarmUp]); err != nil {
		return err
	}
	before, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	type asked struct {
		took []float64
		err  error
	}
	answered := make(chan asked, 1)
	go func() {
		took, err := s.askNowAndThen(asking, queries[queryWarmUp:])
		answered <- asked{took, err}
	}()
	began := time.Now()
	if _, err := s.client.UseEncoder(ctx, api.SwapRequest{Encoder: appliedName}); err != nil {
		return err
	}
	after, err := s.until(ctx, func(status api.Status) bool { return status.Encoder.Space != before.Encoder.Space })
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	stop()
	swap, err := s.client.Swap(ctx)
	if err != nil {
		return err
	}
	if swap.Last == nil || swap.Last.Coverage.Encoded != applyPhotos {
		return fmt.Errorf("the swap to %s ended with %+v", after.Encoder.Space, swap.Last)
	}
	report(atMost("apply another encoder over the same features, 100,000 photos", took, "s", applyLimit))
	during := <-answered
	if during.err != nil && !errors.Is(during.err, context.Canceled) {
		return during.err
	}
	if len(during.took) > 0 {
		f := atMost("query meanwhile, 95 % within", quantile(during.took, 0.95), "ms", applyP95)
		f.Note = fmt.Sprintf("%d queries, median %.1f ms", len(during.took), quantile(during.took, 0.5))
		report(f)
	}
	return nil
}

// askNowAndThen is ask with a pause after each query, as of a person who scrolls.
func (s *service) askNowAndThen(ctx context.Context, queries []string) (took []float64, err error) {
	for at := range queries {
		one, err := s.ask(ctx, queries[at:at+1])
		took = append(took, one...)
		if err != nil {
			return took, err
		}
		select {
		case <-time.After(betweenQueries):
		case <-ctx.Done():
			return took, ctx.Err()
		}
	}
	return took, nil
}

// makeApplyLibrary makes the state where there is none yet for the encoder as it is.
func makeApplyLibrary(ctx context.Context, o options, state string) error {
	space, err := builtinSpace(ctx, o)
	if err != nil {
		return err
	}
	dimensions, err := builtinDimensions(o)
	if err != nil {
		return err
	}
	note := state + ".space"
	if content, err := os.ReadFile(note); err == nil && string(content) == space {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	features, widths, err := builtinFeatures(filepath.Join(o.work, "query-first"), o)
	if err != nil {
		return err
	}
	program := filepath.Join(o.work, "vsed-library")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./daemon/catalogue/vsed-library").CombinedOutput(); err != nil {
		return fmt.Errorf("build vsed-library: %w: %s", err, output)
	}
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, program, "--state", state, "--photos", strconv.Itoa(applyPhotos),
		"--space", space, "--dimensions", strconv.Itoa(dimensions), "--features", features, "--feature-parts", widths)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, output)
	}
	return os.WriteFile(note, []byte(space), 0o644)
}

// builtinFeatures gives the feature space, as a daemon without photos has named its
// file, and the widths of the parts.
func builtinFeatures(state string, o options) (space, widths string, err error) {
	files, err := filepath.Glob(filepath.Join(state, "features", "*.db"))
	if err != nil || len(files) != 1 {
		return "", "", fmt.Errorf("%s has no one feature space: %q, %w", state, files, err)
	}
	content, err := os.ReadFile(filepath.Join(o.bundle(), "manifest.json"))
	if err != nil {
		return "", "", err
	}
	var manifest struct {
		Features struct {
			Parts []struct {
				Width int `json:"width"`
			} `json:"parts"`
		} `json:"features"`
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		return "", "", err
	}
	var list []string
	for _, part := range manifest.Features.Parts {
		list = append(list, strconv.Itoa(part.Width))
	}
	return strings.TrimSuffix(filepath.Base(files[0]), ".db"), strings.Join(list, ","), nil
}

// otherWeights makes a bundle of another space over the same features: its parts of
// the vector weigh otherwise.
func otherWeights(bundle, into string) error {
	if err := errors.Join(os.RemoveAll(into), os.MkdirAll(filepath.Dir(into), 0o755)); err != nil {
		return err
	}
	if err := os.CopyFS(into, os.DirFS(bundle)); err != nil {
		return err
	}
	path := filepath.Join(into, "manifest.json")
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var manifest map[string]any
	if err := json.Unmarshal(content, &manifest); err != nil {
		return err
	}
	parts, ok := manifest["vector"].([]any)
	if !ok || len(parts) < 2 {
		return fmt.Errorf("the vector of %s has no two parts to weigh", bundle)
	}
	parts[len(parts)-1].(map[string]any)["weight"] = 0.98 // little enough for its golden vectors
	if content, err = json.Marshal(manifest); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
