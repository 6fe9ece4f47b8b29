package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"

	"vsed/encoders/runtime"
	"vsed/training/dataset"
	"vsed/training/evaluation"
	"vsed/training/joint"
	"vsed/training/words"
)

// An Experiment is a configuration with the data it names.
type Experiment struct {
	Config
	library          *runtime.Library
	material         material
	words            map[string][]float32 // the vectors to begin from
	one, two         lexicon
	captioned        joint.Data // in the numbers of stage I
	replayed, tagged joint.Data // and of stage II
}

// Open reads what an experiment needs.
func Open(c Config) (*Experiment, error) {
	library, err := runtime.Load([]string{c.Library})
	if err != nil {
		return nil, err
	}
	m, err := read(c)
	if err != nil {
		return nil, err
	}
	return newExperiment(c, library, m)
}

func newExperiment(c Config, library *runtime.Library, m material) (*Experiment, error) {
	x := &Experiment{Config: c, library: library, material: m}
	tagger := words.NewTagger()
	own, web := tagsOf(m.captioned.set, tagger), tagsOf(m.web.set, tagger)
	if c.Web.Noise > 0 {
		web = spoil(web, c.Web.Noise)
	}
	captions := captionsOf(m.captioned.set)
	if c.Model.Vectors != "" {
		var err error
		if x.words, x.Model.Word, err = readVectors(c.Model.Vectors, m.texts, slices.Concat(web...)); err != nil {
			return nil, err
		}
	}
	one, two := vocabularies(captions, web, c.Model.Floor, x.words)
	x.one, x.two = newLexicon(one, own), newLexicon(two, slices.Concat(own, web))
	x.captioned = x.one.data(m.captioned, own, true)
	x.replayed, x.tagged = x.two.data(m.captioned, own, true), x.two.data(m.web, web, false)
	return x, x.check()
}

// check tells before stage I what would end stage II.
func (x *Experiment) check() error {
	tagged := 0
	for _, tags := range x.tagged.Tags {
		if len(tags) > 0 {
			tagged++
		}
	}
	if x.Web.From != "none" && tagged < 2 {
		return fmt.Errorf("%d of %d photos for stage II have tags of known words, two are the least: lower model.floor, or name more", tagged, len(x.tagged.Tags))
	}
	return nil
}

func captionsOf(set dataset.Set) (captions []string) {
	for _, photo := range set {
		captions = append(captions, photo.Captions...)
	}
	return captions
}

// newModel draws a model for stage I, or begins it from the words' vectors.
func (x *Experiment) newModel(seed uint64) *joint.Model {
	m := joint.New(joint.Sizes{
		Picture: len(x.material.captioned.pictures[0]), Word: x.Model.Word, Joint: x.Model.Joint, Vocabulary: x.one.vocabulary.Len(),
	}, rand.New(rand.NewPCG(seed, 0)))
	for i, word := range x.one.vocabulary.Words() {
		at := x.one.vocabulary.Len() - len(x.one.vocabulary.Words()) + i
		if vector, ok := x.words[word]; ok {
			copy(m.Words[at*m.Word:], vector)
		}
	}
	return m
}

// A Report hears of each epoch of a stage, and of what it found; its error ends the run.
type Report func(stage int, epoch joint.Epoch, found evaluation.Retrieval) error

// A Stage is what one comes to: its best epoch's, by the sum of recalls.
type Stage struct {
	Model *joint.Model         `json:"-"`
	Curve []joint.Epoch        `json:"curve"`
	Found evaluation.Retrieval `json:"found"`
}

// StageOne learns from captions. A checkpoint is kept where one is named.
func (x *Experiment) StageOne(ctx context.Context, seed uint64, checkpoint string, report Report) (Stage, error) {
	run := joint.Run{Settings: x.stageOne(seed), Library: x.library, Checkpoint: checkpoint}
	return x.learn(ctx, 1, run, x.newModel(seed), x.captioned, joint.Data{}, x.one, report)
}

