package catalogue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

const (
	// confidenceParts is in how many parts a confidence is stored: more than the
	// percent that is shown, so that those of one percent keep their order.
	confidenceParts = 10_000
	// LeastConfidence is the lowest that is kept. What is less likely helps no search
	// and is nothing to suggest.
	LeastConfidence = 0.01
	// suggestionPage is how many candidates are looked at together.
	suggestionPage = 500
)

// parts is how a confidence is stored.
func parts(confidence float64) int64 { return int64(math.Round(confidence * confidenceParts)) }

// A LearnedTag is a tag that a space's encoder believes to be a photo's.
type LearnedTag struct {
	Name       string
	Confidence float64 // calibrated probability, above 0, at most 1
}

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

// A LearnedCount is a learned tag with how many photos probably have it.
type LearnedCount struct {
	Name   string
	Photos int64
}

// nameTags notes the learned tags of a space, so that they can be read without its
// encoder. Those of a space do not change: its name covers them. Where an encoder has
// them change nonetheless, what is stored would be of other tags, and is dropped.
func (s *Space) nameTags(ctx context.Context, names []string) error {
	if known := s.learned.Load(); known != nil && slices.Equal(*known, names) {
		return nil
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM learned_name; DELETE FROM learned`)
	for tag, name := range names {
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO learned_name (tag, name) VALUES (?, ?)`, tag, name)
		}
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	names = slices.Clone(names)
	s.learned.Store(&names)
	return nil
}

// readNames reads what nameTags noted.
func (s *Space) readNames(ctx context.Context) error {
	rows, err := s.write.QueryContext(ctx, `SELECT name FROM learned_name ORDER BY tag`)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := []string{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		names = append(names, name)
	}
	s.learned.Store(&names)
	return rows.Err()
}

// LearnedNames gives the tags that the space's encoder has learned, by their number.
// The caller must not change it.
func (s *Space) LearnedNames() []string { return *s.learned.Load() }

