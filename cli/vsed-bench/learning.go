package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"vsed/daemon/api"
)

const (
	learningPhotos  = 1000
	learningSeconds = 60.0
	learningP95     = 200.0 // milliseconds of a query meanwhile
	learningMemory  = 600.0 // MB
)

// benchLearning learns from 1,000 tagged photos while searches go on, as a user's box
// does. The photos are Corel5k's, of the data that serve development.
func benchLearning(ctx context.Context, o options, report func(figure)) (err error) {
	const name = "learning from 1,000 tagged photos"
	data := filepath.Join(o.peers, "..", "data", "corel5k")
	tags, err := readTags(filepath.Join(data, "tags.tsv"), learningPhotos)
	if err != nil {
		report(figure{Bench: name, Unit: "s", Target: fmt.Sprintf("< %g s", learningSeconds), Note: "not measured: " + err.Error()})
		return nil
	}
	fmt.Fprintln(os.Stderr, "encoding 4,500 photos; a second run finds them encoded")
	photos := filepath.Join(data, "photos")
	service, err := start(ctx, o, filepath.Join(o.work, "learning"), photos)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	if _, err := service.until(ctx, func(s api.Status) bool { return s.Ready }); err != nil {
		return err
	}
	if err := tagAll(ctx, service.client, photos, tags); err != nil {
		return err
	}
	run, took, waits, err := learnWhileSearching(ctx, service.client)
	if err != nil {
		return err
	}
	found, err := service.client.LearningReport(ctx, run.Number)
	if err != nil {
		return err
	}
	whole := atMost(name, took, "s", learningSeconds)
	whole.Note = fmt.Sprintf("%s: mAP of single tags %.1f before, %.1f after", run.State, found.Before.MAP.Value, found.After.MAP.Value)
	report(whole)
	slices.Sort(waits)
	meanwhile := atMost("search while learning, p95", waits[len(waits)*95/100], "ms", learningP95)
	meanwhile.Note = fmt.Sprintf("%d distinct queries, median %.1f ms", len(waits), median(waits))
	report(meanwhile)
	report(atMost("memory of the trainer", float64(found.Memory)/1e6, "MB", learningMemory))
	return nil
}

// A taggedFile is a row of tags.tsv.
type taggedFile struct {
	name string
	tags []string
}

func readTags(path string, most int) (rows []taggedFile, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() && len(rows) < most {
		name, tags, ok := strings.Cut(lines.Text(), "\t")
		if ok {
			rows = append(rows, taggedFile{name, strings.Split(tags, ",")})
		}
	}
	return rows, lines.Err()
}

// tagAll gives photos their tags, several at a time: each is on the disk before the
// next one.
func tagAll(ctx context.Context, client *api.Client, folder string, rows []taggedFile) error {
	learning, err := client.Learning(ctx)
	if err != nil || learning.Tagged >= int64(len(rows)) {
		return err
	}
	for _, row := range rows {
		photos, err := client.PhotosByPath(ctx, filepath.Join(folder, row.name))
		if err != nil {
			return err
		}
		if len(photos) != 1 {
			return fmt.Errorf("%s: %d photos", row.name, len(photos))
		}
		if _, err := client.AddTags(ctx, photos[0].ID, row.tags); err != nil {
			return err
		}
	}
	return nil
}

// learnWhileSearching gives the seconds of a run, and the milliseconds of each query
// that one client asks after the other meanwhile.
func learnWhileSearching(ctx context.Context, client *api.Client) (run api.LearningRun, took float64, waits []float64, err error) {
	begun := time.Now()
	if run, err = client.StartLearning(ctx); err != nil {
		return run, 0, nil, err
	}
	learned := make(chan struct{})
	var asking sync.WaitGroup
	var failed error
	asking.Go(func() {
		for i := 0; failed == nil; i++ {
			select {
			case <-learned:
				return
			case <-time.After(poll):
			}
			asked := time.Now()
			_, failed = client.Search(ctx, fmt.Sprintf("a photo of number %d in the sun", i), 20, "")
			waits = append(waits, time.Since(asked).Seconds()*1000)
		}
	})
	for now := (api.Learning{Run: &run}); err == nil && now.Run != nil; {
		time.Sleep(poll)
		now, err = client.Learning(ctx)
	}
	took = time.Since(begun).Seconds()
	close(learned)
	asking.Wait()
	if err = errors.Join(err, failed); err != nil {
		return run, took, nil, err
	}
	runs, err := client.LearningRuns(ctx)
	if err == nil {
		run = runs[0]
	}
	if err == nil && run.State != api.LearningProposed && run.State != api.LearningNoProposal {
		err = fmt.Errorf("learning run %d %s: %s", run.Number, run.State, run.Reason)
	}
	return run, took, waits, err
}
