package host

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestOutputIsRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		out := newOutput(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
		for range 1000 {
			out.line([]byte("x"))
		}
		if lines := strings.Count(log.String(), "\n"); lines != linesBurst {
			t.Errorf("%d lines at once, want %d", lines, linesBurst)
		}
		log.Reset()
		time.Sleep(time.Second)
		for range 1000 {
			out.line([]byte("y"))
		}
		if lines := strings.Count(log.String(), "msg=y"); lines != linesPerSec {
			t.Errorf("%d lines a second later, want %d", lines, linesPerSec)
		}
		if !strings.Contains(log.String(), "900") {
			t.Errorf("the dropped lines are not counted: %s", log.String())
		}
	})
}

func TestOutputRemembersTheLastWords(t *testing.T) {
	f := func(want string, lines ...string) {
		t.Helper()
		out := newOutput(quiet())
		for _, line := range lines {
			out.line([]byte(line))
		}
		if words := out.lastWords(); words != want {
			t.Errorf("%q, want %q", words, want)
		}
	}
	f("")
	f("", "", "  ")
	f("b | c | d", "a", "b", "c", "d")
	f("load the model: no such file", `{"@level":"error","@message":"load the model","error":"no such file"}`)
	f("SIGSEGV: segmentation violation", "SIGSEGV: segmentation violation", "PC=0x1 m=6", "rip 0x1", "cs 0x33", "fs 0x0")
	f("panic: odd", "before", "panic: odd", "goroutine 1 [running]:", "main.main()", "exit status 2")
}

func FuzzOutput(f *testing.F) {
	f.Add([]byte(`{"@message":1,"@level":[],"x":{}}` + "\n"))
	f.Add([]byte("plain\nlines\xff\x1b[2J"))
	f.Add(bytes.Repeat([]byte("x"), 3*lineLimit))
	f.Fuzz(func(t *testing.T, data []byte) {
		out := newOutput(quiet())
		lines := &lineSplitter{emit: func(line []byte) {
			if len(line) > lineLimit {
				t.Errorf("a line of %d bytes", len(line))
			}
			out.line(line)
		}}
		for chunk := range bytesInChunks(data, 7) {
			if length, err := lines.Write(chunk); length != len(chunk) || err != nil {
				t.Fatalf("Write: %d %v", length, err)
			}
		}
		lines.flush()
		checkPlain(t, out.lastWords())
	})
}

func bytesInChunks(data []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			length := min(size, len(data))
			if !yield(data[:length]) {
				return
			}
			data = data[length:]
		}
	}
}

func checkPlain(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\x1b\x00\u202e") {
		t.Errorf("%q is not plain", text)
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add("1|1|unix|/run/vsed/plugin1|grpc|")
	f.Add("1|1|unix|/run/vsed/../x|grpc|" + strings.Repeat("A", 100))
	f.Add("\x1b|||||")
	f.Fuzz(func(t *testing.T, line string) {
		checked, err := checkGreeting(line, "/run/vsed")
		if err != nil {
			checkPlain(t, err.Error())
			return
		}
		parts := strings.Split(checked, "|")
		if len(parts) != 5 || filepath.Dir(parts[3]) != "/run/vsed" {
			t.Errorf("%q became %q", line, checked)
		}
	})
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\n\xff\u202e b")
	f.Fuzz(func(t *testing.T, text string) {
		clean := printable(text, 20)
		checkPlain(t, clean)
		if utf8.RuneCountInString(clean) > 21 {
			t.Errorf("%q is too long", clean)
		}
	})
}
