package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"vsed/encoders/runtime"
	"vsed/training/graph"
	"vsed/training/loss"
	"vsed/training/model"
)

// Tagged are pictures in the form that heads take, the features of all words likewise,
// and for each picture the places of its words, in rising order.
type Tagged struct {
	Pictures [][]float32
	Words    [][]float32
	Tags     [][]int
	// Known are other sentences, in the form that heads take, whose likeness to the pictures
	// is to stay what it was; none where captioned pictures are replayed.
	Known [][]float32
}

// Two are the settings of stage II: learning from tags while captioned pictures are
// replayed, so that what was known stays known.
type Two struct {
	Rates
	Epochs      int     `toml:"epochs" json:"epochs"` // over the tagged pictures
	LeastSteps  int     `toml:"least_steps" json:"least_steps"`
	Batch       int     `toml:"batch" json:"batch"`           // tagged pictures a step
	Replay      int     `toml:"replay" json:"replay"`         // captioned pairs a step; 0: none
	Replayed    float64 `toml:"replayed" json:"replayed"`     // weight of their loss
	Vocabulary  float64 `toml:"vocabulary" json:"vocabulary"` // weight of the softmax over all words, both ways
	Distilled   float64 `toml:"-" json:"-"`                   // weight of the old likenesses of known sentences
	Temperature float64 `toml:"temperature" json:"temperature"`
	Kept        float64 `toml:"kept" json:"kept"` // part of the old weights in the result (WiSE-FT)
	Seed        uint64  `toml:"seed" json:"seed"`
	Saving      Saving  `toml:"-" json:"-"`
}

// DefaultTwo is the recipe of the table.
func DefaultTwo() Two {
	return Two{
		Rates:  Rates{Rate: 1e-3, Decay: 1e-2, WarmUp: .1, Dropout: .4, Noise: .4, Threads: 2},
		Epochs: 25, LeastSteps: 200, Batch: 128, Replay: 256, Replayed: 2, Vocabulary: 1, Temperature: .07, Kept: .2,
	}
}

// mostVocabulary is how many words the softmax over the vocabulary has at most: more
// are drawn from anew at each step.
const mostVocabulary = 512

// Check says whether heads can learn from tags by these settings; Run asks, too.
func (o Two) Check(heads Heads, tagged Tagged, replay Captioned) error {
	if len(tagged.Pictures) == 0 || len(tagged.Words) == 0 || len(tagged.Tags) != len(tagged.Pictures) {
		return fmt.Errorf("%d tagged pictures, %d words and %d lists of tags: there is nothing to learn from", len(tagged.Pictures), len(tagged.Words), len(tagged.Tags))
	}
	for _, words := range tagged.Tags {
		if len(words) > 0 && (words[0] < 0 || words[len(words)-1] >= len(tagged.Words)) || !slices.IsSorted(words) {
			return fmt.Errorf("a picture has tags %v, of %d words", words, len(tagged.Words))
		}
	}
	switch {
	case o.Epochs < 1 || o.Batch < 2 || !(o.Temperature > 0) || o.Kept < 0 || o.Kept > 1:
		return errors.New("epochs must be 1 or more, batch 2 or more, temperature above 0, kept from 0 to 1")
	case o.Dropout < 0 || o.Dropout >= 1 || o.Noise < 0 || o.Noise >= 1:
		return errors.New("dropout and noise lie from 0 up to, not at, 1")
	}
	if err := errors.Join(widths("tagged picture", tagged.Pictures, heads.Picture.Inputs), widths("word", tagged.Words, heads.Sentence.Inputs),
		widths("known sentence", tagged.Known, heads.Sentence.Inputs)); err != nil || o.Replay == 0 {
		return err
	}
	if err := replay.check(heads); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if holders := len(newDealer(replay.Owner, nil).holders); o.Replay > holders {
		return fmt.Errorf("%d pairs a step cannot be replayed from %d captioned pictures: set replay to that or less", o.Replay, holders)
	}
	return nil
}

// shapes are the sides of a step.
type shapes struct{ tagged, words, replay, known int }

