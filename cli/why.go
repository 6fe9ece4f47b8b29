package cli

import (
	"slices"
	"strings"

	"vsed/daemon/api"
)

// fieldsInOrder are those in which a word can stand, what says most first.
var fieldsInOrder = []string{api.FieldTag, api.FieldTitle, api.FieldDescription, api.FieldName, api.FieldPlace, api.FieldCamera, api.FieldFolder, api.FieldLearned}

// why says what ties a hit to the query: where its words stand, else that it looks
// like it or, where nothing was ranked, that it passes the filters.
func why(hit api.Hit) string {
	var fields []string
	for _, field := range fieldsInOrder {
		if slices.ContainsFunc(hit.Matches, func(m api.Match) bool { return m.Field == field }) {
			fields = append(fields, field)
		}
	}
	switch {
	case len(fields) > 0:
		return strings.Join(fields, ", ")
	case hit.Ranked:
		return "looks like it"
	}
	return "filter"
}
