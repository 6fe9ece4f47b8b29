package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"vsed/encoders/builtin/replay"
	"vsed/training/evaluation"
	"vsed/training/ridge"
	"vsed/training/stage"
)

// A row is a line of the table: a value over seeds.
type row struct {
	What      string    `json:"what"`
	Measure   string    `json:"measure"`
	Values    []float64 `json:"values"` // a seed each
	Mean      float64   `json:"mean"`
	Deviation float64   `json:"deviation"`
}

// table gathers the values of the seeds.
type table struct{ rows []*row }

func (t *table) add(what, measure string, value float64) {
	for _, row := range t.rows {
		if row.What == what && row.Measure == measure {
			row.Values = append(row.Values, value)
			return
		}
	}
	t.rows = append(t.rows, &row{What: what, Measure: measure, Values: []float64{value}})
}

func (t *table) print(output io.Writer, asJSON bool) error {
	for _, row := range t.rows {
		row.Mean, row.Deviation = spread(row.Values)
		if asJSON {
			if err := json.NewEncoder(output).Encode(row); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(output, "%-90s %-18s %6.2f ± %.2f  %.2f\n", row.What, row.Measure, row.Mean, row.Deviation, row.Values); err != nil {
			return err
		}
	}
	return nil
}

// spread is the mean of values and the deviation of what they were drawn from.
func spread(values []float64) (mean, deviation float64) {
	for _, value := range values {
		mean += value / float64(len(values))
	}
	if len(values) < 2 {
		return mean, 0
	}
	for _, value := range values {
		deviation += (value - mean) * (value - mean) / float64(len(values)-1)
	}
	return mean, math.Sqrt(deviation)
}

// evaluate takes every row of the table.
type evaluate struct {
	*workshop
	judge *judge
	learn tagged
	ways  []way
	table table
	said  *meter
}

// A way is what stage II goes over again while it learns from tags.
type way struct {
	name   string
	replay stage.Captioned
	guard  stage.Captioned // says how much of the old heads stays; none: the configuration does
}

func runEvaluate(ctx context.Context, arguments []string) error {
	flags := newFlags("evaluate")
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	seeds := flags.Uint64("seeds", 3, "`number` of runs, with seeds from 0")
	given := flags.Bool("vectors-only", false, "measure what is learned by an encoder of which vectors alone are seen, as one of a hub")
	two := flags.Bool("stage2", true, "learn from tags, too, after 100 to 4,000 tagged photos")
	replayFile := flags.String("replay", "encoders/builtin/heads/replay.bin", "`file` of what a device goes over again")
	asJSON := flags.Bool("json", false, "print a JSON object a line")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	c, err := readConfig(*path)
	if err != nil {
		return err
	}
	e := &evaluate{}
	if e.workshop, err = openWorkshop(ctx, c); err != nil {
		return err
	}
	if e.judge, err = e.workshop.judge(ctx); err != nil {
		return err
	}
	if *given {
		if err := e.addVectorsOnly(ctx, *seeds); err != nil {
			return err
		}
		return e.table.print(os.Stdout, *asJSON)
	}
	if *two {
		if err := e.readStageTwo(*replayFile); err != nil {
			return err
		}
	}
	e.said = newMeter(os.Stderr, int(*seeds)*e.steps())
	for seed := range *seeds {
		if err := e.run(ctx, seed); err != nil {
			return err
		}
	}
	return e.table.print(os.Stdout, *asJSON)
}

// readStageTwo reads the tagged photos to learn from, and what is gone over again: all
// captioned photos, and what is shipped of them.
func (e *evaluate) readStageTwo(file string) (err error) {
	if e.learn, err = readTagged(e.Data, false, e.standard); err != nil {
		return err
	}
	shipped, err := replay.Read(file)
	if err != nil {
		return err
	}
	e.ways = []way{
		{name: "all captioned photos", replay: e.train.Captioned},
		{"what is shipped of them", stage.Replayed(shipped.Train.Rows()), stage.Replayed(shipped.Guard.Rows())},
	}
	return nil
}

// steps are those of a seed.
func (e *evaluate) steps() int {
	sum := e.One.Steps(e.train.Captioned)
	for _, count := range counts() {
		steps, _ := e.Two.Steps(count)
		sum += len(e.ways) * steps
	}
	return sum
}

// run adds the rows of a seed.
func (e *evaluate) run(ctx context.Context, seed uint64) error {
	known := true
	heads, err := e.keptStageOne(ctx, seed, func(at stage.Epoch, _ stage.Heads) error {
		known = false
		e.said.say(fmt.Sprintf("stage I, seed %d", seed), at, e.One.Epochs, e.One.Steps(e.train.Captioned)/e.One.Epochs)
		return nil
	})
	if err != nil {
		return err
	}
	if known {
		e.said.total -= e.One.Steps(e.train.Captioned)
	}
	learned, err := e.judge.heads(ctx, heads)
	if err != nil {
		return err
	}
	for _, weight := range weights {
		f, err := e.judge.measure(e.judge.weighted(learned, weight))
		if err != nil {
			return err
		}
		e.table.addFound(headsWith(weight), f)
	}
	f, err := e.judge.measure([2]channel{e.judge.named[0].channel, e.judge.named[1].channel})
	if err != nil {
		return err
	}
	e.table.addFound("class names alone", f)
	if len(e.ways) == 0 {
		return nil
	}
	for _, count := range counts() {
		if err := e.learnFrom(ctx, heads, count, seed); err != nil {
			return err
		}
	}
	return nil
}

func headsWith(weight float64) string {
	if weight == 0 {
		return "heads alone"
	}
	return fmt.Sprintf("heads, class names with weight %v", weight)
}

// learnFrom adds the rows of a number of tagged photos.
func (e *evaluate) learnFrom(ctx context.Context, start stage.Heads, count int, seed uint64) error {
	places := e.learn.draw(count, seed)
	channel, err := e.judge.learnTags(e.learn, places)
	if err != nil {
		return err
	}
	when := fmt.Sprintf("%d tagged photos: ", count)
	if err := e.addChannel(when+"learned tags alone", channel); err != nil {
		return err
	}
	for _, way := range e.ways {
		what := when + "with " + way.name
		two := e.Two
		two.Seed = seed
		if len(way.guard.Pictures) > 0 {
			two.Kept = 0
		}
		steps, perEpoch := two.Steps(len(places))
		learned, err := two.Run(ctx, e.library, start, e.learn.some(places), way.replay, func(at stage.Epoch) error {
			e.said.say(fmt.Sprintf("%s, seed %d", what, seed), at, (steps+perEpoch-1)/perEpoch, perEpoch)
			return nil
		})
		if err != nil {
			return err
		}
		if len(way.guard.Pictures) > 0 {
			guarded, err := stage.Guard(ctx, e.library, two.Threads, start, learned, way.guard, e.Two.Kept, mostLoss)
			if err != nil {
				return err
			}
			learned = guarded.Heads
			e.table.add(what, "kept", guarded.Kept)
			e.table.add(what, "guard's R@1 less", guarded.Before.TextToImage.R1.Value-guarded.After.TextToImage.R1.Value)
		}
		if err := e.addLearned(ctx, what, count, learned, channel); err != nil {
			return err
		}
	}
	return nil
}

// mostLoss is how much of the guard's R@1 an applied proposal may cost.
const mostLoss = 1.0

// addLearned adds what heads come to, with class names and with the learned tags.
func (e *evaluate) addLearned(ctx context.Context, what string, count int, learned stage.Heads, channel learnedTags) error {
	vectors, err := e.judge.heads(ctx, learned)
	if err != nil {
		return err
	}
	for _, weight := range []float64{0, .5, .7, 1} {
		f, err := e.judge.measure(e.judge.weighted(vectors, weight))
		if err != nil {
			return err
		}
		e.table.addFound(what+", "+headsWith(weight), f)
		single, pairs, err := e.judge.search(f.scores.plus(channel.scores, ridge.Weight(count)))
		if err != nil {
			return err
		}
		e.table.addTags(what+", "+headsWith(weight)+", and learned tags", single, pairs)
	}
	return nil
}

func (e *evaluate) addChannel(what string, channel learnedTags) error {
	single, pairs, err := e.judge.search(channel.scores.of)
	if err != nil {
		return err
	}
	e.table.addTags(what, single, pairs)
	s := channel.suggest(e.judge.tagged.lists())
	e.table.add(what, "suggestions", s.each)
	e.table.add(what, "said right", s.said)
	e.table.add(what, "are right", s.right)
	e.table.add(what, "error", s.apart)
	e.table.add(what, "seconds", channel.seconds)
	return nil
}

func (t *table) addFound(what string, f found) {
	t.addRetrieval(what, f.retrieval)
	t.addTags(what, f.single, f.pairs)
}

func (t *table) addTags(what string, single, pairs evaluation.TagReport) {
	t.add(what, "single tags mAP", single.MAP.Value)
	t.add(what, "single tags P@5", single.P5.Value)
	t.add(what, "single tags R@10", single.R10.Value)
	t.add(what, "pairs mAP", pairs.MAP.Value)
}
