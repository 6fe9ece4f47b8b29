package decoder

import (
	"cmp"
	"errors"
	"strings"

	"vsed/plugins/decoder/vips"
	"vsed/plugins/sdk"
)

// Longest text of libvips that goes into a message.
const longestComplaint = 160

// errMemory is a photo's that fitted by its header's account, and did not.
var errMemory = errors.New("needs more memory to decode than the decoder may use")

// verdict turns libvips' complaint about a photo into one for a person.
func verdict(err error) error {
	var complaint *vips.Error
	if !errors.As(err, &complaint) {
		return err
	}
	switch text := strings.ToLower(complaint.Error()); {
	case containsAny(text, "insufficient memory", "out of memory", "unable to allocate", "memory limit", "security limit"):
		return sdk.TooLarge("%w", errMemory)
	case isTruncated(err):
		return sdk.Rejected(truncatedVerdict)
	}
	return sdk.Rejected("cannot be decoded: %s", clean(core(complaint), longestComplaint))
}

// isTruncated reports whether libvips complains of missing data.
func isTruncated(err error) bool {
	var complaint *vips.Error
	return errors.As(err, &complaint) && containsAny(strings.ToLower(complaint.Error()),
		"premature end", "truncated", "end of file", "unexpected end", "end of stream", "too short", "not enough", "unexpected eof")
}

const truncatedVerdict = "is truncated: part of the picture is missing"

// core is the line that says most: the last one, as those before tell how it came
// about; but a loader that only knows that reading failed has warned of the cause.
func core(complaint *vips.Error) string {
	last := ""
	if count := len(complaint.Lines); count > 0 {
		last = complaint.Lines[count-1]
	}
	if last == "" || strings.HasSuffix(last, "read error") {
		last = cmp.Or(complaint.Warning, last, "the reason is not known")
	}
	if source, rest, found := strings.Cut(last, ": "); found && !strings.Contains(source, " ") {
		return rest // without the name of a part of libvips
	}
	return last
}

func containsAny(text string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}
