// Package hubtest is a model hub on the loopback for tests: the listings, the
// small files and, on another host, the large ones, with ranges.
package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Commit is the one that every revision stands for.
const Commit = "0123456789abcdef0123456789abcdef01234567"

// A Hub serves models from folders.
type Hub struct {
	// URL is its address; Store is that of the host with the large files.
	URL, Store string
	// Licence of every model.
	Licence string
	// PageSize is how many files a page of a listing has; 0: all.
	PageSize int
	// Edit changes a listing.
	Edit func(entries []map[string]any) []map[string]any

	models map[string]string // folders by OWNER/NAME
	mutex  sync.Mutex
	asked  []*http.Request
	fault  Fault
}

// A Fault is called before each answer, and reports whether it answered instead.
// It may be called by several goroutines.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// SetFault plays a fault for every later request; nil: none.
func (h *Hub) SetFault(fault Fault) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.fault = fault
}

// New serves models until the test ends.
func New(t *testing.T, models map[string]string) *Hub {
	h := &Hub{models: models, Licence: "mit"}
	front := httptest.NewServer(http.HandlerFunc(h.answer))
	store := httptest.NewServer(http.HandlerFunc(h.answer))
	h.URL, h.Store = front.URL, store.URL
	t.Cleanup(func() {
		front.Close()
		store.Close()
	})
	return h
}

// Asked gives the requests so far whose path has the part.
func (h *Hub) Asked(part string) (found []*http.Request) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, request := range h.asked {
		if strings.Contains(request.URL.Path, part) {
			found = append(found, request)
		}
	}
	return found
}

func (h *Hub) answer(w http.ResponseWriter, r *http.Request) {
	h.mutex.Lock()
	h.asked = append(h.asked, r.Clone(r.Context()))
	fault := h.fault
	h.mutex.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	for name, folder := range h.models {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/api/models/"+name+"/"); ok {
			h.list(w, r, rest, folder)
			return
		}
		if rest, ok := strings.CutPrefix(r.URL.Path, "/"+name+"/resolve/"+Commit+"/"); ok {
			h.file(w, r, filepath.Join(folder, filepath.FromSlash(rest)))
			return
		}
	}
	http.Error(w, `{"error":"Repository not found"}`, http.StatusNotFound)
}

// large reports whether a file is kept on the other host.
func large(path string) bool {
	return strings.Contains(filepath.Base(path), ".onnx")
}

func (h *Hub) file(w http.ResponseWriter, r *http.Request, path string) {
	if large(path) && "http://"+r.Host == h.URL {
		http.Redirect(w, r, h.Store+r.URL.EscapedPath()+"?signature=secret", http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, path)
}

func (h *Hub) list(w http.ResponseWriter, r *http.Request, rest, folder string) {
	var answer any
	switch {
	case strings.HasPrefix(rest, "revision/"):
		answer = map[string]any{"sha": Commit, "cardData": map[string]any{"license": h.Licence}}
	case rest == "tree/"+Commit:
		answer = h.page(w, r, h.entries(folder))
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // an error means that the client is gone
}

func (h *Hub) page(w http.ResponseWriter, r *http.Request, all []map[string]any) []map[string]any {
	if h.Edit != nil {
		all = h.Edit(all)
	}
	if h.PageSize == 0 {
		return all
	}
	from := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from) // absent on the first page
	to := min(from+h.PageSize, len(all))
	if to < len(all) {
		next := url.Values{"recursive": {"1"}, "cursor": {fmt.Sprint(to)}}
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, h.URL, r.URL.Path, next.Encode()))
	}
	return all[from:to]
}

func (h *Hub) entries(folder string) (entries []map[string]any) {
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case entry.IsDir():
			entries = append(entries, map[string]any{"type": "directory", "oid": strings.Repeat("0", 40), "size": 0, "path": path})
			return nil
		}
		content, err := os.ReadFile(filepath.Join(folder, path))
		entries = append(entries, fileEntry(path, content))
		return err
	})
	if err != nil {
		panic(err)
	}
	return entries
}

func fileEntry(path string, content []byte) map[string]any {
	blob := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	entry := map[string]any{"type": "file", "oid": fmt.Sprintf("%x", blob), "size": len(content), "path": path}
	if large(path) {
		entry["oid"] = strings.Repeat("a", 40) // of the pointer
		entry["lfs"] = map[string]any{"oid": fmt.Sprintf("%x", sha256.Sum256(content)), "size": len(content), "pointerSize": 133}
	}
	return entry
}
