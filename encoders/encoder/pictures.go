package encoder

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"vsed/encoders/bundle"
	"vsed/encoders/runtime"
	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// pictureSide runs the picture graph and the projection of its features. The graph
// is freed when nothing was encoded for a while, or when it is told to be.
type pictureSide struct {
	format     bundle.Picture
	width      int // of the picture graph's output
	fill       filler
	projection *projection // nil where no features are kept
	reopen     func() (*graph, error)
	overtake   *sync.RWMutex // read-locked while a text is encoded
	idle       time.Duration // 0: never freed for want of work
	about      *contract.Session
	thread     *aside // loads and runs the graph
	log        func(message string, attributes ...any)

	mutex sync.Mutex  // held while the graph is loaded, runs or is freed
	image *graph      // nil while it is not loaded
	timer *time.Timer // frees the graph; nil where idle is 0
	batch int         // pictures in a run; 0 until it has been found
}

func openPictures(ctx context.Context, b *bundle.Bundle, loader *loader, overtake *sync.RWMutex) (*pictureSide, error) {
	side := &pictureSide{
		format: b.Picture, width: b.Dimensions(), overtake: overtake, idle: loader.options.IdleUnload, log: loader.options.Log.Info,
		thread: newAside(),
	}
	if err := side.open(ctx, b, loader); err != nil {
		side.thread.close()
		return nil, err
	}
	return side, nil
}

func (s *pictureSide) open(ctx context.Context, b *bundle.Bundle, loader *loader) (err error) {
	if s.fill, err = newFiller(b.Picture); err != nil {
		return err
	}
	if b.Features != nil {
		if s.projection, err = openProjection(ctx, b, loader); err != nil {
			return err
		}
		s.width = s.projection.width
	}
	var loaded *opened
	err = s.thread.do(func() (err error) { loaded, err = loader.open(ctx, s.part(b)); return err })
	if err != nil {
		return errors.Join(err, s.projection.close())
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.image, s.about, s.reopen = loaded.graph, loaded.about, loaded.reopen
	s.postpone()
	return nil
}

// part is what the loader needs to know of the picture graph.
func (s *pictureSide) part(b *bundle.Bundle) part {
	return part{
		name: "picture", graph: b.Picture.Graph, output: b.Picture.Output,
		shape: s.shape,
		check: func(g *graph) error { return checkPicturePorts(g.session, s.format) },
		try: func(ctx context.Context, g *graph) error {
			_, err := s.runBatch(ctx, g, int(max(1, g.session.Inputs[0].Dims[0])), nil)
			return err
		},
	}
}

// shape is what an engine is built for.
func (s *pictureSide) shape(port runtime.Port) runtime.ShapeRange {
	profile := bundle.Profile{Least: 1, Optimum: s.format.Batch, Most: s.format.Batch}
	if s.format.Profile != nil {
		profile = *s.format.Profile
	}
	sides := func(batch int) []int64 { return s.fill(nil, batch).Shape }
	return runtime.ShapeRange{Input: port.Name, Min: sides(profile.Least), Optimum: sides(profile.Optimum), Max: sides(profile.Most)}
}

// load opens the graph where it was freed; the mutex is held.
func (s *pictureSide) load() (err error) {
	if s.image == nil {
		s.image, err = s.reopen()
	}
	return err
}

// postpone puts off the freeing of the graph; the mutex is held.
func (s *pictureSide) postpone() {
	if s.idle <= 0 {
		return
	}
	if s.timer != nil {
		s.timer.Reset(s.idle)
		return
	}
	s.timer = time.AfterFunc(s.idle, func() {
		if err := s.unload(); err != nil {
			s.log("the idle picture graph could not be freed", "error", err)
		}
	})
}

// unload frees the graph when the runs of a call are over.
func (s *pictureSide) unload() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	image := s.image
	s.image = nil
	return image.close()
}

