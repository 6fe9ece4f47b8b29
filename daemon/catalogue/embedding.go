package catalogue

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/x448/float16"
)

// An Embedding is what an encoder made of a photo.
type Embedding struct {
	Vector              []float32 // near unit length; stored at unit length as float16
	Feature             []byte    // nil where the encoder has none, or was given it
	Tags                []Confidence
	Provider, Precision string
}

// A Confidence is how sure an encoder is that a photo has a tag which it has learned.
type Confidence struct {
	Tag   uint32 // its number in Description.LearnedTags
	Value float64
}

// A row is an embedding to be kept, of a photo of this content.
type row struct {
	photo  int64
	digest []byte
	Embedding
}

// Store writes the features and vectors of photos, then announces them. Each of the
// commits touches one file, since a commit over two is not atomic, neither for
// a kill nor for a reader; and in this order, since an index that followed an
// announcement before its vector would never look again. A vector that was not
// announced is found when its photo comes up again (see lacking).
func (s *Space) Store(ctx context.Context, embeddings map[int64]Embedding) error {
	rows, err := s.rows(ctx, embeddings)
	if err == nil {
		err = s.keepFeatures(ctx, rows)
	}
	if err != nil {
		return fmt.Errorf("write features: %w", err)
	}
	stored, err := s.keep(ctx, rows)
	if err != nil {
		return fmt.Errorf("write vectors: %w", err)
	}
	return s.catalogue.update(ctx, func(w change) error {
		if err := w.stored(s, stored); err != nil {
			return err
		}
		for photo := range embeddings {
			if err := w.announce(s, photo); err != nil {
				return err
			}
		}
		return nil
	})
}

