package main

import (
	"errors"
	"fmt"
	"os"

	"vsed/training/checkpoint"
	"vsed/training/evaluation"
	"vsed/training/runfolder"
	"vsed/training/stage"
)

// Names of a run's files beside those of runfolder.
const (
	weightsFile    = "weights.bin" // for stage II to begin from
	headsFile      = "heads.bin"   // for a bundle: make model HEADS=FILE
	checkpointFile = "checkpoint"  // while the run goes on
)

// sumCurve is by which epochs are compared.
const sumCurve = "sum of recalls"

// saveEvery is how many steps a run that is killed takes again at most.
const saveEvery = 50

// record writes a run folder, or nothing where none is asked for.
type record struct{ folder *runfolder.Folder }

func openRecord(path string, config any) (r record, err error) {
	if path != "" {
		r.folder, err = runfolder.Open(path, config)
	}
	return r, err
}

// saving is where the run keeps what it goes on from.
func (r record) saving() stage.Saving {
	if r.folder == nil {
		return stage.Saving{}
	}
	return stage.Saving{Path: r.folder.Path(checkpointFile), Every: saveEvery}
}

func (r record) close() error {
	if r.folder == nil {
		return nil
	}
	return r.folder.Close()
}

func (r record) loss(at stage.Epoch) error {
	if r.folder == nil {
		return nil
	}
	return r.folder.Add("loss", at.Number, at.Loss)
}

func (r record) retrieval(at int, found evaluation.Retrieval) error {
	if r.folder == nil {
		return nil
	}
	return errors.Join(
		r.folder.Add("text→image R@1", at, found.TextToImage.R1.Value), r.folder.Add("image→text R@1", at, found.ImageToText.R1.Value),
		r.folder.Add(sumCurve, at, found.RSum()))
}

// end writes the weights and the report; then the checkpoint is no longer needed.
func (r record) end(w *workshop, heads stage.Heads, report any) error {
	if r.folder == nil {
		return nil
	}
	if err := checkpoint.Write(r.folder.Path(weightsFile), checkpoint.State{Tensors: heads.State()}); err != nil {
		return err
	}
	if err := heads.File(w.standard.Standard, 1).Write(r.folder.Path(headsFile)); err != nil {
		return err
	}
	if err := r.folder.Report(report); err != nil {
		return err
	}
	if err := os.Remove(r.folder.Path(checkpointFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
}
