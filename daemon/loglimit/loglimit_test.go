package loglimit

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A buffer may be read while a handler writes.
type buffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(line []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(line)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.String()
}

func (b *buffer) Reset() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.Buffer.Reset()
}

var limit = Limit{Burst: 5, Interval: time.Minute}

func TestStormIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		logger := slog.New(New(slog.NewTextHandler(&log, nil), limit))
		const storm = 100_000
		for i := range storm {
			logger.With("part", i%3).Warn("a file was set aside", "file", i, "error", errors.New("no"))
			if i%10_000 == 0 {
				logger.WithGroup("x").Error("something else")
			}
		}
		lines := func() []string { return strings.Split(strings.TrimSpace(log.String()), "\n") }
		if got := len(lines()); got != 2*limit.Burst {
			t.Errorf("%d lines", got)
		}
		if !strings.Contains(log.String(), "part=1 file=4") {
			t.Errorf("attributes are lost:\n%s", &log)
		}
		time.Sleep(limit.Interval)
		synctest.Wait()
		t.Logf("%d messages made %d lines", storm+10, len(lines()))
		for _, want := range []string{fmt.Sprintf(`msg="a file was set aside" more_like_this=%d within=1m0s`, storm-limit.Burst), `msg="something else" more_like_this=5`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s is not in\n%s", want, &log)
			}
		}
		log.Reset()
		for range limit.Burst {
			logger.Warn("a file was set aside")
		}
		time.Sleep(10 * limit.Interval)
		synctest.Wait()
		if got := len(lines()); got != limit.Burst {
			t.Errorf("after a while: %d lines\n%s", got, &log)
		}
	})
}

func TestDebugIsNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		logger := slog.New(New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}), limit))
		for range 100 {
			logger.Debug("a detail")
		}
		if got := strings.Count(log.String(), "\n"); got != 100 {
			t.Errorf("%d lines", got)
		}
	})
}

func TestMessagesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log buffer
		logger := slog.New(New(slog.NewTextHandler(&log, nil), limit))
		for i := range 100_000 {
			logger.Warn(fmt.Sprint("a plugin says ", i))
		}
		if got := strings.Count(log.String(), "\n"); got != maxMessages+limit.Burst {
			t.Errorf("%d lines", got)
		}
		time.Sleep(limit.Interval)
		synctest.Wait()
		if !strings.Contains(log.String(), `msg="various messages" more_like_this=`) {
			t.Error("what was left out is not counted")
		}
	})
}
