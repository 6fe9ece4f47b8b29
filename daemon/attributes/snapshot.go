package attributes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"unsafe"

	"github.com/RoaringBitmap/roaring/v2"
	"golang.org/x/sys/unix"

	"vsed/daemon/catalogue"
)

// A snapshot is a file of all that the store knows. It makes a start instant, and
// the store lies in it: mapped privately, so that what changes takes memory and all
// else does not. It is derived: it carries the last change that it saw and a sum,
// and where anything about it is wrong, the store begins from nothing, as it does
// where there is none.
//
// It has a header, then what about says as JSON, and from the next page on the
// blocks' columns, the bits of photos shown, the blocks' names and the postings.

const (
	// snapshotMagic changes with anything that makes an old file wrong.
	snapshotMagic = "vsedatt1"
	headerBytes   = 32
	pageBytes     = 4096
	// leastUnsaved is how many photos are taken in, at least, between two snapshots.
	leastUnsaved = 8192
	// unsavedShare of all photos are taken in otherwise: writing all of them is paid
	// by as many.
	unsavedShare = 16
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// about is what a snapshot says of itself.
type about struct {
	Change, Photo int64  // where to go on
	Places        string // sum of the place names
	Blocks        []savedBlock
	Shown         int // words
	Devices       [][2]string
	Spots         [][4]string
	Tags          savedPostings[string]
	Folders       savedPostings[savedFolder]
}

type savedBlock struct{ Number, Names, Lost int }

type savedFolder struct {
	Root                   int64
	Absolute, Named, Below string
}

type savedPostings[T any] struct {
	Values []T
	Bytes  []int
}

// Keep has the store keep snapshots in a file, and begin with the one that is
// there. problem says why one that was there was of no use and is deleted. It comes
// before all other calls.
func (s *Store) Keep(ctx context.Context, file string) (problem, err error) {
	s.file = file
	newest, err := s.catalogue.Change(ctx)
	if err != nil {
		return nil, err
	}
	forgotten, err := s.catalogue.Forgotten(ctx)
	if err != nil {
		return nil, err
	}
	mapped, a, err := open(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && a.Places != s.places.Sum():
		err = errors.New("it has other place names")
	case err == nil && (a.Change > newest || a.Change < forgotten):
		err = fmt.Errorf("it is of change %d, which does not fit the catalogue's %d", a.Change, newest)
	}
	if err == nil {
		err = s.restore(mapped, a)
	}
	if err != nil {
		// The catalogue's change number may pass the snapshot's before another is
		// written, and a start after that would take it.
		return err, errors.Join(unmap(mapped), os.Remove(file))
	}
	return nil, nil
}

// open maps a snapshot and checks it.
func open(name string) (mapped []byte, a about, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, a, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, a, err
	}
	if info.Size() < headerBytes {
		return nil, a, errors.New("it is cut off")
	}
	if mapped, err = unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE); err != nil {
		return nil, a, err
	}
	a, err = check(mapped)
	return mapped, a, err
}

// check reads all of a snapshot. A disk that does not give a page of it is an error
// here, as it would end the daemon again at each start.
func check(mapped []byte) (a about, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("it cannot be read: %v", cause)
		}
	}()
	if !bytes.Equal(mapped[:24], header(mapped, 0)[:24]) || binary.LittleEndian.Uint32(mapped[24:]) != crc32.Checksum(mapped[headerBytes:], castagnoli) {
		return a, errors.New("it is damaged, or of another version")
	}
	length := binary.LittleEndian.Uint64(mapped[16:])
	if length > uint64(len(mapped)-headerBytes) {
		return a, errors.New("it is damaged")
	}
	return a, json.Unmarshal(mapped[headerBytes:headerBytes+length], &a)
}

// header is how the file begins on this machine, whose numbers lie in the columns;
// the length is that which the given header has.
func header(given []byte, sum uint32) []byte {
	head := append(make([]byte, 0, headerBytes), snapshotMagic...)
	head = binary.NativeEndian.AppendUint32(head, 1)
	head = binary.LittleEndian.AppendUint32(head, uint32(unsafe.Sizeof(columns{})))
	head = append(head, given[16:24]...)
	head = binary.LittleEndian.AppendUint32(head, sum)
	return head[:headerBytes]
}

func unmap(mapped []byte) error {
	if mapped == nil {
		return nil
	}
	return unix.Munmap(mapped)
}

// restore takes over what a snapshot knows.
func (s *Store) restore(mapped []byte, a about) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, one := range a.Devices {
		s.devices.number(device{one[0], one[1]})
	}
	for _, one := range a.Spots {
		s.spots.number(spot{one[0], one[1], one[2], one[3]})
	}
	for _, tag := range a.Tags.Values {
		s.tags.number(tag)
	}
	for _, one := range a.Folders.Values {
		s.folders.number(folder{one.Root, one.Absolute, one.Named, one.Below})
	}
	if err := s.attach(mapped, a); err != nil {
		s.devices, s.spots, s.tags, s.folders = dictionary[device]{}, dictionary[spot]{}, postings[string]{}, postings[folder]{}
		s.shown, s.blocks = nil, nil
		return err
	}
	s.reached = catalogue.Cursor{Change: a.Change, Photo: a.Photo}
	return nil
}

