package features

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// ReadNPY reads rows of features that others have computed, as NumPy saves them: an
// array of two dimensions, of '<f4' or '<f8', a row a photo. Only the asked rows are
// read: those of COCO are 2 GB. count is how many the file must have.
//
// The form is read here and not by github.com/sbinet/npyio, which reads whole arrays.
func ReadNPY(path string, rows []int, count int) ([][]float32, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	found, err := readNPY(file, info.Size(), rows, count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: save it with numpy.save as float32, a row a photo", path, err)
	}
	return found, nil
}

// array is what a header says.
type array struct {
	offset  int64 // of the first row
	size    int   // of a value in bytes
	rows    int
	columns int
}

func readNPY(file io.ReaderAt, length int64, rows []int, count int) ([][]float32, error) {
	a, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	if a.rows != count {
		return nil, fmt.Errorf("it has %d rows for %d photos", a.rows, count)
	}
	stride := int64(a.columns) * int64(a.size)
	if whole := a.offset + int64(a.rows)*stride; length != whole {
		return nil, fmt.Errorf("it is %d bytes long, its header says %d", length, whole)
	}
	found := make([][]float32, len(rows))
	raw := make([]byte, stride)
	for i, row := range rows {
		if row < 0 || row >= a.rows {
			return nil, fmt.Errorf("row %d is asked for of %d", row, a.rows)
		}
		if _, err := file.ReadAt(raw, a.offset+int64(row)*stride); err != nil {
			return nil, err
		}
		found[i] = a.values(raw)
		if err := finite(found[i]); err != nil {
			return nil, fmt.Errorf("row %d: %w", row, err)
		}
	}
	return found, nil
}

func (a array) values(raw []byte) []float32 {
	values := make([]float32, a.columns)
	for i := range values {
		if a.size == 4 {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		} else {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	}
	return values
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

func readHeader(file io.ReaderAt) (a array, err error) {
	start := make([]byte, 12)
	if _, err := file.ReadAt(start, 0); err != nil || !bytes.HasPrefix(start, []byte(npyMagic)) {
		return a, errors.New("it is no .npy file")
	}
	length, begin := int64(binary.LittleEndian.Uint16(start[8:])), int64(10)
	switch start[6] {
	case 1:
	case 2, 3:
		length, begin = int64(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return a, fmt.Errorf("version %d of .npy is not known", start[6])
	}
	if length > mostHeader {
		return a, fmt.Errorf("its header claims %d bytes", length)
	}
	header := make([]byte, length)
	if _, err := file.ReadAt(header, begin); err != nil {
		return a, errors.New("its header is cut off")
	}
	a.offset = begin + length
	return a, a.parse(string(header))
}

func (a *array) parse(header string) (err error) {
	switch found := npyType.FindStringSubmatch(header); {
	case found != nil && found[1] == "<f4":
		a.size = 4
	case found != nil && found[1] == "<f8":
		a.size = 8
	default:
		return fmt.Errorf("its values are not '<f4' or '<f8' (%.80q)", strings.TrimSpace(header))
	}
	if found := npyOrder.FindStringSubmatch(header); found == nil || found[1] != "False" {
		return errors.New("it is not saved row by row")
	}
	shape := npyShape.FindStringSubmatch(header)
	if shape == nil {
		return fmt.Errorf("it has not two dimensions (%.80q)", strings.TrimSpace(header))
	}
	if a.rows, err = strconv.Atoi(shape[1]); err == nil {
		a.columns, err = strconv.Atoi(shape[2])
	}
	if err != nil || a.rows > mostSide || a.columns > mostSide || a.columns == 0 {
		return fmt.Errorf("its shape is %s × %s", shape[1], shape[2])
	}
	return nil
}
