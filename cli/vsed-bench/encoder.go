package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vsed/daemon/api"
	"vsed/plugins/host"
)

const (
	encodeSeconds = 4.0 // of each turn
	encodeBatch   = 8
	queryCount    = 200
	// queryTarget is the p95 of a query's encoding in milliseconds.
	queryTarget = 100
)

// encodePeer is the program of the Python peer.
//
//go:embed encode.py
var encodePeer []byte

// benchEncoder compares the encoder plugin, called as the daemon calls it, with
// Python's onnxruntime on the same graph, and times queries.
func benchEncoder(ctx context.Context, o options, report func(figure)) (err error) {
	encoder := host.NewEncoder(host.Command{
		Name: "encoder", Path: o.program("vsed-encoder-onnx"), Args: []string{"--bundle", o.bundle(), "--threads", "1"},
	}, host.Policy{}, slog.New(slog.DiscardHandler))
	defer func() { err = errors.Join(err, encoder.Close()) }()
	pictures, err := warmUp(ctx, encoder)
	if err != nil {
		return err
	}
	if err := benchPictures(ctx, o, encoder, pictures, report); err != nil {
		return err
	}
	if err := benchHop(ctx, o, encoder, pictures, report); err != nil {
		return err
	}
	if err := benchIdleQueries(ctx, encoder, report); err != nil {
		return err
	}
	return benchBusyQueries(ctx, o, report)
}

// warmUp makes a batch of pictures and encodes it, with which the plugin chooses
// its own batch.
func warmUp(ctx context.Context, encoder *host.EncoderHost) ([][]byte, error) {
	about, err := encoder.Describe(ctx)
	if err != nil {
		return nil, err
	}
	pictures := make([][]byte, encodeBatch)
	for i := range pictures {
		pictures[i] = make([]byte, about.GetPicture().GetWidth()*about.GetPicture().GetHeight()*3)
		for j := range pictures[i] {
			pictures[i][j] = byte(i + j*j/7)
		}
	}
	_, err = encoder.EncodePictures(ctx, pictures)
	return pictures, err
}

func benchPictures(ctx context.Context, o options, encoder *host.EncoderHost, pictures [][]byte, report func(figure)) error {
	version := ""
	peer := side{"Python onnxruntime, the picture graph alone, batch 8, one thread", 0.95, func(ctx context.Context) (float64, error) {
		var answer struct {
			PicturesPerSecond float64 `json:"pictures_per_s"`
			Version           string  `json:"version"`
		}
		err := o.encodeWithPython(ctx, &answer)
		version = answer.Version
		return answer.PicturesPerSecond, err
	}}
	f := figure{Bench: "pictures through the encoder plugin", Unit: "pictures/s", Target: "ratio >= 0.95"}
	if _, err := peer.run(ctx); err != nil {
		value, own := pace(ctx, encoder, pictures)
		f.Value, f.Note = round(value), "no peer: "+err.Error()
		report(f)
		return own
	}
	ours, theirs, err := takeTurns(ctx, o.runs, func(ctx context.Context) (float64, error) { return pace(ctx, encoder, pictures) }, []side{peer})
	if err != nil {
		return err
	}
	compared := compare(ours, theirs[0], peer.target)
	compared.Bench, compared.Unit, compared.Peer, compared.Note = f.Bench, f.Unit, peer.name, "onnxruntime "+version
	report(compared)
	return nil
}

// encodeWithPython runs the peer on the bundle's picture graph.
func (o options) encodeWithPython(ctx context.Context, into any) error {
	program := filepath.Join(o.work, "encode.py")
	if err := os.WriteFile(program, encodePeer, 0o644); err != nil {
		return err
	}
	return measureWith(ctx, into, o.python, program, filepath.Join(o.bundle(), "image.onnx"),
		strconv.Itoa(encodeBatch), "224", "1", fmt.Sprint(encodeSeconds))
}

// pace is how many pictures a second one caller gets through the plugin.
func pace(ctx context.Context, encoder *host.EncoderHost, pictures [][]byte) (float64, error) {
	began, count := time.Now(), 0
	for time.Since(began).Seconds() < encodeSeconds {
		if _, err := encoder.EncodePictures(ctx, pictures); err != nil {
			return 0, err
		}
		count += len(pictures)
	}
	return float64(count) / time.Since(began).Seconds(), nil
}

