// Package evaluation is the protocol by which training is judged: captions and photos
// that find each other, and tags that find photos. What a measure is stands in
// index/evaluate; here stands what is asked and counted, and how far chance moves it.
// Values are in percent, intervals hold them with 95 % confidence.
//
// Ties count against the query, and a score that is NaN is an error.
package evaluation

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas/blas32"

	"vsed/index/evaluate"
)

// A Measure is a value with how far other queries of the kind would move it.
type Measure struct {
	Value float64 `json:"value"`
	evaluate.Interval
}

// seed of the intervals: one list of values has one interval.
const seed = 1

func measured(values []float64) Measure {
	in := evaluate.Bootstrap(values, seed)
	return Measure{Value: 100 * evaluate.Mean(values), Interval: evaluate.Interval{Low: 100 * in.Low, High: 100 * in.High}}
}

// Recalls are the measures of one direction.
type Recalls struct {
	R1         Measure `json:"r1"`
	R5         Measure `json:"r5"`
	R10        Measure `json:"r10"`
	MedianRank float64 `json:"median_rank"` // from 1; over folds their mean
	Queries    int     `json:"queries"`
}

// A Retrieval is the result of both directions.
type Retrieval struct {
	TextToImage Recalls `json:"text_to_image"`
	ImageToText Recalls `json:"image_to_text"`
	Folds       int     `json:"folds"`
}

// RSum is the sum of the six recalls.
func (r Retrieval) RSum() float64 {
	return r.TextToImage.R1.Value + r.TextToImage.R5.Value + r.TextToImage.R10.Value +
		r.ImageToText.R1.Value + r.ImageToText.R5.Value + r.ImageToText.R10.Value
}

// Ranks are the places, from 0, of what each query should find first: of a picture
// its best caption, of a caption its picture.
type Ranks struct {
	Pictures []int
	Captions []int
}

// Captioned are the vectors of pictures and of their captions, and for each caption
// the place of its picture.
type Captioned struct {
	Pictures [][]float32
	Captions [][]float32
	Owner    []int
}

// Retrieve measures both directions: each picture ranks all captions, each caption
// all pictures, by the dot product.
func Retrieve(of Captioned) (Retrieval, error) { return RetrieveFolds(of, 1) }

// RetrieveFolds splits the pictures in their order into folds of one size, in each of
// which they and their captions are ranked alone: COCO 1K is five folds of its 5,000
// test pictures. The recalls are those of all queries, which is the folds' mean.
func RetrieveFolds(of Captioned, folds int) (Retrieval, error) {
	if err := of.check(folds); err != nil {
		return Retrieval{}, err
	}
	result := Retrieval{Folds: folds}
	var all Ranks
	size := len(of.Pictures) / folds
	for begin := 0; begin < len(of.Pictures); begin += size {
		ranks, err := Rank(of.fold(begin, begin+size))
		if err != nil {
			return Retrieval{}, err
		}
		result.ImageToText.MedianRank += float64(evaluate.MedianRank(ranks.Pictures)) / float64(folds)
		result.TextToImage.MedianRank += float64(evaluate.MedianRank(ranks.Captions)) / float64(folds)
		all.Pictures = append(all.Pictures, ranks.Pictures...)
		all.Captions = append(all.Captions, ranks.Captions...)
	}
	result.ImageToText.count(all.Pictures)
	result.TextToImage.count(all.Captions)
	return result, nil
}

func (r *Recalls) count(ranks []int) {
	r.Queries = len(ranks)
	r.R1, r.R5, r.R10 = measured(evaluate.Within(ranks, 1)), measured(evaluate.Within(ranks, 5)), measured(evaluate.Within(ranks, 10))
}

func (c Captioned) check(folds int) error {
	if len(c.Pictures) == 0 || len(c.Captions) == 0 {
		return fmt.Errorf("retrieval needs pictures and captions: there are %d and %d", len(c.Pictures), len(c.Captions))
	}
	if len(c.Owner) != len(c.Captions) {
		return fmt.Errorf("%d captions have %d pictures named: each needs one", len(c.Captions), len(c.Owner))
	}
	if folds < 1 || len(c.Pictures)%folds != 0 {
		return fmt.Errorf("%d pictures do not make %d folds of one size: take another number of either", len(c.Pictures), folds)
	}
	captions := make([]int, len(c.Pictures))
	for i, owner := range c.Owner {
		if owner < 0 || owner >= len(c.Pictures) {
			return fmt.Errorf("caption %d is of picture %d, where there are %d", i, owner, len(c.Pictures))
		}
		captions[owner]++
	}
	for i, count := range captions {
		if count == 0 {
			return fmt.Errorf("picture %d has no caption: leave it out", i)
		}
	}
	width := len(c.Pictures[0])
	for _, vectors := range [][][]float32{c.Pictures, c.Captions} {
		for i, vector := range vectors {
			if len(vector) != width {
				return fmt.Errorf("vector %d has %d values, the first picture's has %d", i, len(vector), width)
			}
		}
	}
	return nil
}

// fold gives pictures from begin to end with their captions.
func (c Captioned) fold(begin, end int) Captioned {
	part := Captioned{Pictures: c.Pictures[begin:end]}
	for i, owner := range c.Owner {
		if owner >= begin && owner < end {
			part.Captions = append(part.Captions, c.Captions[i])
			part.Owner = append(part.Owner, owner-begin)
		}
	}
	return part
}

// Rank gives the ranks of all queries.
func Rank(of Captioned) (Ranks, error) {
	if err := of.check(1); err != nil {
		return Ranks{}, err
	}
	ranks := Ranks{}
	var err error
	if ranks.Pictures, err = rankAll(of.Pictures, of.Captions, func(picture, caption int) bool { return of.Owner[caption] == picture }); err != nil {
		return Ranks{}, fmt.Errorf("image to text: %w", err)
	}
	if ranks.Captions, err = rankAll(of.Captions, of.Pictures, func(caption, picture int) bool { return of.Owner[caption] == picture }); err != nil {
		return Ranks{}, fmt.Errorf("text to image: %w", err)
	}
	return ranks, nil
}

// rankAll ranks the items for each query. Queries do not depend on each other, so
// the result does not depend on how many run at the same time.
func rankAll(queries, items [][]float32, relevant func(query, item int) bool) ([]int, error) {
	ranks := make([]int, len(queries))
	workers := min(runtime.GOMAXPROCS(0), len(queries))
	var group errgroup.Group
	for worker := range workers {
		group.Go(func() error {
			scores, right := make([]float64, len(items)), make([]bool, len(items))
			for query := worker; query < len(queries); query += workers {
				for item := range items {
					scores[item], right[item] = blas32.DDot(vector(queries[query]), vector(items[item])), relevant(query, item)
				}
				rank, err := evaluate.First(scores, right)
				if err != nil {
					return fmt.Errorf("query %d: %w", query, err)
				}
				ranks[query] = rank
			}
			return nil
		})
	}
	return ranks, group.Wait()
}

func vector(values []float32) blas32.Vector {
	return blas32.Vector{N: len(values), Inc: 1, Data: values}
}