// StageTwo learns from tags, from where stage I has ended.
func (x *Experiment) StageTwo(ctx context.Context, one Stage, seed uint64, checkpoint string, report Report) (Stage, error) {
	run := joint.Run{Settings: x.stageTwo(seed), Library: x.library, Checkpoint: checkpoint}
	model := one.Model.Grown(x.two.vocabulary.Len(), words.Unknown, rand.New(rand.NewPCG(seed, 2)))
	return x.learn(ctx, 2, run, model, x.replayed, x.tagged, x.two, report)
}

func (x *Experiment) learn(ctx context.Context, stage int, run joint.Run, model *joint.Model, captioned, tagged joint.Data, lexicon lexicon, report Report) (Stage, error) {
	judge := x.judge(stage, run.Settings, lexicon, x.material.dev, report)
	s, err := Stage{Model: model}, error(nil)
	if s.Curve, err = run.Learn(ctx, model, captioned, tagged, judge.epoch); err != nil {
		return s, fmt.Errorf("stage %d: %w", stage, err)
	}
	s.Found, err = judge.measure(ctx, model, 1)
	return s, err
}

// judge measures a model on photos that judge.
type judge struct {
	stage    int
	reader   joint.Reader
	pictures [][]float32
	captions [][]int32
	owner    []int
	report   Report
}

func (x *Experiment) judge(stage int, s joint.Settings, lexicon lexicon, of photos, report Report) *judge {
	j := &judge{stage: stage, reader: joint.Reader{Library: x.library, Threads: s.Threads, Length: s.Length}, pictures: of.pictures, report: report}
	for i, photo := range of.set {
		for _, caption := range photo.Captions {
			j.captions, j.owner = append(j.captions, lexicon.encode(caption)), append(j.owner, i)
		}
	}
	return j
}

// measure ranks among all photos, and where more folds are asked for within each.
func (j *judge) measure(ctx context.Context, model *joint.Model, folds int) (evaluation.Retrieval, error) {
	pictures, err := j.reader.Pictures(ctx, model, j.pictures)
	if err != nil {
		return evaluation.Retrieval{}, err
	}
	captions, err := j.reader.Sentences(ctx, model, j.captions)
	if err != nil {
		return evaluation.Retrieval{}, err
	}
	return evaluation.RetrieveFolds(evaluation.Captioned{Pictures: pictures, Captions: captions, Owner: j.owner}, folds)
}

func (j *judge) epoch(ctx context.Context, epoch joint.Epoch, model *joint.Model) (float64, error) {
	found, err := j.measure(ctx, model, 1)
	if err != nil {
		return 0, err
	}
	epoch.Score = found.RSum()
	return epoch.Score, j.report(j.stage, epoch, found)
}

// StageOneKey names all that stage I depends on: configurations of one key have it in
// common.
func (c Config) StageOneKey(seed uint64) string {
	web := Web{}
	if c.Web.From == "set" && c.Model.Vectors != "" { // the tags' words have vectors, too
		web = c.Web
	}
	return key(c.Loss, c.Data, web, c.Model, c.One, seed)
}

// Key names all that both stages depend on.
func (c Config) Key(seed uint64) string { return key(c, seed) }

func key(of ...any) string {
	sum := sha256.New()
	for _, each := range of {
		fmt.Fprintf(sum, "%+v\n", each)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// Epochs are those of both stages.
func (c Config) Epochs() (one, two int) {
	if c.Web.From != "none" {
		two = c.Two.Epochs
	}
	return c.One.Epochs, two
}

// Photos are how many have captions, and tags.
func (x *Experiment) Photos() (captioned, tagged int) {
	return len(x.material.captioned.set), len(x.material.web.set)
}

// Words are those of a model, by their numbers; the first ones are no words.
func (x *Experiment) Words(m *joint.Model) []string {
	return x.two.vocabulary.Words()[:m.Vocabulary-(x.two.vocabulary.Len()-len(x.two.vocabulary.Words()))]
}
