package encoder

import (
	"context"

	"vsed/plugins/contract"
)

// halfTolerance is the least cosine between a vector that was calculated in
// float16 and its float32 golden vector.
const halfTolerance = 0.995

// Golden gives the bundle's golden inputs and vectors.
func (e *Encoder) Golden(context.Context) (*contract.GoldenResponse, error) {
	golden, err := e.bundle.ReadGolden()
	if err != nil {
		return nil, err
	}
	reply := &contract.GoldenResponse{Tolerance: golden.Tolerance}
	for _, session := range e.about.GetSessions() {
		if session.GetPrecision() == "float16" {
			reply.Tolerance = min(reply.Tolerance, halfTolerance)
		}
	}
	for _, picture := range golden.Pictures {
		pixels, err := e.bundle.Pixels(picture)
		if err != nil {
			return nil, err
		}
		reply.Pictures = append(reply.Pictures, &contract.GoldenPicture{Pixels: pixels, Vector: picture.Vector})
	}
	for _, text := range golden.Texts {
		reply.Texts = append(reply.Texts, &contract.GoldenText{Text: text.Text, Vector: text.Vector})
	}
	for _, pair := range golden.Pairs {
		reply.Pairs = append(reply.Pairs, &contract.GoldenPair{Picture: uint32(pair.Picture), Text: uint32(pair.Text)})
	}
	return reply, nil
}
