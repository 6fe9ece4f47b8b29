package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// permute moves options before arguments, each to the command that knows it, as
// `vsectl search dog --json --socket S` is what people type and the library
// stops at the first argument. --json may stand before its command. After "--"
// everything is an argument. It refuses an option that no command knows, in the
// words that were typed.
func permute(app *cli.App, args []string) ([]string, error) {
	line := commandLine{levels: []level{{args: args[:1:1], flags: app.Flags}}}
	commands := app.Commands
	rest := args[1:]
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			line.addArguments(rest...)
			break
		}
		if len(word) > 1 && word[0] == '-' {
			rest = line.addOption(word, rest)
			continue
		}
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(word) })
		if i < 0 || len(line.arguments) > 0 {
			line.addArguments(word)
			continue
		}
		line.levels = append(line.levels, level{args: []string{word}, flags: commands[i].Flags})
		commands = commands[i].Subcommands
	}
	for _, word := range line.early {
		if !line.place(word) && len(line.levels) > 1 { // without a command that is the fault
			line.refuse(word)
		}
	}
	line.placeHelp(len(commands) == 0)
	return line.join(), line.fault()
}

// A commandLine is what was typed, sorted.
type commandLine struct {
	levels    []level
	arguments []string
	early     []string // options that may belong to a command that follows
	help      string   // --help, as it was typed
	unknown   string   // the first option that no command knows
	words     []string // arguments and unknown options as they were typed
}

// A level is a command's name and the options that go to it.
type level struct {
	args  []string
	flags []cli.Flag
}

func (l *commandLine) addArguments(words ...string) {
	l.arguments = append(l.arguments, words...)
	l.words = append(l.words, words...)
}

// addOption places word, and the value after it where it takes one. It returns
// what is left.
func (l *commandLine) addOption(word string, rest []string) []string {
	flag, i := l.find(word)
	switch {
	case flag == cli.HelpFlag:
		l.help = word
		return rest
	case flag == nil && optionName(word) == "json":
		l.early = append(l.early, word)
		return rest
	case flag == nil:
		l.refuse(word)
		return rest
	}
	l.levels[i].args = append(l.levels[i].args, word)
	if _, isSwitch := flag.(*cli.BoolFlag); !isSwitch && !strings.Contains(word, "=") && len(rest) > 0 {
		l.levels[i].args = append(l.levels[i].args, rest[0])
		rest = rest[1:]
	}
	return rest
}

// placeHelp gives --help to the command, wherever it stood. The library would look for
// help on the first argument: a command that takes arguments has its own help, and one
// that has commands below it says that there is none of that name.
func (l *commandLine) placeHelp(takesArguments bool) {
	if l.help == "" || !takesArguments && len(l.arguments) > 0 {
		return
	}
	l.arguments = nil
	l.place(l.help)
}

// place gives a switch to the command that knows it, if one does.
func (l *commandLine) place(word string) bool {
	flag, i := l.find(word)
	if flag != nil {
		l.levels[i].args = append(l.levels[i].args, word)
	}
	return flag != nil
}

// find gives the flag of the innermost command that has it, and that command's
// level. The library adds --help to each command, and --version to the program.
func (l *commandLine) find(word string) (cli.Flag, int) {
	name, last := optionName(word), len(l.levels)-1
	for i := last; i >= 0; i-- {
		if flag := findFlag(l.levels[i].flags, name); flag != nil {
			return flag, i
		}
	}
	added := []cli.Flag{cli.HelpFlag}
	if last == 0 {
		added = append(added, cli.VersionFlag)
	}
	return findFlag(added, name), last
}

func (l *commandLine) refuse(word string) {
	if l.unknown == "" {
		l.unknown = word
	}
	l.words = append(l.words, word)
}

// fault says which option is unknown. Where that may be the word of a query,
// it says how to write the query.
func (l *commandLine) fault() error {
	if l.unknown == "" {
		return nil
	}
	var names []string
	for _, level := range l.levels {
		names = append(names, level.args[0])
	}
	command := strings.Join(names, " ")
	text := fmt.Sprintf("there is no option %s: see `%s --help`", l.unknown, command)
	switch {
	case len(names) == 1:
		text += "; a command's own options stand after it"
	case names[1] == "search":
		text += fmt.Sprintf("; where it belongs to the query, write `%s -- %s`", command, shellQuote(strings.Join(l.words, " ")))
	}
	return usagef("%s", text)
}

// shellQuote writes a text so that a shell gives it on as it is.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func optionName(word string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
	return name
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			return flag
		}
	}
	return nil
}

func (l *commandLine) join() []string {
	var all []string
	for _, level := range l.levels {
		all = append(all, level.args...)
	}
	if len(l.arguments) > 0 {
		all = append(all, "--")
	}
	return append(all, l.arguments...)
}
