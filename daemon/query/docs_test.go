package query

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedFiltersAreRead reads every example of the table of filters, and
// finds every field in it.
func TestDocumentedFiltersAreRead(t *testing.T) {
	text, err := os.ReadFile("../../docs/search.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("`([a-z]+:[^`]+)`").FindAllStringSubmatch(string(text), -1)
	seen := make(map[string]bool)
	for _, example := range examples {
		if strings.Contains(example[1], "//") || strings.Contains(example[1], ": ") {
			continue
		}
		parse(t, example[1])
		name, _, _ := strings.Cut(example[1], ":")
		seen[name] = true
	}
	for _, name := range fieldNames() {
		if !seen[name] {
			t.Errorf("docs/search.md does not show %s:", name)
		}
	}
}
