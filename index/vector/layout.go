package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"vsed/index/vector/kernel"
)

const (
	unit = kernel.Unit
	// blockRows is the number of rows that are scanned in one go: 512 kB at 512
	// dimensions.
	blockRows     = 1024
	segmentBlocks = 64
	segmentRows   = segmentBlocks * blockRows
	page          = 4096
	// formatVersion is written in the machine's byte order, so that the files of
	// a machine of the other order are of another version.
	formatVersion = 1
	segmentMagic  = "vsed-seg"
)

// A layout says where things are in a segment's file: a header of whole pages,
// then blocks. A block holds the ids of its rows (int64), two sums a row, their
// offsets and radii (float32), their 8-bit rows and their float16 rows.
type layout struct {
	dimensions, width                               int
	header                                          int
	sums, offsets, radii, rows, halves, block, file int
}

func newLayout(dimensions, width int) layout {
	l := layout{dimensions: dimensions, width: width}
	l.header = wholePages(headerBytes(dimensions))
	l.sums = 8 * blockRows
	l.offsets = l.sums + 8*blockRows
	l.radii = l.offsets + 4*blockRows
	l.rows = l.radii + 4*blockRows
	l.halves = l.rows + width*blockRows
	l.block = wholePages(l.halves + 2*dimensions*blockRows)
	l.file = l.header + segmentBlocks*l.block
	return l
}

func wholePages(bytes int) int { return (bytes + page - 1) / page * page }

// extent is the least length of the file of a segment with so many rows.
func (l layout) extent(rows int) int64 {
	if rows == 0 {
		return int64(l.header)
	}
	last := rows - 1
	return int64(l.header + last/blockRows*l.block + l.halves + (last%blockRows+1)*2*l.dimensions)
}

func headerBytes(dimensions int) int { return len(segmentMagic) + 4*4 + 8 + 4*dimensions + 4 }

// encodeHeader gives the header of the file of a segment.
func (l layout) encodeHeader(number uint32, c centre) []byte {
	order := binary.NativeEndian
	b := []byte(segmentMagic)
	for _, value := range []uint32{formatVersion, uint32(l.dimensions), number, uint32(c.basis)} {
		b = order.AppendUint32(b, value)
	}
	b = order.AppendUint64(b, math.Float64bits(c.step))
	for _, value := range c.mean {
		b = order.AppendUint32(b, math.Float32bits(value))
	}
	return append(order.AppendUint32(b, crc32.Checksum(b, castagnoli)), make([]byte, l.header-len(b)-4)...)
}

// decodeHeader checks everything that the bound rests on.
func (l layout) decodeHeader(b []byte, number uint32) (c centre, err error) {
	order, end := binary.NativeEndian, headerBytes(l.dimensions)-4
	if len(b) < end+4 || string(b[:len(segmentMagic)]) != segmentMagic || order.Uint32(b[end:]) != crc32.Checksum(b[:end], castagnoli) {
		return c, errors.New("its header is damaged")
	}
	b = b[len(segmentMagic):]
	version, dimensions, found := order.Uint32(b), order.Uint32(b[4:]), order.Uint32(b[8:])
	if version != formatVersion || int(dimensions) != l.dimensions || found != number {
		return c, fmt.Errorf("its header is of version %d, %d dimensions, number %d", version, dimensions, found)
	}
	c = centre{basis: int(order.Uint32(b[12:])), step: math.Float64frombits(order.Uint64(b[16:])), mean: make([]float32, l.dimensions)}
	square := 0.0
	for i := range c.mean {
		c.mean[i] = math.Float32frombits(order.Uint32(b[24+4*i:]))
		square += float64(c.mean[i]) * float64(c.mean[i])
	}
	if !(c.step > 0 && c.step < 1) || !(square < longestRow*longestRow) {
		return c, fmt.Errorf("its header has a step of %g and a mean of length %g", c.step, math.Sqrt(square))
	}
	return c, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// rowSums guard a row: the first what a scan reads, the second the float16 copy.
// The place is part of them, so that a row in another's place is damage.
func rowSums(number uint32, row int, id int64, offset, radius float32, coded, halves []byte) (sums [2]uint32) {
	head := sumHead(number, row, id, offset, radius)
	sums[0] = crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, coded)
	sums[1] = halfSum(number, row, id, halves)
	return sums
}

func halfSum(number uint32, row int, id int64, halves []byte) uint32 {
	head := sumHead(number, row, id, 0, 0)
	return crc32.Update(crc32.Checksum(head[:16], castagnoli), castagnoli, halves)
}

func sumHead(number uint32, row int, id int64, offset, radius float32) (head [24]byte) {
	order := binary.NativeEndian
	order.PutUint32(head[0:], number)
	order.PutUint32(head[4:], uint32(row))
	order.PutUint64(head[8:], uint64(id))
	order.PutUint32(head[16:], math.Float32bits(offset))
	order.PutUint32(head[20:], math.Float32bits(radius))
	return head
}

// as views bytes as values; the layout aligns them.
func as[T any](bytes []byte) []T {
	var one T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(bytes))), len(bytes)/int(unsafe.Sizeof(one)))
}

// asBytes views values as bytes.
func asBytes[T any](values []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(one)))
}
