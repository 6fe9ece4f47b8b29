// Package hub downloads encoders from a model hub that speaks the interface of
// Hugging Face's, resumably and with every digest checked, and packs what lies in
// a folder for the daemon. It knows the layout of encoders on a hub and nothing of
// what is in their files: the daemon reads and judges them.
package hub

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// DefaultAddress is the hub that is asked where no mirror is configured.
const DefaultAddress = "https://huggingface.co"

// A Hub answers at an address.
type Hub struct {
	// Address is a URL without a path's end, as DefaultAddress.
	Address string
	// Token is sent to the address, and to no other that it redirects to.
	Token string
	// Pause waits between two tries; nil really does.
	Pause func(ctx context.Context, d time.Duration) error
	// Note is told in a line why something is tried again; nil: nobody is.
	Note func(line string)
	// Stall is the longest time without a byte; 0: a minute.
	Stall time.Duration

	transport http.RoundTripper // nil: the default, with Stall for the answer's head
}

// A Reference names a model on a hub.
type Reference struct {
	Owner, Name string
	Revision    string // branch, tag or commit
}

var (
	namePart     = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$`)
	revisionPart = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$`)
)

// ParseReference reads OWNER/NAME or OWNER/NAME@REVISION.
func ParseReference(text string) (Reference, error) {
	model, revision, named := strings.Cut(text, "@")
	if !named {
		revision = "main"
	}
	owner, name, _ := strings.Cut(model, "/")
	if !namePart.MatchString(owner) || !namePart.MatchString(name) || strings.Contains(model, "..") {
		return Reference{}, fmt.Errorf("%q names no model: write OWNER/NAME or OWNER/NAME@REVISION, as immich-app/ViT-B-32__openai", text)
	}
	if !revisionPart.MatchString(revision) || strings.Contains(revision, "..") {
		return Reference{}, fmt.Errorf("%q is no revision: write a branch, a tag or a commit after the @", revision)
	}
	return Reference{owner, name, revision}, nil
}

// String is OWNER/NAME.
func (r Reference) String() string { return r.Owner + "/" + r.Name }

// EncoderName is what the model is called as an encoder: small letters, digits
// and "._-".
func (r Reference) EncoderName() string { return strings.ToLower(r.Name) }

// A Model is what a hub has of a reference.
type Model struct {
	Reference
	Commit  string // 40 hexadecimal digits
	Licence string // as its card says; "" where it does not
	Files   []File // that an encoder needs, by path
}

// Bytes is the size of all files.
func (m Model) Bytes() (sum int64) {
	for _, file := range m.Files {
		sum += file.Size
	}
	return sum
}

// A File is one of a model's. One of its digests is there.
type File struct {
	Path   string // with slashes, below the model's folder
	Size   int64
	SHA256 string // of large files; hexadecimal
	Blob   string // of small files: git's SHA-1 of a blob
}
