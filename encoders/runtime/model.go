package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"google.golang.org/protobuf/encoding/protowire"
)

// model is what an ONNX file says of itself, read without ONNX Runtime: a hostile
// file is refused before C++ sees it, and the ports are known without loading
// the weights twice.
type model struct {
	opsets          map[string]int64 // by operator domain; "" is ONNX's own
	inputs, outputs []Port
	external        []external // weights in files of their own
	compiled        string     // a node that holds or names a machine's compiled engine, or ""
	initialised     map[string]bool
	elements        map[string]int64 // of weights, by element type
}

// external says where a tensor's data is: length bytes at offset of a file beside
// the model; length 0 stands for the rest of the file.
type external struct {
	tensor, location string
	offset, length   int64
}

// maximumDepth bounds graphs inside the nodes of graphs.
const maximumDepth = 16

// readModel reads the model in a file.
func readModel(path string) (*model, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() == 0 || info.Size() > math.MaxInt32 {
		return nil, errors.New("is empty, larger than 2 GB or not a file")
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Munmap(data) }()
	return parseModel(data)
}

// parseModel reads a ModelProto; the field numbers in this file are onnx.proto3's.
func parseModel(data []byte) (*model, error) {
	m := &model{opsets: map[string]int64{}, initialised: map[string]bool{}, elements: map[string]int64{}}
	var found bool
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 7:
			found = true
			return m.graph(value, 0)
		case 8:
			return m.opset(value)
		case 20:
			return fields(value, m.training)
		case 25:
			return fields(value, m.function)
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("has no graph")
	}
	if err != nil {
		return nil, fmt.Errorf("is not an ONNX model: %w", err)
	}
	m.inputs = withoutValues(m.inputs, m.initialised)
	return m, nil
}

// withoutValues drops the ports that have a value already, as files before ONNX
// 1.4 list their weights among the inputs.
func withoutValues(ports []Port, initialised map[string]bool) []Port {
	var kept []Port
	for _, port := range ports {
		if !initialised[port.Name] {
			kept = append(kept, port)
		}
	}
	return kept
}

func (m *model) opset(data []byte) error {
	var domain string
	var version int64
	err := fields(data, func(number protowire.Number, value []byte, integer uint64) error {
		switch number {
		case 1:
			domain = strings.ToValidUTF8(string(value), "?")
		case 2:
			version = int64(integer)
		}
		return nil
	})
	if domain == "ai.onnx" {
		domain = ""
	}
	m.opsets[domain] = version
	return err
}

func (m *model) training(number protowire.Number, value []byte, _ uint64) error {
	if number == 1 || number == 2 {
		return m.graph(value, 1)
	}
	return nil
}

func (m *model) function(number protowire.Number, value []byte, _ uint64) error {
	switch number {
	case 7:
		return m.node(value, 1)
	case 11:
		return m.attribute(value, 1)
	}
	return nil
}

// graph reads a graph; only the outermost one's ports are the model's.
func (m *model) graph(data []byte, depth int) error {
	if depth > maximumDepth {
		return errors.New("graphs are nested too deeply")
	}
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch {
		case number == 1:
			return m.node(value, depth)
		case number == 5:
			name, err := m.tensor(value)
			m.initialised[name] = m.initialised[name] || depth == 0
			return err
		case number == 15:
			return m.sparse(value)
		case number == 11 && depth == 0:
			port, err := readPort(value)
			m.inputs = append(m.inputs, port)
			return err
		case number == 12 && depth == 0:
			port, err := readPort(value)
			m.outputs = append(m.outputs, port)
			return err
		}
		return nil
	})
}

func (m *model) node(data []byte, depth int) error {
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch {
		case number == 4 && string(value) == "EPContext":
			m.compiled = "EPContext"
		case number == 5:
			return m.attribute(value, depth)
		}
		return nil
	})
}

// attribute reads the tensors and graphs of a node's attribute.
func (m *model) attribute(data []byte, depth int) error {
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 5, 10:
			_, err := m.tensor(value)
			return err
		case 6, 11:
			return m.graph(value, depth+1)
		case 22, 23:
			return m.sparse(value)
		}
		return nil
	})
}

func (m *model) sparse(data []byte) error {
	return fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		if number == 1 || number == 2 {
			_, err := m.tensor(value)
			return err
		}
		return nil
	})
}

// tensor reads a tensor's name and, where its data is elsewhere, the place.
func (m *model) tensor(data []byte) (string, error) {
	var place external
	var elsewhere bool
	kind, count := "", int64(1)
	err := fields(data, func(number protowire.Number, value []byte, integer uint64) error {
		switch number {
		case 1:
			count *= sidesOf(value, integer)
		case 2:
			kind = typeName(integer)
		case 8:
			place.tensor = strings.ToValidUTF8(string(value), "?")
		case 13:
			elsewhere = true
			return place.entry(value)
		case 14:
			elsewhere = elsewhere || integer == 1
		}
		return nil
	})
	m.elements[kind] += count
	if elsewhere {
		m.external = append(m.external, place)
	}
	return place.tensor, err
}

