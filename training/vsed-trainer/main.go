// Command vsed-trainer trains heads from features that vsed-features has computed, and
// measures them on the photos kept for development; on a device it learns from the
// features that the daemon gives it. No photo is read.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

const usage = `usage: vsed-trainer VERB [--config FILE] …

  learn     learn on a device, from the folder of a run; the daemon calls it

  stage1    train heads on captioned photos
  stage2    go on with them on tagged photos
  evaluate  train with several seeds and print what each row of the tables comes to
  heads     make the built-in encoder's heads

  paper     train the model of the paper: captions, then tags
  ablations measure its configurations side by side
  vectors   write vectors of words for it to begin from
  webset    choose photos of the web by the paper's rules

VERB --help names the flags of a verb.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vsed-trainer:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	verbs := map[string]func(context.Context, []string) error{"stage1": runStageOne, "stage2": runStageTwo, "evaluate": runEvaluate, "heads": runHeads,
		"paper": runPaper, "ablations": runAblations, "vectors": runVectors, "webset": runWebSet, "learn": runLearn}
	if len(arguments) == 0 || verbs[arguments[0]] == nil {
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("name a verb")
	}
	return verbs[arguments[0]](ctx, arguments[1:])
}
