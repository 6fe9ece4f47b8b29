package main

import (
	"context"
	"fmt"

	"vsed/training/stage"
)

// runHeads makes the file that `make model` takes.
func runHeads(ctx context.Context, arguments []string) error {
	flags := newFlags("heads")
	path := flags.String("config", "", "`file` of the configuration; without one the built-in heads' own")
	out := flags.String("out", "encoders/builtin/heads/heads.bin", "`file` of the heads")
	replayOut := flags.String("replay", "encoders/builtin/heads/replay.bin", "`file` of what devices go over again while they learn")
	classNames := flags.Float64("class-names", 1, "`weight` of the class names beside them")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	c, err := readConfig(*path)
	if err != nil {
		return err
	}
	w, err := openWorkshop(ctx, c)
	if err != nil {
		return err
	}
	if err := w.checkReplay(); err != nil {
		return err
	}
	learned, err := w.keptStageOne(ctx, c.One.Seed, func(e stage.Epoch, _ stage.Heads) error {
		fmt.Printf("epoch %d of %d, loss %.3f\n", e.Number, c.One.Epochs, e.Loss)
		return nil
	})
	if err != nil {
		return err
	}
	found, err := w.retrieve(ctx, learned)
	if err != nil {
		return err
	}
	fmt.Println("as trained:", line(found))
	if err := learned.File(w.standard.Standard, *classNames).Write(*out); err != nil {
		return err
	}
	set, err := w.replaySet()
	if err != nil {
		return err
	}
	return set.Write(*replayOut)
}
