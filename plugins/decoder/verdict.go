package decoder

import (
	"errors"
	"strings"

	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

// Longest text of libvips that goes into a message.
const longestComplaint = 160

// verdict turns libvips' complaint about a photo into one for a person.
func verdict(err error) error {
	var complaint *vips.Error
	if !errors.As(err, &complaint) {
		return err
	}
	text := strings.ToLower(complaint.Text)
	switch {
	case containsAny(text, "insufficient memory", "out of memory", "unable to allocate", "memory limit", "security limit"):
		return sdk.TooLarge("needs more memory to decode than the limit of %d MiB", DataLimit>>20)
	case containsAny(text, "premature end", "truncated", "end of file", "unexpected end", "end of stream", "too short", "not enough data", "unexpected eof"):
		return sdk.Rejected("is truncated: part of the picture is missing")
	case complaint.Text == "":
		return sdk.Rejected("is damaged: its pixels cannot be decoded")
	}
	return sdk.Rejected("is damaged: %s", clean(complaint.Text, longestComplaint))
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
