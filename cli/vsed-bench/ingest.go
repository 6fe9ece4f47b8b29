package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"vsed/daemon/api"
)

const (
	ingestPhotos = 200
	// measuredPhotos is how many photos the decoder's steps are measured on.
	measuredPhotos = 12
)

// A side is one of those that take turns: photos a second, once.
type side struct {
	name   string
	target float64 // least ratio of ours to it
	run    func(ctx context.Context) (float64, error)
}

// benchIngest compares the daemon, thumbnails on, with the machine's limit and
// with the pipeline that Python programs use.
func benchIngest(ctx context.Context, o options, report func(figure)) error {
	photos, err := largePhotos(ctx, o)
	if err != nil {
		return err
	}
	sides := []side{{"bound: decode, resize, thumbnail and inference alone", 0.85, func(ctx context.Context) (float64, error) {
		return bound(ctx, o, photos)
	}}}
	note := ""
	if peers, err := pythonPeers(ctx, o, photos); err != nil {
		note = "no peer: " + err.Error()
	} else {
		sides = append(sides, peers...)
	}
	ours, theirs, err := takeTurns(ctx, o.runs, func(ctx context.Context) (float64, error) { return ingest(ctx, o, photos) }, sides)
	if err != nil {
		return err
	}
	for i, other := range sides {
		f := compare(ours, theirs[i], other.target)
		f.Bench, f.Unit, f.Peer, f.Note = "ingest of 12-megapixel JPEGs", "photos/s", other.name, note
		report(f)
	}
	return nil
}

// takeTurns runs ours and each other side in turns.
func takeTurns(ctx context.Context, runs int, ours func(context.Context) (float64, error), sides []side) (mine []float64, theirs [][]float64, err error) {
	theirs = make([][]float64, len(sides))
	for range runs {
		value, err := ours(ctx)
		if err != nil {
			return nil, nil, err
		}
		mine = append(mine, value)
		for i, other := range sides {
			if value, err = other.run(ctx); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", other.name, err)
			}
			theirs[i] = append(theirs[i], value)
		}
	}
	return mine, theirs, nil
}

// compare gives the median of the ratios turn by turn.
func compare(ours, theirs []float64, target float64) figure {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / theirs[i]
	}
	ratio := median(ratios)
	return figure{
		Value: round(median(ours)), PeerValue: round(median(theirs)), Ratio: round(ratio),
		Spread: []float64{round(slices.Min(ratios)), round(slices.Max(ratios))},
		Target: fmt.Sprintf("ratio >= %.2f", target), OK: ratio >= target,
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func round(value float64) float64 { return float64(int64(value*1000+0.5)) / 1000 }

// ingest runs a daemon with an empty state over the folder. The clock runs
// from when the folder has been scanned and the encoder is ready, as a peer's
// runs from when its model is loaded, to the last photo encoded; starting the
// programs is benchLibrary's matter.
func ingest(ctx context.Context, o options, folder string) (photosPerSecond float64, err error) {
	state := filepath.Join(o.work, "ingest")
	if err := os.RemoveAll(state); err != nil {
		return 0, err
	}
	service, err := start(ctx, o, state, folder)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	first, err := service.until(ctx, func(s api.Status) bool { return s.Photos.Total > 0 && s.Encoder.Space != "" })
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	last, err := service.until(ctx, func(s api.Status) bool { return s.Photos.Waiting == 0 })
	if err != nil {
		return 0, err
	}
	if last.Photos.Quarantined > 0 {
		return 0, fmt.Errorf("%d photos were set aside: %s", last.Photos.Quarantined, last.Quarantined[0].Reason)
	}
	return float64(last.Photos.Encoded-first.Photos.Encoded) / time.Since(begin).Seconds(), nil
}

// bound is what the cores would reach if nothing but the four steps ran, each
// at the pace that it has alone.
func bound(ctx context.Context, o options, folder string) (photosPerSecond float64, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	if err != nil {
		return 0, err
	}
	var decoder struct {
		Decode    float64 `json:"decode_ms"`
		Resize    float64 `json:"resize_ms"`
		Thumbnail float64 `json:"thumbnail_ms"`
	}
	var encoder struct {
		Picture float64 `json:"picture_ms"`
	}
	arguments := append([]string{"--measure"}, files[:min(measuredPhotos, len(files))]...)
	if err := measureWith(ctx, &decoder, o.program("vsed-decoder-vips"), arguments...); err != nil {
		return 0, err
	}
	if err := measureWith(ctx, &encoder, o.program("vsed-encoder-onnx"), "--bundle", o.bundle(), "--measure"); err != nil {
		return 0, err
	}
	return float64(runtime.NumCPU()) * 1000 / (decoder.Decode + decoder.Resize + decoder.Thumbnail + encoder.Picture), nil
}

// bundle is where the daemon beside the programs finds the built-in encoder.
func (o options) bundle() string { return filepath.Join(o.binaries, "../build/encoders/builtin") }

func measureWith(ctx context.Context, into any, program string, arguments ...string) error {
	output, err := exec.CommandContext(ctx, program, arguments...).Output()
	if err != nil {
		return describe(program, err)
	}
	return json.Unmarshal(output, into)
}

// describe adds what a failed program wrote.
func describe(program string, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
		return fmt.Errorf("%s: %w: %s", program, err, lines[len(lines)-1])
	}
	return fmt.Errorf("%s: %w", program, err)
}

// pythonPeers are the two ways that Python programs go: as most do, and with
// the decoder's own shrinking and threads that do not spin.
func pythonPeers(ctx context.Context, o options, folder string) ([]side, error) {
	program, model := filepath.Join(o.peers, "ingest.py"), filepath.Join(o.work, "float32.onnx")
	for _, path := range []string{program, model} {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	if output, err := exec.CommandContext(ctx, o.python, "-c", "import PIL, numpy, onnxruntime").CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return nil, errors.New(cmp.Or(lines[len(lines)-1], err.Error()))
	}
	peer := func(flags ...string) func(context.Context) (float64, error) {
		return func(ctx context.Context) (float64, error) {
			var answer struct {
				PhotosPerSecond float64 `json:"photos_per_s"`
			}
			err := measureWith(ctx, &answer, "env", append([]string{"-u", "OPENBLAS_CORETYPE", "-u", "OPENBLAS_L2_SIZE",
				o.python, program, "--model", model, folder}, flags...)...)
			return answer.PhotosPerSecond, err
		}
	}
	return []side{
		{"Pillow + onnxruntime, as rclip", 2.6, peer()},
		{"the same with draft mode and without spinning", 1.1, peer("--draft", "--no-spinning")},
	}, nil
}

// largePhotos gives the folder of 12-megapixel JPEGs, made where none is given.
func largePhotos(ctx context.Context, o options) (string, error) {
	if o.photos != "" {
		return o.photos, nil
	}
	folder := filepath.Join(o.work, "photos")
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	return folder, makePhotos(ctx, folder, ingestPhotos, 4000, 3000)
}
