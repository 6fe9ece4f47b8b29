package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// A Suggestion is a learned tag for a photo that nobody has said anything of.
type Suggestion struct {
	Photo int64
	LearnedTag
}

// A SuggestionFilter says which suggestions are asked for.
type SuggestionFilter struct {
	Tag   string      // "": any
	Least float64     // confidence
	Limit int         // at least 1
	After *Suggestion // the last one of the page before; nil begins
}

// Suggestions gives learned tags of photos, the surest first, then by photo: those
// that nobody said of them and the user has not refused. Pages neither repeat nor
// skip any while the space is filled.
func (s *Space) Suggestions(ctx context.Context, f SuggestionFilter) (list []Suggestion, err error) {
	after, number := Suggestion{LearnedTag: LearnedTag{Confidence: 2}}, -1
	if f.After != nil {
		after = *f.After
	}
	names := s.LearnedNames()
	if number = slices.Index(names, f.Tag); number < 0 && f.Tag != "" {
		return nil, nil
	}
	for len(list) < f.Limit {
		page, err := s.suggestionPage(ctx, f, number, after)
		if err != nil || len(page) == 0 {
			return list, err
		}
		after = page[len(page)-1]
		open, err := s.catalogue.unsaid(ctx, s, page)
		if err != nil {
			return nil, err
		}
		list = append(list, open...)
	}
	return list[:f.Limit], nil
}

func (s *Space) suggestionPage(ctx context.Context, f SuggestionFilter, number int, after Suggestion) ([]Suggestion, error) {
	least, confidence := max(1, parts(f.Least)), parts(after.Confidence)
	if f.Tag != "" {
		return s.likely(ctx, `tag = ?1 AND confidence >= ?2 AND confidence <= ?3 AND (confidence < ?3 OR photo > ?4)
			ORDER BY confidence DESC, photo LIMIT ?5`, number, least, confidence, after.Photo, suggestionPage)
	}
	return s.likely(ctx, `confidence >= ?1 AND confidence <= ?2 AND (confidence < ?2 OR (photo, tag) > (?3, ?4))
		ORDER BY confidence DESC, photo, tag LIMIT ?5`, least, confidence, after.Photo, slices.Index(s.LearnedNames(), after.Name), suggestionPage)
}

