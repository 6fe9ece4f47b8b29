package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The log says which rows of which segments count. Its first record is the
// whole state, each further one a batch: a batch counts when its record is
// whole. When it has grown it is replaced by a fresh one with the state alone.
const (
	logName  = "log"
	logMagic = "vsed-vec"
	// logHead is the length of its header: magic, version, dimensions, sum.
	logHead = len(logMagic) + 3*4
	// recordHead is the length of a record's: length and sum of what follows.
	recordHead = 2 * 4
	// logLimit is the length at which a log is replaced, unless its first record
	// is large itself.
	logLimit = 256 << 10
)

// A record is one change of the state.
type record struct {
	change int64
	states []state
	gone   []uint32 // numbers of segments that are no more
}

// A state is how a segment is after a change.
type state struct {
	number, rows uint32
	dead         []uint16 // rows that died with it
}

func (r record) encode() []byte {
	order := binary.NativeEndian
	b := make([]byte, recordHead)
	b = order.AppendUint64(b, uint64(r.change))
	b = order.AppendUint32(b, uint32(len(r.states)))
	for _, s := range r.states {
		b = order.AppendUint32(b, s.number)
		b = order.AppendUint32(b, s.rows)
		b = order.AppendUint32(b, uint32(len(s.dead)))
		for _, row := range s.dead {
			b = order.AppendUint16(b, row)
		}
	}
	b = order.AppendUint32(b, uint32(len(r.gone)))
	for _, number := range r.gone {
		b = order.AppendUint32(b, number)
	}
	order.PutUint32(b, uint32(len(b)-recordHead))
	order.PutUint32(b[4:], crc32.Checksum(b[recordHead:], castagnoli))
	return b
}

// decodeRecord takes the record at the beginning of b. A record that is cut off
// or has another sum is not one: ok is false.
func decodeRecord(b []byte) (r record, rest []byte, ok bool) {
	order := binary.NativeEndian
	if len(b) < recordHead {
		return r, b, false
	}
	length := int64(order.Uint32(b))
	if length > int64(len(b)-recordHead) || crc32.Checksum(b[recordHead:][:length], castagnoli) != order.Uint32(b[4:]) {
		return r, b, false
	}
	read := reader(b[recordHead:][:length])
	r.change = int64(read.uint64())
	for range read.count(12) {
		s := state{number: read.uint32(), rows: read.uint32()}
		for range read.count(2) {
			s.dead = append(s.dead, read.uint16())
		}
		r.states = append(r.states, s)
	}
	for range read.count(4) {
		r.gone = append(r.gone, read.uint32())
	}
	return r, b[recordHead+length:], true
}

// A reader takes values off bytes, zeros when there are no more.
type reader []byte

func (r *reader) take(n int) []byte {
	if len(*r) < n {
		*r = nil
		return make([]byte, n)
	}
	taken := (*r)[:n]
	*r = (*r)[n:]
	return taken
}

func (r *reader) uint16() uint16 { return binary.NativeEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.NativeEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.NativeEndian.Uint64(r.take(8)) }

// count is a number of things of at least so many bytes each; there are no more
// than the bytes have room for.
func (r *reader) count(size int) int { return min(int(r.uint32()), len(*r)/size) }

// A journal is the log as it is written.
type journal struct {
	dir    string
	file   *os.File
	length int64
	first  int64 // length with one record
}

// openLog opens the log in the folder and gives its records, or damage. A last
// record that is cut off was never acknowledged; it is removed.
func openLog(dir string, dimensions int) (*journal, []record, error) {
	file, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	j := &journal{dir: dir, file: file}
	records, err := j.read(dimensions)
	if err == nil {
		err = file.Truncate(j.length)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return j, records, nil
}

func (j *journal) read(dimensions int) (records []record, err error) {
	b, err := io.ReadAll(j.file)
	if err != nil {
		return nil, &damage{err}
	}
	if err := checkLogHead(b, dimensions); err != nil {
		return nil, &damage{err}
	}
	rest := b[logHead:]
	for len(rest) > 0 {
		one, behind, ok := decodeRecord(rest)
		if !ok {
			break
		}
		records, rest = append(records, one), behind
		j.length = int64(len(b) - len(rest))
		if len(records) == 1 {
			j.first = j.length
		}
	}
	if len(records) == 0 {
		return nil, &damage{errors.New("its log has no whole record")}
	}
	return records, nil
}

func checkLogHead(b []byte, dimensions int) error {
	if len(b) < logHead || string(b[:len(logMagic)]) != logMagic {
		return errors.New("its log has no header")
	}
	order, head := binary.NativeEndian, b[len(logMagic):]
	if order.Uint32(head[8:]) != crc32.Checksum(b[:logHead-4], castagnoli) {
		return errors.New("its log has a damaged header")
	}
	if version, found := order.Uint32(head), order.Uint32(head[4:]); version != formatVersion || int(found) != dimensions {
		return fmt.Errorf("it is of version %d and %d dimensions, want version %d and %d", version, found, formatVersion, dimensions)
	}
	return nil
}

// startLog replaces the log by one with the state alone. A crash leaves the old
// one or the new one.
func startLog(dir string, dimensions int, whole record) (*journal, error) {
	b := []byte(logMagic)
	b = binary.NativeEndian.AppendUint32(b, formatVersion)
	b = binary.NativeEndian.AppendUint32(b, uint32(dimensions))
	b = binary.NativeEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	b = append(b, whole.encode()...)
	file, err := os.OpenFile(filepath.Join(dir, logName+".new"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err = file.Write(b); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, logName))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &journal{dir: dir, file: file, length: int64(len(b)), first: int64(len(b))}, nil
}

// append makes a record count. After an error it does not: the next one is
// written over what there is of it.
func (j *journal) append(r record) error {
	b := r.encode()
	if _, err := j.file.WriteAt(b, j.length); err != nil {
		if cut := j.file.Truncate(j.length); cut != nil {
			return errors.Join(err, cut)
		}
		return err
	}
	j.length += int64(len(b))
	return nil
}

// grown reports whether it is time for a fresh log.
func (j *journal) grown() bool { return j.length > max(logLimit, 4*j.first) }

func (j *journal) close() error { return j.file.Close() }

// removeFiles removes the log first, so that a crash does not leave a log that
// names segments that are gone.
func removeFiles(dir string) error {
	for _, name := range []string{logName, logName + ".new"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return removeSegments(dir, nil)
}

// removeSegments removes the files of segments that are not in use.
func removeSegments(dir string, used map[uint32]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		var number uint32
		if _, err := fmt.Sscanf(entry.Name(), "segment-%08x", &number); err != nil || used[number] {
			continue
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
