package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vsed/daemon/api"
)

const (
	queryPhotos     = 275_000
	distinctQueries = 1000 // distinct, one after the other
	queryClients    = 8
	idleMedian      = 30.0 // milliseconds
	idleP95         = 60.0
	ingestP95       = 150.0
	leastAtOnce     = 80.0 // queries a second
	queryWarmUp     = 30
	ingestQueries   = 500
)

// benchQuery measures whole queries by the API in a library of 275,000 photos with
// tags: at rest, from several clients at once, and while other photos are taken
// in. Every query is another one, and nothing keeps answers.
func benchQuery(ctx context.Context, o options, report func(figure)) (err error) {
	library, state := filepath.Join(o.work, "query-library"), filepath.Join(o.work, "query")
	about, err := makeQueryLibrary(ctx, o, library)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "indexing the library of 275,000 photos; a second run finds it indexed")
	took, err := whileReady(ctx, o, library, func(*service) error { return nil })
	if err != nil {
		return err
	}
	report(atMost("daemon ready, 275,000 photos, with what must be indexed", took, "s", 300))
	// A copy is measured: the pictures that are taken in shall be new the next time.
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	if output, err := exec.CommandContext(ctx, "cp", "-a", "--reflink=auto", library, state).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w: %s", library, err, output)
	}
	queries, err := libraryQueries()
	if err != nil {
		return err
	}
	took, err = whileReady(ctx, o, state, func(s *service) error { return measureQueries(ctx, o, s, queries, about, report) })
	if err == nil {
		report(atMost("daemon ready again, 275,000 photos", took, "s", 5))
	}
	return err
}

// whileReady runs a daemon, does the work once it is ready, and says after how many
// seconds that was.
func whileReady(ctx context.Context, o options, state string, work func(*service) error) (seconds float64, err error) {
	empty := filepath.Join(o.work, "query-empty")
	if err := os.MkdirAll(empty, 0o755); err != nil {
		return 0, err
	}
	s, err := start(ctx, o, state, empty)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.until(ctx, func(s api.Status) bool { return s.Ready }); err != nil {
		return 0, err
	}
	seconds = time.Since(s.started).Seconds()
	return seconds, work(s)
}

// makeQueryLibrary makes the state where there is none yet, and says of which
// vectors.
func makeQueryLibrary(ctx context.Context, o options, state string) (about string, err error) {
	note := state + ".vectors"
	if content, err := os.ReadFile(note); err == nil {
		return string(content), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	space, err := builtinSpace(ctx, o)
	if err != nil {
		return "", err
	}
	dimensions, err := builtinDimensions(o)
	if err != nil {
		return "", err
	}
	program := filepath.Join(o.work, "vsed-library")
	if output, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./daemon/catalogue/vsed-library").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build vsed-library: %w: %s", err, output)
	}
	if err := os.RemoveAll(state); err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, program, "--state", state, "--photos", strconv.Itoa(queryPhotos),
		"--space", space, "--dimensions", strconv.Itoa(dimensions))
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", program, err, output)
	}
	about = fmt.Sprintf("%d-d vectors", dimensions)
	return about, os.WriteFile(note, []byte(about), 0o644)
}

// builtinSpace asks a daemon without photos.
func builtinSpace(ctx context.Context, o options) (space string, err error) {
	state, empty := filepath.Join(o.work, "query-first"), filepath.Join(o.work, "query-empty")
	if err := errors.Join(os.RemoveAll(state), os.MkdirAll(empty, 0o755)); err != nil {
		return "", err
	}
	service, err := start(ctx, o, state, empty)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	status, err := service.until(ctx, func(s api.Status) bool { return s.Encoder.Space != "" })
	return status.Encoder.Space, err
}

// builtinDimensions reads the length of the built-in encoder's vectors.
func builtinDimensions(o options) (dimensions int, err error) {
	content, err := os.ReadFile(filepath.Join(o.bundle(), "manifest.json"))
	if err != nil {
		return 0, err
	}
	var manifest struct {
		Vector []struct {
			Dimensions int `json:"dimensions"`
		} `json:"vector"`
	}
	err = json.Unmarshal(content, &manifest)
	for _, part := range manifest.Vector {
		dimensions += part.Dimensions
	}
	return dimensions, err
}

func measureQueries(ctx context.Context, o options, service *service, queries []string, about string, report func(figure)) error {
	what := "query by the API, 275,000 photos with tags, " + about
	if _, err := service.ask(ctx, queries[:queryWarmUp]); err != nil {
		return err
	}
	queries = queries[queryWarmUp:]
	took, err := service.ask(ctx, queries[:distinctQueries])
	if err != nil {
		return err
	}
	report(atMost(what+", median", quantile(took, 0.5), "ms", idleMedian))
	report(atMost(what+", 95 % within", quantile(took, 0.95), "ms", idleP95))
	perSecond, err := service.askAtOnce(ctx, queries[distinctQueries:2*distinctQueries])
	if err != nil {
		return err
	}
	report(figure{Bench: what + fmt.Sprintf(", %d clients", queryClients), Value: round(perSecond), Unit: "queries/s",
		Target: fmt.Sprintf(">= %g queries/s", leastAtOnce), OK: perSecond >= leastAtOnce})
	memory, err := service.anonymousMB()
	if err != nil {
		return err
	}
	report(figure{Bench: "daemon's anonymous memory, 275,000 photos", Value: round(memory), Unit: "MB", Target: "none", OK: true})
	return measureWhileIngesting(ctx, o, service, queries[2*distinctQueries:2*distinctQueries+ingestQueries], what, report)
}

