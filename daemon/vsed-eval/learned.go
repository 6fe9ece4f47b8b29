package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"vsed/daemon/catalogue"
	"vsed/index"
	"vsed/index/fusion"
	"vsed/index/vector"
	"vsed/plugins/contract"
)

// projectBatch is how many features are projected in a call.
const projectBatch = 500

// A learner is the set with an encoder that has learned from the photos whose tags are
// known, and what it is sure of, by tag and photo.
type learner struct {
	*set
	sure map[string]map[int64]float64
}

// learned measures what searches find among photos of which half have tags, before
// and after the encoder has learned from that half.
func learned(ctx context.Context, s *set, t *table) error {
	g, err := s.tagged()
	if err != nil {
		return err
	}
	features, err := s.features(ctx)
	if err != nil {
		return err
	}
	kinds := []struct {
		name    string
		queries []query
		m       measured
	}{{"single tags", g.singles(), measured{}}, {"pairs of tags", g.pairs(), measured{}}}
	for _, kind := range kinds {
		if err := s.encodeQueries(ctx, kind.queries); err != nil {
			return err
		}
	}
	for seed := range uint64(seeds) {
		err := s.withLearner(ctx, g, seed, features, func(h half, l *learner) error {
			for _, kind := range kinds {
				if err := s.measureLearned(ctx, g, h, l, kind.queries, kind.m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	var ways []way
	for _, name := range []string{before, headsAlone, tagsAlone, "as shipped"} {
		ways = append(ways, way{name: name})
	}
	for _, kind := range kinds {
		if err := kind.m.report(t, kind.name, ways); err != nil {
			return err
		}
	}
	return nil
}

// What is compared: both parts of what was learned, each alone and together, always
// with the words.
const (
	before     = "before learning"
	headsAlone = "learned heads"
	tagsAlone  = "learned tags"
)

func (s *set) measureLearned(ctx context.Context, g tagged, h half, l *learner, queries []query, m measured) error {
	own := slices.Clone(queries)
	if err := l.encodeQueries(ctx, own); err != nil {
		return err
	}
	for _, with := range []struct {
		*set
		queries       []query
		without, both string
	}{{s, queries, before, tagsAlone}, {l.set, own, headsAlone, "as shipped"}} {
		c, err := with.calibration(ctx)
		if err != nil {
			return err
		}
		for _, q := range with.queries {
			lists, err := with.lists(ctx, h, q)
			if err != nil {
				return err
			}
			if err := m.add(with.without, c.Blend().Fuse(lists), q, h, len(g.photos)); err != nil {
				return err
			}
			lists.Learned = l.evidence(g, h, q)
			if err := with.addCosines(q, &lists); err != nil {
				return err
			}
			if err := m.add(with.both, c.Blend().Fuse(lists), q, h, len(g.photos)); err != nil {
				return err
			}
		}
	}
	return nil
}

// addCosines adds those of photos that were found by learning alone.
func (s *set) addCosines(q query, l *fusion.Lists) error {
	listed := map[int64]bool{}
	for _, hit := range l.Vectors {
		listed[hit.ID] = true
	}
	var more []int64
	for _, hit := range l.Learned {
		if !listed[hit.ID] {
			more = append(more, hit.ID)
		}
	}
	scores, err := s.vectors.Score(q.vector, more)
	for id, score := range scores {
		l.Vectors = append(l.Vectors, index.Hit{ID: id, Score: score})
	}
	return err
}

// features reads what the daemon stored of the photos.
func (s *set) features(ctx context.Context) (map[int64][]byte, error) {
	about := s.texts.about
	filled, err := s.state.Space(ctx, about.GetSpace())
	if err == nil {
		err = filled.Describe(ctx, catalogue.Description{FeatureSpace: about.GetFeatureSpace()})
	}
	if err == nil {
		err = filled.Gather(ctx)
	}
	if err != nil {
		return nil, err
	}
	empty, err := s.state.Space(ctx, "evaluated") // of which all photos lack their vector
	if err == nil {
		err = empty.Describe(ctx, catalogue.Description{FeatureSpace: about.GetFeatureSpace()})
	}
	if err != nil {
		return nil, err
	}
	stored, _, err := empty.Projectable(ctx, 0, math.MaxInt32)
	features := make(map[int64][]byte, len(stored))
	for _, one := range stored {
		features[one.Photo] = one.Feature
	}
	return features, errors.Join(err, s.state.RemoveSpace(ctx, "evaluated"))
}

// withLearner learns from a half of the photos and has work done with it.
func (s *set) withLearner(ctx context.Context, g tagged, seed uint64, features map[int64][]byte, work func(half, *learner) error) (err error) {
	folder, err := os.MkdirTemp(s.work, "learned-*")
	if err != nil {
		return err
	}
	defer func() { err = joined(err, os.RemoveAll(folder)) }()
	h, err := g.half(filepath.Join(folder, "words"), seed)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, h.words.Close()) }()
	run := filepath.Join(folder, "run")
	if err := s.learn(ctx, run, g, h, seed, features); err != nil {
		return err
	}
	l, err := s.openLearner(ctx, folder, filepath.Join(run, contract.LearnedFile), g, features)
	if err != nil {
		return err
	}
	defer func() { err = joined(err, errors.Join(l.vectors.Close(), l.texts.close())) }()
	return work(h, l)
}

// learn runs the trainer, as the daemon does.
func (s *set) learn(ctx context.Context, run string, g tagged, h half, seed uint64, features map[int64][]byte) error {
	if err := os.Mkdir(run, 0o700); err != nil {
		return err
	}
	task, err := json.Marshal(contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: s.bundle, FeatureSpace: s.texts.about.GetFeatureSpace(), Name: "learned", Seed: seed + 1, Threads: 2,
	})
	if err != nil {
		return err
	}
	var photos, raw bytes.Buffer
	lines := json.NewEncoder(&photos)
	for i, one := range g.photos {
		if !h.known[one.id] {
			continue
		}
		if err := lines.Encode(contract.TrainingPhoto{Photo: one.id, Tags: g.tags[i]}); err != nil {
			return err
		}
		raw.Write(features[one.id])
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(run, contract.TaskFile), task, 0o600),
		os.WriteFile(filepath.Join(run, contract.PhotosFile), photos.Bytes(), 0o600),
		os.WriteFile(filepath.Join(run, contract.FeaturesFile), raw.Bytes(), 0o600))
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "learning from half %d\n", seed+1)
	var said bytes.Buffer
	trainer := exec.CommandContext(ctx, filepath.Join(s.binaries, "vsed-trainer"), "learn", "--run", run)
	trainer.Stderr = &said
	if err := trainer.Run(); err != nil {
		return fmt.Errorf("vsed-trainer: %w: %s", err, strings.TrimSpace(said.String()))
	}
	content, err := os.ReadFile(filepath.Join(run, contract.ReportFile))
	if err != nil {
		return err
	}
	var report contract.TrainingReport
	if err := json.Unmarshal(content, &report); err != nil {
		return err
	}
	if report.Outcome != contract.Proposed {
		return fmt.Errorf("nothing was learned: %s", report.Reason)
	}
	return nil
}

