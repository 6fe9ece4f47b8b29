package catalogue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"time"
)

const (
	// nearBits is in how many of its 64 bits a perceptual hash may differ
	// between two pictures that are nearly the same. hash_part finds up to three:
	// of four parts, one is then equal.
	nearBits = 3
	// crowd is with how many photos of the same part of a hash a new one is
	// compared, the newest first: pages of text and dark pictures share one by the
	// ten thousand.
	crowd = 1000
	// burstGap is the longest pause between two shots of one burst.
	burstGap = 2 * time.Second
)

// group puts a new photo to the photos that are nearly the same, or of the
// same burst, if there are any.
func (w change) group(photo int64, content Content) error {
	first, err := w.near(photo, content.PerceptualHash)
	if err == nil && first == 0 {
		first, err = w.burst(photo, content)
	}
	if err != nil {
		return err
	}
	if err := w.addHash(photo, content.PerceptualHash); err != nil || first == 0 {
		return err
	}
	_, err = w.exec(`UPDATE photo SET similar = ? WHERE id = ?`, first, photo)
	return err
}

func hashPart(hash uint64, part int) int64 { return int64(hash >> (16 * part) & 0xffff) }

func (w change) addHash(photo int64, hash uint64) error {
	if hash == 0 {
		return nil
	}
	for part := range 4 {
		if _, err := w.exec(`INSERT OR IGNORE INTO hash_part (part, value, photo) VALUES (?, ?, ?)`, part, hashPart(hash, part), photo); err != nil {
			return err
		}
	}
	return nil
}

// dropHash forgets the parts of a photo's hash, which is that of addHash.
func (w change) dropHash(photo int64) error {
	var hash int64
	if err := w.QueryRowContext(w.ctx, `SELECT coalesce(perceptual_hash, 0) FROM photo WHERE id = ?`, photo).Scan(&hash); err != nil {
		return err
	}
	for part := range 4 {
		if _, err := w.exec(`DELETE FROM hash_part WHERE part = ? AND value = ? AND photo = ?`, part, hashPart(uint64(hash), part), photo); err != nil {
			return err
		}
	}
	return nil
}

// near finds the group of a photo whose hash differs in nearBits at most.
func (w change) near(photo int64, hash uint64) (first int64, err error) {
	if hash == 0 {
		return 0, nil
	}
	for part := range 4 {
		first, err := w.nearBy(photo, hash, part)
		if err != nil || first != 0 {
			return first, err
		}
	}
	return 0, nil
}

func (w change) nearBy(photo int64, hash uint64, part int) (first int64, err error) {
	rows, err := w.QueryContext(w.ctx, `SELECT photo.perceptual_hash, coalesce(photo.similar, photo.id) FROM hash_part JOIN photo ON photo.id = hash_part.photo
		WHERE hash_part.part = ? AND hash_part.value = ? AND photo.id != ? ORDER BY hash_part.photo DESC LIMIT ?`, part, hashPart(hash, part), photo, crowd)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var other, group int64
		if err := rows.Scan(&other, &group); err != nil {
			return 0, err
		}
		if bits.OnesCount64(hash^uint64(other)) <= nearBits {
			return group, nil
		}
	}
	return 0, rows.Err()
}

// burst finds the group of a photo that the same camera took within burstGap.
func (w change) burst(photo int64, content Content) (first int64, err error) {
	const layout = "2006-01-02T15:04:05"
	taken, err := time.Parse(layout, content.Taken)
	if err != nil || content.Camera == "" {
		return 0, nil // no time to compare
	}
	err = w.QueryRowContext(w.ctx, `SELECT coalesce(similar, id) FROM photo WHERE taken BETWEEN ? AND ? AND taken != '' AND camera = ? AND id != ? ORDER BY id LIMIT 1`,
		taken.Add(-burstGap).Format(layout), taken.Add(burstGap).Format(layout), content.Camera, photo).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return first, err
}

// leaveGroup makes the next photo the first of the group whose first this one is,
// and tells the indexes of it.
func (w change) leaveGroup(photo int64) error {
	var next sql.NullInt64
	err := w.QueryRowContext(w.ctx, `SELECT min(id) FROM photo WHERE similar = ?`, photo).Scan(&next)
	if err != nil || !next.Valid {
		return err
	}
	if _, err = w.exec(`UPDATE photo SET similar = nullif(?, id) WHERE similar = ?`, next.Int64, photo); err != nil {
		return err
	}
	number, err := w.event(PhotoTagged, next.Int64, "")
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE photo SET change = ?1 WHERE id = ?2 OR similar = ?2`, number, next.Int64)
	return err
}

// Similar tells of those of the photos that are in a group how many others of it are
// in a folder, be it one that is away.
func (c *Catalogue) Similar(ctx context.Context, photos []int64) (others map[int64]int, err error) {
	asked, err := json.Marshal(photos)
	if err != nil {
		return nil, err
	}
	others = make(map[int64]int)
	return others, c.view(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, `WITH asked AS (SELECT photo.id, coalesce(similar, photo.id) AS first FROM json_each(?) AS one CROSS JOIN photo ON photo.id = one.value),
			member AS (SELECT asked.id, other.id AS other FROM asked CROSS JOIN photo AS other ON other.similar = asked.first
				UNION ALL SELECT id, first FROM asked)
			SELECT id, count(*) FROM member WHERE id != other AND EXISTS (SELECT 1 FROM file WHERE photo = other AND state = 'present') GROUP BY id`, string(asked))
		if err != nil {
			return fmt.Errorf("count similar photos: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var photo int64
			var count int
			if err := rows.Scan(&photo, &count); err != nil {
				return err
			}
			others[photo] = count
		}
		return rows.Err()
	})
}
