package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// EventsOptions are those of `vsectl events`.
type EventsOptions struct {
	Common
	// After is the change number to go on after; negative means from now on.
	After int64
	// Clock gives the time of what happens while it is watched.
	Clock func() time.Time
}

const eventsHelp = `A line for each change: when it was seen, what happened, the photo, the path.
Changes from before the command began have no time. The number that --after
takes is "change" of --json.`

func newEventsCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "events", Usage: "show changes as they happen, until interrupted",
		Description: eventsHelp + "\n\n" + examples("vsectl events", "vsectl events --after 0 --json"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.Int64Flag{Name: "after", Usage: "begin after the change with number `N`; 0 is from the first on", Value: -1, DefaultText: "from now on"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("events takes no argument")
			}
			if c.IsSet("after") && c.Int64("after") < 0 {
				return usagef("--after %d is negative: give a change number, or leave it out for what happens from now on", c.Int64("after"))
			}
			return runEvents(c.Context, EventsOptions{Common: common(c), After: c.Int64("after"), Clock: time.Now}, out)
		},
	})
}

func runEvents(ctx context.Context, options EventsOptions, out Screen) error {
	status, err := options.Client.Status(ctx)
	if err != nil {
		return err
	}
	last := options.After
	if last < 0 {
		last = status.Change
	}
	for event, err := range options.Client.Events(ctx, last) {
		switch {
		case errors.Is(err, io.EOF):
			return &partialError{fmt.Sprintf("the daemon ended the stream: go on with `vsectl events --after %d`", last)}
		case err != nil:
			return err
		case options.JSON:
			err = out.jsonLine(event)
		case event.Change > status.Change:
			err = showEvent(located(ctx, options.Client, event), options.Clock().Local().Format(time.TimeOnly), out)
		default:
			err = showEvent(located(ctx, options.Client, event), "earlier", out)
		}
		if err != nil {
			return err
		}
		last = event.Change
	}
	return nil
}

// located gives a photo's event the photo's path, where it has none and the
// photo is still known.
func located(ctx context.Context, client *api.Client, event api.Event) api.Event {
	if event.Photo == 0 || event.Path != nil {
		return event
	}
	if photo, err := client.Photo(ctx, event.Photo); err == nil && photo.Path.Text != "" {
		event.Path = &photo.Path
	}
	return event
}

// showEvent prints columns of fixed width, as nobody knows what comes: the
// path, last, is shortened on a terminal.
func showEvent(event api.Event, when string, out Screen) error {
	photo, path := "", ""
	if event.Photo != 0 {
		photo = fmt.Sprintf("id:%d", event.Photo)
	}
	if event.Path != nil {
		path = table.Escape(rawPath(*event.Path))
	}
	line := fmt.Sprintf("%-8s  %-14s  %-9s  ", when, table.Escape(happened(event.Kind)), photo)
	if out.Width > 0 {
		path = table.ShortenMiddle(path, max(out.Width-len(line), 20))
	}
	return out.printf("%s\n", strings.TrimRight(line+path, " "))
}

// happened names a kind of event in words; one of a newer daemon stays as it is.
func happened(kind string) string {
	switch kind {
	case "photo_encoded":
		return "encoded"
	case "photo_tagged":
		return "tags changed"
	case "file_found":
		return "file found"
	case "file_missing":
		return "file gone"
	case "file_quarantined":
		return "set aside"
	case "learning_proposed":
		return "proposal"
	}
	return strings.ReplaceAll(kind, "_", " ")
}
