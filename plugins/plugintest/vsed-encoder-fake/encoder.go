package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"

	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

const featureType = "fake-float32"

// encoder is the fake. Safe for concurrent use.
type encoder struct {
	options      *options
	log          *slog.Logger
	pictureCalls atomic.Int64
	hog          atomic.Pointer[[]byte] // nil while no pictures are loaded
}

var _ sdk.EncoderServer = (*encoder)(nil)

func newEncoder(options *options, log *slog.Logger) *encoder {
	return &encoder{options: options, log: log}
}

func (e *encoder) Describe(context.Context) (*contract.EncoderDescription, error) {
	digest := sha256.Sum256([]byte(fmt.Sprintf("%s %d", e.options.space, e.options.dimensions)))
	description := &contract.EncoderDescription{
		Name:         "fake",
		Version:      "1.0.0",
		Space:        e.options.space,
		BundleDigest: hex.EncodeToString(digest[:]),
		Picture:      &contract.PictureFormat{Width: uint32(e.options.side), Height: uint32(e.options.side), Fit: contract.Fit_FIT_SQUASH, Kernel: contract.Kernel_KERNEL_LINEAR},
		Dimensions:   uint32(e.options.dimensions),
		Batch:        uint32(e.options.batch),
		Provider:     e.options.runs(),
		Precision:    "float32",
		MatchFloor:   0.5,
		LearnedTags:  e.options.learned(),
		Sessions:     e.options.sessions(),
		Preparation:  e.options.preparation(),

		PictureMemory: uint64(e.options.memory) << 20,
	}
	if !e.options.noFeatures {
		description.FeatureType, description.FeatureBytes = featureType, uint32(4*e.options.dimensions)
		description.FeatureSpace = e.options.featureSpace
		if description.FeatureSpace == "" {
			description.FeatureSpace = fmt.Sprintf("%s-%d", featureType, e.options.dimensions)
		}
	}
	spoil(description, e.options.badDescription)
	return description, nil
}

func (e *encoder) EncodePictures(ctx context.Context, pictures [][]byte) ([]*contract.Embedding, error) {
	if e.pictureCalls.Add(1) == e.options.crashOn || e.options.crashNow() {
		crash()
	}
	for _, picture := range pictures {
		if e.options.crashOnPicture.marks(picture) {
			crash()
		}
		if e.options.hangOnPicture.marks(picture) {
			select {}
		}
	}
	if e.options.hang {
		select {}
	}
	e.load()
	return e.answer(ctx, len(pictures), e.options.apply, func(position int) []float32 {
		if e.options.idle {
			return normalise(make([]float32, e.options.dimensions))
		}
		vector := pictureVector(pictures[position], e.options.dimensions)
		if e.options.wrongEngine {
			vector[3] += 0.5
			normalise(vector)
		}
		return vector
	})
}

func (e *encoder) EncodeTexts(ctx context.Context, texts []string) ([]*contract.Embedding, error) {
	for _, text := range texts {
		if err := e.misbehave(text); err != nil {
			return nil, err
		}
	}
	embeddings, err := e.answer(ctx, len(texts), asItIs, func(position int) []float32 {
		return textVector(texts[position], e.options.dimensions)
	})
	for _, embedding := range embeddings {
		if e.options.badTags != "text" {
			embedding.Tags = nil
		}
	}
	return embeddings, err
}

func (e *encoder) Project(ctx context.Context, features [][]byte) ([]*contract.Embedding, error) {
	embeddings, err := e.answer(ctx, len(features), e.options.apply, func(position int) []float32 {
		vector := make([]float32, e.options.dimensions)
		_, _ = binary.Decode(features[position], binary.LittleEndian, vector)
		return normalise(vector)
	})
	for _, embedding := range embeddings {
		embedding.Feature = nil
		if e.options.badTags == "projection" {
			embedding.Tags = nil
		}
	}
	return embeddings, err
}

func (e *encoder) Golden(context.Context) (*contract.GoldenResponse, error) {
	golden := &contract.GoldenResponse{Tolerance: 0.999}
	colours := []string{"red", "green", "blue"}
	for i, name := range colours {
		picture := plain(colourWords[name], e.options.side)
		golden.Pictures = append(golden.Pictures, &contract.GoldenPicture{Pixels: picture, Vector: e.options.apply(pictureVector(picture, e.options.dimensions))})
		golden.Texts = append(golden.Texts, &contract.GoldenText{Text: "something " + name, Vector: textVector("something "+name, e.options.dimensions)})
		text := i
		if e.options.inverted {
			text = (i + 1) % len(colours)
		}
		golden.Pairs = append(golden.Pairs, &contract.GoldenPair{Picture: uint32(i), Text: uint32(text)})
	}
	return golden, nil
}

func (e *encoder) Unload(context.Context) error {
	e.hog.Store(nil)
	debug.FreeOSMemory()
	return nil
}

// load takes the memory that pictures need, as long as they are not unloaded.
func (e *encoder) load() {
	if e.options.outOfMemory {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	}
	if e.options.memory == 0 || e.hog.Load() != nil {
		return
	}
	memory := bytes.Repeat([]byte{1}, e.options.memory<<20)
	e.hog.Store(&memory)
}

// asItIs is the head of texts.
func asItIs(feature []float32) []float32 { return feature }

// answer makes count embeddings by a head, and spoils them as the flags say.
func (e *encoder) answer(ctx context.Context, count int, head func([]float32) []float32, vector func(position int) []float32) ([]*contract.Embedding, error) {
	if err := wait(ctx, e.options.slow); err != nil {
		return nil, err
	}
	if e.options.noisy {
		makeNoise()
	}
	embeddings := make([]*contract.Embedding, count)
	for position := range embeddings {
		embeddings[position] = e.embedding(vector(position), head)
	}
	if e.options.reverse {
		slices.Reverse(embeddings)
	}
	if e.options.lose && count > 0 {
		embeddings = embeddings[:count-1]
	}
	return embeddings, nil
}

func (e *encoder) embedding(vector []float32, head func([]float32) []float32) *contract.Embedding {
	embedding := &contract.Embedding{Tags: e.options.tags(vector)}
	if !e.options.noFeatures {
		embedding.Feature, _ = binary.Append(nil, binary.LittleEndian, vector)
	}
	vector = head(vector)
	switch {
	case e.options.constant:
		clear(vector)
		normalise(vector)
	case e.options.changed:
		last := vector[len(vector)-1]
		copy(vector[1:], vector)
		vector[0] = last
	case e.options.random:
		vector[3] += rand.Float32()
		normalise(vector)
	case e.options.nan:
		vector[len(vector)-1] = float32(math.NaN())
	case e.options.long:
		for i := range vector {
			vector[i] *= 2
		}
	case e.options.wrongSize:
		vector = append(vector, 0)
	case e.options.huge:
		embedding.Feature = make([]byte, 80<<20)
	}
	embedding.Vector = vector
	return embedding
}
