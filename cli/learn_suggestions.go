package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

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
		Description: "The confidence is calibrated: of a hundred with 90 %, about ninety are right.\n`vsectl learn accept` makes a suggestion a tag of yours, `vsectl learn refuse` takes it\naway for good.\n\n" +
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
		err = showNoSuggestion(ctx, options.Client, out)
	default:
		err = showSuggestions(page, out)
	}
	if err == nil && len(page.Suggestions) == 0 {
		return errNone
	}
	return err
}

// showNoSuggestion says why there is none.
func showNoSuggestion(ctx context.Context, client *api.Client, out Screen) error {
	learning, err := client.Learning(ctx)
	if err != nil {
		return err
	}
	if !learning.Learned {
		return out.say("Nothing is suggested: no learned encoder serves. `vsectl learn status` shows how to come to one.")
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

// LearnTakeOptions are those of `vsectl learn accept` and `refuse`: either a photo with
// tags, or a tag on all photos that it is suggested for.
type LearnTakeOptions struct {
	Common
	Refuse bool
	Photo  string
	Tags   []string
	Tag    string
	Least  float64
	Yes    bool
	// Answer is where the user answers; nil: nobody can be asked.
	Answer io.Reader
}

func newLearnAcceptCommand(out Screen) *cli.Command {
	return newLearnTakeCommand("accept", "make suggestions your tags", out)
}

func newLearnRefuseCommand(out Screen) *cli.Command {
	return newLearnTakeCommand("refuse", "take suggestions away for good; the next run learns from it", out)
}

func newLearnTakeCommand(name, usage string, out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: name, Usage: usage, ArgsUsage: "PHOTO TAG... | --tag TAG",
		Description: photoHelp + "\nWith --tag, the tag on every photo that it is suggested for, after a question.\n\n" +
			examples("vsectl learn "+name+" id:75 beach sea", "vsectl learn "+name+" --tag beach --least 0.9"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "tag", Usage: "all suggestions of the tag `TAG`"},
			leastFlag(),
			&cli.BoolFlag{Name: "yes", Usage: "do not ask", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			least, err := leastOf(c)
			if err != nil {
				return err
			}
			options := LearnTakeOptions{Common: common(c), Refuse: name == "refuse", Tag: c.String("tag"), Least: least, Yes: c.Bool("yes")}
			if term.IsTerminal(int(os.Stdin.Fd())) {
				options.Answer = os.Stdin
			}
			switch {
			case options.Tag == "" && c.NArg() < 2, options.Tag != "" && c.NArg() > 0:
				return usagef("learn %s takes either a PHOTO and at least one TAG, or --tag TAG: see `vsectl learn %s --help`", name, name)
			case options.Tag == "" && c.IsSet("least"):
				return usagef("learn %s takes --least beside --tag alone: what is named of one photo is taken as sure as it is", name)
			case options.Tag == "":
				options.Photo, options.Tags = c.Args().First(), c.Args().Tail()
			}
			return runLearnTake(c.Context, options, out)
		},
	})
}

func runLearnTake(ctx context.Context, options LearnTakeOptions, out Screen) error {
	named, err := options.named(ctx)
	if err != nil {
		return err
	}
	if options.Tag != "" {
		if err := options.ask(len(named), out); err != nil {
			return err
		}
	}
	taken, err := options.take(ctx, named)
	if err != nil {
		return err
	}
	if options.JSON {
		err = out.json(taken)
	} else if taken.Taken > 0 {
		err = out.say("%s", options.done(taken.Taken))
	}
	switch {
	case err != nil || len(taken.Missed) == 0:
		return err
	case taken.Taken == 0:
		return &notFoundError{options.missed(taken.Missed) + ": `vsectl learn suggestions` shows what is"}
	}
	return &partialError{options.missed(taken.Missed)}
}

// missed says what is not suggested; of one photo by the names.
func (o LearnTakeOptions) missed(missed []api.PhotoTag) string {
	if o.Tag != "" {
		return fmt.Sprintf("%q is not suggested any more for %s of those that it was", o.Tag, photos(int64(len(missed))))
	}
	names := make([]string, len(missed))
	for i, one := range missed {
		names[i] = strconv.Quote(one.Tag)
	}
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return fmt.Sprintf("%s %s not suggested for %s", strings.Join(names, ", "), verb, o.Photo)
}

// named gives the suggestions that are meant.
func (o LearnTakeOptions) named(ctx context.Context) (named []api.PhotoTag, err error) {
	if o.Tag == "" {
		id, err := findPhoto(ctx, o.Client, o.Photo)
		for _, tag := range o.Tags {
			named = append(named, api.PhotoTag{Photo: id, Tag: tag})
		}
		return named, err
	}
	asked := api.SuggestionsRequest{Tag: o.Tag, Least: o.Least, Limit: api.MaxLimit}
	for {
		page, err := o.Client.Suggestions(ctx, asked)
		if err != nil {
			return nil, err
		}
		for _, one := range page.Suggestions {
			named = append(named, api.PhotoTag{Photo: one.Photo, Tag: one.Tag})
		}
		if asked.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if len(named) == 0 {
		return nil, &notFoundError{fmt.Sprintf("the tag %q is suggested for no photo with %s or more: `vsectl learn suggestions` shows what is", o.Tag, sure(o.Least))}
	}
	return named, nil
}

// ask has the user confirm what is done to many photos.
func (o LearnTakeOptions) ask(count int, out Screen) error {
	if o.Yes {
		return nil
	}
	what := fmt.Sprintf("Give the tag %q to %s that it is suggested for with %s or more", o.Tag, photos(int64(count)), sure(o.Least))
	if o.Refuse {
		what = fmt.Sprintf("Refuse the tag %q for %s that it is suggested for with %s or more", o.Tag, photos(int64(count)), sure(o.Least))
	}
	if o.Answer == nil {
		return usagef("%s? Nobody can be asked here: add --yes", what)
	}
	if err := out.ask("%s? [y/N]", what); err != nil {
		return err
	}
	answer, err := bufio.NewReader(o.Answer).ReadString('\n')
	if err != nil && err != io.EOF {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return usagef("nothing was changed")
	}
	return nil
}

// sentTogether is how many suggestions go into a request: each photo's tags are written
// to the disk before the next one's.
const sentTogether = 100

// take sends all that is meant.
func (o LearnTakeOptions) take(ctx context.Context, named []api.PhotoTag) (taken api.SuggestionsTaken, err error) {
	taken.Missed = []api.PhotoTag{}
	send := o.Client.AcceptSuggestions
	if o.Refuse {
		send = o.Client.RefuseSuggestions
	}
	for len(named) > 0 && err == nil {
		part := named[:min(len(named), sentTogether)]
		named = named[len(part):]
		var some api.SuggestionsTaken
		some, err = send(ctx, part)
		taken.Taken += some.Taken
		taken.Missed = append(taken.Missed, some.Missed...)
	}
	return taken, err
}

func (o LearnTakeOptions) done(taken int64) string {
	switch {
	case o.Refuse:
		return plural(taken, "suggestion is", "suggestions are") + " gone for good; the next run learns from it."
	case taken == 1:
		return "1 suggestion is a tag of yours now."
	}
	return number(taken) + " suggestions are tags of yours now."
}