// openLearner has the learned encoder make vectors and tags of all photos.
func (s *set) openLearner(ctx context.Context, folder, bundle string, g tagged, features map[int64][]byte) (*learner, error) {
	o := s.options
	o.work, o.bundle = folder, bundle
	l := &learner{&set{options: o}, map[string]map[int64]float64{}}
	var err error
	if l.texts, err = openTexts(ctx, o); err != nil {
		return nil, err
	}
	if l.vectors, err = vector.Open(filepath.Join(folder, "vectors"), int(l.texts.about.GetDimensions()), vector.Options{}); err != nil {
		return nil, joined(err, l.texts.close())
	}
	for some := range slices.Chunk(g.photos, projectBatch) {
		if err := l.project(ctx, some, features); err != nil {
			return nil, joined(err, errors.Join(l.vectors.Close(), l.texts.close()))
		}
	}
	return l, nil
}

func (l *learner) project(ctx context.Context, photos []photo, features map[int64][]byte) error {
	raw := make([][]byte, len(photos))
	for i, one := range photos {
		raw[i] = features[one.id]
	}
	made, err := l.texts.encoder.Project(ctx, raw)
	if err != nil {
		return err
	}
	tags, put := l.texts.about.GetLearnedTags(), make([]vector.Vector, len(photos))
	for i, one := range photos {
		put[i] = vector.Vector{ID: one.id, Values: made[i].GetVector()}
		l.photos = append(l.photos, photo{one.id, made[i].GetVector()})
		for _, tag := range made[i].GetTags() {
			name, confidence := tags[tag.GetTag()], float64(tag.GetConfidence())
			if confidence < catalogue.LeastConfidence {
				continue
			}
			if l.sure[name] == nil {
				l.sure[name] = map[int64]float64{}
			}
			l.sure[name][one.id] = confidence
		}
	}
	return l.vectors.Apply(put, nil, l.vectors.Change()+1)
}

// evidence is the list of what was learned, as package search makes it; what is known
// is certain.
func (l *learner) evidence(g tagged, h half, q query) (hits []index.Hit) {
	for i, one := range g.photos {
		sum := 0.0
		for _, tag := range q.tags {
			confidence := l.sure[tag][one.id]
			if h.known[one.id] && slices.Contains(g.tags[i], tag) {
				confidence = 1
			}
			sum += fusion.Evidence(confidence)
		}
		if sum > 0 {
			hits = append(hits, index.Hit{ID: one.id, Score: sum / float64(len(q.tags))})
		}
	}
	slices.SortFunc(hits, index.Compare)
	return hits
}
