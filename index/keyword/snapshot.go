package keyword

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// A reading is the index at one moment.
type reading struct {
	*scorch.IndexSnapshot
	parts []part
	docs  uint64 // in all parts, without removed ones
}

// A part is one of bleve's segments: documents are numbered in it from 0 on.
type part struct {
	segment.Segment
	removed *roaring.Bitmap // nil: none
	photos  *photos

	dictionaries map[string]segment.TermDictionary // by field, those that were asked for
	iterator     segment.PostingsIterator          // the last one, whose memory the next one takes
}

// openReading gives the index as it is now; the caller closes it.
func openReading(opened bleve.Index, known *photoLists) (*reading, error) {
	inner, err := opened.Advanced()
	if err != nil {
		return nil, err
	}
	reader, err := inner.Reader()
	if err != nil {
		return nil, err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return nil, errors.Join(errors.New("not a scorch index"), reader.Close())
	}
	r := &reading{IndexSnapshot: snapshot}
	for _, one := range snapshot.Segments() {
		r.parts = append(r.parts, part{Segment: one.Segment(), removed: one.Deleted(), dictionaries: make(map[string]segment.TermDictionary)})
		r.docs += one.Count()
	}
	if err := known.fill(r.parts); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// postings gives the documents that have a term in a field; nil where none has.
func (p *part) postings(field, term string) (*roaring.Bitmap, error) {
	dictionary := p.dictionaries[field]
	if dictionary == nil {
		var err error
		if dictionary, err = p.Dictionary(field); err != nil {
			return nil, err
		}
		p.dictionaries[field] = dictionary
	}
	list, err := dictionary.PostingsList([]byte(term), nil, nil)
	if err != nil {
		return nil, err
	}
	p.iterator = list.Iterator(false, false, false, p.iterator)
	found, ok := p.iterator.(segment.OptimizablePostingsIterator)
	if !ok {
		return nil, errors.New("a segment of a kind that gives no bitmaps")
	}
	if document, ok := found.DocNum1Hit(); ok {
		return roaring.BitmapOf(uint32(document)), nil
	}
	return found.ActualBitmap(), nil
}

// A place is where a photo that is asked for stands.
type place struct {
	document uint32
	at       int // among those that are asked for
}

// find gives the places of the photos that the part has, by document.
func (p *part) find(ids []int64) (places []place) {
	for at, id := range ids {
		if document, ok := p.photos.document(id); ok && (p.removed == nil || !p.removed.Contains(document)) {
			places = append(places, place{document, at})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.document, b.document) })
	return places
}

// photos tell which photo each document of a segment is.
type photos struct {
	ids []int64 // by document
	// The document of a photo is found by a table, or where the photos' numbers lie too
	// far apart for one, by their order.
	table []uint32 // by photo, from least on: its document and one; 0: none
	least int64
	order []uint32 // documents in the order of their photos; nil: as they are
}

// document gives the one of a photo.
func (p *photos) document(id int64) (uint32, bool) {
	if p.table != nil {
		if at := uint64(id) - uint64(p.least); at < uint64(len(p.table)) && p.table[at] != 0 {
			return p.table[at] - 1, true
		}
		return 0, false
	}
	if p.order == nil {
		at, ok := slices.BinarySearch(p.ids, id)
		return uint32(at), ok
	}
	at, ok := slices.BinarySearchFunc(p.order, id, func(document uint32, id int64) int { return cmp.Compare(p.ids[document], id) })
	if !ok {
		return 0, false
	}
	return p.order[at], true
}

// tableShare is how many numbers of photos a table may have for each document.
const tableShare = 2

// arrange makes what document needs.
func (p *photos) arrange() {
	if len(p.ids) == 0 {
		return
	}
	p.least = slices.Min(p.ids)
	if most := uint64(slices.Max(p.ids)) - uint64(p.least); most < tableShare*uint64(len(p.ids)) {
		p.table = make([]uint32, most+1)
		for document, id := range p.ids {
			p.table[id-p.least] = uint32(document) + 1
		}
		return
	}
	if slices.IsSorted(p.ids) {
		return
	}
	p.order = make([]uint32, len(p.ids))
	for i := range p.order {
		p.order[i] = uint32(i)
	}
	slices.SortFunc(p.order, func(a, b uint32) int { return cmp.Compare(p.ids[a], p.ids[b]) })
}

// photoLists keep the photos of the segments in use: bleve would look up each
// document's name in its stored fields, which takes longer than all the rest of
// a search.
type photoLists struct {
	mutex sync.Mutex
	lists map[segment.Segment]*photos
}

// fill gives each part its photos, and forgets those of segments that are gone.
func (l *photoLists) fill(parts []part) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	lists := make(map[segment.Segment]*photos, len(parts))
	for i := range parts {
		list := l.lists[parts[i].Segment]
		if list == nil {
			var err error
			if list, err = readPhotos(parts[i].Segment); err != nil {
				return err
			}
		}
		parts[i].photos, lists[parts[i].Segment] = list, list
	}
	l.lists = lists
	return nil
}

// readPhotos takes some 0.2 s a million documents.
func readPhotos(from segment.Segment) (*photos, error) {
	p := &photos{ids: make([]int64, from.Count())}
	for document := range p.ids {
		name, err := from.DocID(uint64(document))
		if err != nil {
			return nil, err
		}
		if p.ids[document], err = keyID(string(name)); err != nil {
			return nil, err
		}
	}
	p.arrange()
	return p, nil
}
