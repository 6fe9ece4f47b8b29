package query

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// String writes the query so that Parse reads the same one, on any day.
func (q Query) String() string {
	var parts []string
	for _, alternative := range q.Alternatives {
		parts = append(parts, alternative.text(len(q.Alternatives) > 1))
	}
	text := strings.Join(parts, " OR ")
	switch {
	case q.Sort == NewestFirst:
		text += " sort:date"
	case q.Sort == OldestFirst:
		text += " sort:oldest"
	case text == "" && !q.Ungrouped:
		text = "sort:relevance"
	}
	if q.Ungrouped {
		text += " group:off"
	}
	return strings.TrimPrefix(text, " ")
}

func (a Alternative) text(oneOfSeveral bool) string {
	var parts []string
	if a.Text != "" {
		parts = append(parts, sentence(a.Text))
	}
	for _, photo := range a.Like {
		parts = append(parts, "like:"+value(photo))
	}
	if a.Filter != nil && (oneOfSeveral || a.Ranked()) {
		parts = append(parts, inSequence(a.Filter))
	} else if a.Filter != nil {
		parts = append(parts, a.Filter.String())
	}
	for _, text := range a.Away {
		parts = append(parts, "-"+quote(text))
	}
	for _, photo := range a.AwayLike {
		parts = append(parts, "-like:"+value(photo))
	}
	return strings.Join(parts, " ")
}

func (e And) String() string {
	parts := make([]string, len(e))
	for i, operand := range e {
		parts[i] = inSequence(operand)
	}
	return strings.Join(parts, " ")
}

func (e Or) String() string {
	parts := make([]string, len(e))
	for i, operand := range e {
		parts[i] = operand.String()
	}
	return strings.Join(parts, " OR ")
}

func (e Not) String() string {
	if and, ok := e.Of.(And); ok {
		return "-(" + and.String() + ")"
	}
	return "-" + inSequence(e.Of)
}

// inSequence brackets what would come apart beside another filter.
func inSequence(e Expression) string {
	if or, ok := e.(Or); ok {
		return "(" + or.String() + ")"
	}
	return e.String()
}

func (e Match) String() string { return string(e.Field) + ":" + value(e.Pattern) }

func (e Date) String() string {
	last := ""
	if before, err := time.Parse(dayLayout, e.Before); err == nil {
		last = before.AddDate(0, 0, -1).Format(dayLayout)
	}
	return "date:" + e.From + ".." + last
}

func (e Rating) String() string {
	return "rating:" + strconv.Itoa(e.Least) + ".." + strconv.Itoa(e.Most)
}

func (e Near) String() string {
	number := func(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
	return "near:" + number(e.Latitude) + "," + number(e.Longitude) + "," + number(e.Kilometres) + "km"
}

func (e Is) String() string { return "is:" + string(e.Property) }

// sentence writes words as they are where none of them is more than a word.
func sentence(text string) string {
	if isPlain(text, "'., ") && !slices.Contains(strings.Fields(text), "OR") {
		return text
	}
	return quote(text)
}

func value(text string) string {
	if isPlain(text, "./_*-+,") {
		return text
	}
	return quote(text)
}

func isPlain(text, also string) bool {
	for _, r := range text {
		if r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(also, r) {
			return false
		}
	}
	return true
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
