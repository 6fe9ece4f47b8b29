package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

const searchHelp = `Several words are one query. WHY says what ties a photo to it: its words in a
tag, the name of the file or another field, or that it looks like what was
asked for. The photos are in the order of how well all of that fits.

Filters may stand among the words: tag:, date:, camera:, lens:, folder:,
name:, rating:, place:, near:, is: and like:, each with its value;
-tag:people is without it, -car away from what looks like one; OR, brackets,
sort: and group: exist, too. like: also takes a picture that is not in the
library: it is sent to the daemon, and not kept. docs/search.md tells all.
Put such a query into single quotes, and -- before one that begins with a
minus.

` + exitCodes

// SearchOptions are those of `vsectl search`.
type SearchOptions struct {
	Common
	Query   string
	Limit   int
	Cursor  string
	Explain bool
}

func newSearchCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name:      "search",
		Usage:     "find photos by what they show, by tag, file name and folder",
		ArgsUsage: "QUERY...",
		Description: searchHelp + "\n\n" + examples("vsectl search dog on beach", "vsectl search --limit 50 --json tiger",
			"vsectl search 'a dog tag:holiday date:2024 -car'", "vsectl search -- '-tag:people'"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.IntFlag{Name: "limit", Usage: fmt.Sprintf("show at most `N` photos, 1 to %d", api.MaxLimit), Value: api.DefaultLimit},
			&cli.StringFlag{Name: "cursor", Usage: "go on where an earlier page ended, at its `CURSOR`"},
			&cli.BoolFlag{Name: "explain", Usage: "tell how each photo came to its place, and what was made of the query"},
		},
		Action: func(c *cli.Context) error {
			options := SearchOptions{
				Common: common(c), Query: strings.Join(c.Args().Slice(), " "),
				Limit: c.Int("limit"), Cursor: c.String("cursor"), Explain: c.Bool("explain"),
			}
			return runSearch(c.Context, options, out)
		},
	})
}

func runSearch(ctx context.Context, options SearchOptions, out Screen) error {
	if err := checkLimit(options.Limit); err != nil {
		return err
	}
	query, err := sendPictures(ctx, options.Client, options.Query)
	if err != nil {
		return err
	}
	result, err := options.Client.Find(ctx, api.SearchRequest{Query: query, Limit: options.Limit, Cursor: options.Cursor, Explain: options.Explain})
	if err != nil {
		return err
	}
	switch {
	case options.JSON:
		err = out.json(result)
	case len(result.Hits) == 0:
		err = showNothing(ctx, options.Client, result, out)
	default:
		err = showResult(result, out)
	}
	switch {
	case err != nil:
		return err
	case result.Partial != "":
		return &partialError{result.Partial}
	case len(result.Hits) == 0, !result.GoodMatch:
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

// showNothing says why nothing was found, for which it asks whether photos wait.
func showNothing(ctx context.Context, client *api.Client, result api.SearchResult, out Screen) error {
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	text := "Nothing found: no photo passes the filters, or has these words."
	switch {
	case len(status.Folders) == 0:
		text = "Nothing found. " + noFolder
	case status.Photos.Waiting > 0:
		text = fmt.Sprintf("Nothing found, but %s: `vsectl status` shows how far they are.", plural(status.Photos.Waiting, "photo waits", "photos wait"))
	case !status.Ready:
		text = "Nothing found, but photos are still looked for: `vsectl status` shows how far that is."
	}
	if err := out.say("%s", text); err != nil {
		return err
	}
	return showExplanation(result.Explanation, out)
}

func showResult(result api.SearchResult, out Screen) error {
	show := showHits
	if result.Explanation != nil {
		show = showReasons
	}
	if !result.GoodMatch {
		if err := out.printf("No good match. The nearest photos are:\n\n"); err != nil {
			return err
		}
	}
	if err := show(result, out); err != nil {
		return err
	}
	if slices.ContainsFunc(result.Hits, func(h api.Hit) bool { return h.State == api.StateOffline }) {
		if err := out.paragraph("What is offline cannot be opened now: `vsectl folder list` shows which folder, and why."); err != nil {
			return err
		}
	}
	if err := showNext(result.Next, out); err != nil {
		return err
	}
	return showExplanation(result.Explanation, out)
}

// showNext says how to go on where a list has a next page.
func showNext(cursor string, out Screen) error {
	if cursor == "" {
		return nil
	}
	return out.paragraph("There are more: add --cursor %s", cursor)
}

func showHits(result api.SearchResult, out Screen) error {
	columns := []table.Column{
		{Title: "PHOTO", Right: true}, {Title: "WHY"},
		{Title: "PATH", Shorten: table.Middle}, {Title: "TAGS", Shorten: table.End},
	}
	var rows [][]string
	for _, hit := range result.Hits {
		tie := "nearest"
		if result.GoodMatch {
			tie = why(hit)
		}
		rows = append(rows, []string{fmt.Sprintf("id:%d", hit.ID), tie, hitPlace(hit), tagNames(hit.Tags)})
	}
	return out.table(columns, rows)
}

// place is the photo's path, with what is unusual about it.
func place(photo api.Photo) string {
	text := rawPath(photo.Path)
	switch photo.State {
	case api.StateEncoded, "":
	case api.StateQuarantined:
		text += " (set aside)"
	default:
		text += " (" + photo.State + ")"
	}
	if copies := len(photo.Paths) - 1; copies > 0 {
		text += " (+" + plural(int64(copies), "copy", "copies") + ")"
	}
	return text
}

// hitPlace is place, with how many photos the hit stands for besides its own.
func hitPlace(hit api.Hit) string {
	text := place(hit.Photo)
	if hit.Similar > 0 {
		text += fmt.Sprintf(" (+%s similar)", number(int64(hit.Similar)))
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

// tagNames names each tag once, however many sources gave it.
func tagNames(tags []api.Tag) string {
	var names []string
	for _, tag := range tags {
		if !slices.Contains(names, tag.Name) {
			names = append(names, tag.Name)
		}
	}
	return strings.Join(names, ", ")
}
