package hub

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	mostPages = 50
	mostFiles = 250 // the daemon takes a few more
	// mostBytes is several times the largest encoder about.
	mostBytes = 64 << 30
)

var (
	commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256ID = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// Find asks what the hub has of a model: the commit that the revision stands for
// at this time, and the files that an encoder needs.
func (h *Hub) Find(ctx context.Context, reference Reference) (Model, error) {
	what := reference.String() + "@" + reference.Revision
	var about struct {
		SHA      string `json:"sha"`
		CardData struct {
			Licence any `json:"license"`
		} `json:"cardData"`
	}
	address := h.api(reference) + "/revision/" + url.PathEscape(reference.Revision)
	if _, err := h.ask(ctx, address, what, &about); err != nil {
		return Model{}, err
	}
	if !commitID.MatchString(about.SHA) {
		return Model{}, &PageError{what, "an answer that names no commit"}
	}
	model := Model{Reference: reference, Commit: about.SHA}
	model.Licence, _ = about.CardData.Licence.(string)
	var err error
	model.Files, err = h.list(ctx, model, what)
	return model, err
}

func (h *Hub) api(reference Reference) string {
	return strings.TrimRight(h.Address, "/") + "/api/models/" + reference.String()
}

// An entry is one of a listing's.
type entry struct {
	Type string `json:"type"`
	Path string `json:"path"`
	Size int64  `json:"size"`
	OID  string `json:"oid"`
	LFS  *struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	} `json:"lfs"`
}

// list gives the files that are needed, in the order of their paths.
func (h *Hub) list(ctx context.Context, model Model, what string) (files []File, err error) {
	next := h.api(model.Reference) + "/tree/" + model.Commit + "?recursive=1"
	for page := 0; next != ""; page++ {
		if page == mostPages {
			return nil, &SizeError{fmt.Sprintf("the hub lists more than %d pages of files of %s", mostPages, what)}
		}
		var entries []entry
		if next, err = h.ask(ctx, next, what, &entries); err != nil {
			return nil, err
		}
		for _, one := range entries {
			if !inside(one.Path) {
				return nil, &PathError{one.Path}
			}
			if one.Type != "file" || !needed(one.Path) {
				continue
			}
			file, err := one.file()
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		}
	}
	return files, check(what, files)
}

func (e entry) file() (File, error) {
	file := File{Path: e.Path, Size: e.Size, Blob: e.OID}
	if e.LFS != nil {
		file.Size, file.Blob, file.SHA256 = e.LFS.Size, "", strings.TrimPrefix(e.LFS.OID, "sha256:")
	}
	if !commitID.MatchString(file.Blob) && !sha256ID.MatchString(file.SHA256) {
		return file, &PageError{e.Path, "a listing without its digest"}
	}
	return file, nil
}

// check refuses lists that are no encoder's, or of impossible sizes.
func check(what string, files []File) error {
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	var paths []string
	var sum int64
	for i, file := range files {
		if file.Size < 0 || file.Size > mostBytes || sum+file.Size > mostBytes {
			return &SizeError{fmt.Sprintf("%s: the hub lists %d bytes for %s, and an encoder has at most %d: the model is refused", what, file.Size, file.Path, int64(mostBytes))}
		}
		if i > 0 && files[i-1].Path == file.Path {
			return &PathError{file.Path}
		}
		sum += file.Size
		paths = append(paths, file.Path)
	}
	if len(files) > mostFiles {
		return &SizeError{fmt.Sprintf("%s has %d files that an encoder may need, at most %d are taken", what, len(files), mostFiles)}
	}
	return complete(what, paths)
}

// ask reads one answer in JSON, and gives the address of its next page, if any.
func (h *Hub) ask(ctx context.Context, address, what string, into any) (next string, err error) {
	err = h.retry(ctx, func() (bool, error) {
		next, err = h.askOnce(ctx, address, what, into)
		return false, err
	})
	return next, err
}

func (h *Hub) askOnce(ctx context.Context, address, what string, into any) (string, error) {
	response, err := h.get(ctx, address, what, 0)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if isPage(response) {
		return "", &PageError{what, "a web page"}
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, longestListing+1))
	switch {
	case err != nil && ctx.Err() == nil:
		return "", &TruncatedError{"the listing of " + what, int64(len(content)), response.ContentLength, err}
	case err != nil:
		return "", ctx.Err()
	case len(content) > longestListing:
		return "", &SizeError{fmt.Sprintf("the hub's listing of %s is longer than %d MB", what, longestListing>>20)}
	}
	if err := json.Unmarshal(content, into); err != nil {
		return "", &PageError{what, "an answer that is not understood"}
	}
	return h.nextPage(response)
}

var nextLink = regexp.MustCompile(`<([^<>]+)>\s*;\s*rel="?next"?`)

// nextPage finds a further page, which must be of the same hub.
func (h *Hub) nextPage(response *http.Response) (string, error) {
	link := nextLink.FindStringSubmatch(response.Header.Get("Link"))
	if link == nil {
		return "", nil
	}
	next, err := response.Request.URL.Parse(link[1])
	if err != nil || next.Host != response.Request.URL.Host || next.Scheme != response.Request.URL.Scheme {
		return "", &RedirectError{"the next page of a listing is on another host"}
	}
	return next.String(), nil
}
