package attributes

import (
	"bytes"
	"math"
	"strings"

	"vsed/daemon/catalogue"
)

// blockRows is how many photos a block holds. Memory grows by the block, so no
// array is ever copied into a longer one.
const blockRows = 4096

// A block is the attributes of photos with neighbouring ids.
type block struct {
	*columns
	names []byte // of each photo, as namesOf gives them, a line end behind
	lost  int    // bytes of names that no photo refers to
}

func newBlock() *block { return &block{columns: new(columns)} }

// Columns are a block's attributes of a fixed size. They hold no pointer, so that
// they can lie in a mapped file; see snapshot.
type columns struct {
	taken               [blockRows]int64 // as seconds gives it
	latitude, longitude [blockRows]int32 // in degree/1e7; latitude nowhere: not known
	group               [blockRows]uint32
	device              [blockRows]uint32 // number in devices
	spot                [blockRows]uint32 // number in spots
	name                [blockRows]uint32 // where the names begin in names
	rating              [blockRows]int8
	tags, folders       [blockRows]uint16 // how many
}

// nowhere is the latitude of photos of which none is known.
const nowhere = math.MinInt32

// set fills the row's columns but for those that need a dictionary.
func (b *block) set(row int, photo catalogue.Photo) {
	b.taken[row] = seconds(photo.Taken)
	b.latitude[row], b.longitude[row] = nowhere, 0
	if photo.Located {
		b.latitude[row], b.longitude[row] = fixed(photo.Latitude), fixed(photo.Longitude)
	}
	b.group[row] = uint32(min(photo.Group, photo.ID)) // the first of a group has the lowest number
	b.rating[row] = int8(max(-1, min(photo.Rating, 5)))
	b.setName(row, namesOf(photo))
}

// fixed rounds degrees to about a centimetre.
func fixed(degrees float64) int32 { return int32(math.Round(max(-180, min(degrees, 180)) * 1e7)) }

// nameOf gives the names of a row's files.
func (b *block) nameOf(row int) []byte {
	if len(b.names) == 0 {
		return nil
	}
	rest := b.names[b.name[row]:]
	return rest[:bytes.IndexByte(rest, '\n')]
}

// setName appends names, and packs them once half of them are of the past. The
// first line is empty, for rows without one.
func (b *block) setName(row int, names string) {
	old := b.nameOf(row)
	if string(old) == names {
		return
	}
	if len(b.names) == 0 {
		b.names = append(b.names, '\n')
	}
	if len(old) > 0 {
		b.lost += len(old) + 1
	}
	b.name[row] = b.appendName(&b.names, names)
	if 2*b.lost > len(b.names) {
		b.pack()
	}
}

func (b *block) appendName(to *[]byte, names string) uint32 {
	if names == "" {
		return 0
	}
	at := len(*to)
	*to = append(append(*to, strings.ReplaceAll(names, "\n", " ")...), '\n')
	return uint32(at)
}

func (b *block) pack() {
	packed := make([]byte, 1, len(b.names)-b.lost)
	packed[0] = '\n'
	for row := range b.name {
		b.name[row] = b.appendName(&packed, string(b.nameOf(row)))
	}
	b.names, b.lost = packed, 0
}
