package hub

import (
	"fmt"
	"strings"
	"time"
)

// A MissingError says that the hub has no such thing.
type MissingError struct{ What string }

func (e *MissingError) Error() string {
	return "the hub has no " + e.What + ": is it spelt as there? Private models are also told so without a token"
}

// A DeniedError says that the hub refuses access.
type DeniedError struct {
	What     string
	HasToken bool
}

func (e *DeniedError) Error() string {
	remedy := "accept the model's terms on its page, and give a token with HF_TOKEN or hub.token"
	if e.HasToken {
		remedy = "the token does not allow it: accept the model's terms on its page with its account, or give another"
	}
	return "the hub refuses " + e.What + ": " + remedy
}

// A BusyError says that the hub cannot answer at this time.
type BusyError struct {
	What   string
	Status string        // as "503 Service Unavailable"
	After  time.Duration // that it asks to wait; 0: it does not say
}

func (e *BusyError) Error() string {
	return "the hub answers " + e.Status + " to " + e.What + ": try again later, what was downloaded is kept"
}

// A TruncatedError says that a file ended early, or did not go on.
type TruncatedError struct {
	What      string
	Got, Size int64
	Cause     error // nil: the end came without one
}

func (e *TruncatedError) Error() string {
	text := fmt.Sprintf("%s broke off after %d of %d bytes", e.What, e.Got, e.Size)
	if e.Cause != nil {
		text += " (" + e.Cause.Error() + ")"
	}
	return text + ": try again, what was downloaded is kept"
}

func (e *TruncatedError) Unwrap() error { return e.Cause }

// A DigestError says that a file's content is not what the hub lists.
type DigestError struct{ What, Got, Want string }

func (e *DigestError) Error() string {
	return fmt.Sprintf("%s has the digest %s, the hub lists %s: something on the way changes it; try another network or mirror", e.What, e.Got, e.Want)
}

// A SizeError says that a size is not what is listed, or beyond all reason.
type SizeError struct{ Reason string }

func (e *SizeError) Error() string { return e.Reason }

// A PathError refuses a name that could lead out of the model's folder.
type PathError struct{ Path string }

func (e *PathError) Error() string {
	return fmt.Sprintf("the hub lists a file named %.100q, which is no path inside a folder: the model is refused", e.Path)
}

// A PageError says that something other than a hub's answer came.
type PageError struct{ What, Kind string }

func (e *PageError) Error() string {
	return fmt.Sprintf("for %s came %s: is the address that of a hub, and does a proxy or a login page stand between?", e.What, e.Kind)
}

// A RedirectError refuses a redirect.
type RedirectError struct{ Reason string }

func (e *RedirectError) Error() string { return "the hub's redirect is refused: " + e.Reason }

// A LayoutError says what an encoder lacks.
type LayoutError struct {
	Of      string
	Missing []string
}

func (e *LayoutError) Error() string {
	return e.Of + " is no encoder in a known layout: it lacks " + strings.Join(e.Missing, ", ")
}

// A RoomError says that a disk is too full.
type RoomError struct {
	Folder       string
	Needed, Free int64 // bytes
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("the download needs %d MB in %s and %d MB are free: make room, or set XDG_CACHE_HOME to a folder on another disk", e.Needed/1e6+1, e.Folder, e.Free/1e6)
}