func (s *pictureSide) close() error {
	if s.timer != nil {
		s.timer.Stop()
	}
	defer s.thread.close()
	return errors.Join(s.unload(), s.projection.close())
}

// encode runs the pictures in batches of one size.
func (s *pictureSide) encode(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	length := s.format.Width * s.format.Height * 3
	for i, picture := range pictures {
		if len(picture) != length {
			return nil, sdk.Rejected("picture %d is %d bytes long, not %d", i, len(picture), length)
		}
	}
	var outputs [][]float32
	for len(pictures) > 0 {
		rows, err := s.next(ctx, pictures)
		if err != nil {
			return nil, fmt.Errorf("encode pictures: %w", err)
		}
		outputs, pictures = append(outputs, rows...), pictures[len(rows):]
	}
	return s.embed(ctx, outputs)
}

// next runs as many pictures as go into one batch. The turn ends with it, so that
// a caller of one waits for one batch only.
func (s *pictureSide) next(ctx context.Context, pictures [][]byte) (rows [][]float32, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	defer s.postpone()
	err = s.thread.do(func() (err error) { rows, err = s.runNext(ctx, pictures); return err })
	return rows, err
}

// runNext is next on the thread. The batch is chosen when there are pictures for
// one: to choose takes seconds, which the first photo of a few and the self-test
// of a roll-back need not wait for.
func (s *pictureSide) runNext(ctx context.Context, pictures [][]byte) ([][]float32, error) {
	if err := s.load(); err != nil {
		return nil, err
	}
	if s.batch == 0 && s.fixed() > 0 {
		s.batch = s.fixed()
	}
	if s.batch == 0 && len(pictures) >= leastCall {
		if err := s.chooseBatch(ctx); err != nil {
			return nil, err
		}
	}
	s.letTextsPass()
	batch := max(1, s.batch)
	return s.runBatch(ctx, s.image, batch, pictures[:min(batch, len(pictures))])
}

// fixed is the batch that the graph demands, 0 where it takes any.
func (s *pictureSide) fixed() int { return int(max(0, s.image.session.Inputs[0].Dims[0])) }

// letTextsPass waits for the texts that are being encoded now.
func (s *pictureSide) letTextsPass() {
	s.overtake.Lock()
	defer s.overtake.Unlock()
}

// runBatch always runs the same size, filled up with zeros: mixed sizes make the
// runtime keep memory for each.
func (s *pictureSide) runBatch(ctx context.Context, image *graph, batch int, pictures [][]byte) ([][]float32, error) {
	values, err := image.values(ctx, batch*s.width, s.fill(pictures, batch))
	if err != nil {
		return nil, err
	}
	return rows(values, s.width)[:len(pictures)], nil
}

// embed turns the graph's outputs into vectors, through the stored form where
// features are kept.
func (s *pictureSide) embed(ctx context.Context, outputs [][]float32) ([]*contract.Embedding, error) {
	if s.projection != nil {
		return s.projection.embed(ctx, outputs)
	}
	embeddings := make([]*contract.Embedding, len(outputs))
	for i, vector := range outputs {
		if err := normalise(vector); err != nil {
			return nil, fmt.Errorf("picture %d: %w", i, err)
		}
		embeddings[i] = &contract.Embedding{Vector: vector}
	}
	return embeddings, nil
}

func rows(values []float32, width int) [][]float32 {
	var rows [][]float32
	for ; len(values) > 0; values = values[width:] {
		rows = append(rows, values[:width:width])
	}
	return rows
}

// normalise gives a vector unit length: not every graph does.
func normalise(vector []float32) error {
	var square float64
	for _, value := range vector {
		square += float64(value) * float64(value)
	}
	if !(square > 0) || math.IsInf(square, 0) {
		return errors.New("the graph's output has no direction: it is all zeros or not finite")
	}
	length := math.Sqrt(square)
	for i := range vector {
		vector[i] = float32(float64(vector[i]) / length)
	}
	return nil
}
