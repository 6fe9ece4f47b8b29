package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// SearchOptions are those of `vsectl search`.
type SearchOptions struct {
	Common
	Query  string
	Limit  int
	Cursor string
}

func newSearchCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name:        "search",
		Usage:       "find photos by what they show, by tag, file name and folder",
		ArgsUsage:   "QUERY...",
		Description: "Several words are one query: `vsectl search dog on beach`.\n\n" + exitCodes,
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.IntFlag{Name: "limit", Usage: fmt.Sprintf("show at most `N` photos, 1 to %d", api.MaxLimit), Value: api.DefaultLimit},
			&cli.StringFlag{Name: "cursor", Usage: "go on where an earlier page ended, at its `CURSOR`"},
		},
		Action: func(c *cli.Context) error {
			options := SearchOptions{
				Common: common(c), Query: strings.Join(c.Args().Slice(), " "),
				Limit: c.Int("limit"), Cursor: c.String("cursor"),
			}
			return runSearch(c.Context, options, out)
		},
	})
}

func runSearch(ctx context.Context, options SearchOptions, out Screen) error {
	if err := checkLimit(options.Limit); err != nil {
		return err
	}
	result, err := options.Client.Search(ctx, options.Query, options.Limit, options.Cursor)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(result)
	} else {
		err = showResult(result, out)
	}
	switch {
	case err != nil:
		return err
	case result.Partial != "":
		return &partialError{result.Partial}
	case len(result.Hits) == 0:
		return errNone
	}
	return nil
}

func checkLimit(limit int) error {
	if limit < 1 || limit > api.MaxLimit {
		return usagef("--limit %d is out of range: give 1 to %d", limit, api.MaxLimit)
	}
	return nil
}

func showResult(result api.SearchResult, out Screen) error {
	if len(result.Hits) == 0 {
		return out.printf("Nothing found. `vsectl status` shows whether photos still wait.\n")
	}
	if !result.GoodMatch {
		if err := out.printf("No good match. The nearest photos are:\n\n"); err != nil {
			return err
		}
	}
	if err := showHits(result.Hits, out); err != nil || result.Next == "" {
		return err
	}
	return out.printf("\nThere are more: add --cursor %s\n", table.Escape(result.Next))
}

func showHits(hits []api.Hit, out Screen) error {
	columns := []table.Column{
		{Title: "PHOTO", Right: true}, {Title: "SCORE", Right: true},
		{Title: "PATH", Shorten: table.Middle}, {Title: "TAGS", Shorten: table.End},
	}
	var rows [][]string
	for _, hit := range hits {
		rows = append(rows, []string{
			fmt.Sprintf("id:%d", hit.ID), fmt.Sprintf("%.4f", hit.Score), place(hit.Photo), tagNames(hit.Tags),
		})
	}
	return out.table(columns, rows)
}

// place is the photo's path, with what is unusual about it.
func place(photo api.Photo) string {
	text := rawPath(photo.Path)
	if photo.State != api.StateEncoded && photo.State != "" {
		text += " (" + photo.State + ")"
	}
	switch copies := len(photo.Paths) - 1; {
	case copies == 1:
		text += " (+1 copy)"
	case copies > 1:
		text += fmt.Sprintf(" (+%d copies)", copies)
	}
	return text
}

// rawPath gives the exact bytes, which tables show escaped; the readable form
// where those are damaged.
func rawPath(path api.Path) string {
	raw, err := path.Raw()
	if err != nil {
		return path.Text
	}
	return raw
}

func tagNames(tags []api.Tag) string {
	var names []string
	for _, tag := range tags {
		names = append(names, tag.Name)
	}
	return strings.Join(names, ", ")
}