// build writes the graph of a step: the tagged pictures come first, then the replayed
// ones, as one batch.
func (o Two) build(heads Heads, s shapes) (b built, err error) {
	g := graph.New("stage-2")
	all := s.tagged + s.replay
	pictures := g.Input("all", all, heads.Picture.Inputs)
	if o.Noise > 0 {
		pictures = g.Dropout(pictures, g.Input("pictures.clear", all, heads.Picture.Inputs))
	}
	pictures = heads.Picture.Declare(g).Apply(g, pictures, hiddenKept(g, "pictures", all, heads.Picture))
	sentence := heads.Sentence.Declare(g)
	texts := func(name string, count int) *graph.Value {
		return sentence.Apply(g, g.Input(name, count, heads.Sentence.Inputs), hiddenKept(g, name, count, heads.Sentence))
	}
	score := func(a, b *graph.Value) *graph.Value { return g.Scale(g.MatMulTransposed(a, b), 1/o.Temperature) }
	tagged := g.Slice(pictures, 0, 0, s.tagged)
	total := loss.Contrastive(g, score(tagged, texts("tags", s.tagged)), g.Mask("tags.negatives", s.tagged, s.tagged))
	if o.Vocabulary > 0 {
		total = g.Sub(total, g.Scale(towards(g, "words", score(tagged, texts("words", s.words)), s.tagged, s.words), o.Vocabulary/2))
	}
	if s.known > 0 {
		total = g.Sub(total, g.Scale(towards(g, "known", score(tagged, texts("known", s.known)), s.tagged, s.known), o.Distilled/2))
	}
	if s.replay > 0 {
		scores := score(g.Slice(pictures, 0, s.tagged, all), texts("captions", s.replay))
		total = g.Add(total, g.Scale(loss.Contrastive(g, scores, g.Mask("negatives", s.replay, s.replay)), o.Replayed))
	}
	b.model, err = g.Training(total)
	return b, err
}

// hiddenKept is the dropout of a head's hidden layer; nil where it has none.
func hiddenKept(g *graph.Graph, name string, count int, head *model.Head) *graph.Value {
	if head.Hidden == 0 {
		return nil
	}
	return g.Input(name+".kept", count, head.Hidden)
}

// towards is how likely pictures' sentences are, and sentences' pictures, by two inputs
// that say how much each counts.
func towards(g *graph.Graph, name string, scores *graph.Value, pictures, sentences int) *graph.Value {
	there := g.Sum(g.Mul(g.Input(name+".of", pictures, sentences), g.LogSoftmax(scores)))
	back := g.Sum(g.Mul(g.Input(name+".by", sentences, pictures), g.LogSoftmax(g.Transpose(scores))))
	return g.Reshape(g.Add(there, back))
}

// Steps is how many a run on so many tagged pictures takes, and how many an epoch.
func (o Two) Steps(tagged int) (all, perEpoch int) {
	batch := min(o.Batch, tagged)
	perEpoch = (tagged + batch - 1) / batch
	return max(o.LeastSteps, o.Epochs*perEpoch), perEpoch
}

