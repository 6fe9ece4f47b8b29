package features

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/x448/float16"
	"golang.org/x/sys/unix"
)

// repeated is how many equal rows a photo has in VSE++'s files: one for each caption.
const repeated = 5

// An Array is a file of features that others have computed, as NumPy saves them: two
// dimensions of '<f2', '<f4' or '<f8', a row a photo, or five equal ones. The file is
// mapped, since COCO's, with five rows a photo, has 5 GB: nobody may shorten it before
// the Array is closed.
//
// The form is read here and not by github.com/sbinet/npyio, which reads whole arrays.
type Array struct {
	data   []byte
	header header
	each   int   // rows of a photo
	rows   []int // of the photos that were asked for, by the first of each
}

// OpenNPY opens the file with the features of count photos, for those with the numbers.
// Their values are looked through, so that a run does not end by them hours later.
func OpenNPY(path string, numbers []int, count int) (*Array, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	var data []byte
	if info.Mode().IsRegular() && info.Size() > 0 { // nothing else can be mapped
		if data, err = unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return nil, fmt.Errorf("features: map %s: %w", path, err)
		}
	}
	a := &Array{data: data}
	if err := a.open(numbers, count); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w: save it with numpy.save as float32, a row a photo", path, err), a.Close())
	}
	return a, nil
}

// Close lets go of the file.
func (a *Array) Close() error {
	if a.data == nil {
		return nil
	}
	return unix.Munmap(a.data)
}

// Len is the number of photos that were asked for.
func (a *Array) Len() int { return len(a.rows) }

// Width is the number of values of a feature.
func (a *Array) Width() int { return a.header.columns }

// Row appends the feature of photo i, of those asked for, to into.
func (a *Array) Row(into []float32, i int) []float32 {
	raw := a.raw(a.rows[i])
	for at := 0; at < len(raw); at += a.header.size {
		switch value := raw[at:]; a.header.size {
		case 2:
			into = append(into, float16.Frombits(binary.LittleEndian.Uint16(value)).Float32())
		case 4:
			into = append(into, math.Float32frombits(binary.LittleEndian.Uint32(value)))
		default:
			into = append(into, float32(math.Float64frombits(binary.LittleEndian.Uint64(value))))
		}
	}
	return into
}

func (a *Array) raw(row int) []byte {
	stride := a.header.columns * a.header.size
	begin := a.header.offset + row*stride
	return a.data[begin : begin+stride]
}

func (a *Array) open(numbers []int, count int) (err error) {
	h, err := readHeader(a.data)
	if err != nil {
		return err
	}
	switch h.rows {
	case count:
		a.each = 1
	case repeated * count:
		a.each = repeated
	default:
		return fmt.Errorf("it has %d rows for %d photos", h.rows, count)
	}
	if whole := h.offset + h.rows*h.columns*h.size; len(a.data) != whole {
		return fmt.Errorf("it is %d bytes long, its header says %d", len(a.data), whole)
	}
	a.header = h
	return a.choose(numbers, count)
}

// choose takes the photos with the numbers, and looks at what the file has of them.
func (a *Array) choose(numbers []int, count int) error {
	var values []float32
	for i, number := range numbers {
		if number < 0 || number >= count {
			return fmt.Errorf("row %d is asked for of %d", number, count)
		}
		row, last := number*a.each, number*a.each+a.each-1
		if !bytes.Equal(a.raw(row), a.raw(last)) {
			return fmt.Errorf("it has %d rows for %d photos, and rows %d and %d, of one photo, differ", a.header.rows, count, row, last)
		}
		a.rows = append(a.rows, row)
		values = a.Row(values[:0], i)
		if err := finite(values); err != nil {
			return fmt.Errorf("row %d: %w", row, err)
		}
	}
	return nil
}

// header is what stands before the values.
type header struct {
	offset  int // of the first row
	size    int // of a value in bytes
	rows    int
	columns int
}

const (
	npyMagic = "\x93NUMPY"
	// mostHeader and mostSide bound what a header may claim.
	mostHeader = 1 << 16
	mostSide   = 1 << 28
)

var (
	npyType  = regexp.MustCompile(`'descr': *'([^']*)'`)
	npyOrder = regexp.MustCompile(`'fortran_order': *(True|False)`)
	npyShape = regexp.MustCompile(`'shape': *\((\d+), *(\d+),?\)`)
)

func readHeader(data []byte) (h header, err error) {
	if len(data) < 12 || !bytes.HasPrefix(data, []byte(npyMagic)) {
		return h, errors.New("it is no .npy file")
	}
	length, begin := int(binary.LittleEndian.Uint16(data[8:])), 10
	switch data[6] {
	case 1:
	case 2, 3:
		length, begin = int(binary.LittleEndian.Uint32(data[8:])), 12
	default:
		return h, fmt.Errorf("version %d of .npy is not known", data[6])
	}
	if length > mostHeader {
		return h, fmt.Errorf("its header claims %d bytes", length)
	}
	h.offset = begin + length
	if h.offset > len(data) {
		return h, errors.New("its header is cut off")
	}
	return h, h.parse(string(data[begin:h.offset]))
}

func (h *header) parse(text string) (err error) {
	found := npyType.FindStringSubmatch(text)
	if found == nil || !slices.Contains([]string{"<f2", "<f4", "<f8"}, found[1]) {
		return fmt.Errorf("its values are not '<f2', '<f4' or '<f8' (%.80q)", strings.TrimSpace(text))
	}
	h.size = int(found[1][2] - '0')
	if found := npyOrder.FindStringSubmatch(text); found == nil || found[1] != "False" {
		return errors.New("it is not saved row by row")
	}
	shape := npyShape.FindStringSubmatch(text)
	if shape == nil {
		return fmt.Errorf("it has not two dimensions (%.80q)", strings.TrimSpace(text))
	}
	if h.rows, err = strconv.Atoi(shape[1]); err == nil {
		h.columns, err = strconv.Atoi(shape[2])
	}
	if err != nil || h.rows > mostSide || h.columns > mostSide || h.columns == 0 {
		return fmt.Errorf("its shape is %s × %s", shape[1], shape[2])
	}
	return nil
}
