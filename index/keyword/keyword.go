// Package keyword finds photos by words: those of their tags, of their files'
// names and of their folders' names. It keeps a bleve index in a folder of its
// own, derived from the catalogue: it may be deleted at any time, and it knows
// the number of the last change that it has seen. What a query means beyond its
// words (filters, signs, dates) is no business of this package: the text of a
// query is data, never bleve's query syntax.
package keyword

import (
	"encoding/binary"
	"fmt"
	"path"
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
	// Tags are found as a whole and by their words.
	Tags []string
	// Names are file names without a folder; the ending after the last dot is
	// not searched, as every photo has one.
	Names []string
	// Folders are paths or single names of folders.
	Folders []string
}

// An Index is an open keyword index. All methods may be called at the same
// time; after Close they return an error.
type Index struct {
	dir      string
	bleve    bleve.Index
	analyser analysis.Analyzer
	rebuilt  error

	closing  sync.Once
	closeErr error
}

// Rebuilt says why Open started an index anew where there was one, and is nil
// where it did not.
func (x *Index) Rebuilt() error { return x.rebuilt }

// Apply removes photos, then puts others in place of what the index had of
// them, and notes the change number, all at once: after a crash either all of
// it stands or nothing does. It returns when that is on disk, which costs
// milliseconds however small the batch is: some hundreds of documents at a time
// are well spent.
func (x *Index) Apply(put []Document, remove []int64, change int64) error {
	batch := x.bleve.NewBatch()
	for _, id := range remove {
		batch.Delete(key(id))
	}
	for _, document := range put {
		if err := batch.Index(key(document.ID), document.fields()); err != nil {
			return fmt.Errorf("keyword index: photo %d: %w", document.ID, err)
		}
	}
	batch.SetInternal([]byte(changeKey), binary.BigEndian.AppendUint64(nil, uint64(change)))
	if err := x.bleve.Batch(batch); err != nil {
		return fmt.Errorf("keyword index: writing change %d: %w", change, err)
	}
	return nil
}

// Change is the number given to the last Apply, 0 for a new index.
func (x *Index) Change() (int64, error) {
	value, err := x.bleve.GetInternal([]byte(changeKey))
	if err != nil {
		return 0, fmt.Errorf("keyword index: change number: %w", err)
	}
	if len(value) != 8 {
		return 0, nil
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

// Len is the number of documents.
func (x *Index) Len() (int64, error) {
	count, err := x.bleve.DocCount()
	if err != nil {
		return 0, fmt.Errorf("keyword index: counting: %w", err)
	}
	return int64(count), nil
}

// fields are the document as bleve's mapping has it.
func (d Document) fields() map[string]any {
	return map[string]any{
		fieldWhole:   wholes(d.Tags),
		fieldTags:    words(strings.Join(d.Tags, "\n")),
		fieldNames:   words(strings.Join(stems(d.Names), "\n")),
		fieldFolders: words(strings.Join(d.Folders, "\n")),
	}
}

func wholes(tags []string) []string {
	var list []string
	for _, tag := range tags {
		if normal := normalise(tag); normal != "" && len(normal) <= wholeBytes {
			list = append(list, normal)
		}
	}
	return list
}

func stems(names []string) []string {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = strings.TrimSuffix(name, path.Ext(name))
	}
	return list
}

// key is the document's name in bleve: of one length, so that the order of
// names is the order of ids.
func key(id int64) string { return fmt.Sprintf("%016x", uint64(id)^1<<63) }

func keyID(key string) (int64, error) {
	number, err := strconv.ParseUint(key, 16, 64)
	return int64(number ^ 1<<63), err
}
