package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/x448/float16"
)

// A writer has a statement for each table.
type writer struct {
	photo, file, tag, encoded, event, embedding *sql.Stmt
	draw                                        *draw
}

func newWriter(ctx context.Context, tx, space *sql.Tx, p plan) (*writer, error) {
	w := &writer{draw: newDraw(p.seed, p.dimensions)}
	if _, err := tx.ExecContext(ctx, `INSERT INTO folder (path, offline, last_scan) VALUES (?, 1, ?)`, []byte(p.folder), time.Now().Unix()); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		into **sql.Stmt
		tx   *sql.Tx
		text string
	}{
		{&w.photo, tx, `INSERT INTO photo (id, digest, size, format, width, height, taken, camera, lens, latitude, longitude, title, description, rating, change)
			VALUES (?1, ?, ?, 'JPEG', 4000, 3000, ?, ?, ?, ?, ?, ?, ?, ?, ?1)`},
		{&w.file, tx, `INSERT INTO file (id, folder, path, device, inode, size, modified, changed, state, photo)
			VALUES (?1, (SELECT max(id) FROM folder), ?, 1, ?1, ?, 1, 1, 'present', ?1)`},
		{&w.tag, tx, `INSERT OR IGNORE INTO tag (photo, name, source) VALUES (?, ?, 'user')`},
		{&w.encoded, tx, `INSERT INTO encoded (space, photo) VALUES ((SELECT max(id) FROM space), ?)`},
		{&w.event, tx, `INSERT INTO event (change, at, kind, photo) VALUES (?1, 1700000000, 'photo_encoded', ?1)`},
		{&w.embedding, space, `INSERT INTO embedding (photo, digest, vector, provider, precision) VALUES (?, ?, ?, 'CPU', 'float32')`},
	} {
		statement, err := one.tx.PrepareContext(ctx, one.text)
		if err != nil {
			return nil, err
		}
		*one.into = statement
	}
	return w, nil
}

func (w *writer) write(ctx context.Context, id int) error {
	photo := w.draw.photo(id)
	digest := digestOf(id)
	const size = 4 << 20
	latitude, longitude := any(nil), any(nil)
	if photo.located {
		latitude, longitude = photo.latitude, photo.longitude
	}
	// The events' numbers are those of the photos: the first must not be in use.
	for _, one := range []struct {
		statement *sql.Stmt
		arguments []any
	}{
		{w.photo, []any{id, digest[:], size, photo.taken, photo.camera, photo.lens, latitude, longitude, photo.title, photo.description, photo.rating}},
		{w.file, []any{id, []byte(photo.path), size}},
		{w.encoded, []any{id}},
		{w.event, []any{id}},
		{w.embedding, []any{id, digest[:], halves(photo.vector)}},
	} {
		if _, err := one.statement.ExecContext(ctx, one.arguments...); err != nil {
			return err
		}
	}
	for _, tag := range photo.tags {
		if _, err := w.tag.ExecContext(ctx, id, tag); err != nil {
			return err
		}
	}
	return nil
}

func digestOf(id int) [sha256.Size]byte { return sha256.Sum256(fmt.Append(nil, id)) }

// fillFeatures gives each photo a feature: a scale for each part, then its values as
// int8, a sixteenth of which are not 0, as in a network's last layers.
func (p plan) fillFeatures(ctx context.Context, tx *sql.Tx) error {
	statement, err := tx.PrepareContext(ctx, `INSERT INTO feature (photo, digest, feature) VALUES (?, ?, ?)`)
	if err != nil {
		return err
	}
	for id := 1; id <= p.photos; id++ {
		random := rand.New(rand.NewPCG(p.seed+2, uint64(id)))
		var feature, values []byte
		for _, width := range p.featureParts {
			feature = binary.LittleEndian.AppendUint32(feature, math.Float32bits(0.02))
			for range width {
				values = append(values, byte(max(0, random.IntN(128*16)-15*128)))
			}
		}
		digest := digestOf(id)
		if _, err := statement.ExecContext(ctx, id, digest[:], append(feature, values...)); err != nil {
			return fmt.Errorf("feature of photo %d: %w", id, err)
		}
	}
	return nil
}

func halves(vector []float32) []byte {
	raw := make([]byte, 0, 2*len(vector))
	for _, value := range vector {
		raw = binary.LittleEndian.AppendUint16(raw, float16.Fromfloat32(value).Bits())
	}
	return raw
}
