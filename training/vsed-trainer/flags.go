package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// help is what was asked for instead of a run: a text for the output, no fault.
type help string

func (help) Error() string { return "help was asked for" }

// newFlags are those of a verb; parse tells their faults, so the package stays silent.
func newFlags(verb string) *flag.FlagSet {
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// parse reads a verb's flags, which are all that a verb takes.
func parse(flags *flag.FlagSet, arguments []string) error {
	err := flags.Parse(arguments)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return helpOf(flags)
	case err != nil:
		return fmt.Errorf("%s: see `vsed-trainer %s --help`", twoDashes(err.Error()), flags.Name())
	case flags.NArg() > 0:
		return fmt.Errorf("%s takes no argument %q: see `vsed-trainer %s --help`", flags.Name(), flags.Arg(0), flags.Name())
	}
	return nil
}

func helpOf(flags *flag.FlagSet) help {
	var text strings.Builder
	fmt.Fprintf(&text, "usage: vsed-trainer %s [--FLAG VALUE …]\n\n", flags.Name())
	flags.SetOutput(&text)
	flags.PrintDefaults()
	flags.SetOutput(io.Discard)
	return help(twoDashes(text.String()))
}

// oneDash stands before a flag's name in what package flag writes.
var oneDash = regexp.MustCompile(`(?m)(^  |flag |: )-(\w)`)

// twoDashes writes flags as the guide has them; both forms are taken.
func twoDashes(text string) string { return oneDash.ReplaceAllString(text, "$1--$2") }
