package catalogue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
)

// A Likely photo is one that the space's encoder believes to have a tag.
type Likely struct {
	Photo      int64
	Confidence float64
}

// Likeliest gives at most limit photos that the space's encoder believes to have a
// tag, the surest first, of equal ones the lower id first: those that keep lets pass
// and on which the user did not refuse it, nor took it off. It is called at most once
// for each.
func (s *Space) Likeliest(ctx context.Context, tag string, limit int, keep func(photo int64) bool) (photos []Likely, err error) {
	against, err := s.against(ctx, tag)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, `SELECT photo, confidence FROM learned WHERE tag = ? ORDER BY confidence DESC, photo`,
		slices.Index(s.LearnedNames(), tag))
	if err != nil {
		return nil, fmt.Errorf("read learned tags: %w", err)
	}
	defer rows.Close()
	for len(photos) < limit && rows.Next() {
		one, err := scanLikely(rows)
		if err != nil {
			return nil, err
		}
		if !against[one.Photo] && keep(one.Photo) {
			photos = append(photos, one)
		}
	}
	return photos, rows.Err()
}

// CROSS has SQLite begin with the photos: a tag may have very many more.
const selectLikely = `SELECT photo, confidence FROM json_each(?) CROSS JOIN learned ON photo = json_each.value AND tag = ?`

// Likely gives those of the photos that the space's encoder believes to have a tag,
// but for those on which the user refused it or took it off.
func (s *Space) Likely(ctx context.Context, tag string, photos []int64) (likely []Likely, err error) {
	against, err := s.against(ctx, tag)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, selectLikely, jsonIDs(photos), slices.Index(s.LearnedNames(), tag))
	if err != nil {
		return nil, fmt.Errorf("read learned tags: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scanLikely(rows)
		if err != nil {
			return nil, err
		}
		if !against[one.Photo] {
			likely = append(likely, one)
		}
	}
	return likely, rows.Err()
}

func scanLikely(rows *sql.Rows) (one Likely, err error) {
	var confidence int64
	err = rows.Scan(&one.Photo, &confidence)
	one.Confidence = float64(confidence) / confidenceParts
	return one, err
}

// against gives the photos on which the user refused a tag, or took it off, in any
// spelling.
func (s *Space) against(ctx context.Context, tag string) (map[int64]bool, error) {
	names, err := s.catalogue.spellings(ctx, fold(tag))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	list, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	ids, err := queryIDs(ctx, s.catalogue.read, `SELECT photo FROM json_each(?1) CROSS JOIN tag_refused ON name = json_each.value
		UNION ALL SELECT photo FROM json_each(?1) CROSS JOIN tag_removed ON name = json_each.value`, string(list))
	photos := make(map[int64]bool, len(ids))
	for _, id := range ids {
		photos[id] = true
	}
	return photos, err
}

// selectAgainst goes from name to name in the indexes: one may stand on very many
// photos.
const selectAgainst = `WITH RECURSIVE
	refused (name) AS (SELECT min(name) FROM tag_refused
		UNION ALL SELECT (SELECT min(next.name) FROM tag_refused AS next WHERE next.name > refused.name) FROM refused WHERE name IS NOT NULL),
	removed (name) AS (SELECT min(name) FROM tag_removed
		UNION ALL SELECT (SELECT min(next.name) FROM tag_removed AS next WHERE next.name > removed.name) FROM removed WHERE name IS NOT NULL)
	SELECT name FROM refused WHERE name IS NOT NULL UNION SELECT name FROM removed WHERE name IS NOT NULL`

// spellings gives the names of one folded form that the user refused or took off.
func (c *Catalogue) spellings(ctx context.Context, folded string) (names []string, err error) {
	names, err = queryColumn[string](ctx, c.read, "refused tags", selectAgainst)
	return slices.DeleteFunc(names, func(name string) bool { return fold(name) != folded }), err
}