// sidesOf is the product of a tensor's sides, which come one by one or packed.
func sidesOf(packed []byte, single uint64) int64 {
	if packed == nil {
		return max(0, int64(single))
	}
	count := int64(1)
	for len(packed) > 0 {
		side, length := protowire.ConsumeVarint(packed)
		if length < 0 {
			return 0
		}
		count *= max(0, int64(side))
		packed = packed[length:]
	}
	return count
}

// entry reads one key and value of a tensor's place.
func (e *external) entry(data []byte) error {
	var key, text string
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			key = string(value)
		case 2:
			text = string(value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch key {
	case "location":
		if e.location != "" {
			return errors.New("tensor has two locations")
		}
		e.location = text
	case "offset":
		_, err = fmt.Sscan(text, &e.offset)
	case "length":
		_, err = fmt.Sscan(text, &e.length)
	}
	if err != nil || e.offset < 0 || e.length < 0 {
		return fmt.Errorf("tensor has %s %q", key, text)
	}
	return nil
}

// readPort reads a ValueInfoProto.
func readPort(data []byte) (Port, error) {
	port := Port{Type: "not a tensor"}
	err := fields(data, func(number protowire.Number, value []byte, _ uint64) error {
		switch number {
		case 1:
			port.Name = string(value)
		case 2:
			return fields(value, port.kind)
		}
		return nil
	})
	return port, err
}

// kind reads a TypeProto, whose field 1 is a tensor's element type and shape.
func (p *Port) kind(number protowire.Number, value []byte, _ uint64) error {
	if number != 1 {
		return nil
	}
	return fields(value, func(number protowire.Number, value []byte, integer uint64) error {
		switch number {
		case 1:
			p.Type = typeName(integer)
		case 2:
			return fields(value, p.side)
		}
		return nil
	})
}

func (p *Port) side(number protowire.Number, value []byte, _ uint64) error {
	if number != 1 {
		return nil
	}
	side, symbol := int64(-1), ""
	err := fields(value, func(number protowire.Number, value []byte, integer uint64) error {
		switch {
		case number == 1 && int64(integer) >= 0:
			side = int64(integer)
		case number == 2:
			symbol = string(value)
		}
		return nil
	})
	p.Dims, p.symbols = append(p.Dims, side), append(p.symbols, symbol)
	return err
}

// typeNames are ONNX's element types by their numbers.
var typeNames = []string{
	"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64",
	"uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
	"uint4", "int4", "float4e2m1",
}

func typeName(number uint64) string {
	if number < uint64(len(typeNames)) {
		return typeNames[number]
	}
	return fmt.Sprintf("data type %d", number)
}

// fields calls visit for each field of a message: value is what a field of a
// length holds, integer what a varint does.
func fields(data []byte, visit func(number protowire.Number, value []byte, integer uint64) error) error {
	for len(data) > 0 {
		number, kind, length := protowire.ConsumeTag(data)
		if length < 0 {
			return protowire.ParseError(length)
		}
		data = data[length:]
		var value []byte
		var integer uint64
		switch kind {
		case protowire.BytesType:
			value, length = protowire.ConsumeBytes(data)
		case protowire.VarintType:
			integer, length = protowire.ConsumeVarint(data)
		default:
			length = protowire.ConsumeFieldValue(number, kind, data)
		}
		if length < 0 {
			return protowire.ParseError(length)
		}
		if err := visit(number, value, integer); err != nil {
			return err
		}
		data = data[length:]
	}
	return nil
}

// memoryAddress marks a location that ONNX Runtime takes for an address in its
// own memory, not for a file.
const memoryAddress = "_ORT_MEM_ADDR_"

// checkFiles reports weights that are not in a file of the model's own folder, or
// not whole.
func (m *model) checkFiles(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, each := range m.external {
		if err := each.check(root); err != nil {
			return fmt.Errorf("weights %q in %q: %w", each.tensor, each.location, err)
		}
	}
	return nil
}

func (e external) check(root *os.Root) error {
	if !filepath.IsLocal(e.location) || strings.ContainsAny(e.location, "\\\x00") || strings.Contains(e.location, memoryAddress) {
		return errors.New("is not a place in the model's folder")
	}
	info, err := root.Stat(e.location)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("the file is missing")
	case err != nil:
		return errors.New("is not a place in the model's folder")
	case !info.Mode().IsRegular():
		return errors.New("is not a file")
	case e.offset > info.Size() || e.length > info.Size()-e.offset:
		return fmt.Errorf("the file ends at %d bytes, the tensor at %d", info.Size(), e.offset+e.length)
	}
	return nil
}