// benchHop is what it costs, in CPU time of both processes, that the encoder is a
// process of its own. The least of each side counts: others on the machine add to
// both, and the difference is small.
func benchHop(ctx context.Context, o options, encoder *host.EncoderHost, pictures [][]byte, report func(figure)) error {
	var called, alone []float64
	for range o.runs {
		var measured struct {
			Picture float64 `json:"picture_ms"`
		}
		if err := measureWith(ctx, &measured, o.program("vsed-encoder-onnx"), "--bundle", o.bundle(), "--measure"); err != nil {
			return err
		}
		each, err := cpuOfCalls(ctx, encoder, pictures)
		if err != nil {
			return err
		}
		called, alone = append(called, each), append(alone, measured.Picture)
	}
	hop := slices.Min(called) - slices.Min(alone)
	report(figure{
		Bench: "cost of the plugin hop", Value: round(hop), Unit: "ms CPU a photo", Target: "<= 2", OK: hop <= 2,
		Note: fmt.Sprintf("least of %d turns: %.2f ms through the plugin, %.2f ms within it", o.runs, slices.Min(called), slices.Min(alone)),
	})
	return nil
}

// cpuOfCalls is the CPU time of both processes for one picture, in milliseconds.
func cpuOfCalls(ctx context.Context, encoder *host.EncoderHost, pictures [][]byte) (float64, error) {
	before, err := cpuTime(encoder.ProcessID())
	if err != nil {
		return 0, err
	}
	const rounds = 20
	for range rounds {
		if _, err := encoder.EncodePictures(ctx, pictures); err != nil {
			return 0, err
		}
	}
	after, err := cpuTime(encoder.ProcessID())
	return (after - before).Seconds() * 1000 / float64(rounds*len(pictures)), err
}

// cpuTime is that of this process and another.
func cpuTime(id int) (time.Duration, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat is not as it should be", id)
	}
	const tick = 10 * time.Millisecond // USER_HZ, which is 100 on every Linux that Go runs on
	var ticks int64
	for _, field := range fields[11:13] {
		count, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += count
	}
	return time.Duration(ticks)*tick + time.Duration(usage.Utime.Nano()+usage.Stime.Nano()), nil
}

func benchIdleQueries(ctx context.Context, encoder *host.EncoderHost, report func(figure)) error {
	var times []float64
	for i := range queryCount {
		began := time.Now()
		if _, err := encoder.EncodeTexts(ctx, []string{query(i)}); err != nil {
			return err
		}
		times = append(times, milliseconds(began))
	}
	reportQueries(report, "a query's encoding, idle", times, "")
	return nil
}

// benchBusyQueries searches while a daemon encodes a folder for the first time: the
// whole search, of which the encoding is the greatest part.
func benchBusyQueries(ctx context.Context, o options, report func(figure)) (err error) {
	photos, err := largePhotos(ctx, o)
	if err != nil {
		return err
	}
	state := filepath.Join(o.work, "queries")
	if err := os.RemoveAll(state); err != nil {
		return err
	}
	service, err := start(ctx, o, state, photos)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	if _, err := service.until(ctx, func(s api.Status) bool { return s.Photos.Encoded > encodeBatch }); err != nil {
		return err
	}
	var times []float64
	for i := 0; ; i++ {
		began := time.Now()
		if _, err := service.client.Search(ctx, query(i), 10, ""); err != nil {
			return err
		}
		times = append(times, milliseconds(began))
		status, err := service.client.Status(ctx)
		if err != nil {
			return err
		}
		if status.Photos.Waiting == 0 {
			break
		}
	}
	reportQueries(report, "a search while photos are encoded", times, "the whole search, through the API")
	return nil
}

func milliseconds(since time.Time) float64 { return time.Since(since).Seconds() * 1000 }

// query is one that nobody has asked before.
func query(number int) string {
	return fmt.Sprintf("a dog on a beach at sunset, number %d", number)
}

func reportQueries(report func(figure), name string, times []float64, note string) {
	slices.Sort(times)
	p95 := times[len(times)*95/100]
	f := figure{Bench: name + ", p95", Value: round(p95), Unit: "ms", Target: fmt.Sprintf("< %d", queryTarget), OK: p95 < queryTarget}
	f.Note = strings.TrimPrefix(fmt.Sprintf("%s; median %.1f ms of %d", note, median(times), len(times)), "; ")
	report(f)
}
