// Package metadata reads what a photo or a sidecar says of itself: when and where
// it was taken, with what, and what people wrote about it. Of all that stands in a
// file it keeps the few fields of contract.Metadata, bounded and made safe to show.
//
// EXIF and IPTC are taken apart by imagemeta, XMP by this package. Both meet
// strangers' bytes, so a panic is a photo without metadata, and work is bounded.
// Pixels, sizes and orientation are not for this package.
package metadata

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/bep/imagemeta"

	"vsed/plugins/contract"
)

// Kind says how a file holds its metadata.
type Kind int

// Kinds of files. A TIFF block is the EXIF of any file, taken out of it.
const (
	JPEG Kind = iota
	PNG
	WebP
	TIFF
	HEIF
	DNG
	CR2
	NEF
	ARW
	TIFFBlock
)

var formats = map[Kind]imagemeta.ImageFormat{
	JPEG: imagemeta.JPEG, PNG: imagemeta.PNG, WebP: imagemeta.WebP, TIFF: imagemeta.TIFF, HEIF: imagemeta.HEIF,
	DNG: imagemeta.DNG, CR2: imagemeta.CR2, NEF: imagemeta.NEF, ARW: imagemeta.ARW, TIFFBlock: imagemeta.TIFF,
}

// Read returns what the photo says of itself; what is missing or damaged is left
// empty. Format, size and orientation are the caller's to fill in.
func Read(kind Kind, photo []byte) *contract.Metadata {
	return readSources(kind, photo).metadata()
}

// ReadPNG is Read for a PNG file whose XMP packet has been taken out of it:
// imagemeta does not look for it there.
func ReadPNG(photo, packet []byte) *contract.Metadata {
	found := readSources(PNG, photo)
	_ = found.readXMP(packet)
	return found.metadata()
}

// readSources reads one source after the other: damage in one does not hide the
// next.
func readSources(kind Kind, photo []byte) *findings {
	found := newFindings()
	for _, source := range []imagemeta.Source{imagemeta.EXIF, imagemeta.IPTC, imagemeta.XMP} {
		_ = found.read(kind, photo, source)
	}
	return found
}

// ReadBlocks is Read for a file whose EXIF blocks, each a small TIFF file, and XMP
// packet have been taken out of it.
func ReadBlocks(exif [][]byte, packet []byte) *contract.Metadata {
	found := newFindings()
	for _, block := range exif {
		_ = found.read(TIFFBlock, bytes.TrimPrefix(block, []byte("Exif\x00\x00")), imagemeta.EXIF)
	}
	_ = found.readXMP(packet)
	return found.metadata()
}

// ReadSidecar reads an XMP sidecar. It fails where the file is no XMP at all, or
// only the beginning of one: what was known of the photo is more.
func ReadSidecar(packet []byte) (*contract.Metadata, error) {
	found := newFindings()
	if err := found.readXMP(packet); err != nil {
		return nil, err
	}
	metadata := found.metadata()
	metadata.Format = "xmp"
	return metadata, nil
}

// read collects the tags of one source. It ends at the first damage, with what
// came before it.
func (f *findings) read(kind Kind, photo []byte, source imagemeta.Source) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = errors.New("the metadata cannot be taken apart")
		}
	}()
	_, err = imagemeta.Decode(imagemeta.Options{
		R:               newBoundedReader(photo),
		ImageFormat:     formats[kind],
		Sources:         source,
		LimitTagSize:    longestTag,
		ShouldHandleTag: wanted,
		HandleTag:       f.take,
		HandleXMP: func(packet io.Reader) error {
			content, err := io.ReadAll(packet)
			if err == nil {
				err = f.readXMP(content)
			}
			return err
		},
	})
	return err
}

// longestTag is the longest value of EXIF and IPTC that is read, in bytes: IPTC's
// captions, the longest by any standard, have 2,000. It also bounds how many further
// directories there can be, each of which may lead through the same long one.
const longestTag = 2048

// mostSteps bounds the seeks and reads for one source. A usual photo takes some
// hundred; directories that overlap could take minutes.
const mostSteps = 100_000

// boundedReader reads a photo in memory until it has been asked too often. As
// imagemeta knows one number behind TIFF's byte order only, the others, of Olympus'
// and Panasonic's RAW files, read as that.
type boundedReader struct {
	bytes.Reader
	steps int
}

var errTooManySteps = errors.New("the metadata is a maze")

func newBoundedReader(photo []byte) *boundedReader {
	r := &boundedReader{}
	r.Reset(usualNumber(photo))
	return r
}

// usualNumber copies no more than it must: the file may be large.
func usualNumber(photo []byte) []byte {
	for _, start := range []string{"IIRO", "IIRS", "IIU\x00"} {
		if bytes.HasPrefix(photo, []byte(start)) {
			photo = bytes.Clone(photo[:min(len(photo), directoryRoom)])
			binary.LittleEndian.PutUint16(photo[2:], 42)
		}
	}
	if bytes.HasPrefix(photo, []byte("MMOR")) {
		photo = bytes.Clone(photo[:min(len(photo), directoryRoom)])
		binary.BigEndian.PutUint16(photo[2:], 42)
	}
	return photo
}

// directoryRoom is where cameras that use other numbers have put their directories.
const directoryRoom = 1 << 20

func (r *boundedReader) Read(p []byte) (int, error) {
	if r.steps++; r.steps > mostSteps {
		return 0, errTooManySteps
	}
	return r.Reader.Read(p)
}

func (r *boundedReader) Seek(offset int64, whence int) (int64, error) {
	if r.steps++; r.steps > mostSteps {
		return 0, errTooManySteps
	}
	return r.Reader.Seek(offset, whence)
}