// LearnedTags gives the tags that the space's encoder has learned, in their order,
// with the number of photos that have them by at least such a confidence.
func (s *Space) LearnedTags(ctx context.Context, least float64) (tags []LearnedCount, err error) {
	for number, name := range s.LearnedNames() {
		one := LearnedCount{Name: name}
		err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM learned WHERE tag = ? AND confidence >= ?`, number, parts(least)).Scan(&one.Photos)
		if err != nil {
			return nil, fmt.Errorf("count learned tags: %w", err)
		}
		tags = append(tags, one)
	}
	return tags, nil
}

// Learned gives the tags that the space's encoder believes to be the photo's, the
// surest first, but for those that someone said or the user refused.
func (s *Space) Learned(ctx context.Context, photo int64) (tags []LearnedTag, err error) {
	found, err := s.likely(ctx, `photo = ? ORDER BY confidence DESC, tag`, photo)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	said, err := s.catalogue.said(ctx, s, []int64{photo})
	for _, one := range found {
		if word, ok := said[photo]; ok && !word[fold(one.Name)] {
			tags = append(tags, one.LearnedTag)
		}
	}
	return tags, err
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

// fold gives the form in which a learned tag and one that was said are the same.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// RefuseTags notes that the user does not want learned tags on a photo: they are
// neither suggested nor found any more, and the next learning hears of it. To put
// one on by hand takes that back.
func (c *Catalogue) RefuseTags(ctx context.Context, photo int64, names []string) error {
	return c.changeTags(ctx, photo, names, func(w change, name string) (int64, error) {
		return w.exec(`INSERT OR IGNORE INTO tag_refused (photo, name) VALUES (?, ?)`, photo, name)
	})
}

// Refused gives the learned tags that the user refused on a photo, in order.
func (c *Catalogue) Refused(ctx context.Context, photo int64) (names []string, err error) {
	rows, err := c.read.QueryContext(ctx, `SELECT name FROM tag_refused WHERE photo = ? ORDER BY name`, photo)
	if err != nil {
		return nil, fmt.Errorf("read refused tags: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// A TaggedPhoto is an example to learn from.
type TaggedPhoto struct {
	ID      int64
	Tags    []string // of the user, of files and sidecars, in order; none: an example for Refused alone
	Refused []string // learned tags that the user refused, and tags that the user took off
	Taken   string   // the camera's local time; "" where unknown
	Looks   uint64   // perceptual hash; 0 where unknown
	Feature []byte   // nil: none is stored
}

// Tagged gives all photos with a file of which anyone said a tag, or the user refused
// one, in the order of ids, with their features in the space's feature space.
func (s *Space) Tagged(ctx context.Context, yield func(TaggedPhoto) error) error {
	c := s.catalogue
	ids, err := queryIDs(ctx, c.read, `SELECT photo FROM tag UNION SELECT photo FROM keyword UNION SELECT photo FROM tag_refused UNION SELECT photo FROM tag_removed
		UNION SELECT file.photo FROM sidecar_tag JOIN file ON file.id = sidecar_tag.file WHERE file.photo IS NOT NULL ORDER BY 1`)
	if err != nil {
		return err
	}
	for page := range slices.Chunk(ids, suggestionPage) {
		photos, err := c.taggedPage(ctx, page)
		if err == nil {
			err = s.addFeatures(ctx, photos)
		}
		if err != nil {
			return err
		}
		for _, one := range photos {
			if err := yield(one.TaggedPhoto); err != nil {
				return err
			}
		}
	}
	return nil
}

// A taggedPhoto is one that was read, with its content.
type taggedPhoto struct {
	TaggedPhoto
	digest []byte
}

const selectTagged = `WITH asked AS (SELECT id, digest, taken, perceptual_hash FROM photo
		WHERE id IN (SELECT value FROM json_each(?)) AND EXISTS (SELECT 1 FROM file WHERE photo = photo.id AND state = 'present'))
	SELECT id, digest, taken, coalesce(perceptual_hash, 0), coalesce(said.name, ''), coalesce(said.against, false) FROM asked LEFT JOIN (
		SELECT asked.id AS photo, name, false AS against FROM asked CROSS JOIN tag ON tag.photo = asked.id
		UNION SELECT asked.id, name, false FROM asked CROSS JOIN keyword ON keyword.photo = asked.id
			WHERE name NOT IN (SELECT name FROM tag_removed WHERE photo = asked.id)
		UNION SELECT asked.id, name, false FROM asked CROSS JOIN file ON file.photo = asked.id CROSS JOIN sidecar_tag ON sidecar_tag.file = file.id
			WHERE name NOT IN (SELECT name FROM tag_removed WHERE photo = asked.id)
		UNION SELECT asked.id, name, true FROM asked CROSS JOIN tag_refused ON tag_refused.photo = asked.id
		UNION SELECT asked.id, name, true FROM asked CROSS JOIN tag_removed ON tag_removed.photo = asked.id
	) AS said ON said.photo = asked.id ORDER BY id, said.name`

// taggedPage reads photos with their tags; those without a file are left out.
func (c *Catalogue) taggedPage(ctx context.Context, ids []int64) (photos []*taggedPhoto, err error) {
	rows, err := c.read.QueryContext(ctx, selectTagged, jsonIDs(ids))
	if err != nil {
		return nil, fmt.Errorf("read tagged photos: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var one taggedPhoto
		var looks int64
		var name string
		var against bool
		if err := rows.Scan(&one.ID, &one.digest, &one.Taken, &looks, &name, &against); err != nil {
			return nil, err
		}
		one.Looks = uint64(looks)
		if len(photos) == 0 || photos[len(photos)-1].ID != one.ID {
			photos = append(photos, &one)
		}
		last := photos[len(photos)-1]
		switch {
		case name == "":
		case against:
			last.Refused = append(last.Refused, name)
		default:
			last.Tags = append(last.Tags, name)
		}
	}
	return photos, rows.Err()
}

// addFeatures adds the features that are stored.
func (s *Space) addFeatures(ctx context.Context, photos []*taggedPhoto) error {
	from := s.features.Load()
	if from == nil {
		return nil
	}
	wanted, byID := make([]Stored, len(photos)), make(map[int64]*taggedPhoto, len(photos))
	for i, one := range photos {
		wanted[i], byID[one.ID] = Stored{Photo: one.ID, digest: one.digest}, one
	}
	found, err := from.fill(ctx, wanted)
	for _, one := range found {
		byID[one.Photo].Feature = one.Feature
	}
	return err
}

// TagCounts say how much there is to learn from.
type TagCounts struct {
	Photos  int64 // with a tag of the user, of a file or a sidecar
	Tags    int64 // different ones
	Given   int64 // photos with a tag each
	Refused int64 // photos with a tag refused each
}

// CountTags counts all tags. It takes a second for a million photos, and is not done
// again while nothing has been written.
func (c *Catalogue) CountTags(ctx context.Context) (counts TagCounts, err error) {
	c.tagging.Lock()
	defer c.tagging.Unlock()
	written := c.written.Load()
	if c.taggedAt != nil && *c.taggedAt == written {
		return c.tagged, nil
	}
	err = c.view(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `WITH said AS (SELECT photo, name FROM tag UNION SELECT photo, name FROM keyword
				UNION SELECT file.photo, name FROM sidecar_tag JOIN file ON file.id = sidecar_tag.file WHERE file.photo IS NOT NULL)
			SELECT count(DISTINCT photo), count(DISTINCT name), count(*), (SELECT count(*) FROM tag_refused) FROM said`).
			Scan(&counts.Photos, &counts.Tags, &counts.Given, &counts.Refused)
	})
	if err != nil {
		return counts, fmt.Errorf("count tags: %w", err)
	}
	c.tagged, c.taggedAt = counts, &written
	return counts, nil
}

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
	rows, err := c.read.QueryContext(ctx, selectAgainst)
	if err != nil {
		return nil, fmt.Errorf("read refused tags: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if fold(name) == folded {
			names = append(names, name)
		}
	}
	return names, rows.Err()
}

// takeBack has a tag refused no more, in any spelling.
func (w change) takeBack(photo int64, tag string) error {
	rows, err := w.QueryContext(w.ctx, `SELECT name FROM tag_refused WHERE photo = ?`, photo)
	if err != nil {
		return err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		if fold(name) == fold(tag) {
			names = append(names, name)
		}
	}
	err = errors.Join(rows.Err(), rows.Close())
	for _, name := range names {
		if err == nil {
			_, err = w.exec(`DELETE FROM tag_refused WHERE photo = ? AND name = ?`, photo, name)
		}
	}
	return err
}
