package main

import (
	"context"
	"fmt"
	"path/filepath"

	"vsed/index/evaluate"
)

// described are the photos of a captioned set with their sentences.
type described struct {
	photos    []photo
	sentences [][]float32
	texts     []string
	owner     []int // the place of each sentence's photo
}

func (s *set) described(ctx context.Context) (d described, err error) {
	labels, err := readLabels(filepath.Join(s.data, "flickr8k/captions.dev.tsv"))
	if err != nil {
		return d, err
	}
	var names []string
	for _, one := range labels {
		if len(names) == 0 || names[len(names)-1] != one.name {
			names = append(names, one.name)
		}
		d.texts, d.owner = append(d.texts, one.label), append(d.owner, len(names)-1)
	}
	if d.photos, err = s.find("flickr8k/photos/dev", names); err != nil {
		return d, err
	}
	d.sentences, err = s.texts.encode(ctx, d.texts)
	return d, err
}

// captions measures the vectors alone, both ways.
func captions(ctx context.Context, s *set, t *table) error {
	d, err := s.described(ctx)
	if err != nil {
		return err
	}
	var sum float64
	for _, way := range []struct {
		name  string
		ranks func() ([]int, error)
	}{{"text to image", d.textToImage}, {"image to text", d.imageToText}} {
		ranks, err := way.ranks()
		if err != nil {
			return err
		}
		recall, err := t.recalls("Flickr8k dev, "+way.name, ranks)
		if err != nil {
			return err
		}
		sum += recall
	}
	return t.add(figure{Queries: "Flickr8k dev, both ways", Way: "vectors", Measure: "rsum", Value: sum, Count: len(d.sentences) + len(d.photos)})
}

func (t *table) recalls(queries string, ranks []int) (sum float64, err error) {
	for _, k := range []int{1, 5, 10} {
		one := percent(queries, "vectors", fmt.Sprintf("R@%d", k), evaluate.Within(ranks, k))
		sum += one.Value
		if err := t.add(one); err != nil {
			return 0, err
		}
	}
	return sum, t.add(figure{Queries: queries, Way: "vectors", Measure: "median rank", Value: float64(evaluate.MedianRank(ranks)), Count: len(ranks)})
}

func (d described) textToImage() ([]int, error) {
	ranks := make([]int, len(d.sentences))
	for i, sentence := range d.sentences {
		relevant := make([]bool, len(d.photos))
		relevant[d.owner[i]] = true
		ranking, err := evaluate.Scored(cosines(sentence, d.photos), relevant)
		if err != nil {
			return nil, err
		}
		ranks[i] = ranking.Rank()
	}
	return ranks, nil
}

func (d described) imageToText() ([]int, error) {
	ranks := make([]int, len(d.photos))
	for i, one := range d.photos {
		scores, relevant := make([]float64, len(d.sentences)), make([]bool, len(d.sentences))
		for j, sentence := range d.sentences {
			scores[j], relevant[j] = cosine(one.vector, sentence), d.owner[j] == i
		}
		ranking, err := evaluate.Scored(scores, relevant)
		if err != nil {
			return nil, err
		}
		ranks[i] = ranking.Rank()
	}
	return ranks, nil
}
