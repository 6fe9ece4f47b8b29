package cli

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v2"
)

// learnHelp says what all commands of the group are about.
const learnHelp = `Learns from the tags that you, files and sidecars gave: how your words look,
on this machine, from what is stored of the photos. What comes of it is
measured on photos that were held out, and proposed; nothing changes before
you apply it.`

// LearnOptions are those of the commands that take nothing else, or the number of a run.
type LearnOptions struct {
	Common
	// Run is a run's number; 0: the one that the command is about by itself.
	Run int
}

// numberOfRun takes the one RUN that a command may have.
func numberOfRun(command string, arguments []string) (int, error) {
	if len(arguments) > 1 {
		return 0, usagef("learn %s takes the number of one RUN: `vsectl learn list` shows them", command)
	}
	if len(arguments) == 0 {
		return 0, nil
	}
	number, err := strconv.Atoi(arguments[0])
	if err != nil || number < 1 {
		return 0, usagef("%q is no number of a run: `vsectl learn list` shows them", arguments[0])
	}
	return number, nil
}

// newLearnCommand is a command without arguments.
func newLearnCommand(name, usage string, out Screen, run func(context.Context, LearnOptions, Screen) error) *cli.Command {
	return verb(&cli.Command{
		Name: name, Usage: usage, Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn %s takes no argument", name)
			}
			return run(c.Context, LearnOptions{Common: common(c)}, out)
		},
	})
}
