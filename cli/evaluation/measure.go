package evaluation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"vsed/daemon/api"
	"vsed/index/evaluate"
)

const (
	// progressInterval is how often progress is told.
	progressInterval = 5 * time.Second
	// leastPhotos is how many photos must carry a tag for it to be asked.
	leastPhotos = 3
)

// A Measure is a mean over queries with its 95 % interval.
type Measure struct {
	Name  string             `json:"name"`
	Value float64            `json:"value"`              // a share from 0 to 1; a median rank from 1
	Range *evaluate.Interval `json:"interval,omitempty"` // 95 %
}

// A Report is what was measured.
type Report struct {
	Encoder  string    `json:"encoder"`
	Photos   int64     `json:"photos"`  // that search can find
	Absent   []string  `json:"absent"`  // labelled photos that it cannot, counted as never found
	Queries  int       `json:"queries"` // that were asked
	Measures []Measure `json:"measures"`
}

// A run asks a daemon about a set.
type run struct {
	client   *api.Client
	progress Progress
	size     int              // photos that can be found
	ids      map[string]int64 // by path below the folder
	set      Set
	report   Report
}

// begin looks up the photos of the set.
func begin(ctx context.Context, d *Daemon, folder string, set Set) (*run, error) {
	status, err := d.Ready(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{client: d.Client, progress: d.progress, size: int(status.Photos.Encoded), ids: map[string]int64{}, set: set}
	r.report = Report{Encoder: status.Encoder.Name, Photos: status.Photos.Encoded, Absent: []string{}}
	for _, name := range set.Photos {
		photos, err := d.Client.PhotosByPath(ctx, filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		if len(photos) == 0 || photos[0].State != api.StateEncoded {
			r.report.Absent = append(r.report.Absent, name)
			continue
		}
		r.ids[name] = photos[0].ID
	}
	if len(r.ids) == 0 {
		return nil, errors.New("no photo of the file can be found below the folder: are its paths below --photos?")
	}
	return r, nil
}

// Captions asks for each sentence and looks at what place its photo stands.
func Captions(ctx context.Context, d *Daemon, folder string, set Set) (Report, error) {
	r, err := begin(ctx, d, folder, set)
	if err != nil {
		return Report{}, err
	}
	var ranks []int
	total := 0
	for _, sentences := range set.Labels {
		total += len(sentences)
	}
	shown := r.every(total)
	for i, name := range set.Photos {
		for _, sentence := range set.Labels[i] {
			rank := r.size // not found
			if id, ok := r.ids[name]; ok {
				ranking, err := r.ask(ctx, sentence, map[int64]bool{id: true}, nil)
				if err != nil {
					return Report{}, err
				}
				rank = ranking.Rank()
			}
			ranks = append(ranks, rank)
			shown(len(ranks))
		}
	}
	r.report.Queries = len(ranks)
	for _, k := range []int{1, 5, 10} {
		r.add(fmt.Sprintf("R@%d", k), evaluate.Within(ranks, k))
	}
	r.report.Measures = append(r.report.Measures, Measure{Name: "median rank", Value: float64(evaluate.MedianRank(ranks))})
	return r.report, nil
}

// Tags asks for each tag that at least three photos carry, first while search knows
// none of them, then after a random half of the photos were given theirs.
func Tags(ctx context.Context, d *Daemon, folder string, set Set, seed uint64) (Report, error) {
	r, err := begin(ctx, d, folder, set)
	if err != nil {
		return Report{}, err
	}
	carriers := r.carriers()
	if len(carriers) == 0 {
		return Report{}, fmt.Errorf("no tag is carried by %d photos or more", leastPhotos)
	}
	r.report.Queries = len(carriers)
	if err := r.askTags(ctx, "no tags known", carriers, nil); err != nil {
		return Report{}, err
	}
	known, err := r.tagHalf(ctx, seed)
	if err != nil {
		return Report{}, err
	}
	if _, err := d.Ready(ctx); err != nil {
		return Report{}, err
	}
	return r.report, r.askTags(ctx, "half of the photos tagged", carriers, known)
}

// carriers gives for each tag the photos that carry it.
func (r *run) carriers() map[string]map[int64]bool {
	carriers := map[string]map[int64]bool{}
	for i, name := range r.set.Photos {
		id, ok := r.ids[name]
		for _, tag := range r.set.Labels[i] {
			if carriers[tag] == nil {
				carriers[tag] = map[int64]bool{}
			}
			if ok {
				carriers[tag][id] = true
			}
		}
	}
	maps.DeleteFunc(carriers, func(_ string, photos map[int64]bool) bool { return len(photos) < leastPhotos })
	return carriers
}

// tagHalf gives half of the photos their tags, as a user would.
func (r *run) tagHalf(ctx context.Context, seed uint64) (known map[int64]bool, err error) {
	known = map[int64]bool{}
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(r.set.Photos))[:len(r.set.Photos)/2] {
		id, ok := r.ids[r.set.Photos[i]]
		if !ok || len(r.set.Labels[i]) == 0 {
			continue
		}
		if _, err := r.client.AddTags(ctx, id, r.set.Labels[i]); err != nil {
			return nil, err
		}
		known[id] = true
	}
	return known, nil
}

func (r *run) askTags(ctx context.Context, when string, carriers map[string]map[int64]bool, known map[int64]bool) error {
	var precision, first, recall, untagged []float64
	shown := r.every(len(carriers))
	for i, tag := range slices.Sorted(maps.Keys(carriers)) {
		all, err := r.ask(ctx, tag, carriers[tag], nil)
		if err != nil {
			return err
		}
		precision, first, recall = append(precision, all.AveragePrecision()), append(first, all.Precision(5)), append(recall, all.Recall(10))
		if known != nil {
			half, err := r.ask(ctx, tag, carriers[tag], known)
			if err == nil {
				untagged = append(untagged, half.AveragePrecision())
			} else if !errors.Is(err, evaluate.ErrNoneRelevant) {
				return err
			}
		}
		shown(i + 1)
	}
	r.add("mAP, "+when, precision)
	r.add("P@5, "+when, first)
	r.add("R@10, "+when, recall)
	if len(untagged) > 0 {
		r.add("mAP of the untagged half, "+when, untagged)
	}
	return nil
}

// ungrouped has near duplicates take a place each.
const ungrouped = " group:off"

// ask searches and ranks all pages of the answer; photos of without are passed over.
func (r *run) ask(ctx context.Context, label string, relevant, without map[int64]bool) (evaluate.Ranking, error) {
	var list []bool
	for cursor, more := "", true; more; more = cursor != "" {
		result, err := r.client.Search(ctx, plain(label)+ungrouped, api.MaxLimit, cursor)
		if err != nil {
			return evaluate.Ranking{}, fmt.Errorf("search for %q: %w", label, err)
		}
		if result.Partial != "" {
			return evaluate.Ranking{}, fmt.Errorf("search for %q: %s", label, result.Partial)
		}
		for _, hit := range result.Hits {
			if !without[hit.ID] {
				list = append(list, relevant[hit.ID])
			}
		}
		cursor = result.Next
	}
	wanted := 0
	for id := range relevant {
		if !without[id] {
			wanted++
		}
	}
	return evaluate.Listed(list, wanted, r.size-len(without))
}

func (r *run) add(name string, values []float64) {
	chance := evaluate.Bootstrap(values, 1)
	r.report.Measures = append(r.report.Measures, Measure{Name: name, Value: evaluate.Mean(values), Range: &chance})
}

// every tells now and then how many of the searches are done.
func (r *run) every(total int) func(done int) {
	begun, shown := time.Now(), time.Now()
	return func(done int) {
		if time.Since(shown) < progressInterval {
			return
		}
		shown = time.Now()
		r.progress(int64(done), int64(total), float64(done)/time.Since(begun).Seconds(), "searches")
	}
}
