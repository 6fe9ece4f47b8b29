package search

import (
	"encoding/base64"
	"errors"
	"fmt"

	"vsed/index"
)

// ErrBadCursor refuses a cursor that no answer gave.
var ErrBadCursor = errors.New("the cursor is damaged: give the --cursor that the page before printed, in the API its `next`")

// A cursor is the last hit of a page, and the change number at which its list
// was made. The next page begins after it in the order of score and id.
type cursor struct {
	index.Hit
	change int64
	set    bool
}

func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, ErrBadCursor
	}
	c := cursor{set: true}
	if count, err := fmt.Sscanf(string(raw), "%d/%b/%d", &c.change, &c.Score, &c.ID); err != nil || count != 3 {
		return cursor{}, ErrBadCursor
	}
	return c, nil
}

// String gives the opaque form; the score in binary, so that it is exact.
func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%b/%d", c.change, c.Score, c.ID))
}

// before reports whether the hit lies behind the cursor, on the next page.
func (c cursor) before(hit index.Hit) bool { return !c.set || index.Compare(c.Hit, hit) < 0 }
