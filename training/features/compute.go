package features

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sync/errgroup"

	"vsed/encoders/feature"
	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// keepEvery is how many features are written in one step: what a killed run loses.
const keepEvery = 256

// Decoder is a *host.DecoderHost.
type Decoder interface {
	Decode(ctx context.Context, photo *os.File, request host.DecodeRequest) (*host.Decoded, error)
}

// PictureEncoder is a *host.EncoderHost, or an *encoder.Encoder.
type PictureEncoder interface {
	EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error)
}

// SentenceEncoder is an *encoder.Sentences. Its methods may be called at the same time.
type SentenceEncoder interface {
	Feature(ctx context.Context, sentence string) ([]float32, error)
}

// A Progress says how far a long step is.
type Progress struct {
	What        string // "photos" or "sentences"
	Done, Total int
	PerSecond   float64
	Left        time.Duration
}

func (p Progress) String() string {
	return fmt.Sprintf("%d of %d %s, %.0f/s, %v left", p.Done, p.Total, p.What, p.PerSecond, p.Left.Round(time.Second))
}

// meter measures how fast a step is; what was there before does not count.
type meter struct {
	progress Progress
	begun    time.Time
	report   func(Progress)
}

func newMeter(what string, total int, report func(Progress)) *meter {
	return &meter{progress: Progress{What: what, Total: total}, begun: time.Now(), report: report}
}

func (m *meter) add(count int) {
	p := &m.progress
	p.Done += count
	if seconds := time.Since(m.begun).Seconds(); seconds > 0 && p.Done > 0 {
		p.PerSecond = float64(p.Done) / seconds
		p.Left = time.Duration(float64(p.Total-p.Done) / p.PerSecond * float64(time.Second))
	}
	m.report(*p)
}

// A Refused photo has no features.
type Refused struct {
	Name   string
	Reason string
}

// Camera is how photos become features.
type Camera struct {
	Decoders []Decoder // work at the same time, a photo each
	Encoder  PictureEncoder
	Format   *contract.PictureFormat
	Batch    int // pictures in one call of the encoder
}

// AddPictures computes what the file lacks of the photos in a folder: those that are
// new, and those whose size or time has changed. A photo that the decoder refuses is
// reported; whatever else fails ends the run, which the next one takes up.
func (s *Store) AddPictures(ctx context.Context, camera Camera, folder string, names []string, report func(Progress)) ([]Refused, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("photos: %w", err)
	}
	defer root.Close()
	missing, err := s.changed(root, names)
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	a := &adding{store: s, camera: camera, root: root, meter: newMeter("photos", len(missing), report)}
	return a.run(ctx, missing)
}

// A waiting photo is one to decode.
type waiting struct {
	name  string
	stamp []byte
}

// changed gives the photos of which the file has no feature or an old one.
func (s *Store) changed(root *os.Root, names []string) (list []waiting, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range names {
			info, err := root.Stat(filepath.FromSlash(name))
			if err != nil {
				return fmt.Errorf("photo %s in %s: %w: complete the folder, or take it off the list", name, root.Name(), withoutPath(err))
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("photo %s in %s is no file: take it off the list", name, root.Name())
			}
			found := tx.Bucket(picturesBucket).Get([]byte(name))
			if one := (waiting{name, stamp(info)}); len(found) < stampBytes || string(found[:stampBytes]) != string(one.stamp) {
				list = append(list, one)
			}
		}
		return nil
	})
	return list, err
}

