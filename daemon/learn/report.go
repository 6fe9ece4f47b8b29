package learn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"vsed/plugins/contract"
)

const (
	// reportBytes has room for ten thousand tags of the longest kind.
	reportBytes = 8 << 20
	// mostTags, mostExamples, mostHits and mostNotes bound its lists, and longestText
	// its texts, in bytes.
	mostTags     = 20_000
	mostExamples = 100
	mostHits     = 100
	mostNotes    = 100
	longestText  = 2000
	// mostFiles and mostBytes bound the bundle that it proposes.
	mostFiles = 256
	mostBytes = 16 << 30
)

// readReport reads what a trainer wrote, and refuses what no trainer of ours writes.
func readReport(folder string) (report contract.TrainingReport, err error) {
	text, err := readSmall(filepath.Join(folder, contract.ReportFile), reportBytes)
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err == nil {
		err = checkReport(report)
	}
	if err != nil {
		return contract.TrainingReport{}, fmt.Errorf("the trainer's report cannot be used: %w", err)
	}
	return report, nil
}

func checkReport(report contract.TrainingReport) error {
	switch {
	case report.Format != contract.TrainingFormat:
		return fmt.Errorf("it has the format %d and not %d: vsed and vsed-trainer are of two builds", report.Format, contract.TrainingFormat)
	case report.Outcome != contract.Proposed && report.Outcome != contract.NoProposal:
		return fmt.Errorf("its outcome is %.40q", report.Outcome)
	case report.Outcome == contract.NoProposal && report.Reason == "":
		return errors.New("it gives no reason")
	case min(report.Photos, report.Held, report.Events, report.Tags, report.Learned, report.Folds) < 0:
		return errors.New("it counts below zero")
	case len(report.PerTag) > mostTags, len(report.Examples) > mostExamples, len(report.Notes) > mostNotes:
		return errors.New("a list in it is too long")
	}
	return errors.Join(checkTexts(report), checkMeasures(report), checkExamples(report.Examples))
}

func checkTexts(report contract.TrainingReport) error {
	texts := append([]string{report.Reason}, report.Notes...)
	for _, one := range report.PerTag {
		texts = append(texts, one.Tag)
	}
	for _, one := range report.Examples {
		texts = append(texts, one.Query)
	}
	for _, text := range texts {
		if len(text) > longestText || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("the text %.40q in it is no line", text)
		}
	}
	return nil
}

// checkMeasures holds percentages and their differences to what those can be: JSON
// has no NaN, but 1e300.
func checkMeasures(report contract.TrainingReport) error {
	all := []contract.TrainingMeasure{report.Gain}
	figures := []contract.TrainingFigures{report.Before, report.After}
	for _, part := range report.Parts {
		figures = append(figures, part)
	}
	if s := report.Serving; s != nil {
		if s.Photos < 0 {
			return errors.New("it counts new photos below zero")
		}
		figures, all = append(figures, s.Before, s.After), append(all, s.Gain)
	}
	for _, one := range figures {
		all = append(all, one.MAP, one.P5, one.R10)
	}
	if report.Guard != nil {
		all = append(all, report.Guard.Change, contract.TrainingMeasure{Value: report.Guard.R1Before}, contract.TrainingMeasure{Value: report.Guard.R1After})
	}
	for _, one := range report.PerTag {
		if min(one.Photos, one.Held, one.Lacking) < 0 {
			return fmt.Errorf("it counts photos of the tag %.40q below zero", one.Tag)
		}
		all = append(all, contract.TrainingMeasure{Value: one.Before, Low: one.After})
	}
	for _, one := range all {
		for _, value := range []float64{one.Value, one.Low, one.High} {
			if !(value >= -100 && value <= 100) {
				return fmt.Errorf("%g in it is no percentage", value)
			}
		}
	}
	if !(report.Kept >= 0 && report.Kept <= 1) || !(report.ClassNames >= 0 && report.ClassNames <= 100) || report.Memory < 0 || !(report.Seconds >= 0) {
		return errors.New("a setting in it is out of range")
	}
	return nil
}

func checkExamples(examples []contract.TrainingExample) error {
	for _, one := range examples {
		if max(len(one.Before), len(one.After), len(one.Relevant)) > mostHits {
			return fmt.Errorf("the example %.40q has too many photos", one.Query)
		}
	}
	return nil
}

// checkBundle refuses a proposal that is more than a folder of plain files: it is
// installed as it is.
func checkBundle(folder string) error {
	root := filepath.Join(folder, contract.LearnedFile)
	var files int
	var bytes int64
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is no plain file", relative(root, path))
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files, bytes = files+1, bytes+info.Size()
		if files > mostFiles || bytes > mostBytes {
			return errors.New("it is too large")
		}
		return nil
	})
	if err == nil {
		_, err = os.Lstat(filepath.Join(root, manifestName))
	}
	if err != nil {
		return fmt.Errorf("the encoder that the trainer proposes cannot be used: %w", err)
	}
	return nil
}

// manifestName is the file of a bundle that names the digest of each other one.
const manifestName = "manifest.json"

func relative(root, path string) string {
	if below, err := filepath.Rel(root, path); err == nil {
		return below
	}
	return path
}
