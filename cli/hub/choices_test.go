package hub

import (
	"os"
	"strings"
	"testing"
)

// The table of the guide is that of the program.
func TestGuideHasTheChoices(t *testing.T) {
	guide, err := os.ReadFile("../../docs/encoders.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Choices() {
		if _, err := ParseReference(c.Model); err != nil {
			t.Error(err)
		}
		row := "| " + strings.Join([]string{"`" + c.Model + "`", c.Dimensions, c.Download, c.Memory, c.RunMS, c.English, c.German, c.Languages, c.Licence, c.Suits}, " | ") + " |\n"
		if !strings.Contains(string(guide), row) {
			t.Errorf("the guide lacks\n%s", row)
		}
	}
	if rows := strings.Count(string(guide), "| `immich-app/"); rows != len(Choices()) {
		t.Errorf("the guide has %d rows, the program %d", rows, len(Choices()))
	}
}

func TestChoices(t *testing.T) {
	f := func(want int, words ...string) {
		t.Helper()
		if got := len(Choices(words...)); got != want {
			t.Errorf("%q: %d, want %d", words, got, want)
		}
	}
	f(9)
	f(4, "siglip2", "apache")
	f(0, "nothing")
}
