package hub

import (
	_ "embed"
	"strings"
)

// choicesTable is the table of docs/encoders.md, which names where each figure is
// from. A dash stands for what is not known.
//
//go:embed choices.tsv
var choicesTable string

// A Choice is an encoder that is known to be good for something. Figures are text
// as they were published; "-" is one that is not known.
type Choice struct {
	Model      string `json:"model"`
	Dimensions string `json:"dimensions"`
	Download   string `json:"download"`
	Memory     string `json:"memory_mib"` // of both graphs, MiB
	RunMS      string `json:"run_ms"`
	English    string `json:"recall_english"` // per cent
	German     string `json:"recall_german"`
	Languages  string `json:"languages"`
	Licence    string `json:"licence"`
	Suits      string `json:"suits"` // a machine that it runs well on
}

// Choices gives those whose row holds every word, in any case.
func Choices(words ...string) (found []Choice) {
	for i, row := range strings.Split(strings.TrimSpace(choicesTable), "\n") {
		if i > 0 && holdsAll(row, words) {
			found = append(found, choice(strings.Split(row, "\t")))
		}
	}
	return found
}

func holdsAll(row string, words []string) bool {
	row = strings.ToLower(row)
	for _, word := range words {
		if !strings.Contains(row, strings.ToLower(word)) {
			return false
		}
	}
	return true
}

func choice(cells []string) Choice {
	return Choice{cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8], cells[9]}
}
