package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"vsed/daemon/api"
)

// What `vsectl learn` does with suggestions.
const (
	accept   = "accept"
	refuse   = "refuse"
	unrefuse = "unrefuse"
)

// LearnTakeOptions are those of `vsectl learn accept`, `refuse` and `unrefuse`: either a
// photo with tags, or a tag on all photos that it is suggested or was refused for.
type LearnTakeOptions struct {
	Common
	Verb  string // accept, refuse or unrefuse
	Photo string
	Tags  []string
	Tag   string
	Least float64
	Yes   bool
	// Answer is where the user answers; nil: nobody can be asked.
	Answer io.Reader
}

func newLearnAcceptCommand(out Screen) *cli.Command {
	return newLearnTakeCommand(accept, "make suggestions your tags",
		"With --tag, the tag on every photo that it is suggested for, after a\nquestion. By its PHOTO, one that was refused can be accepted, too.", "beach --least 0.9", out)
}

func newLearnRefuseCommand(out Screen) *cli.Command {
	return newLearnTakeCommand(refuse, "take suggestions away; the next run learns from it",
		"With --tag, the tag on every photo that it is suggested for, after a\nquestion. They are neither suggested nor found any more:\n`vsectl learn refusals` lists them, `vsectl learn unrefuse` takes it back.", "beach --least 0.9", out)
}

func newLearnUnrefuseCommand(out Screen) *cli.Command {
	return newLearnTakeCommand(unrefuse, "have refused suggestions suggested again",
		"With --tag, the tag on every photo that it was refused for, after a question.", "beach", out)
}

func newLearnTakeCommand(name, usage, help, bulk string, out Screen) *cli.Command {
	flags := []cli.Flag{
		jsonFlag(),
		&cli.StringFlag{Name: "tag", Usage: "all photos with the tag `TAG`"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask", DisableDefaultText: true},
	}
	if name != unrefuse {
		flags = append(flags, leastFlag())
	}
	return verb(&cli.Command{
		Name: name, Usage: usage, ArgsUsage: "PHOTO TAG... | --tag TAG",
		Description: photoHelp + "\n" + help + "\n\n" +
			examples("vsectl learn "+name+" id:75 beach sea", "vsectl learn "+name+" --tag "+bulk),
		Flags: flags,
		Action: func(c *cli.Context) error {
			options := LearnTakeOptions{Common: common(c), Verb: name, Tag: c.String("tag"), Yes: c.Bool("yes")}
			if name != unrefuse {
				var err error
				if options.Least, err = leastOf(c); err != nil {
					return err
				}
			}
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
		return &notFoundError{options.missed(taken.Missed) + ": " + options.listing()}
	}
	return &partialError{options.missed(taken.Missed)}
}

// listing says what shows that which the command takes.
func (o LearnTakeOptions) listing() string {
	if o.Verb == unrefuse {
		return "`vsectl learn refusals` shows what is"
	}
	return "`vsectl learn suggestions` shows what is"
}

// suggested is what the tags that the command takes are.
func (o LearnTakeOptions) suggested() string {
	if o.Verb == unrefuse {
		return "refused"
	}
	return "suggested"
}

// missed says what is not suggested; of one photo by the names.
func (o LearnTakeOptions) missed(missed []api.PhotoTag) string {
	if o.Tag != "" {
		return fmt.Sprintf("%q is not %s any more for %s of those that it was", o.Tag, o.suggested(), photos(int64(len(missed))))
	}
	names := make([]string, len(missed))
	for i, one := range missed {
		names[i] = strconv.Quote(one.Tag)
	}
	verb := "is"
	if len(names) > 1 {
		verb = "are"
	}
	return fmt.Sprintf("%s %s not %s for %s", strings.Join(names, ", "), verb, o.suggested(), o.Photo)
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
	page := o.suggestions
	if o.Verb == unrefuse {
		page = o.refusals
	}
	for cursor := ""; ; {
		var some []api.PhotoTag
		if some, cursor, err = page(ctx, cursor); err != nil {
			return nil, err
		}
		if named = append(named, some...); cursor == "" {
			break
		}
	}
	switch {
	case len(named) > 0:
		return named, nil
	case o.Verb == unrefuse:
		return nil, &notFoundError{fmt.Sprintf("the tag %q was refused for no photo: %s", o.Tag, o.listing())}
	}
	return nil, &notFoundError{fmt.Sprintf("the tag %q is suggested for no photo with %s or more: %s", o.Tag, sure(o.Least), o.listing())}
}

// suggestions gives a page of those of the tag, and the cursor of the next one.
func (o LearnTakeOptions) suggestions(ctx context.Context, cursor string) (named []api.PhotoTag, next string, err error) {
	page, err := o.Client.Suggestions(ctx, api.SuggestionsRequest{Tag: o.Tag, Least: o.Least, Limit: api.MaxLimit, Cursor: cursor})
	for _, one := range page.Suggestions {
		named = append(named, api.PhotoTag{Photo: one.Photo, Tag: one.Tag})
	}
	return named, page.Next, err
}

// refusals is suggestions for what was refused.
func (o LearnTakeOptions) refusals(ctx context.Context, cursor string) (named []api.PhotoTag, next string, err error) {
	page, err := o.Client.Refusals(ctx, api.RefusalsRequest{Tag: o.Tag, Limit: api.MaxLimit, Cursor: cursor})
	for _, one := range page.Refusals {
		named = append(named, api.PhotoTag{Photo: one.Photo, Tag: one.Tag})
	}
	return named, page.Next, err
}

// ask has the user confirm what is done to many photos.
func (o LearnTakeOptions) ask(count int, out Screen) error {
	if o.Yes {
		return nil
	}
	what := fmt.Sprintf("Give the tag %q to %s that it is suggested for with %s or more", o.Tag, photos(int64(count)), sure(o.Least))
	switch o.Verb {
	case refuse:
		what = fmt.Sprintf("Refuse the tag %q for %s that it is suggested for with %s or more", o.Tag, photos(int64(count)), sure(o.Least))
	case unrefuse:
		what = fmt.Sprintf("Have the tag %q suggested again for %s that it was refused for", o.Tag, photos(int64(count)))
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
	switch o.Verb {
	case refuse:
		send = o.Client.RefuseSuggestions
	case unrefuse:
		send = o.Client.UnrefuseSuggestions
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
	switch o.Verb {
	case refuse:
		return plural(taken, "suggestion is", "suggestions are") + " refused; the next run learns from it, `vsectl learn unrefuse` takes it back."
	case unrefuse:
		return plural(taken, "suggestion is", "suggestions are") + " refused no more."
	}
	return plural(taken, "suggestion is a tag", "suggestions are tags") + " of yours now."
}
