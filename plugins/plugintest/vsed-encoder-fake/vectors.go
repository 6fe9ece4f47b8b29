package main

import (
	"crypto/sha256"
	"math"
	"strings"
	"unicode"
)

// trace is how much a digest adds to the dimensions beside the colours: enough to
// tell pictures of one colour apart, too little to outweigh a colour.
const trace = 0.05

var colourWords = map[string][3]float32{
	"red": {1, 0, 0}, "green": {0, 1, 0}, "blue": {0, 0, 1},
	"yellow": {1, 1, 0}, "cyan": {0, 1, 1}, "magenta": {1, 0, 1},
	"white": {1, 1, 1}, "grey": {0.5, 0.5, 0.5}, "gray": {0.5, 0.5, 0.5}, "black": {0, 0, 0},
}

// plain is a square of one colour.
func plain(colour [3]float32, side int) []byte {
	picture := make([]byte, 0, side*side*3)
	for range side * side {
		for _, channel := range colour {
			picture = append(picture, byte(255*channel))
		}
	}
	return picture
}

func pictureVector(picture []byte, dimensions int) []float32 {
	vector := make([]float32, dimensions)
	for i, value := range picture {
		vector[i%3] += float32(value) / 255
	}
	for channel := range 3 {
		vector[channel] /= float32(len(picture) / 3)
	}
	addTrace(vector, picture)
	return normalise(vector)
}

func textVector(text string, dimensions int) []float32 {
	vector := make([]float32, dimensions)
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, word := range words {
		if colour, known := colourWords[word]; known {
			for channel, value := range colour {
				vector[channel] += value
			}
			continue
		}
		addTrace(vector, []byte(word))
	}
	return normalise(vector)
}

// apply makes the vector of a feature, in its place.
func (o *options) apply(feature []float32) []float32 {
	if o.head == 1 {
		return feature
	}
	for i := range feature[3:] {
		feature[3+i] *= float32(o.head)
	}
	return normalise(feature)
}

func addTrace(vector []float32, content []byte) {
	digest := sha256.Sum256(content)
	others := vector[3:]
	for i := range others {
		others[i] += trace * (float32(digest[i%len(digest)])/127.5 - 1) / float32(math.Sqrt(float64(len(others))))
	}
}

// normalise scales vector to length 1; one of nothing gets its last dimension.
func normalise(vector []float32) []float32 {
	var sum float64
	for _, value := range vector {
		sum += float64(value) * float64(value)
	}
	if sum == 0 {
		vector[len(vector)-1] = 1
		return vector
	}
	for i := range vector {
		vector[i] = float32(float64(vector[i]) / math.Sqrt(sum))
	}
	return vector
}
