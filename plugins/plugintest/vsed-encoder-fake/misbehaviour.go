package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"vsed/plugins/contract"
	"vsed/plugins/sdk"
)

// colour is the value of --crash-on-picture: three bytes of a first pixel, or the
// 32 of a digest.
type colour []byte

func (c *colour) String() string { return hex.EncodeToString(*c) }

func (c *colour) Set(text string) error {
	raw, err := hex.DecodeString(text)
	if err != nil || (len(raw) != 3 && len(raw) != sha256.Size) {
		return fmt.Errorf("%q is neither a colour RRGGBB nor a SHA-256 in hexadecimal", text)
	}
	*c = raw
	return nil
}

// marks reports whether the picture is one to crash on.
func (c colour) marks(picture []byte) bool {
	switch len(c) {
	case 3:
		return len(picture) >= 3 && string(picture[:3]) == string(c)
	case sha256.Size:
		return sha256.Sum256(picture) == [sha256.Size]byte(c)
	}
	return false
}

// crashNow reports whether the file of --crash-if is there.
func (o *options) crashNow() bool {
	_, err := os.Stat(o.crashIf)
	return err == nil
}

func crash() {
	fmt.Fprintln(os.Stderr, "crashing as told")
	os.Exit(3)
}

func (e *encoder) misbehave(text string) error {
	switch {
	case text == "":
		return nil
	case text == e.options.crashOnText:
		e.log.Error("crashing as told")
		os.Exit(3)
	case text == e.options.hangOnText:
		select {}
	case text == e.options.panicOnText:
		panic("panicking as told")
	case text == e.options.setupOnText:
		return sdk.Setup("libfake.so is missing; install libfake")
	}
	return nil
}

func wait(ctx context.Context, duration time.Duration) error {
	if duration == 0 {
		return nil
	}
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// makeNoise writes lines that a careless reader of logs stumbles over.
func makeNoise() {
	lines := []string{
		`{"@message": 1, "@level": {}, "@timestamp": []}`,
		`{"@level":"error","@message":"\u001b[2J\u202e hostile"}`,
		strings.Repeat("x", 100_000),
		"plain \x00\xff\x1b[31m line",
	}
	for i := range 10_000 {
		line := lines[i%len(lines)]
		if i >= 8 {
			line = "noise"
		}
		fmt.Fprintln(os.Stderr, line)
		fmt.Fprintln(os.Stdout, line)
	}
}

// spoil makes one field of a description wrong.
func spoil(description *contract.EncoderDescription, field string) {
	switch field {
	case "space":
		description.Space = "../../etc"
	case "dimensions":
		description.Dimensions = 0
	case "picture":
		description.Picture = nil
	case "batch":
		description.Batch = 1 << 31
	case "floor":
		description.MatchFloor = math.NaN()
	case "digest":
		description.BundleDigest = "none"
	case "feature":
		description.FeatureBytes = 0
	case "feature-space":
		description.FeatureSpace = ""
	case "tags":
		description.LearnedTags = []string{"a", "a"}
	case "name":
		description.Name = "fake\x1b[2J\nname"
	}
}
