package learn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"vsed/plugins/contract"
)

// recordName is the file of a run's folder that is the daemon's own.
const recordName = "run.json"

// recordBytes is more than a record ever has.
const recordBytes = 64 << 10

// States of a run.
const (
	Running     = "running"
	Proposed    = contract.Proposed
	NoProposal  = contract.NoProposal
	Failed      = "failed"
	Stopped     = "stopped"
	Interrupted = "interrupted"
)

// Who starts a run.
const (
	ByHand     = "hand"
	BySchedule = "schedule"
)

// A Run is what is known of a run besides its report.
type Run struct {
	Number       int       `json:"number"`
	State        string    `json:"state"`
	Reason       string    `json:"reason,omitempty"` // why it proposes nothing, or its proposal cannot be applied
	By           string    `json:"by"`
	Began        time.Time `json:"began"`
	Ended        time.Time `json:"ended,omitzero"`
	From         string    `json:"from"` // the encoder that it began from
	FeatureSpace string    `json:"feature_space"`
	TagsGiven    int64     `json:"tags_given"` // in the library when it began
	Applied      time.Time `json:"applied,omitzero"`
	Summary      *Summary  `json:"summary,omitempty"` // of its report
}

// A Summary is what a list of runs shows of a report.
type Summary struct {
	Photos  int                       `json:"photos"`
	Held    int                       `json:"held"`
	Folds   int                       `json:"folds,omitempty"`
	Tags    int                       `json:"tags"`
	Learned int                       `json:"learned"`
	Gain    contract.TrainingMeasure  `json:"gain"`
	Guard   *contract.TrainingMeasure `json:"guard,omitempty"`
}

func summary(report contract.TrainingReport) *Summary {
	s := &Summary{Photos: report.Photos, Held: report.Held, Folds: report.Folds, Tags: report.Tags, Learned: report.Learned, Gain: report.Gain}
	if report.Guard != nil {
		s.Guard = &report.Guard.Change
	}
	return s
}

// readRuns reads the runs below a folder, by their numbers. One whose record is
// damaged is passed over, and keeps its number.
func readRuns(folder string, log *slog.Logger) (runs []Run, err error) {
	numbers, err := folders(folder)
	if err != nil {
		return nil, err
	}
	for _, number := range numbers {
		run, err := readRun(filepath.Join(folder, strconv.Itoa(number)))
		if err == nil && run.Number != number {
			err = fmt.Errorf("it says that it is of run %d", run.Number)
		}
		if err != nil {
			log.Warn("a learning run cannot be read and is passed over; delete its folder", "run", number, "error", err)
			continue
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func readRun(folder string) (run Run, err error) {
	text, err := readSmall(filepath.Join(folder, recordName), recordBytes)
	if err != nil {
		return run, err
	}
	return run, json.Unmarshal(text, &run)
}

// folders gives the numbers of the folders that are named as runs.
func folders(folder string) (numbers []int, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the learning runs: %w", err)
	}
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err == nil && number > 0 && strconv.Itoa(number) == entry.Name() && entry.IsDir() {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

func highestFolder(folder string) (int, error) {
	numbers, err := folders(folder)
	if err != nil || len(numbers) == 0 {
		return 0, err
	}
	return numbers[len(numbers)-1], nil
}

// makeRun makes the folder of a run that begins.
func makeRun(folder string, run Run) error {
	path := filepath.Join(folder, strconv.Itoa(run.Number))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of the learning runs: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return fmt.Errorf("make the folder of learning run %d: %w", run.Number, err)
	}
	if err := writeRun(path, run); err != nil {
		return errors.Join(fullDisk(err, folder), os.RemoveAll(path))
	}
	return nil
}

// writeRun replaces a run's record as a whole.
func writeRun(folder string, run Run) error {
	text, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return err
	}
	partial := filepath.Join(folder, recordName+".partial")
	if err := writeSynced(partial, append(text, '\n')); err != nil {
		return fmt.Errorf("write the record of learning run %d: %w", run.Number, err)
	}
	if err := os.Rename(partial, filepath.Join(folder, recordName)); err != nil {
		return fmt.Errorf("write the record of learning run %d: %w", run.Number, err)
	}
	return nil
}

func writeSynced(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// readSmall reads a regular file of at most so many bytes.
func readSmall(path string, most int64) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file", filepath.Base(path))
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are taken", filepath.Base(path), info.Size(), most)
	}
	content, err := os.ReadFile(path)
	return bytes.TrimSpace(content), err
}
