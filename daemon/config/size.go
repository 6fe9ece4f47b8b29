package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Size is written with its unit: "512MiB". It is a struct as the parser would
// take a bare number for an integer.
type Size struct{ Bytes int64 }

// A unit is a name and how many bytes it stands for.
type unit struct {
	name  string
	bytes int64
}

// units has those in which a Size is shown last, the largest at the end.
func units() []unit {
	return []unit{
		{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"PB", 1e15},
		{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"PiB", 1 << 50},
	}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	word := string(text)
	end := strings.LastIndexAny(word, "0123456789") + 1
	count, err := strconv.ParseUint(word[:end], 10, 63)
	if err != nil {
		return fmt.Errorf("read a size: %w", err)
	}
	for _, u := range units() {
		if u.name != strings.TrimPrefix(word[end:], " ") {
			continue
		}
		if count > math.MaxInt64/uint64(u.bytes) {
			return errors.New("the size is too large")
		}
		s.Bytes = int64(count) * u.bytes
		return nil
	}
	return errors.New("the size has no unit")
}

// String writes s in the largest unit that shows it exactly.
func (s Size) String() string {
	best := unit{"B", 1}
	for _, u := range units()[5:] {
		if s.Bytes != 0 && s.Bytes%u.bytes == 0 {
			best = u
		}
	}
	return strconv.FormatInt(s.Bytes/best.bytes, 10) + best.name
}
