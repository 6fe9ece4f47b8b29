package learn

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vsed/plugins/contract"
)

const (
	// spareBytes stay free on the disk besides what a run writes.
	spareBytes = 256 << 20
	// lineBytes is what a photo's tags take, about.
	lineBytes = 300
	megabyte  = 1_000_000
)

// seed makes two runs on the same tags learn the same.
const seed = 1

// carryOut brings the current run to its end.
func (m *Manager) carryOut(ctx context.Context) {
	m.mutex.Lock()
	c := m.current
	m.mutex.Unlock()
	defer context.AfterFunc(ctx, func() { c.end(errEnded) })()
	defer c.end(nil)
	m.Log.Info("learning begins", "run", c.number)
	how := m.endingOf(c, m.learn(c))
	if how.state == Failed {
		m.Log.Error("learning failed", "run", c.number, "error", how.reason)
	} else {
		m.Log.Info("learning has ended", "run", c.number, "outcome", how.state)
	}
	if how.state == Proposed {
		m.share(ctx, c.number)
	}
	m.conclude(c, how)
	if how.state == Proposed {
		m.announce(ctx, c.number)
	}
	m.prune(ctx)
}

// endingOf says how the current run ended, whose trainer has.
func (m *Manager) endingOf(c *current, err error) ending {
	how := ending{state: Failed, at: time.Now()}
	switch cause := context.Cause(c.ctx); {
	case errors.Is(cause, errStopped):
		how.state, how.reason = Stopped, "it was stopped by hand"
		return how
	case errors.Is(cause, errEnded):
		return m.interrupted(c.number)
	case cause != nil:
		err = cause
	}
	if err != nil {
		how.reason = err.Error()
		return how
	}
	report, err := m.result(c.number)
	if err != nil {
		how.reason = err.Error()
		return how
	}
	return endingOf(report, how.at)
}

func (m *Manager) announce(ctx context.Context, number int) {
	if err := m.Announce(ctx); err != nil && ctx.Err() == nil {
		m.Log.Warn("a proposal cannot be announced", "run", number, "error", err)
	}
}

// learn writes the inputs and has them learned from.
func (m *Manager) learn(c *current) error {
	base, err := m.base(c.ctx)
	if err != nil {
		return err
	}
	folder := m.path(c.number)
	m.note(c, contract.Progress{Step: "gathering tags and features"})
	if err := m.write(c, base, folder); err != nil {
		return fullDisk(err, folder)
	}
	watchdog := time.AfterFunc(silence, func() { c.end(errSilent) })
	defer watchdog.Stop()
	err = m.Train(c.ctx, folder, func(step contract.Progress) {
		watchdog.Reset(silence)
		m.note(c, step)
	})
	return fullDisk(err, folder)
}

// note keeps how far a run is.
func (m *Manager) note(c *current, step contract.Progress) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	since, from := c.progress.Since, c.progress.From
	if step.Step != c.progress.Step || step.Done < c.progress.Done {
		since, from = time.Now(), step.Done
	}
	c.progress = Progress{step, since, from}
}

// write writes the task, the photos and their features.
func (m *Manager) write(c *current, base based, folder string) (err error) {
	photos, _, err := m.Library.Tagged(c.ctx)
	if err != nil {
		return err
	}
	if err := m.room(min(photos, contract.TrainingPhotosLimit)*(base.featureBytes+lineBytes)+bytesBelow(base.Folder), folder); err != nil {
		return err
	}
	lines, err := create(filepath.Join(folder, contract.PhotosFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lines.Close()) }()
	features, err := create(filepath.Join(folder, contract.FeaturesFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, features.Close()) }()
	among := newDraw(photos)
	base.seen = m.seenBy(base.Name)
	if err := m.writePhotos(c.ctx, base, among, lines, features); err != nil {
		return err
	}
	task, err := json.Marshal(contract.TrainingTask{
		Format: contract.TrainingFormat, Bundle: base.Folder, FeatureSpace: base.featureSpace, Library: m.Runtime,
		Name: Name(c.number), Seed: seed, Threads: m.Threads, Photos: among.from(),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, contract.TaskFile), task, 0o600)
}

