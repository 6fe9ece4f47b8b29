// Package learn is the life of learning runs in the daemon: when one starts, the
// folder in which a trainer works, what it proposed, and how a proposal becomes the
// encoder that serves, or the one before does again. How one learns is the trainer's,
// a process of its own; the swap from one encoder to another is package encoder's; what
// photos and tags there are is the catalogue's.
package learn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vsed/daemon/encoder"
	"vsed/plugins/contract"
)

const (
	// Enough is the number of new tags at which the schedule starts a run: fewer
	// hardly change what a run before them found.
	Enough = 50
	// kept is how many runs without an encoder in use stay, and with them their
	// reports and proposals.
	kept = 5
	// silence is how long a trainer may report nothing: a step of it takes seconds.
	silence = 10 * time.Minute
	// stopPatience is how long a run is waited for that was told to end.
	stopPatience = 5 * time.Second
)

// A Library is what is learned from.
type Library interface {
	// Tagged counts the photos with tags and the tags on them, whoever gave those.
	Tagged(ctx context.Context) (photos, given int64, err error)
	// Training yields each photo that has a feature of the feature space and tags, or
	// suggestions that were refused, and ends with the first error of yield. The
	// feature is the callee's.
	Training(ctx context.Context, featureSpace string, yield func(photo contract.TrainingPhoto, feature []byte) error) error
}

// Encoders is what is learned on top of, and where the result goes: an
// encoder.Manager.
type Encoders interface {
	About() *contract.EncoderDescription
	Serving() string
	Before() string
	List(ctx context.Context) ([]encoder.Known, error)
	Swap(ctx context.Context) (encoder.Swap, error)
	InstallFolder(ctx context.Context, name, folder string) error
	Use(ctx context.Context, name string, now bool) error
	Rollback(ctx context.Context) error
	Remove(ctx context.Context, name string) error
}

// Parts is what a manager works with.
type Parts struct {
	Library  Library
	Encoders Encoders
	State    string // state folder; the runs are in it
	// Train runs a trainer on a run's folder until it has ended.
	Train func(ctx context.Context, folder string, progress func(contract.Progress)) error
	// Runtime is libonnxruntime; "": where the trainer looks for it.
	Runtime string
	Threads int
	// Announce tells whoever listens that there is a proposal.
	Announce func(ctx context.Context) error
	// Auto has the schedule start runs, in the Hour of the day.
	Auto bool
	Hour int
	Log  *slog.Logger
}

// A Manager owns the runs. Its methods may be called by any number of goroutines;
// Run by one.
type Manager struct {
	Parts
	folder string
	begun  chan struct{} // holds a token when current is to be carried out

	commands sync.Mutex // held by a command that looks before it changes

	mutex   sync.Mutex
	runs    []Run // by their numbers
	current *current
	looked  time.Time // when the schedule looked last
	unheard []int     // proposals that a daemon before this one had no time to tell of
}

// A current run is under way.
type current struct {
	number   int
	ctx      context.Context
	end      context.CancelCauseFunc
	ended    chan struct{} // closed when it is no more under way
	progress Progress
}

// Progress is how far a run is.
type Progress struct {
	contract.Progress
	Since time.Time // when the step began
	From  int       // how much was done then: a step that was broken off goes on where it was
}

// A RefusedError refuses what is asked for at this time.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

func refused(format string, values ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, values...)}
}

// An UnknownError refuses the number of no run.
type UnknownError struct{ Number int }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no learning run %d: `vsectl learn list` shows those that are kept", e.Number)
}

// New makes a manager with the runs in the state folder. One that was under way when
// a daemon ended is noted as what it found, where its trainer was done, else as
// interrupted.
func New(parts Parts) (*Manager, error) {
	m := &Manager{Parts: parts, folder: filepath.Join(parts.State, "learn"), begun: make(chan struct{}, 1)}
	var err error
	if m.runs, err = readRuns(m.folder, m.Log); err != nil {
		return nil, err
	}
	m.unheard = m.settle()
	return m, nil
}

// Run carries out runs, those asked for and those of the schedule, until the context
// ends.
func (m *Manager) Run(ctx context.Context) error {
	look := time.NewTicker(lookPause)
	defer look.Stop()
	m.catchUp(ctx)
	m.prune(ctx)
	for {
		select {
		case <-m.begun:
			m.carryOut(ctx)
		case now := <-look.C:
			m.schedule(ctx, now)
		case <-ctx.Done():
			m.abandon()
			return nil
		}
	}
}

// abandon notes the end of a run that never began.
func (m *Manager) abandon() {
	m.mutex.Lock()
	c := m.current
	m.mutex.Unlock()
	if c != nil {
		m.conclude(c, m.interrupted(c.number))
	}
}

// Start starts a run, unless one is under way or there is nothing to learn from.
func (m *Manager) Start(ctx context.Context, by string) (Run, error) {
	m.commands.Lock()
	defer m.commands.Unlock()
	if run, _, ok := m.Current(); ok {
		return Run{}, refused("learning run %d is under way: `vsectl learn status` shows how far it is, `vsectl learn stop` ends it", run.Number)
	}
	base, err := m.base(ctx)
	if err != nil {
		return Run{}, err
	}
	photos, given, err := m.Library.Tagged(ctx)
	if err != nil {
		return Run{}, err
	}
	if photos == 0 {
		return Run{}, refused("no photo has a tag to learn from: give some with `vsectl tag add PHOTO TAG`, to 20 photos at least")
	}
	number, err := m.nextNumber(ctx)
	if err != nil {
		return Run{}, err
	}
	run := Run{Number: number, State: Running, By: by, Began: time.Now(), From: base.Name, FeatureSpace: base.featureSpace, TagsGiven: given}
	if err := m.add(run); err != nil {
		return Run{}, err
	}
	m.begun <- struct{}{}
	return run, nil
}

