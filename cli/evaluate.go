package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/evaluation"
	"vsed/cli/table"
)

const evaluateHelp = `Tells how well searches find what you know to be in photos: with sentences,
how often the described photo is among the first 1, 5 and 10; with tags, the
mean average precision, also after half of the photos were given their tags.
The file has a line for each sentence, or for each photo's tags:

    holiday/IMG_0001.jpg<TAB>two boys jump into a lake
    holiday/IMG_0001.jpg<TAB>lake,boys,summer

A daemon of its own encodes the photos and answers the searches, in a
temporary folder that is removed at the end. Your library is neither read nor
changed.`

// EvaluateOptions are those of `vsectl evaluate`.
type EvaluateOptions struct {
	Photos         string
	Captions, Tags string // one of them is empty
	Config         string
	Seed           uint64
	Program        string // vsed
	JSON           bool
}

func newEvaluateCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name:  "evaluate",
		Usage: "measure how well searches find what you know to be in photos",
		Description: evaluateHelp + "\n\n" + exitCodes + "\n\n" +
			examples("vsectl evaluate --photos ~/Pictures --captions captions.tsv", "vsectl evaluate --photos ~/Pictures --tags tags.tsv --json"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "photos", Usage: "the photos below `DIR`"},
			&cli.StringFlag{Name: "captions", Usage: "lines of path, tab and sentence in `FILE`"},
			&cli.StringFlag{Name: "tags", Usage: "lines of path, tab and tags with commas between in `FILE`"},
			&cli.StringFlag{Name: "config", Usage: "run the daemon with the configuration `FILE`, for its encoder"},
			&cli.Uint64Flag{Name: "seed", Usage: "draw the half that is given its tags by `NUMBER`", Value: 1},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("evaluate takes no argument %q: see `vsectl evaluate --help`", c.Args().First())
			}
			program, err := evaluation.Program()
			if err != nil {
				return err
			}
			options := EvaluateOptions{
				Photos: c.String("photos"), Captions: c.String("captions"), Tags: c.String("tags"),
				Config: c.String("config"), Seed: c.Uint64("seed"), Program: program, JSON: c.Bool("json"),
			}
			return runEvaluate(c.Context, options, out, os.Stderr)
		},
	})
}

func runEvaluate(ctx context.Context, options EvaluateOptions, out Screen, progress io.Writer) (err error) {
	if options.Photos == "" || (options.Captions == "") == (options.Tags == "") {
		return usagef("evaluate takes --photos and one of --captions and --tags: see `vsectl evaluate --help`")
	}
	set, err := readSet(options)
	if err != nil {
		return err
	}
	photos, err := filepath.Abs(options.Photos)
	if err != nil {
		return err
	}
	daemon, err := evaluation.Start(ctx, options.Program, options.Config, photos, func(done, total int64, rate float64, unit string) {
		fmt.Fprintln(progress, evaluationText(done, total, rate, unit))
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, daemon.Stop()) }()
	var report evaluation.Report
	if options.Tags != "" {
		report, err = evaluation.Tags(ctx, daemon, photos, set, options.Seed)
	} else {
		report, err = evaluation.Captions(ctx, daemon, photos, set)
	}
	switch {
	case err != nil:
		return err
	case options.JSON:
		err = out.json(report)
	default:
		err = showReport(report, out)
	}
	if err == nil && len(report.Absent) > 0 {
		return &partialError{fmt.Sprintf("%s not there or cannot be read, the first is %s",
			plural(int64(len(report.Absent)), "photo of the file is", "photos of the file are"), report.Absent[0])}
	}
	return err
}

func evaluationText(done, total int64, rate float64, unit string) string {
	return fmt.Sprintf("%s of %s %s, %.1f/s, %s left", number(done), number(total), unit, rate, left(total-done, rate))
}

func readSet(options EvaluateOptions) (evaluation.Set, error) {
	if options.Tags != "" {
		return evaluation.ReadTags(options.Tags)
	}
	return evaluation.ReadCaptions(options.Captions)
}

func showReport(report evaluation.Report, out Screen) error {
	if err := errors.Join(out.say("Encoder: %s. %s over %s.", report.Encoder, plural(int64(report.Queries), "search", "searches"), photos(report.Photos)), out.printf("\n")); err != nil {
		return err
	}
	columns := []table.Column{{Title: "MEASURE"}, {Title: "VALUE", Right: true}, {Title: "95 % INTERVAL"}}
	var rows [][]string
	for _, measure := range report.Measures {
		value, interval := fmt.Sprintf("%g", measure.Value), ""
		if measure.Range != nil {
			value = percentText(measure.Value)
			interval = percentText(measure.Range.Low) + " to " + percentText(measure.Range.High)
		}
		rows = append(rows, []string{measure.Name, value, interval})
	}
	return out.table(columns, rows)
}

func percentText(share float64) string { return strings.TrimSpace(fmt.Sprintf("%.1f %%", 100*share)) }
