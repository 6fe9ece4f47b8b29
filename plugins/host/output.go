package host

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds on what a plugin may write, so that one that floods its standard error
// fills neither memory nor the log.
const (
	lineLimit   = 2048 // bytes of a line; the rest of it is dropped
	tailLines   = 3    // last lines kept for an error
	linesBurst  = 100  // lines logged at once
	linesPerSec = 20   // lines logged in the long run
)

// output takes what a plugin writes, logs it within bounds and remembers its
// last words. Safe for concurrent use.
type output struct {
	log *slog.Logger

	mutex    sync.Mutex
	tail     []string
	headline string // the line that began a panic or crash, which its stack would push out of the tail
	tokens   float64
	counted  time.Time
	dropped  int
}

func newOutput(log *slog.Logger) *output {
	return &output{log: log, tokens: linesBurst, counted: time.Now()}
}

// lastWords returns what the plugin wrote last, as one line; empty for nothing.
func (o *output) lastWords() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.headline != "" {
		return o.headline
	}
	return strings.Join(o.tail, " | ")
}

func (o *output) line(line []byte) {
	entry := parseLine(line)
	if entry.message == "" {
		return
	}
	o.mutex.Lock()
	o.remember(entry)
	allowed, dropped := o.spend()
	o.mutex.Unlock()
	if !allowed {
		return
	}
	if dropped > 0 {
		o.log.Warn("plugin writes too much", "lines dropped", dropped)
	}
	o.log.LogAttrs(context.Background(), entry.level, entry.message, entry.attributes...)
}

func (o *output) remember(entry logEntry) {
	if o.headline == "" && beginsCrash(entry.message) {
		o.headline = entry.summary()
	}
	if len(o.tail) == tailLines {
		o.tail = o.tail[1:]
	}
	o.tail = append(o.tail, entry.summary())
}

// beginsCrash knows how Go's runtime begins to tell of a panic, and of a crash of C
// code, which ends in a dump of registers.
func beginsCrash(message string) bool {
	for _, start := range []string{"panic: ", "fatal error: ", "SIGSEGV: ", "SIGBUS: ", "SIGABRT: ", "SIGILL: ", "SIGFPE: "} {
		if strings.HasPrefix(message, start) {
			return true
		}
	}
	return false
}

// spend takes a token for one line and reports whether there was one, and how
// many lines went without since the last that had one.
func (o *output) spend() (allowed bool, dropped int) {
	now := time.Now()
	o.tokens = min(linesBurst, o.tokens+now.Sub(o.counted).Seconds()*linesPerSec)
	o.counted = now
	if o.tokens < 1 {
		o.dropped++
		return false, 0
	}
	o.tokens--
	dropped, o.dropped = o.dropped, 0
	return true, dropped
}

// logEntry is one line of a plugin.
type logEntry struct {
	level      slog.Level
	message    string
	attributes []slog.Attr
}

// summary is the entry as part of an error.
func (e logEntry) summary() string {
	text := e.message
	for _, attribute := range e.attributes {
		if attribute.Key == "error" {
			text += ": " + attribute.Value.String()
		}
	}
	return printable(text, 200)
}

// parseLine reads hclog's JSON; any other line is a message for debugging, since
// libraries write such lines about every odd photo.
func parseLine(line []byte) logEntry {
	var fields map[string]any
	if !bytes.HasPrefix(line, []byte("{")) || json.Unmarshal(line, &fields) != nil {
		return logEntry{level: slog.LevelDebug, message: printable(string(line), lineLimit)}
	}
	message, _ := fields["@message"].(string)
	levelName, _ := fields["@level"].(string)
	entry := logEntry{level: levelOf(levelName), message: printable(message, lineLimit)}
	for key, value := range fields {
		if !strings.HasPrefix(key, "@") {
			entry.attributes = append(entry.attributes, slog.Any(printable(key, 40), value))
		}
	}
	slices.SortFunc(entry.attributes, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	return entry
}

func levelOf(name string) slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(name)) != nil {
		return slog.LevelDebug
	}
	return min(level, slog.LevelError)
}

// lineSplitter is the writer of one stream: it hands on bounded lines.
type lineSplitter struct {
	emit    func(line []byte)
	partial []byte
}

func (l *lineSplitter) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		room := max(0, lineLimit-len(l.partial))
		l.partial = append(l.partial, line[:min(len(line), room)]...)
		if found {
			l.flush()
		}
		rest = after
	}
	return len(data), nil
}

// flush hands on a line that has no end yet.
func (l *lineSplitter) flush() {
	l.emit(l.partial)
	l.partial = l.partial[:0]
}
