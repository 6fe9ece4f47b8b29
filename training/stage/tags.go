package stage

import "slices"

// mostWords is how many of a picture's words make a tag vector at most: a search by tags
// has few.
const mostWords = 4

// words fills in for each picture the mean of some of its words, and which pictures may
// stand as wrong answers: those that lack one of them. A picture without words gets
// zeros, and is no answer to anything.
func (l *learner) words(features [][]float32, tags [][]int, pictures []int) {
	batch, width, count := l.step.Numbers("tags"), len(features[0]), len(pictures)
	negatives := l.step.Mask("tags.negatives")
	clear(batch)
	for column, picture := range pictures {
		words := l.some(tags[picture])
		row := batch[column*width : (column+1)*width]
		for _, word := range words {
			for j, value := range features[word] {
				row[j] += value / float32(len(words))
			}
		}
		for i, other := range pictures {
			negatives[i*count+column] = len(words) > 0 && !holds(tags[other], words)
		}
	}
}

// some draws from one to mostWords of a picture's words.
func (l *learner) some(words []int) []int {
	if len(words) == 0 {
		return nil
	}
	drawn := slices.Clone(words)
	l.random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn[:1+l.random.IntN(min(len(drawn), mostWords))]
}

// holds reports whether all words are among a picture's.
func holds(of, words []int) bool {
	for _, word := range words {
		if _, found := slices.BinarySearch(of, word); !found {
			return false
		}
	}
	return true
}
