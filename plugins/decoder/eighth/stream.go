package eighth

import (
	"bytes"
	"encoding/binary"
)

const (
	// window is what is unstuffed at once; it stays in the processor's cache.
	window = 16 << 10
	// slack is more than the longest MCU: six blocks of 64 coefficients, each of
	// a code of 16 bits and a value of 15, and the eight bytes of one reading.
	slack = 2048
	// dataSize is a power of two, so that masking takes the place of checking.
	dataSize = 32 << 10
)

// stream reads the bits of a scan. Bytes are taken out of the file without their
// stuffing, so that eight can be read at once.
//
// bits holds the next bits, highest first, of which count are spoken for; those
// below are right too, or zero. data[at] is the first byte not counted.
type stream struct {
	data   [dataSize + 8]byte
	at     uint
	end    uint // of what is in data; behind it zeros, once the marker is found
	bits   uint64
	count  uint
	file   []byte
	next   uint // in file
	marker byte // that ended the data, 0 before
	broken bool // the file ended without a marker
}

// begin is at the first byte of a scan.
func (s *stream) begin(file []byte, next uint) {
	s.file, s.next, s.broken = file, next, false
	s.restart()
}

// restart begins again behind the marker that ended the data.
func (s *stream) restart() {
	s.at, s.end, s.bits, s.count, s.marker = 0, 0, 0, 0, 0
	s.fill()
}

// ready makes sure that an MCU is in memory, or the end and zeros behind it. It
// is false when the bits have run out.
func (s *stream) ready() bool {
	if s.at+slack <= s.end {
		return true
	}
	if s.marker == 0 && !s.broken {
		s.fill()
	}
	return !s.broken && s.at <= s.end+8
}

func (s *stream) fill() {
	from := min(max(s.at, 8)-8, s.end) // seek may go back into what bits holds
	s.end = uint(copy(s.data[:], s.data[from:s.end]))
	s.at -= from
	for s.end < window {
		part := s.file[s.next:min(uint(len(s.file)), s.next+window-s.end)]
		plain := bytes.IndexByte(part, 0xff)
		if plain < 0 {
			plain = len(part)
		}
		s.end += uint(copy(s.data[s.end:], part[:plain]))
		s.next += uint(plain)
		if plain == len(part) && s.next < uint(len(s.file)) {
			continue
		}
		if !s.unstuff() {
			clear(s.data[s.end : s.end+2*slack])
			return
		}
	}
}

// unstuff is at a byte 0xff, or the file's end. It is false at the data's end.
func (s *stream) unstuff() bool {
	if s.next+1 >= uint(len(s.file)) {
		s.broken = true
		return false
	}
	if s.file[s.next+1] == 0 {
		s.data[s.end] = 0xff
		s.end++
		s.next += 2
		return true
	}
	for s.next++; s.file[s.next] == 0xff; s.next++ { // fill bytes
		if s.next+1 == uint(len(s.file)) {
			s.broken = true
			return false
		}
	}
	s.marker = s.file[s.next]
	s.next++
	s.broken = s.marker == 0 // stuffing behind fill bytes has no clear meaning
	return false
}

// atEnd reports whether all bits have been used but those that fill a byte.
func (s *stream) atEnd() bool {
	s.ready()
	used := (8*s.at - s.count + 7) / 8
	return s.marker != 0 && !s.broken && used == s.end
}

// refill makes at least 56 bits ready.
func (s *stream) refill() {
	s.bits |= s.load(s.at) >> (s.count & 63)
	s.at += (63 - s.count) >> 3
	s.count |= 56
}

// load reads eight bytes.
func (s *stream) load(at uint) uint64 {
	at &= dataSize - 1
	return binary.BigEndian.Uint64(s.data[at : at+8])
}

// take is the next few bits, up to 16; the caller refills.
func (s *stream) take(length uint) int32 {
	value := s.bits >> 1 >> (63 - length)
	s.bits <<= length
	s.count -= length
	return int32(value)
}

// symbol decodes one symbol: its value, the zeros before it, its length in bits.
func (s *stream) symbol(c *codes) (value int32, run, size uint, ok bool) {
	s.refill()
	entry := c.find(s.bits)
	total, size, run := uint(entry&31), uint(entry>>5&15), uint(entry>>9)
	value = valueOf(s.bits<<((total-size)&63), size)
	s.bits <<= total
	s.count -= total
	return value, run, size, entry != 0
}

// valueOf reads a value of so many bits at the top: the lower half is negative.
func valueOf(bits uint64, size uint) int32 {
	value := int64(bits >> 1 >> ((63 - size) & 63))
	negative := ^(int64(bits) >> 63)
	return int32(value + negative&(1-int64(1)<<(size&63)))
}
