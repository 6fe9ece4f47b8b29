package learn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"

	"vsed/encoders/builtin/heads"
	"vsed/encoders/builtin/replay"
	"vsed/encoders/encoder"
	"vsed/encoders/learned"
	"vsed/index/evaluate"
	"vsed/index/fusion"
	"vsed/training/classnames"
	"vsed/training/model"
	"vsed/training/stage"
)

// judge ranks the photos held out by each tag that is asked, as a search does: by the
// vectors, by what is told of learned tags, and by both.
type judge struct {
	*run
	vocabulary []string
	features   [][]float32 // of the vocabulary as sentences, of unit length
	readable   []bool      // by the encoder's tokenizer
	place      map[string]int
	plain      [][]float64  // cosines of the base's own vectors: of each query, of each photo
	vectors    [][]float32  // those of the photos held out
	knew       *learnedTags // what the base tells of them; nil where it has learned no tags

	// What heads are learned and measured with; start is nil where there are none.
	start    *learnedHeads
	standard *model.Standard // nil where they are maps, which take vectors of unit length
	replay   *replay.Set
	guard    stage.Captioned
	prepared [][]float32 // photos held out, as heads take them
	part     classnames.Part
	named    [][]float32 // what class names say of those photos
	others   [][]float32 // features of sentences that are not about the user's photos
}

func (r *run) newJudge(ctx context.Context) (*judge, error) {
	j := &judge{run: r, vocabulary: r.split.vocabulary(), place: map[string]int{}}
	for i, tag := range j.vocabulary {
		j.place[tag] = i
	}
	if err := j.read(ctx); err != nil {
		return nil, err
	}
	if err := j.project(ctx); err != nil {
		return nil, err
	}
	return j, j.begin()
}

// read gives the vocabulary's features.
func (j *judge) read(ctx context.Context) (err error) {
	sentences, err := encoder.OpenSentences(ctx, j.base.Path("."), j.base.Text, j.library)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sentences.Close()) }()
	vectors := learned.VectorsAreFeatures(j.base)
	var strange []string
	for i, tag := range j.vocabulary {
		if i%100 == 0 {
			j.step("reading the tags as words", i, len(j.vocabulary))
		}
		row, err := sentences.Feature(ctx, tag)
		if err != nil {
			return err
		}
		if vectors {
			row = unit(row)
		}
		j.features, j.readable = append(j.features, row), append(j.readable, sentences.Knows(tag))
		if !j.readable[i] {
			strange = append(strange, tag)
		}
	}
	if vectors {
		if j.others, err = general(ctx, sentences); err != nil {
			return err
		}
	}
	if len(strange) > 0 {
		j.note("%s: learned and found as written, but not within sentences", unreadable(strange))
	}
	return nil
}

// unreadable says that the encoder cannot read tags; one at least is given.
func unreadable(tags []string) string {
	if len(tags) == 1 {
		return fmt.Sprintf("%.60q is in letters that the encoder cannot read", tags[0])
	}
	return fmt.Sprintf("%d tags are in letters that the encoder cannot read, such as %.60q", len(tags), tags[0])
}

// project gives the base's vectors of the photos held out, its scores, and what it tells.
func (j *judge) project(ctx context.Context) error {
	var names []string
	if j.base.Tags != nil {
		var err error
		if names, err = j.base.LearnedTags(); err != nil {
			return err
		}
		j.knew = &learnedTags{told: map[string][]float64{}}
	}
	out := j.split.out()
	j.step("projecting photos", 0, len(out))
	return j.withProjector(ctx, func(projector *encoder.Projector) (err error) {
		for i, place := range out {
			found, err := projector.Project(ctx, [][]byte{j.input.photos[place].feature})
			if err != nil {
				return err
			}
			j.vectors = append(j.vectors, found[0].GetVector())
			for _, tag := range found[0].GetTags() {
				j.knew.set(names[tag.GetTag()], i, len(out), float64(tag.GetConfidence()))
			}
		}
		j.plain, err = j.cosines(ctx, projector, j.asked())
		return err
	})
}

