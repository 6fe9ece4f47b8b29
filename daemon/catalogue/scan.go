package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// A Scan compares a whole walk over one folder with the catalogue. It has one
// owner, and keeps one bit a file.
type Scan struct {
	catalogue *Catalogue
	folder    int64
	seen      idSet
	sidecars  idSet
	// met are the devices on which a file was met, by their numbers now and before:
	// a disk may have another after each mount.
	met map[uint64]bool
}

// BeginScan starts a comparison with the folder of this id.
func (c *Catalogue) BeginScan(folder int64) *Scan {
	return &Scan{catalogue: c, folder: folder, met: make(map[uint64]bool)}
}

// Observe notes files that were seen, in one transaction. Unchanged files cost
// no write.
func (s *Scan) Observe(ctx context.Context, observations []Observation) error {
	return s.catalogue.observe(ctx, s.folder, observations, s)
}

// meets notes the device of a file that was seen, and what it was if the file is
// known: that of an ignored one is not kept up to date. A nil scan notes nothing.
func (s *Scan) meets(seen Stat, known record) {
	if s == nil {
		return
	}
	s.met[seen.Device] = true
	if known.state != "ignored" && seen.Size == known.stat.Size && seen.ModifiedNanos == known.stat.ModifiedNanos {
		s.met[known.stat.Device] = true
	}
}

// saw notes what the walk has passed. A nil scan notes nothing.
func (s *Scan) saw(id int64, sidecar bool) {
	switch {
	case s == nil:
	case sidecar:
		s.sidecars.add(id)
	default:
		s.seen.add(id)
	}
}

// Finish declares files missing that the walk did not see. Those below the
// unread paths, which the walk could not enter, stay as they are. An error may
// leave some of them declared: the next scan goes on.
func (s *Scan) Finish(ctx context.Context, unreadPaths []string) error {
	unread := newPathSet(unreadPaths)
	files, sidecars, err := s.unseen(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(files, statementIDs) {
		if err := s.catalogue.update(ctx, func(w change) error { return w.notSeen(some, unread) }); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(sidecars, statementIDs) {
		if err := s.catalogue.update(ctx, func(w change) error { return w.forgetSidecars(some, unread) }); err != nil {
			return err
		}
	}
	return s.catalogue.update(ctx, func(w change) error {
		_, err := w.exec(`UPDATE folder SET last_scan = ? WHERE id = ?`, time.Now().Unix(), s.folder)
		return err
	})
}

// unseen gives the ids of what the walk did not see.
func (s *Scan) unseen(ctx context.Context) (files, sidecars []int64, err error) {
	err = s.catalogue.view(func(db *sql.DB) error {
		if files, err = s.without(ctx, db, s.seen, `SELECT id, device FROM file WHERE folder = ? AND state != 'missing'`); err != nil {
			return err
		}
		sidecars, err = s.without(ctx, db, s.sidecars, `SELECT id, device FROM sidecar WHERE folder = ?`)
		return err
	})
	return files, sidecars, err
}

// without gives those of the query's ids that are not in the set. It leaves out
// those on a device of which no file was met: a disk that is mounted below the
// folder is away then, not each of its files.
func (s *Scan) without(ctx context.Context, db *sql.DB, seen idSet, query string) (gone []int64, err error) {
	rows, err := db.QueryContext(ctx, query, s.folder)
	if err != nil {
		return nil, fmt.Errorf("read the files of a folder: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, device int64
		if err := rows.Scan(&id, &device); err != nil {
			return nil, err
		}
		if !seen.has(id) && (len(s.met) == 0 || s.met[uint64(device)]) {
			gone = append(gone, id)
		}
	}
	return gone, rows.Err()
}

// notSeen declares files missing, but for those below an unread path.
func (w change) notSeen(ids []int64, unread pathSet) error {
	list, values := oneOfIDs(ids)
	files, err := w.knownFiles(`WHERE file.state != 'missing' AND file.id IN `+list, values...)
	if err != nil {
		return err
	}
	for _, file := range files {
		if unread.below(file.relative) {
			continue
		}
		if err := w.missing(file); err != nil {
			return err
		}
	}
	return nil
}

// An idSet holds ids as bits: those of the catalogue begin at one and leave few gaps.
type idSet struct{ bits []uint64 }

func (s *idSet) add(id int64) {
	word := int(id / 64)
	if word >= len(s.bits) {
		s.bits = append(s.bits, make([]uint64, word+1-len(s.bits))...)
	}
	s.bits[word] |= 1 << (id % 64)
}

func (s *idSet) has(id int64) bool {
	word := int(id / 64)
	return word < len(s.bits) && s.bits[word]&(1<<(id%64)) != 0
}

// A pathSet holds paths below a folder; "." is the folder itself.
type pathSet map[string]bool

func newPathSet(paths []string) pathSet {
	set := make(pathSet, len(paths))
	for _, path := range paths {
		set[path] = true
	}
	return set
}

// below reports whether the path or a folder above it is in the set.
func (s pathSet) below(path string) bool {
	for {
		if s[path] {
			return true
		}
		if path == "." || path == "/" {
			return false
		}
		path = filepath.Dir(path)
	}
}
