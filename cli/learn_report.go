package cli

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"vsed/cli/table"
	"vsed/daemon/api"
)

const (
	// tagsShown, examplesShown and hitsShown are what a report has room for, unless
	// all is asked for.
	tagsShown     = 15
	lackingShown  = 8
	examplesShown = 3
	hitsShown     = 5
)

const learnReportHelp = `All is measured on photos that were held out, whole days and bursts of them
where dates are known, by one search for each tag that enough of them have:
   ranking (mAP)     how far in front the photos with the tag stand; 100: all
                     of them before all others (mean average precision)
   right of first 5  of the first five photos, those that have the tag
   among first 10    of the photos with the tag, those among the first ten
   other sentences   of sentences that are not about your photos, those that
                     find their picture first: what learning may cost
In brackets, where a value would lie with other tags of the kind, 19 times in
20.`

// LearnReportOptions are those of `vsectl learn report`.
type LearnReportOptions struct {
	LearnOptions
	All bool
}

func newLearnReportCommand(out Screen) *cli.Command {
	return verb(&cli.Command{
		Name: "report", Usage: "show what a run found, the newest one where none is named", ArgsUsage: "[RUN]",
		Description: learnReportHelp + "\n\n" +
			examples("vsectl learn report", "vsectl learn report --all 3"),
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.BoolFlag{Name: "all", Usage: "show every tag and every example", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			run, err := numberOfRun("report", c.Args().Slice())
			if err != nil {
				return err
			}
			return runLearnReport(c.Context, LearnReportOptions{LearnOptions{common(c), run}, c.Bool("all")}, out)
		},
	})
}

func runLearnReport(ctx context.Context, options LearnReportOptions, out Screen) error {
	number, err := options.reported(ctx)
	if err != nil {
		return err
	}
	report, err := options.Client.LearningReport(ctx, number)
	if err != nil {
		return err
	}
	if options.JSON {
		return out.json(report)
	}
	return showLearningReport(report, options.All, out)
}

// reported gives the number that was named, or that of the newest run with a report.
func (o LearnReportOptions) reported(ctx context.Context) (int, error) {
	if o.Run != 0 {
		return o.Run, nil
	}
	runs, err := o.Client.LearningRuns(ctx)
	if err != nil {
		return 0, err
	}
	for _, run := range runs {
		if run.State == api.LearningProposed || run.State == api.LearningNoProposal {
			return run.Number, nil
		}
	}
	return 0, &notFoundError{"no learning run has a report yet: `vsectl learn start` learns from your tags"}
}

func showLearningReport(report api.LearningReport, all bool, out Screen) error {
	if err := out.say("%s", outcome(report, out)); err != nil {
		return err
	}
	for _, part := range []func(api.LearningReport, bool, Screen) error{showMeasures, showTagChanges, showLacking, showExamples, showRemarks} {
		if err := part(report, all, out); err != nil {
			return err
		}
	}
	return nil
}

// outcome says in a line or two what came of it.
func outcome(report api.LearningReport, out Screen) string {
	run := report.Run
	text := fmt.Sprintf("Learning run %d, %s", run.Number, ago(cmp.Or(run.Ended, run.Began), out.Now))
	switch {
	case run.State == api.LearningNoProposal:
		return text + ", proposes nothing: " + run.Reason
	case run.Serves:
		return text + ": what it proposed serves."
	case unfit(run):
		return text + ": a proposal that cannot be applied: " + run.Reason
	case run.Applied != "":
		return text + ": a proposal, applied before."
	}
	return text + ": a proposal."
}

// measured reports whether anything could be measured.
func measured(report api.LearningReport) bool { return report.After.Queries > 0 }

