package replay

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// magic begins every file: what it is, and the version of what follows.
const magic = "vsed replay 2\n"

// header speaks of the lengths of the lists that follow.
type header struct {
	Train partHeader `json:"train"`
	Guard partHeader `json:"guard"`
}

type partHeader struct {
	Pictures codeHeader `json:"pictures"`
	Captions codeHeader `json:"captions"`
}

type codeHeader struct {
	Rows       int  `json:"rows"`
	Width      int  `json:"width"`
	Components int  `json:"components"`
	Values     bool `json:"values"` // each value is a component: there is no basis
}

func (s *Set) header() header {
	code := func(c Code) codeHeader {
		return codeHeader{len(c.Amounts) / len(c.Steps), c.Width, len(c.Steps), len(c.Basis) == 0}
	}
	part := func(p Part) partHeader { return partHeader{code(p.Pictures), code(p.Captions)} }
	return header{part(s.Train), part(s.Guard)}
}

func (h header) codes() []codeHeader {
	return []codeHeader{h.Train.Pictures, h.Train.Captions, h.Guard.Pictures, h.Guard.Captions}
}

func (h header) check() error {
	for _, code := range h.codes() {
		if code.Width < 1 || code.Width > mostWidth || code.Components < 1 || code.Components > code.Width || code.Rows < 1 || code.Rows > mostBytes/code.Components {
			return fmt.Errorf("is damaged: %d rows of %d values in %d components", code.Rows, code.Width, code.Components)
		}
	}
	return nil
}

// mostRatio is how many bytes deflate makes of one at most.
const mostRatio = 1032

// size is how many bytes the lists of a checked header have.
func (h header) size() int {
	sum := 8*h.Train.Pictures.Width + h.Train.Pictures.Rows + h.Guard.Pictures.Rows
	for _, code := range h.codes() {
		sum += code.Components*(4+code.Rows) + code.basis()
	}
	return sum
}

func (c codeHeader) basis() int {
	if c.Values {
		return 0
	}
	return c.Components * c.Width
}

// blank makes room for what a header speaks of.
func (h header) blank() *Set {
	code := func(c codeHeader) Code {
		made := Code{Width: c.Width, Steps: make([]float32, c.Components), Amounts: make([]int8, c.Rows*c.Components)}
		if !c.Values {
			made.Basis = make([]int8, c.basis())
		}
		return made
	}
	part := func(p partHeader) Part {
		return Part{code(p.Pictures), code(p.Captions), make([]byte, p.Pictures.Rows)}
	}
	width := h.Train.Pictures.Width
	return &Set{make([]float32, width), make([]float32, width), part(h.Train), part(h.Guard)}
}

// lists are all of the set, in the order of the file.
func (s *Set) lists() []any {
	lists := []any{s.Mean, s.Scale}
	for _, part := range []Part{s.Train, s.Guard} {
		lists = append(lists, part.Counts)
		for _, code := range []Code{part.Pictures, part.Captions} {
			lists = append(lists, code.Steps, code.Basis, code.Amounts)
		}
	}
	return lists
}

// Write writes a file in place of one that is there.
func (s *Set) Write(path string) error {
	data, err := s.encode()
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	digest := sha256.Sum256(data)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, digest[:]...), 0o644)
}

func (s *Set) encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	head, err := json.Marshal(s.header())
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(magic)
	out.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(head))), head...))
	// Numbers do not repeat: looking for matches costs bytes here.
	packed, err := flate.NewWriter(&out, flate.HuffmanOnly)
	if err != nil {
		return nil, err
	}
	for _, list := range s.lists() {
		if err := binary.Write(packed, binary.LittleEndian, list); err != nil {
			return nil, err
		}
	}
	err = packed.Close()
	return out.Bytes(), err
}

// Read reads what Write wrote.
func Read(path string) (*Set, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	s, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w; take the file from the project again, or make it with vsed-trainer", path, err)
	}
	return s, nil
}

func parse(data []byte) (*Set, error) {
	if len(data) < len(magic)+4+sha256.Size || !bytes.HasPrefix(data, []byte(magic)) {
		return nil, errors.New("is no replay file of this version")
	}
	content, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	if digest := sha256.Sum256(content); !bytes.Equal(digest[:], sum) {
		return nil, errors.New("is damaged: its checksum does not match")
	}
	return decode(content[len(magic):])
}

// decode reads what follows the magic.
func decode(content []byte) (*Set, error) {
	length := uint64(binary.LittleEndian.Uint32(content))
	if length > uint64(len(content)-4) {
		return nil, errors.New("is damaged: its header is longer than the file")
	}
	var head header
	if err := json.Unmarshal(content[4:4+length], &head); err != nil {
		return nil, err
	}
	if err := head.check(); err != nil {
		return nil, err
	}
	if size := head.size(); size > mostRatio*len(content) {
		return nil, fmt.Errorf("is damaged: %d bytes cannot be in it", size)
	}
	packed := flate.NewReader(bytes.NewReader(content[4+length:]))
	s := head.blank()
	for _, list := range s.lists() {
		if err := binary.Read(packed, binary.LittleEndian, list); err != nil {
			return nil, fmt.Errorf("is damaged: %w", err)
		}
	}
	if rest, err := packed.Read(make([]byte, 1)); rest > 0 || !errors.Is(err, io.EOF) {
		return nil, errors.New("is damaged: it holds more than its header speaks of")
	}
	return s, s.check()
}
