package api

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A SearchRequest asks for a page of an answer. Of its zero values only that of
// Query is refused.
type SearchRequest struct {
	Query   string
	Limit   int    // 0: DefaultLimit
	Cursor  string // "", or the Next of an earlier answer to the query
	Typing  bool   // whether the last word may go on
	Explain bool   // whether to tell how each hit came to its place
}

// MaxQueryBytes is the longest search text that the daemon takes. A sentence
// has a hundred bytes; the room above is for pasted text.
const MaxQueryBytes = 16 << 10

// CheckQuery reports, as *Error, what is wrong with a search text. Daemon and
// client share it: a text far too long for a request's address would otherwise
// fail in the HTTP layer, with no word on why.
func CheckQuery(query string) error {
	switch {
	case strings.TrimSpace(query) == "":
		return NewError(http.StatusUnprocessableEntity, "the query is empty: say what the photo shows")
	case len(query) > MaxQueryBytes:
		return NewError(http.StatusRequestURITooLong, fmt.Sprintf("the query has %d bytes: at most %d are taken, shorten it", len(query), MaxQueryBytes))
	case !utf8.ValidString(query):
		return NewError(http.StatusUnprocessableEntity, "the query is not valid UTF-8: is the terminal set to another encoding?")
	}
	return nil
}

// MaxTagBytes is the longest tag that the daemon takes: it is a word or a few.
const MaxTagBytes = 255

// CheckTag reports, as *Error, what keeps a text from being a tag. Daemon and client
// share it: on the way, JSON would make U+FFFD of bytes that are not UTF-8.
func CheckTag(name string) error {
	text := ""
	switch {
	case strings.TrimSpace(name) == "":
		text = "a tag is empty: give it a word"
	case !utf8.ValidString(name) || strings.ContainsRune(name, utf8.RuneError):
		text = fmt.Sprintf("the tag %q is not valid UTF-8: is the terminal set to another encoding?", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		text = fmt.Sprintf("the tag %q holds a control character: write it without", name)
	case len(norm.NFC.String(name)) > MaxTagBytes:
		text = fmt.Sprintf("a tag has %d bytes: at most %d are taken", len(norm.NFC.String(name)), MaxTagBytes)
	default:
		return nil
	}
	return NewError(http.StatusUnprocessableEntity, text)
}

// CheckTags is CheckTag for several.
func CheckTags(names []string) error {
	for _, name := range names {
		if err := CheckTag(name); err != nil {
			return err
		}
	}
	return nil
}

// NewError makes a refusal with HTTP's own title for the status.
func NewError(status int, detail string) *Error {
	return &Error{Status: status, Title: http.StatusText(status), Detail: detail}
}

// Bounds of the limit of a search, and of a list of quarantined files.
const (
	DefaultLimit           = 20
	DefaultQuarantineLimit = 100
	MaxLimit               = 1000
)

// PhotoList is the answer of GET /v1/photos.
type PhotoList struct {
	Photos []Photo `json:"photos" doc:"photos that a file at the asked path holds or held"`
}

// TagList is the answer of the /v1/photos/{id}/tags operations: every tag that
// the photo has afterwards.
type TagList struct {
	Tags []Tag `json:"tags"`
}

// TagNames is what POST /v1/photos/{id}/tags takes.
type TagNames struct {
	Names []string `json:"names" minItems:"1" maxItems:"1000"`
}

// FolderList is the answer of GET /v1/folders.
type FolderList struct {
	Folders []Folder `json:"folders"`
}

// QuarantineList is the answer of GET /v1/quarantine.
type QuarantineList struct {
	Files []QuarantinedFile `json:"files" doc:"in the order of their numbers"`
	Next  string            `json:"next" doc:"cursor of the next page; empty at the end"`
}

// QuarantineIDs is what POST /v1/quarantine/retry takes.
type QuarantineIDs struct {
	IDs []int64 `json:"ids" maxItems:"1000" doc:"numbers of files; none: every file set aside"`
}

// Retried is the answer of POST /v1/quarantine/retry.
type Retried struct {
	Retried int64 `json:"retried" doc:"files taken out of quarantine; numbers of other files are passed over"`
}
