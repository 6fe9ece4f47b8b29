package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func newLearnStopCommand(out Screen) *cli.Command {
	return newLearnCommand("stop", "end the learning run that goes on", out, runLearnStop)
}

func runLearnStop(ctx context.Context, options LearnOptions, out Screen) error {
	learning, err := options.Client.StopLearning(ctx)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(learning)
	}
	if learning.Run != nil {
		return out.say("Learning run %d is told to end; `vsectl learn status` shows when it has. What served goes on serving.", learning.Run.Number)
	}
	return out.say("The learning run has ended; what served goes on serving.")
}
