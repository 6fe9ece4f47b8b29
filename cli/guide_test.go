package cli

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	libcli "github.com/urfave/cli/v2"

	"vsed/daemon/api"
)

// The guide names every command, and the exit codes as the help does.
func TestGuide(t *testing.T) {
	content, err := os.ReadFile("../docs/vsectl.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := strings.ReplaceAll(string(content), `\|`, "|")
	var check func(above string, commands []*libcli.Command)
	check = func(above string, commands []*libcli.Command) {
		for _, command := range commands {
			name := above + " " + command.Name
			if len(command.Subcommands) == 0 && !strings.Contains(guide, "| `"+name) {
				t.Errorf("%s is not in the guide", name)
			}
			check(name, command.Subcommands)
		}
	}
	check("vsectl", commands(Screen{}))
	if want := "    " + strings.ReplaceAll(exitCodes, "\n", "\n    "); !strings.Contains(guide, want) {
		t.Errorf("the guide has other exit codes than the help:\n%s", want)
	}
}

func TestExitCodes(t *testing.T) {
	f := func(err error, want int) {
		t.Helper()
		if got := exitCode(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
	f(nil, 0)
	f(errNone, 1)
	f(api.NewError(http.StatusNotFound, "no photo"), 1)
	f(errors.New("anything"), 2)
	f(api.NewError(http.StatusInternalServerError, "failed"), 2)
	f(&partialError{"x"}, 3)
	f(&api.NoDaemonError{}, 10)
	f(context.Canceled, 130)
}
