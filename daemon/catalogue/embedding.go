package catalogue

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/x448/float16"
)

// An Embedding is what an encoder made of a photo.
type Embedding struct {
	Vector              []float32 // near unit length; stored at unit length as float16
	Feature             []byte    // nil where the encoder has none
	Provider, Precision string
}

// StoreEmbeddings writes the vectors of photos into the space in use, then
// announces them. A commit over two database files is not atomic, neither for a
// kill nor for a reader, so each step touches one file, in an order that is
// right after every prefix: a photo without a vector (Identify) is found again;
// a vector that was not announced is read at the next start; but an index that
// followed an announcement before its vector would never look again, and a
// vector without its photo could pass for another's.
func (c *Catalogue) StoreEmbeddings(ctx context.Context, embeddings map[int64]Embedding) error {
	err := c.update(ctx, func(w change) error {
		for photo, embedding := range embeddings {
			_, err := w.exec(`INSERT OR REPLACE INTO space.embedding (photo, digest, vector, feature, provider, precision)
				SELECT id, digest, ?, ?, ?, ? FROM photo WHERE id = ?`,
				encodeVector(embedding.Vector), embedding.Feature, embedding.Provider, embedding.Precision, photo)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.update(ctx, func(w change) error {
		for photo := range embeddings {
			if _, err := w.exec(`UPDATE file SET attempts = 0 WHERE photo = ? AND attempts > 0`, photo); err != nil {
				return err
			}
			if err := w.touch(PhotoEncoded, photo, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// encodeVector scales to unit length first: rounding to float16 moves the
// length by 2⁻¹¹ at most, which the index still takes for one.
func encodeVector(vector []float32) []byte {
	var sum float64
	for _, value := range vector {
		sum += float64(value) * float64(value)
	}
	scale := float32(1 / math.Sqrt(sum))
	raw := make([]byte, 0, 2*len(vector))
	for _, value := range vector {
		raw = binary.LittleEndian.AppendUint16(raw, float16.Fromfloat32(value*scale).Bits())
	}
	return raw
}

func decodeVector(raw []byte) []float32 {
	vector := make([]float32, len(raw)/2)
	for i := range vector {
		vector[i] = float16.Frombits(binary.LittleEndian.Uint16(raw[2*i:])).Float32()
	}
	return vector
}
