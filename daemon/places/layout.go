package places

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// A file is, all numbers little-endian:
//
//	magic, version (4 bytes), SHA-256 of all that follows (32 bytes)
//	count of places, count of regions, bytes of text (4 bytes each)
//	notice, padded with line ends, so that a person who looks into the file reads it
//	places, in the order of a k-d tree: x, y, z of the unit sphere (float32), name, city (offsets into the text), region (number)
//	regions: name, country (offsets into the text)
//	text: strings, each after its length in one byte; the first is empty
const (
	magic   = "vsed places\n"
	version = 1
	notice  = "\nPlaces of GeoNames (www.geonames.org), licensed under CC BY 4.0 (creativecommons.org/licenses/by/4.0); selected and arranged for vsed.\n"

	sumAt      = len(magic) + 4
	countsAt   = sumAt + sha256.Size
	noticeAt   = countsAt + 12
	headerSize = 256
	placeSize  = 24
	regionSize = 8
)

// The layout is a file's parts, as they lie in memory. What a record points to
// is looked up with care: a file may have the right sum and be wrong all the
// same.
type layout struct {
	places, regions, text []byte
}

// parse takes a file of at least headerSize bytes apart, and gives the sum that
// it should have.
func parse(file []byte) (parts layout, sum []byte, err error) {
	if !bytes.HasPrefix(file, []byte(magic)) {
		return layout{}, nil, errors.New("not a file of places")
	}
	if found := binary.LittleEndian.Uint32(file[len(magic):]); found != version {
		return layout{}, nil, fmt.Errorf("version %d of the format, want %d: install or build the file that belongs to this program", found, version)
	}
	body := file[headerSize:]
	sizes := [3]uint64{count(file, 0) * placeSize, count(file, 1) * regionSize, count(file, 2)}
	if sizes[0]+sizes[1]+sizes[2] != uint64(len(body)) {
		return layout{}, nil, errDamaged
	}
	parts.places, body = body[:sizes[0]], body[sizes[0]:]
	parts.regions, parts.text = body[:sizes[1]], body[sizes[1]:]
	return parts, bytes.Clone(file[sumAt:countsAt]), nil
}

var errDamaged = errors.New("damaged: install or build it again")

func count(file []byte, number int) uint64 {
	return uint64(binary.LittleEndian.Uint32(file[countsAt+4*number:]))
}

// verify reads the file and compares its sum.
func verify(file *os.File, sum []byte) error {
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(file, int64(countsAt), math.MaxInt32)); err != nil {
		return err
	}
	if !bytes.Equal(hash.Sum(nil), sum) {
		return errDamaged
	}
	return nil
}

func (l *layout) vector(number int) vector {
	var v vector
	record := l.places[number*placeSize : (number+1)*placeSize]
	for axis := range v {
		v[axis] = float64(math.Float32frombits(binary.LittleEndian.Uint32(record[4*axis:])))
	}
	return v
}

func (l *layout) place(number int) Place {
	record := l.places[number*placeSize : (number+1)*placeSize]
	place := Place{Name: l.string(record[12:]), City: l.string(record[16:])}
	if at := uint64(binary.LittleEndian.Uint32(record[20:])) * regionSize; at < uint64(len(l.regions)) {
		region := l.regions[at : at+regionSize]
		place.Region, place.Country = l.string(region), l.string(region[4:])
	}
	return place
}

// string reads the text that the offset at the start of a record points to; ""
// where there is none.
func (l *layout) string(offset []byte) string {
	at := uint64(binary.LittleEndian.Uint32(offset))
	if at >= uint64(len(l.text)) {
		return ""
	}
	text := l.text[at+1:]
	return string(text[:min(int(l.text[at]), len(text))])
}