func withoutPath(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// adding is one run of AddPictures.
type adding struct {
	store   *Store
	camera  Camera
	root    *os.Root
	meter   *meter
	refused []Refused // of the encoding goroutine
	entries []entry   // computed and not yet written
}

// A decoded photo waits for the encoder; one that was refused says why.
type decoded struct {
	waiting
	pixels []byte
	reason string
}

func (a *adding) run(ctx context.Context, list []waiting) ([]Refused, error) {
	group, ctx := errgroup.WithContext(ctx)
	photos, pictures := make(chan waiting), make(chan decoded, a.camera.Batch)
	group.Go(func() error {
		defer close(photos)
		for _, one := range list {
			select {
			case photos <- one:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	group.Go(func() error {
		defer close(pictures)
		decoders, ctx := errgroup.WithContext(ctx)
		for _, decoder := range a.camera.Decoders {
			decoders.Go(func() error { return a.decode(ctx, decoder, photos, pictures) })
		}
		return decoders.Wait()
	})
	group.Go(func() error { return a.encode(ctx, pictures) })
	err := group.Wait()
	return a.refused, errors.Join(err, a.keep())
}

func (a *adding) decode(ctx context.Context, decoder Decoder, photos <-chan waiting, pictures chan<- decoded) error {
	for one := range photos {
		found, err := a.decodeOne(ctx, decoder, one)
		if err != nil {
			return fmt.Errorf("photo %s: %w", one.name, err)
		}
		select {
		case pictures <- found:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// decodeOne tries a photo twice that brings the decoder down, and then refuses it.
func (a *adding) decodeOne(ctx context.Context, decoder Decoder, one waiting) (decoded, error) {
	for attempt := 1; ; attempt++ {
		pixels, err := a.pixels(ctx, decoder, one.name)
		var rejected *host.RejectedError
		var crash *host.CrashError
		var timeout *host.TimeoutError
		switch {
		case err == nil:
			return decoded{waiting: one, pixels: pixels}, nil
		case errors.As(err, &rejected):
			return decoded{waiting: one, reason: rejected.Reason}, nil
		case errors.As(err, &crash), errors.As(err, &timeout):
			if attempt == 2 {
				return decoded{waiting: one, reason: err.Error()}, nil
			}
		default:
			return decoded{}, err
		}
	}
}

func (a *adding) pixels(ctx context.Context, decoder Decoder, name string) ([]byte, error) {
	file, err := a.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	found, err := decoder.Decode(ctx, file, host.DecodeRequest{
		Name: filepath.Base(name), Pictures: []*contract.PictureFormat{a.camera.Format},
	})
	if err != nil {
		return nil, err
	}
	return found.Pictures[0], nil
}

// encode gathers batches; photos come in any order, as the file has none.
func (a *adding) encode(ctx context.Context, pictures <-chan decoded) error {
	var batch []decoded
	for one := range pictures {
		if one.reason != "" {
			a.refused = append(a.refused, Refused{one.name, one.reason})
			a.meter.add(1)
			continue
		}
		if batch = append(batch, one); len(batch) < a.camera.Batch {
			continue
		}
		if err := a.encodeBatch(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	if len(batch) == 0 {
		return nil
	}
	return a.encodeBatch(ctx, batch)
}

func (a *adding) encodeBatch(ctx context.Context, batch []decoded) error {
	pixels := make([][]byte, len(batch))
	for i, one := range batch {
		pixels[i] = one.pixels
	}
	found, err := a.camera.Encoder.EncodePictures(ctx, pixels)
	if err != nil {
		return err
	}
	widths := a.store.Origin.Widths
	for i, one := range batch {
		stored := found[i].GetFeature()
		if len(stored) == 0 { // an encoder without features: its vector is what is learned on
			stored = feature.Quantise(found[i].GetVector(), widths)
		}
		if err := feature.Check(stored, widths); err != nil {
			return fmt.Errorf("photo %s: %w", one.name, err)
		}
		a.entries = append(a.entries, entry{[]byte(one.name), append(one.stamp, stored...)})
	}
	a.meter.add(len(batch))
	if len(a.entries) < keepEvery {
		return nil
	}
	return a.keep()
}

func (a *adding) keep() error {
	if len(a.entries) == 0 {
		return nil
	}
	err := a.store.put(picturesBucket, a.entries)
	a.entries = nil
	return err
}

// AddSentences computes what the file lacks of the sentences, on so many goroutines.
func (s *Store) AddSentences(ctx context.Context, encoder SentenceEncoder, threads int, sentences []string, report func(Progress)) error {
	missing, err := s.unknown(sentences)
	if err != nil {
		return err
	}
	meter := newMeter("sentences", len(missing), report)
	for begin := 0; begin < len(missing); begin += keepEvery {
		batch := missing[begin:min(begin+keepEvery, len(missing))]
		entries := make([]entry, len(batch))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(threads)
		for i, sentence := range batch {
			group.Go(func() (err error) {
				entries[i], err = s.sentence(ctx, encoder, sentence)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if err := s.put(textsBucket, entries); err != nil {
			return err
		}
		meter.add(len(batch))
	}
	return nil
}

// unknown gives the sentences, each once, that are not in the file.
func (s *Store) unknown(sentences []string) (list []string, err error) {
	seen := map[string]bool{}
	err = s.db.View(func(tx *bbolt.Tx) error {
		for _, sentence := range sentences {
			if !seen[sentence] && tx.Bucket(textsBucket).Get(textKey(sentence)) == nil {
				list = append(list, sentence)
			}
			seen[sentence] = true
		}
		return nil
	})
	return list, err
}

func (s *Store) sentence(ctx context.Context, encoder SentenceEncoder, sentence string) (entry, error) {
	values, err := encoder.Feature(ctx, sentence)
	if err == nil && len(values) != s.Origin.TextWidth {
		err = fmt.Errorf("the encoder gives %d values, not %d", len(values), s.Origin.TextWidth)
	}
	if err == nil {
		err = finite(values)
	}
	if err != nil {
		return entry{}, fmt.Errorf("sentence %.80q: %w", sentence, err)
	}
	written := make([]byte, 0, 4*len(values))
	for _, value := range values {
		written = binary.LittleEndian.AppendUint32(written, math.Float32bits(value))
	}
	return entry{textKey(sentence), written}, nil
}
