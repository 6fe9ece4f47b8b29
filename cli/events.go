package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// EventsOptions are those of `vsectl events`.
type EventsOptions struct {
	Common
	// After is the change number to go on after; negative means from now on.
	After int64
}

func newEventsCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "events", Usage: "print changes as they happen, until interrupted",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.Int64Flag{Name: "after", Usage: "begin after the change with number `N`; 0 is from the first on", Value: -1, DefaultText: "from now on"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("events takes no argument")
			}
			return runEvents(c.Context, EventsOptions{Common: common(c), After: c.Int64("after")}, out)
		},
	})
}

func runEvents(ctx context.Context, options EventsOptions, out Screen) error {
	last := options.After
	for event, err := range options.Client.Events(ctx, options.After) {
		if errors.Is(err, io.EOF) {
			return &partialError{fmt.Sprintf("the daemon ended the stream: go on with `vsectl events --after %d`", last)}
		}
		if err == nil {
			err = showEvent(event, options.JSON, out)
		}
		if err != nil {
			return err
		}
		last = event.Change
	}
	return nil
}

func showEvent(event api.Event, asJSON bool, out Screen) error {
	if asJSON {
		return out.jsonLine(event)
	}
	line := fmt.Sprintf("%d  %s", event.Change, event.Kind)
	if event.Photo != 0 {
		line += fmt.Sprintf("  id:%d", event.Photo)
	}
	if event.Path != nil {
		line += "  " + rawPath(*event.Path)
	}
	return out.printf("%s\n", table.Escape(line))
}
