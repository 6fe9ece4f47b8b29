package learn

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	// longestReason is that of a record.
	longestReason = 500
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
	report, err := m.learn(c)
	state, reason := Failed, ""
	switch cause := context.Cause(c.ctx); {
	case errors.Is(cause, errStopped):
		state, reason = Stopped, "it was stopped by hand"
	case errors.Is(cause, errEnded):
		state, reason = Interrupted, errEnded.Error()
	case cause != nil:
		reason = cause.Error()
	case err != nil:
		reason = err.Error()
	default:
		state, reason = report.Outcome, report.Reason
	}
	if state == Failed {
		m.Log.Error("learning failed", "run", c.number, "error", reason)
	} else {
		m.Log.Info("learning has ended", "run", c.number, "outcome", state)
	}
	m.conclude(c, state, reason, &report)
	if state == Proposed {
		if err := m.Announce(ctx); err != nil && ctx.Err() == nil {
			m.Log.Warn("a proposal cannot be announced", "run", c.number, "error", err)
		}
	}
	m.prune(ctx)
}

// learn writes the inputs, has them learned from, and reads the report.
func (m *Manager) learn(c *current) (report contract.TrainingReport, err error) {
	base, err := m.base(c.ctx)
	if err != nil {
		return report, err
	}
	folder := m.path(c.number)
	m.note(c, contract.Progress{Step: "gathering tags and features"})
	if err := m.write(c, base, folder); err != nil {
		return report, fullDisk(err, folder)
	}
	watchdog := time.AfterFunc(silence, func() { c.end(errSilent) })
	defer watchdog.Stop()
	err = m.Train(c.ctx, folder, func(step contract.Progress) {
		watchdog.Reset(silence)
		m.note(c, step)
	})
	if err != nil {
		return report, fullDisk(err, folder)
	}
	if report, err = readReport(folder); err == nil && report.Outcome == Proposed {
		err = checkBundle(folder)
	}
	return report, err
}

// note keeps how far a run is.
func (m *Manager) note(c *current, step contract.Progress) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	since := c.progress.Since
	if step.Step != c.progress.Step || step.Done < c.progress.Done {
		since = time.Now()
	}
	c.progress = Progress{step, since}
}

// write writes the task, the photos and their features.
func (m *Manager) write(c *current, base based, folder string) (err error) {
	photos, _, err := m.Library.Tagged(c.ctx)
	if err != nil {
		return err
	}
	if err := m.room(min(photos, contract.TrainingPhotosLimit)*(base.featureBytes+lineBytes), folder); err != nil {
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

// conclude notes how the current run ended, and that none is under way.
func (m *Manager) conclude(c *current, state, reason string, report *contract.TrainingReport) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	run, err := m.find(c.number)
	if err == nil {
		if state == Proposed || state == NoProposal {
			run.Summary = summary(*report)
		}
		err = m.finish(run, state, reason)
	}
	if err != nil {
		m.Log.Error("the end of a learning run cannot be written down", "run", c.number, "error", err)
	}
	m.current = nil
}

// finish ends a run. What only the trainer needed is deleted: the features of a large
// library are large.
func (m *Manager) finish(run *Run, state, reason string) error {
	run.State, run.Reason, run.Ended = state, oneLine(reason), time.Now()
	keep := []string{recordName}
	if state == Proposed || state == NoProposal {
		keep = append(keep, contract.ReportFile, contract.CurvesFile, contract.PictureFile)
	}
	if state == Proposed {
		keep = append(keep, contract.LearnedFile, contract.PhotosFile) // by which a run on top of it knows what is new
	}
	folder := m.path(run.Number)
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if !slices.Contains(keep, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(err, writeRun(folder, *run)) // after there is room again
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + " …"
	}
	return text
}
