package server_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vsed/daemon/server/servertest"
)

// The guide names every operation of the document, and none beside.
func TestGuideNamesEveryOperation(t *testing.T) {
	guide, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, _, text := ask(t, servertest.Serve(t, servertest.New()), "GET", "/v1/openapi.json", "")
	var document struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path, methods := range document.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /v1/[^`]*)` \\|").FindAllSubmatch(guide, -1) {
		named = append(named, string(row[1]))
	}
	slices.Sort(described)
	slices.Sort(named)
	if !slices.Equal(named, described) {
		t.Errorf("the guide names\n%q\nand the document describes\n%q", named, described)
	}
}
