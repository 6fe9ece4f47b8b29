package places

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// An Entry is a place to be written, at degrees (WGS 84); its Kilometres do not
// count.
type Entry struct {
	Place
	Latitude, Longitude float64
}

// Write makes a file of places. The same entries in the same order make the
// same bytes. Names of more than 255 bytes are an error.
func Write(w io.Writer, entries []Entry) error {
	m := maker{offsets: make(map[string]uint32), regions: make(map[region]uint32)}
	m.offset("")
	nodes := make([]node, len(entries))
	for i, entry := range entries {
		nodes[i] = newNode(entry)
	}
	arrange(nodes, 0)
	for _, one := range nodes {
		m.add(one)
	}
	if m.err != nil {
		return m.err
	}
	_, err := w.Write(m.file(len(nodes)))
	return err
}

// A node is an entry with its position as the file has it.
type node struct {
	at    [3]float32
	place Place
}

func newNode(entry Entry) node {
	at := direction(entry.Latitude, entry.Longitude)
	return node{[3]float32{float32(at[0]), float32(at[1]), float32(at[2])}, entry.Place}
}

// arrange puts the median by the axis into the middle, smaller ones before it,
// and so on in each half.
func arrange(nodes []node, axis int) {
	if len(nodes) < 2 {
		return
	}
	slices.SortStableFunc(nodes, func(a, b node) int { return cmp.Compare(a.at[axis], b.at[axis]) })
	middle := len(nodes) / 2
	arrange(nodes[:middle], (axis+1)%3)
	arrange(nodes[middle+1:], (axis+1)%3)
}

type region struct{ name, country string }

// A maker collects the parts of a file; the first error stands.
type maker struct {
	places, rows, text []byte
	offsets            map[string]uint32
	regions            map[region]uint32
	err                error
}

func (m *maker) add(one node) {
	for _, coordinate := range one.at {
		m.places = binary.LittleEndian.AppendUint32(m.places, math.Float32bits(coordinate))
	}
	for _, number := range []uint32{m.offset(one.place.Name), m.offset(one.place.City), m.region(one.place)} {
		m.places = binary.LittleEndian.AppendUint32(m.places, number)
	}
}

func (m *maker) region(place Place) uint32 {
	wanted := region{place.Region, place.Country}
	number, known := m.regions[wanted]
	if !known {
		number = uint32(len(m.regions))
		m.regions[wanted] = number
		m.rows = binary.LittleEndian.AppendUint32(m.rows, m.offset(wanted.name))
		m.rows = binary.LittleEndian.AppendUint32(m.rows, m.offset(wanted.country))
	}
	return number
}

func (m *maker) offset(text string) uint32 {
	at, known := m.offsets[text]
	if known {
		return at
	}
	if len(text) > math.MaxUint8 {
		m.err = cmp.Or(m.err, fmt.Errorf("the name %q is longer than 255 bytes", text))
		return 0
	}
	at = uint32(len(m.text))
	m.offsets[text] = at
	m.text = append(append(m.text, byte(len(text))), text...)
	return at
}

func (m *maker) file(count int) []byte {
	file := make([]byte, headerSize, headerSize+len(m.places)+len(m.rows)+len(m.text))
	for i := range file {
		file[i] = '\n'
	}
	copy(file, magic)
	binary.LittleEndian.PutUint32(file[len(magic):], version)
	for i, number := range []int{count, len(m.regions), len(m.text)} {
		binary.LittleEndian.PutUint32(file[countsAt+4*i:], uint32(number))
	}
	copy(file[noticeAt:], notice)
	file = slices.Concat(file, m.places, m.rows, m.text)
	sum := sha256.Sum256(file[countsAt:])
	copy(file[sumAt:], sum[:])
	return file
}
