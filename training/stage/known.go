package stage

import (
	"context"
	"math"

	"vsed/encoders/runtime"
	"vsed/index/evaluate"
)

// likeness is how alike pictures and sentences were before, a row a picture, divided by the
// temperature.
type likeness [][]float64

func (o Two) likeness(ctx context.Context, library *runtime.Library, start Heads, tagged Tagged) (likeness, error) {
	cosines, err := start.Cosines(ctx, library, o.Threads, tagged.Pictures, tagged.Known)
	for _, row := range cosines {
		for i := range row {
			row[i] /= o.Temperature
		}
	}
	return cosines, err
}

// Cosines are those of pictures, a row each, with sentences.
func (h Heads) Cosines(ctx context.Context, library *runtime.Library, threads int, pictures, sentences [][]float32) ([][]float64, error) {
	seen, err := h.Picture.Vectors(ctx, library, threads, pictures)
	if err != nil {
		return nil, err
	}
	said, err := h.Sentence.Vectors(ctx, library, threads, sentences)
	if err != nil {
		return nil, err
	}
	list := make([][]float64, len(seen))
	for i, picture := range seen {
		list[i] = make([]float64, len(said))
		for k, sentence := range said {
			list[i][k] = dot(picture, sentence)
		}
	}
	return list, nil
}

// fill fills in the known sentences, and how likely each was for each picture of a batch,
// and each picture for each of them.
func (old likeness) fill(l *learner, known [][]float32, pictures []int) {
	rows, width := l.step.Numbers("known"), len(known[0])
	for i, sentence := range known {
		copy(rows[i*width:], sentence)
	}
	of, by := l.step.Numbers("known.of"), l.step.Numbers("known.by")
	for i, picture := range pictures {
		softmax(len(known), func(k int) float64 { return old[picture][k] }, func(k int, part float64) {
			of[i*len(known)+k] = float32(part / float64(len(pictures)))
		})
	}
	for k := range known {
		softmax(len(pictures), func(i int) float64 { return old[pictures[i]][k] }, func(i int, part float64) {
			by[k*len(pictures)+i] = float32(part / float64(len(known)))
		})
	}
}

func softmax(count int, value func(int) float64, set func(int, float64)) {
	most, sum := math.Inf(-1), 0.
	for i := range count {
		most = max(most, value(i))
	}
	for i := range count {
		sum += math.Exp(value(i) - most)
	}
	for i := range count {
		set(i, math.Exp(value(i)-most)/sum)
	}
}

// Likeness is the mean correlation of cosines with those of before, of each sentence over
// all pictures: 1 where each puts them in the same order, as far apart.
func Likeness(before, after [][]float64) float64 {
	var found []float64
	for sentence := range before[0] {
		of := func(cosines [][]float64) (column []float64) {
			for _, row := range cosines {
				column = append(column, row[sentence])
			}
			return column
		}
		found = append(found, correlation(of(before), of(after)))
	}
	return evaluate.Mean(found)
}

func correlation(a, b []float64) float64 {
	meanA, meanB := evaluate.Mean(a), evaluate.Mean(b)
	var both, squaresA, squaresB float64
	for i := range a {
		x, y := a[i]-meanA, b[i]-meanB
		both, squaresA, squaresB = both+x*y, squaresA+x*x, squaresB+y*y
	}
	if squaresA == 0 || squaresB == 0 {
		return 1 // nothing was told apart before, or is now
	}
	return both / math.Sqrt(squaresA*squaresB)
}
