package encoder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
)

// spareBytes stay free on the disk besides what a swap needs.
const spareBytes = 256 << 20

// megabyte is the unit of what people read, as in the rest of vsed.
const megabyte = 1_000_000

// A RefusedError refuses what is asked for at this time.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refused(format string, values ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, values...)}
}

// command changes the state, unless edit refuses, and has Run look at it.
func (m *Manager) command(ctx context.Context, edit func(*state) error) error {
	defer m.wake()
	return m.change(ctx, edit)
}

// errFit says that a swap needs a trial of its encoder.
var errFit = errors.New("the encoder is to be tried")

// Use begins a swap: the encoder is tested, then encodes the library while the
// one that serves goes on, and takes its place when every photo that can be read
// has a vector; with now, when every one that is online has. A swap to another
// encoder that is under way gives way. To use what serves ends a swap.
func (m *Manager) Use(ctx context.Context, name string, now bool) error {
	installed, err := m.Shelf.Find(name)
	if err != nil {
		return err
	}
	err = m.command(ctx, func(s *state) error { return s.use(name, now) })
	if !errors.Is(err, errFit) {
		return err
	}
	space, err := m.fit(ctx, installed)
	if err != nil {
		return err
	}
	return m.command(ctx, func(s *state) error {
		err := s.use(name, now) // others may have asked meanwhile
		if errors.Is(err, errFit) {
			s.begin(plan{To: name, Space: space, Now: now, Started: time.Now()})
			return nil
		}
		return err
	})
}

// use does what needs no trial.
func (s *state) use(name string, now bool) error {
	switch {
	case s.Swap != nil && s.Swap.To == name:
		s.Swap.Now, s.Swap.Paused = now, false
		return nil
	case s.Serving.Name == name && s.Swap != nil:
		s.cancel()
		return nil
	case s.Serving.Name == name:
		return refused("the encoder %s serves already", name)
	}
	return errFit
}

// fit refuses an encoder that does not work or whose vectors find no room, and
// gives its space.
func (m *Manager) fit(ctx context.Context, installed Installed) (space string, err error) {
	m.thin(ctx)
	host, _, err := m.test(ctx, installed)
	defer func() { err = errors.Join(err, host.Close()) }()
	if err != nil {
		return "", err
	}
	about, err := host.Describe(ctx)
	if err != nil {
		return "", err
	}
	photos, err := m.lacking(ctx, about.GetSpace())
	if err != nil {
		return "", err
	}
	stored, err := m.Catalogue.CountFeatures(ctx, about.GetFeatureSpace())
	if err != nil {
		return "", err
	}
	return about.GetSpace(), m.room(installed.Name, about, photos, stored)
}

// lacking counts the photos that are to be encoded for a space, and lets its
// encoder try again what it refused before.
func (m *Manager) lacking(ctx context.Context, name string) (photos int64, err error) {
	m.spaces.RLock()
	defer m.spaces.RUnlock()
	known, err := m.Catalogue.Spaces(ctx)
	if err != nil {
		return 0, err
	}
	if !slices.Contains(known, name) {
		return m.photos(ctx)
	}
	space, err := m.Catalogue.Space(ctx, name)
	if err != nil {
		return 0, err
	}
	if err := space.Forgive(ctx); err != nil {
		return 0, err
	}
	covers, err := m.coverage(ctx, space)
	return covers.Coverage.Waiting + covers.Coverage.Offline, err
}

// photos counts the whole library; nothing where no encoder ever served.
func (m *Manager) photos(ctx context.Context) (int64, error) {
	serving := m.Catalogue.Serving()
	if serving == nil {
		return 0, nil
	}
	covers, err := m.coverage(ctx, serving)
	sum := covers.Coverage
	return sum.Encoded + sum.Waiting + sum.SetAside + sum.Offline, err
}

// tagBytes is what the disk holds of a learned tag of a photo: a row and two indexes.
const tagBytes = 42

// bytesFor is what the disk holds of photos for an encoder: vectors and learned tags
// in the space, int8 rows, float16 copies and their tables in the index; and features
// of those photos that have none stored, of its feature space.
func bytesFor(about *contract.EncoderDescription, photos, stored int64) int64 {
	const rows = 128
	tags := min(len(about.GetLearnedTags()), contract.PictureTagsLimit)
	each := 5*int64(about.GetDimensions()) + 2*rows + tagBytes*int64(tags)
	return photos*each + max(0, photos-stored)*int64(about.GetFeatureBytes())
}

func (m *Manager) room(name string, about *contract.EncoderDescription, photos, stored int64) error {
	free, err := freeBytes(m.State)
	if err != nil {
		return err
	}
	if needed := bytesFor(about, photos, stored); photos > 0 && needed+spareBytes > free {
		return refused("the vectors of %s need %d MB for %d photos, and %d MB are free in %s: make room there, or remove an encoder that is kept",
			name, (needed+spareBytes)/megabyte, photos, free/megabyte, m.State)
	}
	return nil
}

// freeBytes is the room that a folder's disk has for vsed.
func freeBytes(folder string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, fmt.Errorf("ask for the room in %s: %w", folder, err)
	}
	return int64(disk.Bavail) * disk.Bsize, nil
}

// Rollback gives up the swap that is under way; where there is none, it brings
// the encoder back that served before, with the vectors that it has: photos that
// came since then wait for theirs.
func (m *Manager) Rollback(ctx context.Context) error {
	return m.command(ctx, func(s *state) error {
		switch {
		case s.Swap != nil && s.Swap.Back:
			return nil
		case s.Swap != nil:
			s.cancel()
			return nil
		case !s.Returns || len(s.Earlier) == 0:
			return refused("there is no earlier encoder to go back to: `vsectl encoder list` shows what can be used")
		}
		s.begin(plan{To: s.Earlier[0].Name, Space: s.Earlier[0].Space, Back: true, Started: time.Now()})
		return nil
	})
}

// Pause stops the encoding of a swap, or goes on with it.
func (m *Manager) Pause(ctx context.Context, paused bool) error {
	return m.command(ctx, func(s *state) error {
		if s.Swap == nil {
			return refused("no swap is under way")
		}
		s.Swap.Paused = paused
		return nil
	})
}

// Remove deletes an installed encoder; its vectors follow soon. What serves or
// comes in, and what is fixed, is refused.
func (m *Manager) Remove(ctx context.Context, name string) error {
	installed, err := m.Shelf.Find(name)
	if err != nil {
		return err
	}
	err = m.command(ctx, func(s *state) error {
		switch {
		case installed.Fixed:
			return refused("%s comes with vsed or its configuration and cannot be removed", name)
		case s.Serving.Name == name:
			return refused("%s serves: use another encoder before", name)
		case s.Swap != nil && s.Swap.To == name:
			return refused("a swap to %s is under way: `vsectl encoder use %s` ends it", name, s.Serving.Name)
		}
		s.remove(name)
		return nil
	})
	if err != nil {
		return err
	}
	return m.Shelf.remove(installed)
}

// removeSpace deletes vectors and their index, which nothing uses.
func (m *Manager) removeSpace(ctx context.Context, space string) error {
	m.spaces.Lock()
	defer m.spaces.Unlock()
	if err := m.Catalogue.RemoveSpace(ctx, space); err != nil {
		return fmt.Errorf("delete the vectors of the space %s: %w", space, err)
	}
	if err := os.RemoveAll(m.indexFolder(space)); err != nil {
		return fmt.Errorf("delete the index of the space %s: %w", space, err)
	}
	return nil
}
