package learn

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vsed/plugins/contract"
)

// longestReason is that of a record.
const longestReason = 500

// An ending is how a run ended.
type ending struct {
	state, reason string
	at            time.Time
	summary       *Summary // of the report, where there is one
}

func endingOf(report contract.TrainingReport, at time.Time) ending {
	return ending{report.Outcome, report.Reason, at, summary(report)}
}

// result reads what a trainer has left that came to its end.
func (m *Manager) result(number int) (report contract.TrainingReport, err error) {
	folder := m.path(number)
	if report, err = readReport(folder); err == nil && report.Outcome == Proposed {
		err = checkBundle(folder)
	}
	return report, err
}

// interrupted is the ending of a run under which the daemon ended: what it found, where
// its trainer was done.
func (m *Manager) interrupted(number int) ending {
	written, err := os.Stat(filepath.Join(m.path(number), contract.ReportFile))
	if err != nil {
		return ending{state: Interrupted, reason: errEnded.Error(), at: time.Now()}
	}
	report, err := m.result(number)
	if err != nil {
		m.Log.Warn("what a learning run left when the daemon ended is of no use", "run", number, "error", err)
		return ending{state: Interrupted, reason: errEnded.Error(), at: time.Now()}
	}
	return endingOf(report, written.ModTime())
}

// settle concludes what a daemon before this one left: runs that were under way, and
// files that were to be deleted. It gives the proposals that nobody heard of.
func (m *Manager) settle() (unheard []int) {
	for i := range m.runs {
		run := &m.runs[i]
		var err error
		if run.State != Running {
			err = m.clear(*run)
		} else if err = m.finish(run, m.interrupted(run.Number)); run.State == Proposed {
			unheard = append(unheard, run.Number)
		}
		if err != nil {
			m.Log.Warn("a learning run cannot be concluded", "run", run.Number, "error", err)
		}
	}
	return unheard
}

// catchUp does what a daemon before this one may have had no time for.
func (m *Manager) catchUp(ctx context.Context) {
	for _, run := range m.Runs() {
		if run.State == Proposed {
			m.share(ctx, run.Number)
		}
	}
	for _, number := range m.unheard {
		m.announce(ctx, number)
	}
}

// conclude notes how the current run ended, and that none is under way.
func (m *Manager) conclude(c *current, how ending) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	run, err := m.find(c.number)
	if err == nil {
		err = m.finish(run, how)
	}
	if err != nil {
		m.Log.Error("the end of a learning run cannot be written down", "run", c.number, "error", err)
	}
	m.current = nil
	close(c.ended)
}

// finish writes down how a run ended, and only then deletes what is of no more use: who
// is killed in between loses nothing, and the next start deletes the rest. On a full disk
// it is written once more, after there is room again.
func (m *Manager) finish(run *Run, how ending) error {
	run.State, run.Reason, run.Ended, run.Summary = how.state, oneLine(how.reason), how.at, how.summary
	unwritten := writeRun(m.path(run.Number), *run)
	err := m.clear(*run)
	if unwritten != nil {
		unwritten = writeRun(m.path(run.Number), *run)
	}
	return errors.Join(err, unwritten)
}

// clear deletes what only the trainer of a run that has ended needed: the features of a
// large library are large.
func (m *Manager) clear(run Run) error {
	keep := []string{recordName}
	if run.State == Proposed || run.State == NoProposal {
		keep = append(keep, contract.ReportFile, contract.CurvesFile, contract.PictureFile)
	}
	if run.State == Proposed {
		keep = append(keep, contract.LearnedFile, contract.PhotosFile) // by which a run on top of it knows what is new
	}
	folder := m.path(run.Number)
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if !slices.Contains(keep, entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + " …"
	}
	return text
}
