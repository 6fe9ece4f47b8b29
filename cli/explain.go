package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vsed/cli/table"
	"vsed/daemon/api"
)

// showExplanation says what was made of the query, and how long it took, where
// that was asked for.
func showExplanation(e *api.Explanation, out Screen) error {
	if e == nil {
		return nil
	}
	if err := out.paragraph("Understood as: %s", e.Parsed); err != nil {
		return err
	}
	if e.Rows > 0 {
		if err := out.say("Scanned %s, computed %s of them exactly.", plural(int64(e.Rows), "vector", "vectors"), number(int64(e.Rescored))); err != nil {
			return err
		}
	}
	var steps []string
	for _, step := range e.Steps {
		steps = append(steps, fmt.Sprintf("%s %.1f ms", step.Name, step.Milliseconds))
	}
	return out.say("Took: %s", strings.Join(steps, ", "))
}

// showReasons is the table of hits with how each came to its place.
func showReasons(result api.SearchResult, out Screen) error {
	columns := []table.Column{
		{Title: "PHOTO", Right: true}, {Title: "SCORE", Right: true}, {Title: "COSINE", Right: true}, {Title: "LOOKS", Right: true}, {Title: "WORDS", Right: true},
		{Title: "MATCHED", Shorten: table.Middle}, {Title: "FILTERS", Shorten: table.End}, {Title: "PATH", Shorten: table.Middle},
	}
	var rows [][]string
	for _, hit := range result.Hits {
		reason := hit.Reason
		if reason == nil {
			reason = &api.Reason{}
		}
		cosine := ""
		if reason.Cosine != nil {
			cosine = fmt.Sprintf("%.3f", *reason.Cosine)
		}
		score := ""
		if hit.Ranked {
			score = fmt.Sprintf("%.2f", hit.Score)
		}
		rows = append(rows, []string{
			fmt.Sprintf("id:%d", hit.ID), score, cosine, rank(reason.VectorRank), rank(reason.WordRank),
			matched(hit.Matches), strings.Join(reason.Filters, " "), hitPlace(hit),
		})
	}
	const filters = 6
	if !slices.ContainsFunc(rows, func(row []string) bool { return row[filters] != "" }) {
		columns, rows = withoutColumn(columns, rows, filters)
	}
	return out.table(columns, rows)
}

func rank(place int) string {
	if place == 0 {
		return ""
	}
	return strconv.Itoa(place)
}

// matched lists what has the words, each once.
func matched(matches []api.Match) string {
	var list []string
	for _, match := range matches {
		text := match.Field + " " + strings.Join(match.Texts, ", ")
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, "; ")
}
