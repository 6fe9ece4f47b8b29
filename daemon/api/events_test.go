package api

import (
	"strings"
	"testing"
)

// Whatever comes as a stream, reading it ends with an error and no panic.
func FuzzReadEvents(f *testing.F) {
	f.Add("id: 1\ndata: {\"change\":1}\n\n")
	f.Add(": comment\n\ndata: [")
	f.Add("data:{}\r\n\r\ndata")
	f.Fuzz(func(t *testing.T, stream string) {
		if err := readEvents(strings.NewReader(stream), func(Event) bool { return true }); err == nil {
			t.Error("no error at the end")
		}
	})
}
