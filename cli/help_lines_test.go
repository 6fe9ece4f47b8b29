package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	libcli "github.com/urfave/cli/v2"

	"vsed/cli/table"
)

// TestHelpFits: help is as wide as a terminal at most, and what is written as
// paragraphs needs no breaking, which would leave words alone on their lines.
func TestHelpFits(t *testing.T) {
	const terminal, margin = 80, 3
	var look func(names []string, commands []*libcli.Command)
	look = func(names []string, commands []*libcli.Command) {
		for _, command := range commands {
			path := append(names[:len(names):len(names)], command.Name)
			for _, line := range strings.Split(command.Description, "\n") {
				if got := table.Width(line); got > terminal-margin {
					t.Errorf("%q: %d columns in its description: %s", path, got, line)
				}
			}
			var help bytes.Buffer
			screen := Screen{Writer: &help, Width: terminal}
			if code := run(context.Background(), append(path, "--help"), screen, screen); code != 0 {
				t.Errorf("%q: exit code %d", path, code)
			}
			for _, line := range strings.Split(help.String(), "\n") {
				if got := table.Width(line); got > terminal {
					t.Errorf("%q: %d columns: %s", path, got, line)
				}
			}
			look(path, command.Subcommands)
		}
	}
	look([]string{"vsectl"}, commands(Screen{}))
}

func TestHelpIsBrokenBelowItself(t *testing.T) {
	f := func(line, want string) {
		t.Helper()
		if got := brokenHelp(line, 30); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("   --tag TAG   only this one, and no other", "   --tag TAG   only this one,\n               and no other")
	f("   a paragraph of some more words than fit", "   a paragraph of some more\n   words than fit")
	f("short", "short")
	f("", "")
}