// attach has the columns, names and postings lie in a snapshot that has just been
// written or checked. The caller holds the mutex.
func (s *Store) attach(mapped []byte, a about) (err error) {
	rest := sections{left: mapped[firstPage(mapped):]}
	var blocks []*block
	for _, one := range a.Blocks {
		for len(blocks) <= one.Number {
			blocks = append(blocks, nil)
		}
		if place := rest.take(int(unsafe.Sizeof(columns{}))); place != nil {
			blocks[one.Number] = &block{columns: (*columns)(unsafe.Pointer(&place[0])), lost: one.Lost}
		}
	}
	shown := bytes.Clone(rest.take(8 * a.Shown))
	for _, one := range a.Blocks {
		names := rest.take(one.Names)
		if blocks[one.Number] != nil {
			blocks[one.Number].names = names
		}
	}
	tags, tagsErr := attachPostings(&rest, a.Tags.Bytes)
	folders, foldersErr := attachPostings(&rest, a.Folders.Bytes)
	if rest.short || len(tags) != len(s.tags.values) || len(folders) != len(s.folders.values) {
		err = errors.New("its parts do not fit")
	}
	if err = errors.Join(err, tagsErr, foldersErr); err != nil {
		return err
	}
	words := make([]uint64, a.Shown)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(shown[8*i:])
	}
	s.blocks, s.shown, s.tags.photos, s.folders.photos, s.mapped = blocks, words, tags, folders, mapped
	return nil
}

// attachPostings makes bitmaps over the file's bytes, which are copied where a
// bitmap changes.
func attachPostings(rest *sections, sizes []int) (list []*roaring.Bitmap, err error) {
	for _, size := range sizes {
		bitmap := roaring.New()
		if _, failed := bitmap.FromBuffer(rest.take(size)); failed != nil {
			err = failed
		}
		list = append(list, bitmap)
	}
	return list, err
}

// sections are taken off the front.
type sections struct {
	left  []byte
	short bool
}

func (s *sections) take(size int) (taken []byte) {
	if size < 0 || size > len(s.left) {
		s.short = true
		return nil
	}
	taken, s.left = s.left[:size:size], s.left[size:]
	return taken
}

// firstPage is where the columns begin.
func firstPage(mapped []byte) int {
	end := headerBytes + int(binary.LittleEndian.Uint64(mapped[16:]))
	return (end + pageBytes - 1) / pageBytes * pageBytes
}

// Save writes a snapshot where one is kept and something is new, and moves the
// store into it. It is CatchUp's caller that calls it.
func (s *Store) Save() error {
	if s.file == "" || s.unsaved == 0 {
		return nil
	}
	a, postings, err := s.about()
	if err != nil {
		return fmt.Errorf("keep what filters know: %w", err)
	}
	if err := s.write(a, postings); err != nil {
		return fmt.Errorf("keep what filters know: %w", err)
	}
	mapped, _, err := open(s.file)
	if err != nil {
		return fmt.Errorf("keep what filters know: %w", errors.Join(err, unmap(mapped)))
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	before := s.mapped
	if err := s.attach(mapped, a); err != nil {
		return fmt.Errorf("keep what filters know: %w", errors.Join(err, unmap(mapped)))
	}
	s.unsaved = 0
	return unmap(before)
}

// due reports whether a snapshot should be written.
func (s *Store) due() bool {
	return s.file != "" && s.unsaved >= max(leastUnsaved, len(s.shown)*64/unsavedShare)
}

// about describes the store, and gives its postings as they are stored.
func (s *Store) about() (a about, postings [][]byte, err error) {
	a = about{Change: s.reached.Change, Photo: s.reached.Photo, Places: s.places.Sum(), Shown: len(s.shown)}
	for number, b := range s.blocks {
		if b != nil {
			a.Blocks = append(a.Blocks, savedBlock{number, len(b.names), b.lost})
		}
	}
	for _, one := range s.devices.values {
		a.Devices = append(a.Devices, [2]string{one.camera, one.lens})
	}
	for _, one := range s.spots.values {
		a.Spots = append(a.Spots, [4]string{one.name, one.city, one.region, one.country})
	}
	a.Tags.Values = s.tags.values
	for _, one := range s.folders.values {
		a.Folders.Values = append(a.Folders.Values, savedFolder{one.root, one.absolute, one.named, one.below})
	}
	for _, list := range []struct {
		photos []*roaring.Bitmap
		sizes  *[]int
	}{{s.tags.photos, &a.Tags.Bytes}, {s.folders.photos, &a.Folders.Bytes}} {
		for _, photos := range list.photos {
			stored, err := photos.ToBytes()
			if err != nil {
				return a, nil, err
			}
			*list.sizes, postings = append(*list.sizes, len(stored)), append(postings, stored)
		}
	}
	return a, postings, nil
}

// write puts the file in place once it is whole. A power cut may leave one that is
// not: its sum tells.
func (s *Store) write(a about, postings [][]byte) (err error) {
	partial := s.file + ".partial"
	file, err := os.OpenFile(partial, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err = errors.Join(s.writeTo(file, a, postings), file.Close()); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	return os.Rename(partial, s.file)
}

func (s *Store) writeTo(file *os.File, a about, postings [][]byte) error {
	described, err := json.Marshal(a)
	if err != nil {
		return err
	}
	given := binary.LittleEndian.AppendUint64(make([]byte, 16), uint64(len(described)))
	if _, err := file.Write(header(given, 0)); err != nil {
		return err
	}
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)
	parts := [][]byte{described, make([]byte, firstPage(given)-headerBytes-len(described))}
	for _, one := range a.Blocks {
		parts = append(parts, unsafe.Slice((*byte)(unsafe.Pointer(s.blocks[one.Number].columns)), unsafe.Sizeof(columns{})))
	}
	var shown []byte
	for _, word := range s.shown {
		shown = binary.LittleEndian.AppendUint64(shown, word)
	}
	parts = append(parts, shown)
	for _, one := range a.Blocks {
		parts = append(parts, s.blocks[one.Number].names)
	}
	for _, part := range append(parts, postings...) {
		if _, err := out.Write(part); err != nil { // a bufio.Writer keeps its first error
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = file.WriteAt(header(given, sum.Sum32()), 0)
	return err
}
