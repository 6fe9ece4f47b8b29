package main

import (
	"context"
	"errors"
	"math"

	"vsed/encoders/bundle"
	"vsed/encoders/encoder"
	"vsed/encoders/runtime"
	"vsed/training/evaluation"
	"vsed/training/features"
	"vsed/training/model"
	"vsed/training/stage"
)

// A channel gives vectors of unit length for pictures and for sentences.
type channel struct{ pictures, sentences [][]float32 }

// joined is the vector of two channels, the second weighted.
func joined(a, b channel, weight float64) channel {
	return channel{concatenated(a.pictures, b.pictures, weight), concatenated(a.sentences, b.sentences, weight)}
}

func concatenated(a, b [][]float32, weight float64) [][]float32 {
	scale := 1 / math.Sqrt(1+weight*weight)
	all := make([][]float32, len(a))
	for i := range a {
		row := make([]float32, 0, len(a[i])+len(b[i]))
		for _, value := range a[i] {
			row = append(row, float32(scale*float64(value)))
		}
		for _, value := range b[i] {
			row = append(row, float32(scale*weight*float64(value)))
		}
		all[i] = row
	}
	return all
}

// classNames is the channel that needs no training: what the bundle gives for stored
// features, and the sentences' own features.
type classNames struct {
	encoder    *encoder.Encoder
	begin, end int // of the bundle's vector
}

func openClassNames(ctx context.Context, folder string, library *runtime.Library) (*classNames, error) {
	read, err := bundle.Read(folder)
	if err != nil {
		return nil, err
	}
	c := &classNames{}
	for _, part := range read.Vector {
		if part.Name == "class_names" {
			c.end = c.begin + part.Dimensions
			break
		}
		c.begin += part.Dimensions
	}
	if c.end == 0 {
		return nil, errors.New("the bundle " + folder + " has no class names: name the built-in one")
	}
	c.encoder, err = encoder.Open(ctx, read, library, encoder.Options{})
	return c, err
}

func (c *classNames) channel(ctx context.Context, stored *features.Pictures, sentences [][]float32) (channel, error) {
	rows := make([][]byte, stored.Len())
	for i := range rows {
		rows[i] = stored.Stored(i)
	}
	found, err := c.encoder.Project(ctx, rows)
	if err != nil {
		return channel{}, err
	}
	pictures := make([][]float32, len(found))
	for i, each := range found {
		pictures[i] = unit(each.GetVector()[c.begin:c.end])
	}
	return channel{pictures, sentences}, nil
}

func unit(values []float32) []float32 {
	var square float64
	for _, value := range values {
		square += float64(value) * float64(value)
	}
	row := make([]float32, len(values))
	for i, value := range values {
		row[i] = float32(float64(value) / math.Sqrt(square))
	}
	return row
}

// headsChannel runs heads.
func headsChannel(ctx context.Context, library *runtime.Library, threads int, heads stage.Heads, pictures, sentences [][]float32) (c channel, err error) {
	if c.pictures, err = heads.Picture.Vectors(ctx, library, threads, pictures); err != nil {
		return c, err
	}
	c.sentences, err = heads.Sentence.Vectors(ctx, library, threads, model.Scaled(sentences))
	return c, err
}

// retrieve measures captions and photos that find each other.
func retrieve(c channel, owner []int) (evaluation.Retrieval, error) {
	return evaluation.Retrieve(evaluation.Captioned{Pictures: c.pictures, Captions: c.sentences, Owner: owner})
}

// searchTags measures queries of tags, whose sentences are the tags of vocabulary.
func searchTags(c channel, vocabulary []string, queries []evaluation.Query) (evaluation.TagReport, error) {
	place := map[string]int{}
	for i, tag := range vocabulary {
		place[tag] = i
	}
	return evaluation.MeasureTags(queries, func(query evaluation.Query) ([]float64, error) {
		scores := make([]float64, len(c.pictures))
		for _, tag := range query.Tags {
			sentence := c.sentences[place[tag]]
			for i, picture := range c.pictures {
				for j, value := range picture {
					scores[i] += float64(value) * float64(sentence[j])
				}
			}
		}
		return scores, nil
	})
}
