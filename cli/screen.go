package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"vsed/cli/table"
)

// A Screen is where a command prints.
type Screen struct {
	io.Writer
	// Width is the terminal's; 0 where the output is no terminal: nothing is
	// then shortened or redrawn.
	Width int
	// Bold says that headings may stand out.
	Bold bool
	// Now is what the ages in the output are counted from.
	Now time.Time
}

func newScreen(file *os.File) Screen {
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return Screen{Writer: file, Now: time.Now()}
	}
	// A terminal that gives no size, as a serial line, has the usual one.
	if width <= 0 {
		width = 80
	}
	return Screen{Writer: file, Width: width, Bold: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Now: time.Now()}
}

func (s Screen) heading(line string) string {
	if !s.Bold {
		return line
	}
	return "\x1b[1m" + line + "\x1b[0m"
}

// table prints rows; their cells may hold anything.
func (s Screen) table(columns []table.Column, rows [][]string) error {
	return table.Write(s, columns, rows, s.Width, s.heading)
}

// say prints a sentence, or a few, harmless whatever strangers wrote among args. All
// prose for people goes through here: a terminal has its lines broken between words,
// elsewhere it is one line.
func (s Screen) say(format string, args ...any) error {
	return s.printf("%s\n", s.broken(fmt.Sprintf(format, args...)))
}

// ask says something after which the cursor stands where the answer is typed, which
// takes a word.
func (s Screen) ask(format string, args ...any) error {
	return s.printf("%s ", s.broken(fmt.Sprintf(format, args...)))
}

// broken breaks a text into lines; all are indented as the first.
func (s Screen) broken(text string) string {
	rest := strings.TrimLeft(text, " ")
	indent := text[:len(text)-len(rest)]
	lines := table.Wrap(rest, s.Width-len(indent))
	for i, line := range lines {
		lines[i] = indent + table.Escape(line)
	}
	return strings.Join(lines, "\n")
}

// paragraph says something after an empty line.
func (s Screen) paragraph(format string, args ...any) error {
	if err := s.printf("\n"); err != nil {
		return err
	}
	return s.say(format, args...)
}

// printf prints a line as it is; what strangers wrote among args goes through
// table.Escape first.
func (s Screen) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(s, format, args...)
	return err
}

// json prints value as the API sends it, indented.
func (s Screen) json(value any) error { return s.encode(value, "  ") }

// jsonLine prints value as the API sends it, on one line.
func (s Screen) jsonLine(value any) error { return s.encode(value, "") }

func (s Screen) encode(value any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	_, err := s.Write(harmless(text.Bytes()))
	return err
}

// harmless writes what a terminal may act on, or show in a misleading way, as
// JSON escapes: the same value, and JSON itself escapes only the controls of
// ASCII. Such characters stand only in strings.
func harmless(text []byte) []byte {
	var safe bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r == '\n' || table.Printable(r):
			safe.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&safe, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	return safe.Bytes()
}