// likely reads learned tags that meet a condition.
func (s *Space) likely(ctx context.Context, condition string, arguments ...any) (list []Suggestion, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT photo, tag, confidence FROM learned WHERE `+condition, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read learned tags: %w", err)
	}
	defer rows.Close()
	names := s.LearnedNames()
	for rows.Next() {
		var one Suggestion
		var tag, confidence int64
		if err := rows.Scan(&one.Photo, &tag, &confidence); err != nil {
			return nil, err
		}
		if tag < int64(len(names)) {
			one.Name, one.Confidence = names[tag], float64(confidence)/confidenceParts
			list = append(list, one)
		}
	}
	return list, rows.Err()
}

// unsaid leaves out what someone said of the photos, or the user refused, and photos
// that are not there.
func (c *Catalogue) unsaid(ctx context.Context, s *Space, list []Suggestion) ([]Suggestion, error) {
	var photos []int64
	for _, one := range list {
		photos = append(photos, one.Photo)
	}
	said, err := c.said(ctx, s, photos)
	return slices.DeleteFunc(list, func(one Suggestion) bool {
		word, ok := said[one.Photo]
		return !ok || word[fold(one.Name)]
	}), err
}

// CROSS has SQLite begin with what is asked, not with all tags of the library.
const selectSaid = `WITH asked AS (SELECT DISTINCT photo.id FROM json_each(?1) CROSS JOIN photo ON photo.id = json_each.value
		WHERE EXISTS (SELECT 1 FROM encoded WHERE space = ?2 AND photo = photo.id)
		AND EXISTS (SELECT 1 FROM file WHERE photo = photo.id AND state = 'present'))
	SELECT asked.id, '' FROM asked
	UNION ALL SELECT asked.id, name FROM asked CROSS JOIN tag ON tag.photo = asked.id
	UNION ALL SELECT asked.id, name FROM asked CROSS JOIN keyword ON keyword.photo = asked.id
	UNION ALL SELECT asked.id, name FROM asked CROSS JOIN file ON file.photo = asked.id CROSS JOIN sidecar_tag ON sidecar_tag.file = file.id
	UNION ALL SELECT asked.id, name FROM asked CROSS JOIN tag_removed ON tag_removed.photo = asked.id
	UNION ALL SELECT asked.id, name FROM asked CROSS JOIN tag_refused ON tag_refused.photo = asked.id`

// said gives the tags of photos that someone gave, removed or refused, folded; of
// those alone that have a vector in the space and a file.
func (c *Catalogue) said(ctx context.Context, s *Space, photos []int64) (said map[int64]map[string]bool, err error) {
	rows, err := c.read.QueryContext(ctx, selectSaid, jsonIDs(photos), s.id)
	if err != nil {
		return nil, fmt.Errorf("read tags: %w", err)
	}
	defer rows.Close()
	said = make(map[int64]map[string]bool)
	for rows.Next() {
		var photo int64
		var name string
		if err := rows.Scan(&photo, &name); err != nil {
			return nil, err
		}
		if said[photo] == nil {
			said[photo] = make(map[string]bool)
		}
		said[photo][fold(name)] = true
	}
	return said, rows.Err()
}

// RefuseTags notes that the user does not want learned tags on a photo: they are
// neither suggested nor found any more, and the next learning hears of it. To put
// one on by hand takes that back, and so does UnrefuseTags.
func (c *Catalogue) RefuseTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		return w.exec(`INSERT OR IGNORE INTO tag_refused (photo, name) VALUES (?, ?)`, photo, name)
	})
}

// UnrefuseTags takes refusals back, in any spelling: those who learned the tags suggest
// them again.
func (c *Catalogue) UnrefuseTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		return w.drop("tag_refused", selectRefused, photo, name)
	})
}

// A Refusal is a learned tag that the user refused on a photo.
type Refusal struct {
	Photo int64
	Name  string
}

// A RefusalFilter says which refusals are asked for.
type RefusalFilter struct {
	Tag   string  // "": any; in any spelling
	Photo int64   // 0: any
	Limit int     // at least 1
	After Refusal // the last one of the page before; the zero value begins
}

// Refusals gives what the user refused, in the order of photos and names.
func (c *Catalogue) Refusals(ctx context.Context, f RefusalFilter) (list []Refusal, err error) {
	same := []string{}
	if f.Tag != "" {
		all, err := queryColumn[string](ctx, c.read, "refused tags", `SELECT DISTINCT name FROM tag_refused`)
		if err != nil {
			return nil, err
		}
		for _, name := range all {
			if fold(name) == fold(f.Tag) {
				same = append(same, name)
			}
		}
	}
	names, err := json.Marshal(same)
	if err != nil {
		return nil, err
	}
	rows, err := c.read.QueryContext(ctx, `SELECT photo, name FROM tag_refused
		WHERE (photo, name) > (?1, ?2) AND (?3 = 0 OR photo = ?3) AND (?4 = '' OR name IN (SELECT value FROM json_each(?5)))
		ORDER BY photo, name LIMIT ?6`, f.After.Photo, f.After.Name, f.Photo, f.Tag, string(names), f.Limit)
	if err != nil {
		return nil, fmt.Errorf("read refused tags: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one Refusal
		if err := rows.Scan(&one.Photo, &one.Name); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}

// Refused gives the learned tags that the user refused on a photo, in order.
func (c *Catalogue) Refused(ctx context.Context, photo int64) ([]string, error) {
	return queryColumn[string](ctx, c.read, "refused tags", selectRefused, photo)
}
