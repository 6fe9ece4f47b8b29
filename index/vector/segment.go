package vector

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
)

// A segment is a file of rows, mapped for reading. Rows are appended with
// pwrite, so that a full disk is an error and not a signal; a row that a
// snapshot counts is never changed.
type segment struct {
	layout
	centre
	number uint32
	path   string
	file   *os.File
	memory []byte
	// users is the number of snapshots that hold the segment, and of callers that
	// fill it.
	users atomic.Int32
	// found is the number of rows that were there when the file was opened; their
	// sums are checked before they are first used.
	found   int
	checked [segmentBlocks]atomic.Uint32
	// judged is the number of rows at which the centre was last found good; only
	// the maintainer uses it.
	judged int
}

// Bits of checked.
const (
	rowsChecked = 1 << iota
	halvesChecked
)

func segmentPath(dir string, number uint32) string {
	return filepath.Join(dir, fmt.Sprintf("segment-%08x", number))
}

// createSegment makes a segment without rows; the caller is its first user.
func createSegment(dir string, number uint32, l layout, c centre) (*segment, error) {
	file, err := os.OpenFile(segmentPath(dir, number), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{layout: l, centre: c, number: number, path: file.Name(), file: file, judged: c.basis}
	if _, err := file.Write(l.encodeHeader(number, c)); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(s.path))
	}
	return s, s.mapIt()
}

// openSegment opens a segment that holds at least the given number of rows.
func openSegment(dir string, number uint32, l layout, rows int) (*segment, error) {
	file, err := os.OpenFile(segmentPath(dir, number), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &damage{fmt.Errorf("segment %d is missing", number)}
	}
	if err != nil {
		return nil, err
	}
	s := &segment{layout: l, number: number, path: file.Name(), file: file, found: rows}
	if err := s.readHeader(rows); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s.judged = s.basis
	return s, s.mapIt()
}

func (s *segment) readHeader(rows int) error {
	if err := s.intact(rows); err != nil {
		return err
	}
	header := make([]byte, s.header)
	if _, err := s.file.ReadAt(header, 0); err != nil {
		return s.damaged(err)
	}
	c, err := s.decodeHeader(header, s.number)
	if err != nil {
		return s.damaged(err)
	}
	s.centre = c
	return nil
}

// mapIt maps the file as long as it may become; what is behind its end is not
// touched.
func (s *segment) mapIt() (err error) {
	s.users.Store(1)
	s.memory, err = syscall.Mmap(int(s.file.Fd()), 0, s.layout.file, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return errors.Join(fmt.Errorf("map %s: %w", filepath.Base(s.path), err), s.file.Close())
	}
	return nil
}

// intact reports an error where the file has become too short for its rows:
// touching what is gone would end the process.
func (s *segment) intact(rows int) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < s.extent(rows) {
		return s.damaged(fmt.Errorf("%d bytes, want at least %d", info.Size(), s.extent(rows)))
	}
	return nil
}

func (s *segment) damaged(err error) error {
	return &damage{fmt.Errorf("segment %d: %w", s.number, err)}
}

// remove removes the file; who holds the segment can go on using it. A file that
// stays goes when the index is opened.
func (s *segment) remove() { _ = os.Remove(s.path) }

func (s *segment) hold() { s.users.Add(1) }

// release unmaps the segment after its last user.
func (s *segment) release() {
	if s.users.Add(-1) > 0 {
		return
	}
	// Neither can fail on a mapping and a file of our own.
	_ = syscall.Munmap(s.memory)
	_ = s.file.Close()
}

// part is the bytes of a block from an offset on.
func (s *segment) part(block, offset, length int) []byte {
	return s.memory[s.header+block*s.block+offset:][:length:length]
}

func (s *segment) ids(block, rows int) []int64 { return as[int64](s.part(block, 0, 8*rows)) }

// readIDs reads the first ids of a block from the file.
func (s *segment) readIDs(block int, ids []int64) error {
	if _, err := s.file.ReadAt(asBytes(ids), int64(s.header+block*s.block)); err != nil {
		return s.damaged(err)
	}
	return nil
}

func (s *segment) id(row int) int64 { return s.ids(row/blockRows, blockRows)[row%blockRows] }

func (s *segment) offsetsOf(block, rows int) []float32 {
	return as[float32](s.part(block, s.offsets, 4*rows))
}

func (s *segment) radiiOf(block, rows int) []float32 {
	return as[float32](s.part(block, s.radii, 4*rows))
}

// halfPlace is where the float16 row is in the memory.
func (s *segment) halfPlace(row int) uint64 {
	return uint64(s.header + row/blockRows*s.block + s.halves + row%blockRows*2*s.dimensions)
}

func (s *segment) half(row int) []uint16 {
	return as[uint16](s.memory[s.halfPlace(row):][:2*s.dimensions])
}

// checkRows checks what a scan reads of a block, once. It reads the file and not
// the memory: a page that cannot be read is then an error and not a signal.
func (s *segment) checkRows(block int) error {
	rows := min(s.found-block*blockRows, blockRows)
	if rows <= 0 || s.checked[block].Load()&rowsChecked != 0 {
		return nil
	}
	b := make([]byte, s.layout.rows+rows*s.width)
	if _, err := s.file.ReadAt(b, int64(s.header+block*s.block)); err != nil {
		return s.damaged(err)
	}
	ids, sums, offsets, radii := as[int64](b[:s.sums]), as[[2]uint32](b[s.sums:s.offsets]), as[float32](b[s.offsets:s.radii]), as[float32](b[s.radii:s.rows])
	for i := range rows {
		row := block*blockRows + i
		if sum := rowSums(s.number, row, ids[i], offsets[i], radii[i], b[s.rows+i*s.width:][:s.width], nil); sum[0] != sums[i][0] {
			return s.damaged(fmt.Errorf("row %d is damaged", row))
		}
	}
	s.checked[block].Or(rowsChecked)
	return nil
}

// checkHalves checks the float16 rows of a block, once.
func (s *segment) checkHalves(block int) error {
	rows := min(s.found-block*blockRows, blockRows)
	if rows <= 0 || s.checked[block].Load()&halvesChecked != 0 {
		return nil
	}
	b := make([]byte, rows*2*s.dimensions)
	if _, err := s.file.ReadAt(b, int64(s.halfPlace(block*blockRows))); err != nil {
		return s.damaged(err)
	}
	for i := range rows {
		if err := s.checkHalf(block*blockRows+i, b[i*2*s.dimensions:][:2*s.dimensions]); err != nil {
			return err
		}
	}
	s.checked[block].Or(halvesChecked)
	return nil
}

// checkHalf checks one float16 row, unless its block has been.
func (s *segment) checkHalf(row int, bytes []byte) error {
	block, i := row/blockRows, row%blockRows
	if row >= s.found || s.checked[block].Load()&halvesChecked != 0 {
		return nil
	}
	sums := as[[2]uint32](s.part(block, s.sums, 8*blockRows))
	if halfSum(s.number, row, s.id(row), bytes) != sums[i][1] {
		return s.damaged(fmt.Errorf("the float16 copy of row %d is damaged", row))
	}
	return nil
}