// withProjector has work done by the base's own heads.
func (j *judge) withProjector(ctx context.Context, work func(*encoder.Projector) error) error {
	projector, err := encoder.OpenProjector(ctx, j.base, j.library, encoder.Options{Threads: j.task.Threads})
	if err != nil {
		return err
	}
	return errors.Join(work(projector), projector.Close())
}

// cosines are those of sentences with the base's own vectors.
func (j *judge) cosines(ctx context.Context, projector *encoder.Projector, sentences [][]float32) (list [][]float64, err error) {
	for _, feature := range sentences {
		sentence, err := projector.Sentence(ctx, feature)
		if err != nil {
			return nil, err
		}
		list = append(list, dots(sentence, j.vectors))
	}
	return list, nil
}

// strangers are the base's cosines with sentences that are not about the user's photos.
func (j *judge) strangers(ctx context.Context) (list [][]float64, err error) {
	err = j.withProjector(ctx, func(projector *encoder.Projector) (err error) {
		list, err = j.cosines(ctx, projector, j.others)
		return err
	})
	return list, err
}

// begin reads what heads begin from, where the bundle has it.
func (j *judge) begin() (err error) {
	if learned.VectorsAreFeatures(j.base) {
		j.beginMaps()
		return nil
	}
	learning, ok := j.base.Learning, false
	if j.part, ok = classnames.Find(j.base.Vector); !ok || learning == nil || learning.Replay == "" {
		return nil
	}
	file, err := heads.Read(j.base.Path(learning.Heads))
	if err != nil {
		return err
	}
	if j.replay, err = replay.Read(j.base.Path(learning.Replay)); err != nil {
		return err
	}
	j.standard = &model.Standard{Mean: j.replay.Mean, Scale: j.replay.Scale}
	if j.start, err = j.used(file); err != nil {
		return err
	}
	j.guard = stage.Replayed(j.replay.Guard.Rows())
	j.prepared = j.standard.Read(rows{j.input, j.split.out()})
	captions := j.replay.Guard.Rows().Captions
	for i := range min(mostOthers, len(captions)) {
		j.others = append(j.others, unit(captions[i*len(captions)/min(mostOthers, len(captions))]))
	}
	for _, vector := range j.vectors {
		j.named = append(j.named, j.part.Of(vector))
	}
	return nil
}

// used gives heads as they are after they were written, for all folds.
func (j *judge) used(file *heads.File) (*learnedHeads, error) {
	trained, err := stage.FromFile(file, j.standard)
	return &learnedHeads{file, trained, slices.Repeat([]stage.Heads{trained}, len(j.split.folds))}, err
}

func unit(values []float32) []float32 {
	row := slices.Clone(values)
	if length := blas32.Nrm2(vector(row)); length > 0 {
		blas32.Scal(1/length, vector(row))
	}
	return row
}

func vector(values []float32) blas32.Vector {
	return blas32.Vector{N: len(values), Inc: 1, Data: values}
}

func dots(with []float32, rows [][]float32) []float64 {
	found := make([]float64, len(rows))
	for i, row := range rows {
		found[i] = blas32.DDot(vector(with), vector(row))
	}
	return found
}

// parted are scores of some sentences for each photo held out, by heads and by class
// names, and how much more these weigh for each sentence.
type parted struct {
	heads, named [][]float64
	emphasis     []float64
}

// parts runs the heads of each fold on what is held out of it; sentences are features of
// unit length. The cosines of one sentence stand in one row, whichever heads they are of:
// only those of one fold are compared, see sample.
func (j *judge) parts(ctx context.Context, of []stage.Heads, sentences [][]float32) (p parted, err error) {
	p.heads = make([][]float64, len(sentences))
	scaled := j.entered(sentences)
	for f, fold := range j.split.folds {
		pictures, err := of[f].Picture.Vectors(ctx, j.library, j.task.Threads, j.prepared[fold.from:fold.to])
		if err != nil {
			return p, err
		}
		texts, err := of[f].Sentence.Vectors(ctx, j.library, j.task.Threads, scaled)
		if err != nil {
			return p, err
		}
		for i, text := range texts {
			p.heads[i] = append(p.heads[i], dots(text, pictures)...)
		}
	}
	for _, sentence := range sentences {
		p.named = append(p.named, dots(sentence, j.named))
	}
	p.emphasis, err = j.emphases(ctx, sentences)
	return p, err
}