// measureWhileIngesting adds the folder of 10,000 pictures for the time of the
// measurement.
func measureWhileIngesting(ctx context.Context, o options, service *service, queries []string, what string, report func(figure)) (err error) {
	folder, err := libraryPictures(ctx, o)
	if err != nil {
		return err
	}
	if _, err := service.client.AddFolder(ctx, folder); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.client.RemoveFolder(ctx, folder)) }()
	before, err := service.until(ctx, func(s api.Status) bool { return s.Rate > 0 })
	if err != nil {
		return err
	}
	took, err := service.ask(ctx, queries)
	if err != nil {
		return err
	}
	after, err := service.client.Status(ctx)
	if err != nil {
		return err
	}
	if after.Photos.Waiting == 0 {
		return fmt.Errorf("all of %s was encoded before the measurement ended: take more pictures", folder)
	}
	f := atMost(what+", 95 % within, during full ingest", quantile(took, 0.95), "ms", ingestP95)
	f.Note = fmt.Sprintf("%d photos were encoded meanwhile, %.0f a second; median %.1f ms", after.Photos.Encoded-before.Photos.Encoded, after.Rate, quantile(took, 0.5))
	report(f)
	return nil
}

// ask gives the milliseconds of each query, asked one after the other, up to the
// first that fails.
func (s *service) ask(ctx context.Context, queries []string) (took []float64, err error) {
	for _, query := range queries {
		begin := time.Now()
		result, err := s.client.Search(ctx, query, 20, "")
		if err == nil && result.Partial != "" {
			err = errors.New(result.Partial)
		}
		if err != nil {
			return took, fmt.Errorf("%s: %w", query, err)
		}
		took = append(took, time.Since(begin).Seconds()*1000)
	}
	return took, nil
}

// askAtOnce gives how many queries a second several clients get answered.
func (s *service) askAtOnce(ctx context.Context, queries []string) (perSecond float64, err error) {
	var next atomic.Int64
	errs := make([]error, queryClients)
	var clients sync.WaitGroup
	begin := time.Now()
	for i := range errs {
		clients.Go(func() {
			for errs[i] == nil {
				at := int(next.Add(1)) - 1
				if at >= len(queries) {
					return
				}
				_, errs[i] = s.ask(ctx, queries[at:at+1])
			}
		})
	}
	clients.Wait()
	return float64(len(queries)) / time.Since(begin).Seconds(), errors.Join(errs...)
}

func quantile(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(share*float64(len(sorted)-1))]
}

// libraryQueries draws sentences from the words of the library's own tags, by
// Zipf's law as those are: half of them with a word that stands on half of all
// photos or nearly all, a quarter with filters.
func libraryQueries() ([]string, error) {
	words, err := libraryWords()
	if err != nil {
		return nil, err
	}
	random, seen := rand.New(rand.NewPCG(7, 0)), make(map[string]bool)
	word := func() string { return words[int(math.Pow(float64(len(words)+1), random.Float64()))-1] }
	var queries []string
	for len(queries) < queryWarmUp+2*distinctQueries+ingestQueries {
		if query := drawQuery(random, word); !seen[query] {
			queries, seen[query] = append(queries, query), true
		}
	}
	return queries, nil
}

func drawQuery(random *rand.Rand, word func() string) string {
	parts := []string{word()}
	for range random.IntN(5) {
		parts = append(parts, word())
	}
	year := strconv.Itoa(2008 + random.IntN(16))
	if random.IntN(2) == 0 {
		parts = append(parts, []string{"dog", "family", year, "img"}[random.IntN(4)])
	}
	if random.IntN(4) == 0 {
		parts = append(parts, []string{
			"tag:" + word(), "-tag:" + word(), "date:" + year, "camera:pixel", "place:France", "near:48.85,2.35,5km", "folder:" + year, "rating:>=3", `-"` + word() + `"`,
		}[random.IntN(9)])
	}
	random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	if strings.HasPrefix(parts[0], "-") {
		slices.Reverse(parts)
	}
	return strings.Join(parts, " ")
}

// libraryWords are those that vsed-library draws from.
func libraryWords() (words []string, err error) {
	file, err := os.Open("daemon/catalogue/vsed-library/words.txt")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		words = append(words, lines.Text())
	}
	return words, lines.Err()
}