// Run trains a copy of the heads and gives its weights mixed with theirs. After each
// epoch it calls report, whose error ends the run.
func (o Two) Run(ctx context.Context, library *runtime.Library, start Heads, tagged Tagged, replay Captioned, report func(Epoch) error) (learned Heads, err error) {
	if err := o.Check(start, tagged, replay); err != nil {
		return start, err
	}
	heads := start.Clone()
	var holders []int // as owners of one caption each, for the dealer
	for picture, words := range tagged.Tags {
		if len(words) > 0 {
			holders = append(holders, picture)
		}
	}
	if len(holders) < 2 {
		return start, fmt.Errorf("%d pictures have tags: two are the least", len(holders))
	}
	s := shapes{tagged: min(o.Batch, len(holders)), words: min(len(tagged.Words), mostVocabulary), replay: o.Replay}
	var old likeness
	if o.Distilled > 0 && len(tagged.Known) > 0 {
		s.known = len(tagged.Known)
		if old, err = o.likeness(ctx, library, start, tagged); err != nil {
			return start, err
		}
	}
	graph, err := o.build(heads, s)
	if err != nil {
		return start, err
	}
	run, err := open(library, graph, heads, o.Rates)
	if err != nil {
		return start, err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	steps, perEpoch := o.Steps(len(holders))
	l, err := optimise(run, heads, o.Rates, steps, o.Seed)
	if err != nil {
		return start, err
	}
	dealTagged, dealReplay := newDealer(holders, l.random), newDealer(replay.Owner, l.random)
	save, err := l.resume(o.Saving, o, func(w io.Writer) {
		digest(w, [][]float32{start.numbers()})
		tagged.Digest(w)
		replay.Digest(w)
	}, steps, dealTagged, dealReplay)
	if err != nil {
		return start, err
	}
	for number := l.adam.Steps(); number < steps; number++ {
		o.batch(l, s, tagged, old, replay, dealTagged, dealReplay)
		loss, err := l.take(ctx)
		if err != nil {
			return start, err
		}
		last := (number+1)%perEpoch == 0 || number == steps-1
		if mean := save.add(loss, last); last {
			if err := report(Epoch{number/perEpoch + 1, mean}); err != nil {
				return start, err
			}
		}
		if err := save.keep(); err != nil {
			return start, err
		}
	}
	learned = l.learned().Clone()
	learned.Blend(start, o.Kept)
	return learned, nil
}

// batch fills in tagged pictures, and pairs to replay behind them.
func (o Two) batch(l *learner, s shapes, tagged Tagged, old likeness, replay Captioned, dealTagged, dealReplay *dealer) {
	pictures := dealTagged.next(s.tagged)
	all, width := l.step.Numbers("all"), len(tagged.Pictures[0])
	fill(all, tagged.Pictures, pictures)
	l.words(tagged.Words, tagged.Tags, pictures)
	if o.Vocabulary > 0 {
		l.vocabulary(s, tagged, pictures)
	}
	if s.known > 0 {
		old.fill(l, tagged.Known, pictures)
	}
	if s.replay > 0 {
		shown := dealReplay.next(s.replay)
		fill(all[s.tagged*width:], replay.Pictures, shown)
		var captions []int
		for _, picture := range shown {
			captions = append(captions, dealReplay.captions(picture, 1)...)
		}
		fill(l.step.Numbers("captions"), replay.Captions, captions)
		negatives := l.step.Mask("negatives")
		for i := range negatives {
			negatives[i] = i/s.replay != i%s.replay
		}
	}
	for _, name := range []string{"pictures.kept", "tags.kept", "words.kept", "captions.kept"} {
		l.drop(l.step.Numbers(name), o.Dropout)
	}
	l.drop(l.step.Numbers("pictures.clear"), o.Noise)
}

// vocabulary fills in words, and how much each pair of a picture and a word counts: a
// picture's words share one part of all pictures, a word's pictures one of all words
// that the batch has.
func (l *learner) vocabulary(s shapes, tagged Tagged, pictures []int) {
	chosen := l.random.Perm(len(tagged.Words))[:s.words]
	fill(l.step.Numbers("words"), tagged.Words, chosen)
	of, by := l.step.Numbers("words.of"), l.step.Numbers("words.by")
	clear(of)
	clear(by)
	place := make(map[int]int, len(chosen))
	for i, word := range chosen {
		place[word] = i
	}
	for i, picture := range pictures {
		for _, word := range tagged.Tags[picture] {
			if column, ok := place[word]; ok {
				of[i*s.words+column], by[column*s.tagged+i] = 1, 1
			}
		}
	}
	share(of, s.words)
	share(by, s.tagged)
}

// share scales rows so that each sums to one part of all rows that have anything.
func share(values []float32, width int) {
	var sums []float32
	rows := 0
	for row := range slices.Chunk(values, width) {
		var sum float32
		for _, value := range row {
			sum += value
		}
		if sums = append(sums, sum); sum > 0 {
			rows++
		}
	}
	at := 0
	for row := range slices.Chunk(values, width) {
		for j := range row {
			if sums[at] > 0 {
				row[j] /= sums[at] * float32(rows)
			}
		}
		at++
	}
}
