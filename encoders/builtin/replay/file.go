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
const magic = "vsed replay 1\n"

// header speaks of the lengths of the lists that follow.
type header struct {
	Pictures codeHeader `json:"pictures"`
	Captions codeHeader `json:"captions"`
	Train    partHeader `json:"train"`
	Guard    partHeader `json:"guard"`
}

type codeHeader struct {
	Width      int `json:"width"`
	Components int `json:"components"`
}

type partHeader struct {
	Pictures int `json:"pictures"`
	Captions int `json:"captions"`
}

func (s *Set) header() header {
	code := func(c Code) codeHeader { return codeHeader{c.Width, c.Components()} }
	part := func(p Part) partHeader { return partHeader{len(p.Counts), len(p.Captions) / s.Captions.Components()} }
	return header{code(s.Pictures), code(s.Captions), part(s.Train), part(s.Guard)}
}

func (h header) check() error {
	for _, code := range []codeHeader{h.Pictures, h.Captions} {
		if code.Width < 1 || code.Width > mostWidth || code.Components < 1 || code.Components > code.Width {
			return fmt.Errorf("is damaged: rows of %d values in %d components", code.Width, code.Components)
		}
		for _, part := range []partHeader{h.Train, h.Guard} {
			if part.Pictures < 1 || part.Captions < 1 || part.Pictures > mostBytes/code.Components || part.Captions > mostBytes/code.Components {
				return fmt.Errorf("is damaged: %d pictures with %d captions", part.Pictures, part.Captions)
			}
		}
	}
	return nil
}

// mostRatio is how many bytes deflate makes of one at most.
const mostRatio = 1032

// size is how many bytes the lists of a checked header have.
func (h header) size() (sum int) {
	sum = 8 * h.Pictures.Width
	for _, code := range []codeHeader{h.Pictures, h.Captions} {
		sum += code.Components * (4 + code.Width)
	}
	for _, part := range []partHeader{h.Train, h.Guard} {
		sum += part.Pictures*(1+h.Pictures.Components) + part.Captions*h.Captions.Components
	}
	return sum
}

// blank makes room for what a header speaks of.
func (h header) blank() *Set {
	code := func(c codeHeader) Code {
		return Code{c.Width, make([]float32, c.Components), make([]int8, c.Width*c.Components)}
	}
	part := func(p partHeader) Part {
		return Part{make([]int8, p.Pictures*h.Pictures.Components), make([]int8, p.Captions*h.Captions.Components), make([]byte, p.Pictures)}
	}
	return &Set{make([]float32, h.Pictures.Width), make([]float32, h.Pictures.Width), code(h.Pictures), code(h.Captions), part(h.Train), part(h.Guard)}
}

// lists are all of the set, in the order of the file.
func (s *Set) lists() []any {
	lists := []any{s.Mean, s.Scale, s.Pictures.Steps, s.Pictures.Basis, s.Captions.Steps, s.Captions.Basis}
	for _, part := range []Part{s.Train, s.Guard} {
		lists = append(lists, part.Counts, part.Pictures, part.Captions)
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
