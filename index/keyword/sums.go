package keyword

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
)

// sealFile holds the sum of bleve's table of contents, which has none of its
// own. It is written when the index is closed and removed when it is opened, so
// after a crash there is none, and the table is trusted: its own transactions
// keep it whole in a crash.
const sealFile = "vsed-seal"

func contents(dir string) string { return filepath.Join(dir, "store", "root.bolt") }

func seal(dir string) error {
	sum, err := sumOf(contents(dir), 0)
	if err != nil {
		return fmt.Errorf("keyword index: sealing: %w", err)
	}
	line := fmt.Sprintf("%08x\n", sum)
	name := filepath.Join(dir, sealFile)
	if err := os.WriteFile(name, []byte(line), 0o600); err != nil {
		// Half a seal would condemn a sound index.
		return fmt.Errorf("keyword index: sealing: %w", errors.Join(err, os.Remove(name)))
	}
	return nil
}

func checkSeal(dir string) error {
	line, err := os.ReadFile(filepath.Join(dir, sealFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	sum, err := sumOf(contents(dir), 0)
	if err != nil {
		return err
	}
	if fmt.Sprintf("%08x", sum) != strings.TrimSpace(string(line)) {
		return errors.New("damaged: root.bolt does not match its sum")
	}
	return nil
}

// checkSegments reads each segment that the index uses; others are leftovers of
// a crash, which bleve clears away.
func checkSegments(opened bleve.Index) error {
	inner, err := opened.Advanced()
	if err != nil {
		return err
	}
	reader, err := inner.Reader()
	if err != nil {
		return err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return errors.Join(errors.New("not a scorch index"), reader.Close())
	}
	err = nil
	for _, segment := range snapshot.Segments() {
		if file, ok := segment.Segment().(interface{ Path() string }); ok {
			err = errors.Join(err, checkSegment(file.Path()))
		}
	}
	return errors.Join(err, reader.Close())
}

// checkSegment compares the last four bytes of a segment file with the sum of
// all bytes before them.
func checkSegment(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var stored [4]byte
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if _, err := file.ReadAt(stored[:], info.Size()-4); err != nil {
		return fmt.Errorf("damaged: %s: %w", filepath.Base(name), err)
	}
	sum, err := sumOf(name, 4)
	if err != nil {
		return err
	}
	if sum != binary.BigEndian.Uint32(stored[:]) {
		return fmt.Errorf("damaged: %s does not match its sum", filepath.Base(name))
	}
	return nil
}

// sumOf is the CRC-32 of a file but for its last bytes.
func sumOf(name string, last int64) (uint32, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, io.LimitReader(file, info.Size()-last)); err != nil {
		return 0, err
	}
	return sum.Sum32(), nil
}
