// Package keyword finds photos by words: those of their tags, titles and
// descriptions, of their files' and folders' names, of their cameras and of the
// places they were taken at. It keeps a bleve index in a folder of its own,
// derived from the catalogue: it may be deleted at any time, and it knows the
// number of the last change that it has seen. What a query means beyond its
// words (filters, signs, dates) is no business of this package: the text of a
// query is data, never bleve's query syntax.
//
// Importing bleve starts four goroutines, which idle until the process ends.
package keyword

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis"
)

// changeKey is where the change number stands among bleve's internal values.
const changeKey = "vsed.change"

// A Document is what the index keeps of a photo. Strings are taken as bytes:
// what is not UTF-8 in them separates words.
type Document struct {
	ID int64
	// Tags are found as a whole and by their words, and so are Names, also without
	// their extension.
	Tags []string
	// Title and Description are what a person wrote of the photo.
	Title, Description string
	// Names are file names without a folder; the ending after the last dot is
	// not searched, as every photo has one.
	Names []string
	// Places are names of where the photo was taken, such as a town's and its
	// country's. Many are words with another sense (Nice, Orange, Bath), so they
	// are found by their words only.
	Places []string
	// Cameras are names of what took the photo, such as a camera's and a lens's.
	Cameras []string
	// Folders are paths or single names of folders.
	Folders []string
}

// An Index is an open keyword index. All methods may be called at the same
// time; after Close they return an error. What goes wrong in bleve is an error
// too, never a panic.
type Index struct {
	dir      string
	language string // a code of Languages
	analyser analysis.Analyzer
	rebuilt  error

	photos photoLists

	writing sync.Mutex // held by Apply and Close

	mutex   sync.RWMutex // guards what follows
	store   *store       // nil where problem says why
	problem error
	change  int64 // the last change that is known to be on disk
	behind  error // set where changes were lost and nobody has asked Change since

	closing  sync.Once
	closeErr error
}

var errClosed = errors.New("closed")

// ErrBehind is what Apply returns where the index has lost changes that an
// earlier Apply had noted. It goes on doing so until Change has been asked.
var ErrBehind = errors.New("changes were lost: apply again what came after Change")

// Rebuilt says why Open started an index anew where there was one, and is nil
// where it did not.
func (x *Index) Rebuilt() error { return x.rebuilt }

// Apply removes photos, then puts others in place of what the index had of
// them, and notes the change number, all at once: after a crash either all of
// it stands or nothing does. It returns when that is on disk, which costs
// milliseconds however small the batch is: some hundreds of documents at a time
// are well spent.
//
// After an error (a full disk, say) the index answers searches from what is on
// disk, and the next Apply opens it anew before it writes. So the caller tries
// again, the same batch or what comes after Change, after a pause: each try
// reads the whole index. Where opening finds the index damaged it is started
// anew, and Apply returns ErrBehind without writing.
func (x *Index) Apply(put []Document, remove []int64, change int64) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if err := x.mend(); err != nil {
		return fmt.Errorf("keyword index: %w", err)
	}
	batch := x.store.bleve.NewBatch()
	if err := guard(func() error { return fill(batch, put, remove, change) }); err != nil {
		return fmt.Errorf("keyword index: %w", err)
	}
	if err := x.store.write(batch); err != nil && !x.fallBack(change) {
		return fmt.Errorf("keyword index: writing change %d: %w", change, err)
	}
	x.mutex.Lock()
	x.change = change
	x.mutex.Unlock()
	return nil
}

func fill(batch *bleve.Batch, put []Document, remove []int64, change int64) error {
	for _, id := range remove {
		batch.Delete(key(id))
	}
	for _, document := range put {
		if err := batch.Index(key(document.ID), document.fields()); err != nil {
			return fmt.Errorf("photo %d: %w", document.ID, err)
		}
	}
	batch.SetInternal([]byte(changeKey), binary.BigEndian.AppendUint64(nil, uint64(change)))
	return nil
}

// Change is the number given to the last Apply that is on disk, 0 for a new
// index. An Apply that failed does not count. After one the number can be lower
// than before: the caller then applies again what came after it.
func (x *Index) Change() (int64, error) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if x.store == nil {
		return 0, fmt.Errorf("keyword index: change number: %w", x.problem)
	}
	x.behind = nil
	return x.change, nil
}

// Len is the number of documents.
func (x *Index) Len() (int64, error) {
	var count uint64
	err := x.read(func(opened bleve.Index) (err error) {
		count, err = opened.DocCount()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("keyword index: counting: %w", err)
	}
	return int64(count), nil
}

// fields are the document as bleve's mapping has it.
func (d Document) fields() map[string]any {
	return map[string]any{
		fieldWhole:        wholes(d.Tags),
		fieldName:         wholes(slices.Concat(d.Names, stems(d.Names))),
		fieldTags:         words(strings.Join(d.Tags, "\n")),
		fieldTitles:       words(d.Title),
		fieldDescriptions: words(d.Description),
		fieldNames:        words(strings.Join(stems(d.Names), "\n")),
		fieldPlaces:       words(strings.Join(d.Places, "\n")),
		fieldCameras:      words(strings.Join(d.Cameras, "\n")),
		fieldFolders:      words(strings.Join(d.Folders, "\n")),
	}
}

// wholes are texts that a person may type as they are: a tag, a file's name with
// and without its extension.
func wholes(texts []string) []string {
	var list []string
	for _, text := range texts {
		if normal := Normal(text); normal != "" && len(normal) <= wholeBytes {
			list = append(list, normal)
		}
	}
	return list
}

// texts are those of a field of a match.
func (d Document) texts(field string) []string {
	switch field {
	case FieldTag:
		return d.Tags
	case FieldTitle:
		return []string{d.Title}
	case FieldDescription:
		return []string{d.Description}
	case FieldName:
		return d.Names
	case FieldPlace:
		return d.Places
	case FieldCamera:
		return d.Cameras
	}
	return d.Folders
}

func stems(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = stem(name)
	}
	return list
}

// stem is a file's name without its extension.
func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// key is the document's name in bleve: of one length, so that the order of
// names is the order of ids. It is all that bleve knows a photo by: what bleve
// writes to the standard log are names of its own files.
func key(id int64) string { return fmt.Sprintf("%016x", uint64(id)^1<<63) }

func keyID(key string) (int64, error) {
	number, err := strconv.ParseUint(key, 16, 64)
	return int64(number ^ 1<<63), err
}