// add makes a run the current one, and its folder.
func (m *Manager) add(run Run) error {
	if err := makeRun(m.folder, run); err != nil {
		return err
	}
	c := &current{number: run.Number, ended: make(chan struct{})}
	c.ctx, c.end = context.WithCancelCause(context.Background()) // Run's own ends it too
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.runs = append(m.runs, run)
	m.current = c
	return nil
}

// based is the encoder that a run begins from.
type based struct {
	encoder.Known
	featureSpace string
	featureBytes int64
	seen         map[int64]bool // photos that it was learned from; nil where it was not, or they are not known
}

// base gives the encoder that serves, which must keep features.
func (m *Manager) base(ctx context.Context) (based, error) {
	about, name := m.Encoders.About(), m.Encoders.Serving()
	if about == nil {
		return based{}, refused("no encoder serves at present to learn on top of: `vsectl status` says why")
	}
	if about.GetFeatureSpace() == "" {
		return based{}, refused("the encoder %s keeps no features to learn from: the built-in one does, `vsectl encoder use %s`, and so does a model of a hub that is pulled anew, `vsectl encoder pull MODEL --name OTHER`", name, encoder.Default)
	}
	all, err := m.Encoders.List(ctx)
	if err != nil {
		return based{}, err
	}
	at := slices.IndexFunc(all, func(one encoder.Known) bool { return one.Name == name })
	if at < 0 || all[at].Folder == "" {
		return based{}, refused("the encoder %s brings a model of its own, which cannot be learned on top of: use one with a bundle", name)
	}
	return based{Known: all[at], featureSpace: about.GetFeatureSpace(), featureBytes: int64(about.GetFeatureBytes())}, nil
}

// nextNumber is above that of every run and of every learned encoder, also of one
// whose run was deleted.
func (m *Manager) nextNumber(ctx context.Context) (int, error) {
	highest, err := highestFolder(m.folder)
	if err != nil {
		return 0, err
	}
	all, err := m.Encoders.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		if number, ok := NumberOf(one.Name); ok {
			highest = max(highest, number)
		}
	}
	return highest + 1, nil
}

// Stop ends the run that is under way, and waits for its end as long as a person would:
// then Current gives none.
func (m *Manager) Stop(ctx context.Context) error {
	m.mutex.Lock()
	c := m.current
	m.mutex.Unlock()
	if c == nil {
		return refused("no learning run is under way")
	}
	c.end(errStopped)
	ctx, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	select {
	case <-c.ended:
	case <-ctx.Done():
	}
	return nil
}

// Current gives the run that is under way, and how far it is.
func (m *Manager) Current() (Run, Progress, bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.current == nil {
		return Run{}, Progress{}, false
	}
	run, _ := m.find(m.current.number)
	return *run, m.current.progress, true
}

// Runs gives the runs that are kept, by their numbers.
func (m *Manager) Runs() []Run {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return slices.Clone(m.runs)
}

// Report gives what a run found.
func (m *Manager) Report(number int) (Run, contract.TrainingReport, error) {
	run, err := m.run(number)
	if err != nil {
		return Run{}, contract.TrainingReport{}, err
	}
	switch run.State {
	case Proposed, NoProposal:
		report, err := readReport(m.path(number))
		return run, report, err
	case Running:
		return run, contract.TrainingReport{}, refused("learning run %d is under way: `vsectl learn status` shows how far it is", number)
	}
	return run, contract.TrainingReport{}, refused("learning run %d has no report, it ended before: %s", number, run.Reason)
}

func (m *Manager) run(number int) (Run, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	run, err := m.find(number)
	if err != nil {
		return Run{}, err
	}
	return *run, nil
}

// find is called with the mutex held.
func (m *Manager) find(number int) (*Run, error) {
	at := slices.IndexFunc(m.runs, func(run Run) bool { return run.Number == number })
	if at < 0 {
		return nil, &UnknownError{number}
	}
	return &m.runs[at], nil
}

func (m *Manager) path(number int) string { return filepath.Join(m.folder, strconv.Itoa(number)) }

// prefix begins the name of every learned encoder.
const prefix = "learned-"

// Name is the name of the encoder that a run makes.
func Name(number int) string { return prefix + strconv.Itoa(number) }

// NumberOf gives the number of the run that made an encoder, if one did.
func NumberOf(name string) (int, bool) {
	text, learned := strings.CutPrefix(name, prefix)
	number, err := strconv.Atoi(text)
	return number, learned && err == nil && Name(number) == name
}

// Causes of the end of a run.
var (
	errStopped = errors.New("it was stopped")
	errEnded   = errors.New("the daemon ended under it: start another")
	errSilent  = fmt.Errorf("the trainer reported nothing for %d minutes and was ended: is the machine overloaded? Start another run later", int(silence.Minutes()))
)