// StoreProjected writes the vectors that were made of stored features, one of each,
// then announces them. In a space that does not serve that is one change, which only
// the index of the space follows: a whole library is announced in seconds.
func (s *Space) StoreProjected(ctx context.Context, photos []Stored, embeddings []Embedding) error {
	rows, ids := make([]row, len(photos)), make([]int64, len(photos))
	for i, photo := range photos {
		rows[i], ids[i] = row{photo.Photo, photo.digest, embeddings[i]}, photo.Photo
	}
	stored, err := s.keep(ctx, rows)
	if err != nil {
		return fmt.Errorf("write vectors: %w", err)
	}
	return s.catalogue.update(ctx, func(w change) error {
		if err := w.stored(s, stored); err != nil {
			return err
		}
		if s != s.catalogue.Serving() {
			return w.announceTogether(s, ids)
		}
		for _, id := range ids {
			if err := w.announce(s, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// rows gives what is to be kept; photos that were forgotten meanwhile are left out.
func (s *Space) rows(ctx context.Context, embeddings map[int64]Embedding) (rows []row, err error) {
	for photo, embedding := range embeddings {
		one := row{photo: photo, Embedding: embedding}
		err := s.catalogue.read.QueryRowContext(ctx, `SELECT digest FROM photo WHERE id = ?`, photo).Scan(&one.digest)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, one)
	}
	return rows, nil
}

// keepFeatures writes the features of a batch where the space is of a feature space.
func (s *Space) keepFeatures(ctx context.Context, rows []row) error {
	into := s.features.Load()
	if into == nil {
		return nil
	}
	var features []feature
	for _, one := range rows {
		if one.Feature != nil {
			features = append(features, feature{one.photo, one.digest, one.Feature})
		}
	}
	if len(features) == 0 {
		return nil
	}
	return into.keep(ctx, features, false)
}

// keep writes a batch and gives the number of batches that the file has then.
func (s *Space) keep(ctx context.Context, rows []row) (stored int64, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, one := range rows {
		if err := one.keep(ctx, tx); err != nil {
			return 0, errors.Join(err, tx.Rollback())
		}
	}
	err = tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&stored)
	if err == nil {
		stored++
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", stored))
	}
	if err != nil {
		return 0, errors.Join(err, tx.Rollback())
	}
	return stored, tx.Commit()
}

// keep writes the vector and the learned tags, in place of those that were there.
func (r row) keep(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO embedding (photo, digest, vector, provider, precision) VALUES (?, ?, ?, ?, ?)`,
		r.photo, r.digest, encodeVector(r.Vector), r.Provider, r.Precision)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM learned WHERE photo = ?`, r.photo)
	}
	for _, tag := range r.Tags {
		if err == nil && tag.Value >= LeastConfidence {
			_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO learned (photo, tag, confidence) VALUES (?, ?, ?)`, r.photo, tag.Tag, parts(tag.Value))
		}
	}
	return err
}

// stored notes the batches that the space's file has.
func (w change) stored(s *Space, batches int64) error {
	_, err := w.exec(`UPDATE space SET stored = ? WHERE id = ?`, batches, s.id)
	return err
}

// announceTogether notes that photos have a vector, by one change. Those that were
// forgotten meanwhile are left so.
func (w change) announceTogether(s *Space, photos []int64) error {
	number, err := w.event(PhotoEncoded, 0, "")
	if err != nil {
		return err
	}
	list := jsonIDs(photos)
	_, err = w.exec(`INSERT INTO encoded (space, photo, change) SELECT ?1, id, ?2 FROM photo WHERE id IN (SELECT value FROM json_each(?3))
		ON CONFLICT DO UPDATE SET change = excluded.change`, s.id, number, list)
	if err == nil {
		_, err = w.exec(`DELETE FROM refused WHERE space = ? AND photo IN (SELECT value FROM json_each(?))`, s.id, list)
	}
	return err
}

// jsonIDs is a list that SQLite's json_each reads.
func jsonIDs(ids []int64) string {
	text := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return string(append(text, ']'))
}

// announce notes that a photo has a vector. A photo that was forgotten
// meanwhile is left so.
func (w change) announce(s *Space, photo int64) error {
	if _, err := w.exec(`INSERT OR IGNORE INTO encoded (space, photo) SELECT ?, id FROM photo WHERE id = ?`, s.id, photo); err != nil {
		return err
	}
	if _, err := w.exec(`DELETE FROM refused WHERE space = ? AND photo = ?`, s.id, photo); err != nil {
		return err
	}
	if _, err := w.exec(`UPDATE file SET attempts = 0 WHERE photo = ? AND attempts > 0`, photo); err != nil {
		return err
	}
	return w.touch(PhotoEncoded, photo, "")
}

// Refuse notes that the space's encoder does not take a photo, which another
// space has and which therefore is not set aside.
func (s *Space) Refuse(ctx context.Context, photo int64, reason string) error {
	return s.catalogue.update(ctx, func(w change) error {
		_, err := w.exec(`INSERT OR REPLACE INTO refused (space, photo, reason) SELECT ?, id, ? FROM photo WHERE id = ?`, s.id, reason, photo)
		return err
	})
}

// Forgive lets the space's encoder try again what it refused.
func (s *Space) Forgive(ctx context.Context) error {
	return s.catalogue.update(ctx, func(w change) error {
		_, err := w.exec(`DELETE FROM refused WHERE space = ?`, s.id)
		return err
	})
}

// lacking gives those of the spaces in which the photo has no vector. One that
// a kill left unannounced is announced.
func (w change) lacking(photo int64, spaces []*Space) (lacking []*Space, err error) {
	for _, s := range spaces {
		var known bool
		err := w.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM encoded WHERE space = ? AND photo = ?)`, s.id, photo).Scan(&known)
		if err != nil {
			return nil, err
		}
		if !known {
			if known, err = s.holds(w, photo); err == nil && known {
				err = w.announce(s, photo)
			}
		}
		if err != nil {
			return nil, err
		}
		if !known {
			lacking = append(lacking, s)
		}
	}
	return lacking, nil
}

// holds reports whether the file holds the photo's own vector.
func (s *Space) holds(w change, photo int64) (holds bool, err error) {
	var digest []byte
	if err := w.QueryRowContext(w.ctx, `SELECT digest FROM photo WHERE id = ?`, photo).Scan(&digest); err != nil {
		return false, err
	}
	err = s.read.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM embedding WHERE photo = ? AND digest = ?)`, photo, digest).Scan(&holds)
	return holds, err
}

// A Change is a photo that changed, as the index of a space must know it.
type Change struct {
	Cursor
	Vector []float32 // unit length; nil: the photo is not to be found by it
}

// Changed gives the photos after the cursor in the order of their last change, or
// of that of their vector, if it is later: what the space's index needs to catch up.
// A vector that is damaged or lost counts as none.
func (s *Space) Changed(ctx context.Context, after Cursor, limit int) (changes []Change, err error) {
	var digests [][]byte
	err = s.catalogue.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, changedVectors, s.id, after.Change, after.Photo, limit)
		if err != nil {
			return fmt.Errorf("read changed photos: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var change Change
			var digest []byte
			if err := rows.Scan(&change.Photo, &change.Change, &digest); err != nil {
				return err
			}
			changes, digests = append(changes, change), append(digests, digest)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return changes, s.readVectors(ctx, changes, digests)
}

// changedVectors reads both orders as far as one page goes, and leaves each photo in
// the one where it comes later.
const changedVectors = `SELECT photo.id, latest.change, CASE
		WHEN EXISTS (SELECT 1 FROM encoded WHERE space = ?1 AND photo = photo.id)
		AND EXISTS (SELECT 1 FROM file WHERE photo = photo.id AND state = 'present') THEN digest END
	FROM (
		SELECT * FROM (SELECT id, change FROM photo WHERE (change, id) > (?2, ?3)
			AND NOT EXISTS (SELECT 1 FROM encoded WHERE space = ?1 AND photo = photo.id AND encoded.change > photo.change)
			ORDER BY change, id LIMIT ?4)
		UNION ALL
		SELECT * FROM (SELECT photo AS id, change FROM encoded INDEXED BY encoded_change WHERE space = ?1 AND change IS NOT NULL AND (change, photo) > (?2, ?3)
			AND change > (SELECT change FROM photo WHERE id = encoded.photo)
			ORDER BY change, photo LIMIT ?4)
	) AS latest JOIN photo ON photo.id = latest.id ORDER BY latest.change, latest.id LIMIT ?4`

// readVectors fills in the vectors of those changes that have a digest.
func (s *Space) readVectors(ctx context.Context, changes []Change, digests [][]byte) error {
	read, err := s.read.PrepareContext(ctx, `SELECT vector FROM embedding WHERE photo = ? AND digest = ?`)
	if err != nil {
		return fmt.Errorf("read vectors: %w", err)
	}
	defer read.Close()
	for i, digest := range digests {
		if digest == nil {
			continue
		}
		var raw []byte
		err := read.QueryRowContext(ctx, changes[i].Photo, digest).Scan(&raw)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the vector of photo %d: %w", changes[i].Photo, err)
		}
		changes[i].Vector = decodeVector(raw)
	}
	return nil
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
