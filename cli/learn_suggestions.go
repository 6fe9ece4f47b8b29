package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// LearnSuggestionsOptions are those of `vsectl learn suggestions`.
type LearnSuggestionsOptions struct {
	Common
	Tag    string
	Least  float64
	Limit  int
	Cursor string
}

func leastFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "least", Usage: "only those of at least this `CONFIDENCE`, 0 to 1", Value: confidence(api.DefaultLeast), DefaultText: confidence(api.DefaultLeast),
	}
}

func confidence(value float64) string { return strconv.FormatFloat(value, 'g', 6, 64) }

// leastOf reads --least.
func leastOf(c *cli.Context) (float64, error) {
	text := c.String("least")
	least, err := strconv.ParseFloat(text, 64)
	if err == nil && least >= 0 && least <= 1 {
		return least, nil
	}
	if percent, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "%")), 64); err == nil && percent >= 0 && percent <= 100 {
		return 0, usagef("--least %s is no confidence: for %g %%, write %s", text, percent, confidence(percent/100))
	}
	return 0, usagef("--least %s is no confidence: give 0 to 1, as 0.5", text)
}

func newLearnSuggestionsCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "suggestions", Usage: "show tags that were learned, on photos that do not have them",
		Description: "The confidence is calibrated: of a hundred with 90 %, about ninety are right.\n`vsectl learn accept` makes a suggestion a tag of yours,\n`vsectl learn refuse` takes it away.\n\n" +
			examples("vsectl learn suggestions --tag beach", "vsectl learn suggestions --least 0.9 --limit 200"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "tag", Usage: "only the tag `TAG`"},
			leastFlag(),
			&cli.IntFlag{Name: "limit", Usage: fmt.Sprintf("show at most `N`, 1 to %d", api.MaxLimit), Value: api.DefaultSuggestions},
			&cli.StringFlag{Name: "cursor", Usage: "go on where an earlier page ended, at its `CURSOR`"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("learn suggestions takes no argument: for one tag, --tag TAG")
			}
			least, err := leastOf(c)
			if err != nil {
				return err
			}
			return runLearnSuggestions(c.Context, LearnSuggestionsOptions{common(c), c.String("tag"), least, c.Int("limit"), c.String("cursor")}, out)
		},
	})
}

func runLearnSuggestions(ctx context.Context, options LearnSuggestionsOptions, out Screen) error {
	if err := checkLimit(options.Limit); err != nil {
		return err
	}
	page, err := options.Client.Suggestions(ctx, api.SuggestionsRequest{Tag: options.Tag, Least: options.Least, Limit: options.Limit, Cursor: options.Cursor})
	if err != nil {
		return err
	}
	switch {
	case options.JSON:
		err = out.json(page)
	case len(page.Suggestions) == 0:
		err = showNoSuggestion(ctx, options, out)
	default:
		err = showSuggestions(page, out)
	}
	if err == nil && len(page.Suggestions) == 0 {
		return errNone
	}
	return err
}

// showNoSuggestion says why there is none.
func showNoSuggestion(ctx context.Context, options LearnSuggestionsOptions, out Screen) error {
	learning, err := options.Client.Learning(ctx)
	if err != nil {
		return err
	}
	if !learning.Learned {
		return out.say("Nothing is suggested: no learned encoder serves. `vsectl learn start` learns from your tags, `vsectl learn apply` uses what it proposes.")
	}
	if options.Tag != "" {
		return out.say("%q is suggested for no photo: a smaller --least shows what is less sure, `vsectl learn report --all` which tags were learned.", options.Tag)
	}
	return out.say("Nothing is suggested: a smaller --least shows what is less sure.")
}

func showSuggestions(page api.SuggestionList, out Screen) error {
	columns := []table.Column{{Title: "PHOTO", Right: true}, {Title: "TAG", Shorten: table.End}, {Title: "SURE", Right: true}, {Title: "PATH", Shorten: table.Middle}}
	rows := make([][]string, len(page.Suggestions))
	for i, one := range page.Suggestions {
		rows[i] = []string{fmt.Sprintf("id:%d", one.Photo), one.Tag, sure(one.Confidence), rawPath(one.Path)}
	}
	if err := out.table(columns, rows); err != nil {
		return err
	}
	return showNext(page.Next, out)
}

// sure tells a confidence; only certainty is 100 %.
func sure(confidence float64) string {
	return strconv.Itoa(int(math.Floor(100*confidence+1e-9))) + " %"
}
