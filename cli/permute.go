package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves options before arguments, each to the command that knows it, as
// `vsectl search dog --json --socket S` is what people type and the library
// stops at the first argument. After "--" everything is an argument.
func permute(app *cli.App, args []string) []string {
	levels := []level{{args: args[:1:1], flags: app.Flags}}
	commands := app.Commands
	var arguments []string
	rest := args[1:]
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			arguments = append(arguments, rest...)
			break
		}
		if len(word) > 1 && word[0] == '-' {
			rest = placeFlag(levels, word, rest)
			continue
		}
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(word) })
		if i < 0 || len(arguments) > 0 {
			arguments = append(arguments, word)
			continue
		}
		levels = append(levels, level{args: []string{word}, flags: commands[i].Flags})
		commands = commands[i].Subcommands
	}
	return join(levels, arguments)
}

// A level is a command's name and the options that go to it.
type level struct {
	args  []string
	flags []cli.Flag
}

// placeFlag gives word, and the value after it where it takes one, to the
// innermost command that has the flag; an unknown one to the last, which
// refuses it. It returns what is left.
func placeFlag(levels []level, word string, rest []string) []string {
	name, _, valued := strings.Cut(strings.TrimLeft(word, "-"), "=")
	for i := len(levels) - 1; i >= 0; i-- {
		flag := findFlag(levels[i].flags, name)
		if flag == nil {
			continue
		}
		levels[i].args = append(levels[i].args, word)
		if _, isSwitch := flag.(*cli.BoolFlag); !isSwitch && !valued && len(rest) > 0 {
			levels[i].args = append(levels[i].args, rest[0])
			rest = rest[1:]
		}
		return rest
	}
	last := &levels[len(levels)-1]
	last.args = append(last.args, word)
	return rest
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

func join(levels []level, arguments []string) []string {
	var all []string
	for _, l := range levels {
		all = append(all, l.args...)
	}
	if len(arguments) > 0 {
		all = append(all, "--")
	}
	return append(all, arguments...)
}
