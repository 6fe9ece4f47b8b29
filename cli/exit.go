package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"vsed/daemon/api"
)

const (
	exitNone        = 1
	exitUsage       = 2
	exitPartial     = 3
	exitNoDaemon    = 10
	exitInterrupted = 130
)

const exitCodes = `Exit codes:
    0  done; a search has a good match, a list is not empty
    1  nothing: a search without a good match (the nearest photos are printed
       all the same), an empty list, or what is named does not exist
    2  refused: wrong arguments, or the daemon refused or failed
    3  partial: what was printed is less than it should be
   10  no daemon answers
  130  interrupted`

// errNone ends a command that found nothing, or nothing good; what it printed
// says so.
var errNone = errors.New("nothing found")

// A notFoundError says that what the arguments name is not there.
type notFoundError struct{ text string }

func (e *notFoundError) Error() string { return e.text }

// A partialError says why an answer that was printed is not the whole.
type partialError struct{ reason string }

func (e *partialError) Error() string { return "partial result: " + e.reason }

// A usageError says what is wrong with the arguments.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// exitCode is the table exitCodes as code.
func exitCode(err error) int {
	var (
		absent   *api.NoDaemonError
		refusal  *api.Error
		partial  *partialError
		notFound *notFoundError
	)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &absent):
		return exitNoDaemon
	case errors.As(err, &partial):
		return exitPartial
	case errors.Is(err, errNone), errors.As(err, &notFound):
		return exitNone
	case errors.As(err, &refusal) && refusal.Status == http.StatusNotFound:
		return exitNone
	}
	return exitUsage
}

// message is the line for err on standard error; none where the output already
// says it, or the user knows.
func message(err error) string {
	if err == nil || errors.Is(err, errNone) || errors.Is(err, context.Canceled) {
		return ""
	}
	return err.Error()
}

var (
	wrongValue   = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-+([a-z-]+): .*$`)
	valueMissing = regexp.MustCompile(`^flag needs an argument: -+(.*)$`)
)

// plainFault says in the words of this program what package flag found wrong.
func plainFault(err error) string {
	text := wrongValue.ReplaceAllString(err.Error(), "--$2 takes no $1")
	return valueMissing.ReplaceAllString(text, "--$1 needs a value")
}
