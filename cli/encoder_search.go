package cli

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/hub"
	"vsed/cli/table"
)

// EncoderSearchOptions are those of `vsectl encoder search`.
type EncoderSearchOptions struct {
	JSON  bool
	Words []string
}

const encoderSearchHelp = `A list that comes with vsectl; nothing is asked. ENGLISH and GERMAN are the
recall that was published for search in these languages, in per cent, MEMORY
that of both halves of the model. None of them was run by vsed's makers:
docs/encoders.md names the sources. Other models of the same owner can be
pulled as well.`

func newEncoderSearchCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "search", Usage: "list encoders that are good choices", ArgsUsage: "[WORD...]",
		Description: encoderSearchHelp + "\n\n" + examples("vsectl encoder search", "vsectl encoder search many \"8 GB\""),
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print the list as JSON", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			return runEncoderSearch(EncoderSearchOptions{JSON: c.Bool("json"), Words: c.Args().Slice()}, out)
		},
	})
}

func runEncoderSearch(options EncoderSearchOptions, out Screen) error {
	found := hub.Choices(options.Words...)
	var err error
	switch {
	case options.JSON:
		err = out.json(map[string]any{"encoders": append([]hub.Choice{}, found...)})
	case len(found) == 0:
		err = out.say("No encoder in the list has all these words: `vsectl encoder search` shows it whole.")
	default:
		err = showChoices(found, out)
	}
	if err == nil && len(found) == 0 {
		return errNone
	}
	return err
}

// showChoices gives each choice two lines, as its name must not be cut: it is what
// is typed.
func showChoices(found []hub.Choice, out Screen) error {
	columns := []table.Column{
		{Title: " "}, {Title: "VECTOR", Right: true}, {Title: "DOWNLOAD", Right: true}, {Title: "MEMORY", Right: true}, {Title: "ENGLISH", Right: true}, {Title: "GERMAN", Right: true},
		{Title: "LICENCE"}, {Title: "SUITS", Shorten: table.End},
	}
	var rows [][]string
	for _, c := range found {
		rows = append(rows, []string{"", c.Dimensions, c.Download, mebibytes(c.Memory), c.English, c.German, c.Licence, c.Suits})
	}
	var facts bytes.Buffer
	if err := table.Write(&facts, columns, rows, out.Width, nil); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(facts.String(), "\n"), "\n")
	longest := 0
	for _, c := range found {
		longest = max(longest, len(c.Model))
	}
	if err := out.printf("%s\n%s\n", out.heading(fmt.Sprintf("%-*s  LANGUAGES", longest, "MODEL")), out.heading(lines[0])); err != nil {
		return err
	}
	for i, c := range found {
		if err := out.printf("%-*s  %s\n%s\n", longest, c.Model, c.Languages, lines[i+1]); err != nil {
			return err
		}
	}
	return out.paragraph("Published figures, not run here. `vsectl encoder pull MODEL` installs one.")
}

func mebibytes(text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return text
	}
	return bytesText(n << 20)
}
