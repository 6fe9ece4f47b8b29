package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"vsed/daemon/api"
)

const (
	libraryPhotos = 10_000
	queries       = 200
	firstHitLimit = 10.0
)

// benchLibrary measures a daemon with 10,000 photos: how soon a new folder
// gives a hit, how long a query takes, how much memory the daemon holds.
func benchLibrary(ctx context.Context, o options, report func(figure)) error {
	folder, err := libraryPictures(ctx, o)
	if err != nil {
		return err
	}
	if err := benchFirstHit(ctx, o, folder, report); err != nil {
		return err
	}
	service, err := start(ctx, o, filepath.Join(o.work, "library"), folder)
	if err != nil {
		return err
	}
	err = measureLibrary(ctx, o, service, report)
	return errors.Join(err, service.stop())
}

// libraryPictures gives the folder of 10,000 small pictures.
func libraryPictures(ctx context.Context, o options) (folder string, err error) {
	folder = filepath.Join(o.work, "library-photos")
	if _, err = os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		err = makePhotos(ctx, folder, libraryPhotos, 320, 240)
	}
	return folder, err
}

func benchFirstHit(ctx context.Context, o options, folder string, report func(figure)) (err error) {
	var seconds []float64
	for range o.runs {
		state := filepath.Join(o.work, "first-hit")
		if err := os.RemoveAll(state); err != nil {
			return err
		}
		service, err := start(ctx, o, state, folder)
		if err != nil {
			return err
		}
		_, err = service.until(ctx, func(api.Status) bool {
			result, err := service.client.Search(ctx, "waves", 1, "")
			return err == nil && len(result.Hits) > 0
		})
		took := time.Since(service.started).Seconds()
		if err := errors.Join(err, service.stop()); err != nil {
			return err
		}
		seconds = append(seconds, took)
	}
	report(atMost("first hit of a fresh start on a new folder", median(seconds), "s", firstHitLimit))
	return nil
}

// noGoodMatch is the exit status of vsectl for a search that was answered all
// the same.
const noGoodMatch = 1

func atMost(name string, value float64, unit string, limit float64) figure {
	return figure{Bench: name, Value: round(value), Unit: unit, Target: fmt.Sprintf("< %g %s", limit, unit), OK: value < limit}
}

func measureLibrary(ctx context.Context, o options, service *service, report func(figure)) error {
	fmt.Fprintln(os.Stderr, "encoding the library of 10,000 photos; a second run finds it encoded")
	if _, err := service.until(ctx, func(s api.Status) bool { return s.Ready }); err != nil {
		return err
	}
	byProcess, err := timed(func(query string) error {
		command := exec.CommandContext(ctx, o.program("vsectl"), "--socket", service.client.Socket, "search", query)
		if err := command.Run(); err != nil && command.ProcessState.ExitCode() != noGoodMatch {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("vsectl search: %w", err)
	}
	report(atMost("search by vectors and words, 10,000 photos, vsectl process included", byProcess, "ms", 60))
	byAPI, err := timed(func(query string) error {
		_, err := service.client.Search(ctx, query, 20, "")
		return err
	})
	if err != nil {
		return err
	}
	report(atMost("search by vectors and words, 10,000 photos, API alone", byAPI, "ms", 20))
	memory, err := service.anonymousMB()
	if err != nil {
		return err
	}
	report(atMost("daemon's anonymous memory, 10,000 photos", memory, "MB", 100))
	return nil
}

// timed gives the median milliseconds of distinct queries.
func timed(ask func(query string) error) (float64, error) {
	words := []string{"dog", "beach", "red", "car", "mountain", "people", "water", "night", "flower", "house"}
	var took []float64
	for i := range queries + 5 {
		query := fmt.Sprintf("%s near a %s, number %d", words[i%len(words)], words[i/len(words)%len(words)], i)
		begin := time.Now()
		if err := ask(query); err != nil {
			return 0, err
		}
		if i >= 5 { // the first ones warm up
			took = append(took, time.Since(begin).Seconds()*1000)
		}
	}
	return median(took), nil
}