// emphases are how much more class names weigh for sentences; maps have none beside them.
func (j *judge) emphases(ctx context.Context, sentences [][]float32) ([]float64, error) {
	list := make([]float64, len(sentences))
	if j.standard == nil {
		return list, nil
	}
	return list, j.withProjector(ctx, func(projector *encoder.Projector) error {
		for i, feature := range sentences {
			sentence, err := projector.Sentence(ctx, feature)
			if err != nil {
				return err
			}
			list[i] = j.part.Emphasis(sentence)
		}
		return nil
	})
}

// joined are the cosines of whole vectors, where the class names have a weight.
func (p parted) joined(weight float64) [][]float64 {
	scores := make([][]float64, len(p.heads))
	for i := range scores {
		scores[i] = make([]float64, len(p.heads[i]))
		ofSentence := weight * p.emphasis[i]
		length := math.Sqrt((1 + weight*weight) * (1 + ofSentence*ofSentence))
		for k := range scores[i] {
			scores[i][k] = (p.heads[i][k] + weight*ofSentence*p.named[i][k]) / length
		}
	}
	return scores
}

// leastDeviation keeps cosines that never differ from being divided by zero.
const leastDeviation = 1e-6

// deviation is that of cosines between photos and sentences that do not describe them.
func deviation(cosines [][]float64) float64 {
	all := slices.Concat(cosines...)
	mean, squares := evaluate.Mean(all), 0.
	for _, value := range all {
		squares += (value - mean) * (value - mean)
	}
	return max(leastDeviation, math.Sqrt(squares/float64(len(all))))
}

// asked are the features of the queries.
func (j *judge) asked() (features [][]float32) {
	for _, query := range j.split.held.queries {
		features = append(features, j.features[j.place[query.Tags[0]]])
	}
	return features
}

// sight is what vectors say: the cosines of each query, and how far those of sentences
// spread that describe none of the photos.
type sight struct {
	cosines   [][]float64
	deviation float64
}

// beside adds what is told of the tags to the cosines of vectors, as a search does.
func (j *judge) beside(seen sight, tags *learnedTags) [][]float64 {
	if tags == nil {
		return seen.cosines
	}
	sums := make([][]float64, len(seen.cosines))
	for i, told := range j.told(tags) {
		sums[i] = make([]float64, len(told))
		for k, confidence := range told {
			sums[i][k] = seen.cosines[i][k]/seen.deviation + fusion.Learned*fusion.Evidence(confidence)
		}
	}
	return sums
}

// told are the confidences in each query's tag.
func (j *judge) told(tags *learnedTags) (scores [][]float64) {
	for _, query := range j.split.held.queries {
		told := tags.told[query.Tags[0]]
		if told == nil {
			told = make([]float64, len(j.split.out()))
		}
		scores = append(scores, told)
	}
	return scores
}

// mostOthers is how many of the guard's captions serve as sentences of others.
const mostOthers = 500

// floor is the cosine below which nothing fits a search, by other heads than the base
// has: it moves as far as what sentences of others reach with the photos held out.
func (j *judge) floor(ctx context.Context, now *learnedHeads) (floor float64, err error) {
	before, err := j.strangers(ctx)
	if err != nil {
		return 0, err
	}
	after, err := j.parts(ctx, slices.Repeat([]stage.Heads{now.heads}, len(j.split.folds)), j.others)
	if err != nil {
		return 0, err
	}
	moved := j.base.Score.MatchFloor + reach(after.joined(now.file.ClassNames)) - reach(before)
	return math.Round(1000*min(1, max(0, moved))) / 1000, nil
}

// reach is above nearly all cosines.
func reach(cosines [][]float64) float64 {
	all := slices.Concat(cosines...)
	slices.Sort(all)
	return all[len(all)*95/100]
}