func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// A draw takes no more of some photos than a run has, by chance: all that a large library
// has would take gigabytes, which the trainer had no use for.
type draw struct {
	left, wanted int64 // photos that come, and of those the ones to take
	passed       bool  // one was not taken
	all          int64
	random       *rand.Rand
}

func newDraw(photos int64) *draw {
	return &draw{left: photos, wanted: contract.TrainingPhotosLimit, all: photos, random: rand.New(rand.NewPCG(seed, 0))}
}

// next tells whether to take the next photo (Knuth's algorithm S). There may come more
// than was said, of which refusals alone are known.
func (d *draw) next() bool {
	takes := d.wanted > 0 && (d.wanted >= d.left || d.random.Int64N(d.left) < d.wanted)
	d.left--
	if takes {
		d.wanted--
	}
	d.passed = d.passed || !takes
	return takes
}

// from is of how many photos those that were taken are some; 0: they are all.
func (d *draw) from() int64 {
	if !d.passed {
		return 0
	}
	return d.all - min(0, d.left)
}

// seenBy are the photos that a learned encoder was learned from, as its run has kept
// them; nil where they are not known, or the encoder has learned nothing.
func (m *Manager) seenBy(name string) map[int64]bool {
	number, ok := NumberOf(name)
	if !ok {
		return nil
	}
	seen, err := readSeen(filepath.Join(m.path(number), contract.PhotosFile))
	if err != nil {
		m.Log.Warn("a learning run cannot be compared with the encoder that serves", "encoder", name, "error", err)
	}
	return seen
}

func readSeen(path string) (map[int64]bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the photos that it has learned from: %w", err)
	}
	defer file.Close() // only read
	seen := map[int64]bool{}
	for decoder := json.NewDecoder(bufio.NewReader(file)); ; {
		var one contract.TrainingPhoto
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return seen, nil
		case err != nil:
			return nil, fmt.Errorf("read the photos that it has learned from: %w", err)
		}
		seen[one.Photo] = true
	}
}

func (m *Manager) writePhotos(ctx context.Context, base based, among *draw, lines, features io.Writer) error {
	toLines, toFeatures := bufio.NewWriter(lines), bufio.NewWriter(features)
	encode := json.NewEncoder(toLines)
	tagged := 0
	err := m.Library.Training(ctx, base.featureSpace, func(photo contract.TrainingPhoto, feature []byte) error {
		if int64(len(feature)) != base.featureBytes {
			return nil // damaged: it is no example
		}
		if !among.next() {
			return nil
		}
		if len(photo.Tags) > 0 {
			tagged++
		}
		photo.New = base.seen != nil && !base.seen[photo.Photo]
		_, err := toFeatures.Write(feature)
		return errors.Join(err, encode.Encode(photo))
	})
	if err == nil && tagged == 0 {
		err = errors.New("no photo with a tag is encoded yet: wait until `vsectl status` says that the library is ready, and start again")
	}
	return errors.Join(err, toLines.Flush(), toFeatures.Flush())
}

// bytesBelow is what the files of a bundle take, which a trainer copies; what is wrong with
// it the trainer says.
func bytesBelow(folder string) (sum int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// room refuses a run whose files find no room.
func (m *Manager) room(needed int64, folder string) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return fmt.Errorf("ask for the room in %s: %w", folder, err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; needed+spareBytes > free {
		return fmt.Errorf("learning needs %d MB in %s and %d MB are free: make room there", (needed+spareBytes)/megabyte, m.State, free/megabyte)
	}
	return nil
}

// fullDisk says of a disk without room what to do.
func fullDisk(err error, folder string) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk of %s is full: make room there, then start again", folder)
	}
	return err
}
