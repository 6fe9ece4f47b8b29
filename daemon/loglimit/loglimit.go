// Package loglimit keeps a log readable when one thing goes wrong a hundred
// thousand times. It knows no message: what to log is said where it happens.
package loglimit

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Limit bounds how often the same message is logged: at most Burst times from
// the first one on until Interval has passed. Then one line more tells how many
// were left out.
type Limit struct {
	Burst    int
	Interval time.Duration
}

// maxMessages bounds the messages told apart, as plugins choose theirs; what
// comes beyond them is counted as one message.
const maxMessages = 1000

// New makes a handler that passes on to next what the limit allows. Messages at
// the debug level are not limited: who asks for them wants all.
func New(next slog.Handler, limit Limit) slog.Handler {
	return &handler{Handler: next, counts: &counts{Limit: limit, next: next, of: make(map[message]int)}}
}

// A message is what tells lines of the log apart; their attributes do not.
type message struct {
	text  string
	level slog.Level
}

// counts are shared by the handlers that were derived from one.
type counts struct {
	Limit
	next  slog.Handler // without any handler's attributes
	mutex sync.Mutex
	of    map[message]int // in the interval that runs for the message
}

type handler struct {
	slog.Handler
	counts *counts
}

// Handle passes the record on, or counts it.
func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level > slog.LevelDebug && !h.counts.allow(message{record.Message, record.Level}) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs is a handler with the same limit.
func (h *handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return &handler{Handler: h.Handler.WithAttrs(attributes), counts: h.counts}
}

// WithGroup is a handler with the same limit.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{Handler: h.Handler.WithGroup(name), counts: h.counts}
}

func (c *counts) allow(one message) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if _, known := c.of[one]; !known && len(c.of) >= maxMessages {
		one = message{"various messages", slog.LevelWarn}
	}
	if c.of[one] == 0 {
		time.AfterFunc(c.Interval, func() { c.sum(one) })
	}
	c.of[one]++
	return c.of[one] <= c.Burst
}

// sum ends the interval of a message.
func (c *counts) sum(one message) {
	c.mutex.Lock()
	more := c.of[one] - c.Burst
	delete(c.of, one)
	c.mutex.Unlock()
	ctx := context.Background()
	if more <= 0 || !c.next.Enabled(ctx, one.level) {
		return
	}
	record := slog.NewRecord(time.Now(), one.level, one.text, 0)
	record.AddAttrs(slog.Int("more_like_this", more), slog.Duration("within", c.Interval))
	_ = c.next.Handle(ctx, record) // there is nobody to tell
}
