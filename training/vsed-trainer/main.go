// Command vsed-trainer trains heads from features that vsed-features has computed, and
// measures them on the photos kept for development; on a device it learns from the
// features that the daemon gives it. No photo is read.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// A verb is what the program can be asked to do.
type verb struct {
	name, about string
	run         func(context.Context, []string) error
}

// verbs are all, in the groups in which the help shows them.
func verbs() [][]verb {
	return [][]verb{
		{{"learn", "learn on a device, from the folder of a run; the daemon calls it", runLearn}},
		{
			{"stage1", "train heads on captioned photos", runStageOne},
			{"stage2", "go on with them on tagged photos", runStageTwo},
			{"evaluate", "train with several seeds, and print the rows of the tables", runEvaluate},
			{"heads", "make the built-in encoder's heads", runHeads},
		},
		{
			{"paper", "train the model of the paper: captions, then tags", runPaper},
			{"ablations", "measure its configurations side by side", runAblations},
			{"vectors", "write vectors of words for it to begin from", runVectors},
			{"webset", "choose photos of the web by the paper's rules", runWebSet},
		},
	}
}

func usage() string {
	var text strings.Builder
	text.WriteString("usage: vsed-trainer VERB [--FLAG VALUE …]\n")
	for _, group := range verbs() {
		text.WriteString("\n")
		for _, each := range group {
			fmt.Fprintf(&text, "  %-9s  %s\n", each.name, each.about)
		}
	}
	text.WriteString("\nvsed-trainer VERB --help names the flags of a verb; what --config takes is in docs/learning.md.\n")
	return text.String()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:])
	var asked help
	if errors.As(err, &asked) {
		fmt.Print(string(asked))
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "vsed-trainer:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) == 0 {
		return errors.New("name a verb: `vsed-trainer --help` lists them")
	}
	switch arguments[0] {
	case "--help", "-help", "-h", "help":
		return help(usage())
	}
	for _, each := range slices.Concat(verbs()...) {
		if each.name == arguments[0] {
			return each.run(ctx, arguments[1:])
		}
	}
	return fmt.Errorf("there is no verb %q: `vsed-trainer --help` lists them", arguments[0])
}