// showMeasures is the table of what is won and what is lost.
func showMeasures(report api.LearningReport, _ bool, out Screen) error {
	run := report.Run
	tags := plural(int64(run.Tags), "tag", "tags")
	if !measured(report) {
		verb := "are"
		if taggedOf(run) == 1 {
			verb = "is"
		}
		return out.paragraph("There %s %s with %s to learn from.", verb, photos(taggedOf(run)), tags)
	}
	among := photos(int64(run.Held)) + " that were put aside, whole days and bursts"
	if run.Folds > 0 {
		among = fmt.Sprintf("them, one of %d parts put aside at a time, whole days and bursts", run.Folds)
	}
	err := out.paragraph("Learned %s of %s from %s; measured by searches for %s among %s where dates are known.",
		number(int64(run.Learned)), tags, photos(int64(run.Photos)), plural(int64(report.After.Queries), "tag", "tags"), among)
	if err != nil {
		return err
	}
	columns := []table.Column{{Title: "IN PERCENT"}, {Title: "BEFORE", Right: true}, {Title: "AFTER", Right: true}, {Title: "CHANGE"}}
	before, after := report.Before, report.After
	rows := [][]string{
		{"ranking (mAP)", value(before.MAP), value(after.MAP), change(run.Gain, before.MAP, after.MAP)},
		{"right of first 5", value(before.P5), value(after.P5), change(nil, before.P5, after.P5)},
		{"among first 10", value(before.R10), value(after.R10), change(nil, before.R10, after.R10)},
	}
	if g := report.Guard; g != nil {
		rows = append(rows, []string{"other sentences", percent(g.R1Before), percent(g.R1After), change(&g.Change, api.LearningMeasure{}, api.LearningMeasure{})})
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	if err := out.table(columns, rows); err != nil || report.Serving == nil {
		return err
	}
	s := report.Serving
	return out.paragraph("Beside %s, with what it had learned, on %s that are new to both: ranking %s with it, %s with run %d, %s.",
		run.From, photos(int64(s.Photos)), percent(s.Before.MAP.Value), percent(s.After.MAP.Value), run.Number, change(&s.Gain, s.Before.MAP, s.After.MAP))
}

// change tells a difference, with its interval where that was measured.
func change(measured *api.LearningMeasure, before, after api.LearningMeasure) string {
	switch {
	case measured == nil:
		return points(after.Value - before.Value)
	case measured.Low == measured.High:
		return points(measured.Value)
	}
	return fmt.Sprintf("%s (%s to %s)", points(measured.Value), points(measured.Low), points(measured.High))
}

func percent(value float64) string { return strconv.FormatFloat(value, 'f', 1, 64) }

// value tells a measure, with the interval where there is one.
func value(m api.LearningMeasure) string {
	if m.Low == m.High {
		return percent(m.Value)
	}
	return fmt.Sprintf("%s (%s–%s)", percent(m.Value), percent(m.Low), percent(m.High))
}

// showTagChanges is the table of the learned tags: those that change most first, and last
// those that were not measured.
func showTagChanges(report api.LearningReport, all bool, out Screen) error {
	var measured, others []api.LearningTag
	for _, tag := range report.PerTag {
		switch {
		case tag.Before != nil && tag.After != nil:
			measured = append(measured, tag)
		case tag.Lacking == 0 && report.Run.Learned > 0:
			others = append(others, tag)
		}
	}
	gain := func(tag api.LearningTag) float64 { return *tag.After - *tag.Before }
	slices.SortStableFunc(measured, func(a, b api.LearningTag) int { return cmp.Compare(gain(b), gain(a)) })
	shown := measured
	switch {
	case all:
		shown = slices.Concat(measured, others)
	case len(shown) > tagsShown:
		// The worst are as much worth knowing as the best.
		shown = slices.Concat(measured[:tagsShown-3], measured[len(measured)-3:])
	}
	if len(shown) > 0 {
		if err := tagTable(shown, out); err != nil {
			return err
		}
	}
	return restOfTags(report.Run, len(measured)-len(shown), len(others), all, out)
}

func tagTable(tags []api.LearningTag, out Screen) error {
	columns := []table.Column{
		{Title: "TAG", Shorten: table.End}, {Title: "PHOTOS", Right: true}, {Title: "HELD OUT", Right: true},
		{Title: "BEFORE", Right: true}, {Title: "AFTER", Right: true}, {Title: "CHANGE", Right: true},
	}
	rows := make([][]string, len(tags))
	for i, tag := range tags {
		before, after, change := "-", "-", "-"
		if tag.Before != nil && tag.After != nil {
			before, after, change = percent(*tag.Before), percent(*tag.After), points(*tag.After-*tag.Before)
		}
		rows[i] = []string{tag.Tag, number(int64(tag.Photos)), number(int64(tag.Held)), before, after, change}
	}
	if err := out.printf("\n"); err != nil {
		return err
	}
	return out.table(columns, rows)
}

// restOfTags says how many learned tags the table has no room for.
func restOfTags(run api.LearningRun, between, unmeasured int, all bool, out Screen) error {
	var rest []string
	if between > 0 {
		rest = append(rest, plural(int64(between), "more tag", "more tags")+" between them")
	}
	if unmeasured > 0 {
		rest = append(rest, plural(int64(unmeasured), "tag", "tags")+" not measured")
	}
	if all || len(rest) == 0 {
		return nil
	}
	return out.say("%s: `vsectl learn report --all %d`", strings.Join(rest, ", "), run.Number)
}

// showLacking says what to tag more of.
func showLacking(report api.LearningReport, all bool, out Screen) error {
	var lacking []api.LearningTag
	for _, tag := range report.PerTag {
		if tag.Lacking > 0 {
			lacking = append(lacking, tag)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	slices.SortStableFunc(lacking, func(a, b api.LearningTag) int { return cmp.Compare(a.Lacking, b.Lacking) })
	shown := lacking
	if !all {
		shown = lacking[:min(len(lacking), lackingShown)]
	}
	names := make([]string, len(shown))
	for i, tag := range shown {
		names[i] = fmt.Sprintf("%s (%d more)", tag.Tag, tag.Lacking)
	}
	text := "On too few photos to be learned, with how many more it takes: " + strings.Join(names, ", ")
	if rest := len(lacking) - len(shown); rest > 0 {
		text += fmt.Sprintf(" and %s", plural(int64(rest), "other tag", "other tags"))
	}
	return out.paragraph("%s", text)
}

// showExamples shows what some queries find among the held-out photos.
func showExamples(report api.LearningReport, all bool, out Screen) error {
	examples := report.Examples
	if !all {
		examples = examples[:min(len(examples), examplesShown)]
	}
	for _, one := range examples {
		if err := out.paragraph("What %q finds first, ✓ where the photo has the tag:", one.Query); err != nil {
			return err
		}
		rows := make([][]string, min(max(len(one.Before), len(one.After)), hitsShown))
		for i := range rows {
			rows[i] = []string{strconv.Itoa(i + 1), exampleHit(one.Before, i), exampleHit(one.After, i)}
		}
		columns := []table.Column{{Title: "", Right: true}, {Title: "BEFORE", Shorten: table.Middle}, {Title: "AFTER", Shorten: table.Middle}}
		if err := out.table(columns, rows); err != nil {
			return err
		}
	}
	return nil
}

// exampleHit is the photo at a place of an example: the end of its path is what people know.
func exampleHit(hits []api.LearningHit, i int) string {
	if i >= len(hits) {
		return ""
	}
	mark := "· "
	if hits[i].Relevant {
		mark = "✓ "
	}
	path := rawPath(hits[i].Path)
	if path == "" {
		return mark + fmt.Sprintf("id:%d", hits[i].ID)
	}
	return mark + filepath.Join(filepath.Base(filepath.Dir(path)), filepath.Base(path))
}

// showRemarks prints what else is to be known, and what to do next.
func showRemarks(report api.LearningReport, _ bool, out Screen) error {
	for _, note := range report.Notes {
		if err := out.paragraph("Note: %s", note); err != nil {
			return err
		}
	}
	run := report.Run
	switch {
	case run.State != api.LearningProposed || unfit(run):
		return nil
	case run.Serves:
		return out.paragraph("`vsectl learn suggestions` shows the tags that it suggests, `vsectl learn status` says how to go back to an encoder before.")
	}
	return out.paragraph("`vsectl learn apply %d` uses it: search goes on meanwhile, and no photo is read. `vsectl learn rollback` goes back at once.", run.Number)
}
