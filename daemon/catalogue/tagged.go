package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

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
	usual, err := c.usualSpellings(ctx)
	if err != nil {
		return err
	}
	for page := range slices.Chunk(ids, suggestionPage) {
		photos, err := c.taggedPage(ctx, page)
		for _, one := range photos {
			one.Tags, one.Refused = usual.of(one.Tags), usual.of(one.Refused)
		}
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

// usualSpellings give other spellings of a tag the one that most photos have it in, so
// that a word is learned once.
type usualSpellings map[string]string

func (c *Catalogue) usualSpellings(ctx context.Context) (usualSpellings, error) {
	rows, err := c.read.QueryContext(ctx, `SELECT name FROM (SELECT photo, name, 1 AS given FROM tag UNION SELECT photo, name, 1 FROM keyword
			UNION SELECT file.photo, name, 1 FROM sidecar_tag JOIN file ON file.id = sidecar_tag.file WHERE file.photo IS NOT NULL
			UNION SELECT 0, name, 0 FROM tag_refused UNION SELECT 0, name, 0 FROM tag_removed)
		GROUP BY name ORDER BY sum(given) DESC, name`)
	if err != nil {
		return nil, fmt.Errorf("count tags: %w", err)
	}
	defer rows.Close()
	first, usual := make(map[string]string), make(usualSpellings)
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if known, ok := first[fold(name)]; ok {
			usual[name] = known
		} else {
			first[fold(name)] = name
		}
	}
	return usual, rows.Err()
}

// of gives tags in their usual spelling, each once and in order.
func (u usualSpellings) of(names []string) []string {
	for i, name := range names {
		if usual, ok := u[name]; ok {
			names[i] = usual
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
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
			WHERE NOT EXISTS (SELECT 1 FROM tag_removed WHERE photo = asked.id AND fold(tag_removed.name) = fold(keyword.name))
		UNION SELECT asked.id, name, false FROM asked CROSS JOIN file ON file.photo = asked.id CROSS JOIN sidecar_tag ON sidecar_tag.file = file.id
			WHERE NOT EXISTS (SELECT 1 FROM tag_removed WHERE photo = asked.id AND fold(tag_removed.name) = fold(sidecar_tag.name))
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
