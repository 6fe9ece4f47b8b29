package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// scanner walks JSON that json.Valid has passed. A vocabulary of 250,000 pieces
// is read without a value on the heap for each, which encoding/json cannot do.
type scanner struct {
	data []byte
	at   int
}

// next steps over white space and gives the byte that a value or mark begins with.
func (s *scanner) next() byte {
	for s.data[s.at] <= ' ' {
		s.at++
	}
	return s.data[s.at]
}

// object calls member for each member; it must step over the member's value.
func (s *scanner) object(member func(key []byte) error) error {
	if s.next() != '{' {
		return errors.New("is not an object")
	}
	return s.list('}', func() error {
		key, err := s.text()
		if err != nil {
			return err
		}
		s.next()
		s.at++ // the colon
		return member(key)
	})
}

// array calls element for each element; it must step over the element.
func (s *scanner) array(element func() error) error {
	if s.next() != '[' {
		return errors.New("is not an array")
	}
	return s.list(']', element)
}

func (s *scanner) list(shut byte, element func() error) error {
	for s.at++; s.next() != shut; {
		if s.data[s.at] == ',' {
			s.at++
		}
		if err := element(); err != nil {
			return err
		}
	}
	s.at++
	return nil
}

// text reads a string. The bytes may be those of the file: they are not to be kept.
func (s *scanner) text() ([]byte, error) {
	if s.next() != '"' {
		return nil, errors.New("is not a string")
	}
	raw := s.value()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return []byte(text), err
}

// number reads a number.
func (s *scanner) number() (float64, error) {
	s.next()
	return strconv.ParseFloat(string(s.value()), 64)
}

// value steps over a value of any kind and gives its bytes.
func (s *scanner) value() []byte {
	s.next()
	begin, depth := s.at, 0
	for {
		switch c := s.data[s.at]; {
		case c == '"':
			s.quoted()
		case c == '{' || c == '[':
			depth++
			s.at++
		case c == '}' || c == ']':
			depth--
			s.at++
		case c == ',' || c == ':' || c <= ' ':
			s.at++
		default:
			s.bare()
		}
		if depth == 0 {
			return s.data[begin:s.at]
		}
	}
}

// quoted steps over a string.
func (s *scanner) quoted() {
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// bare steps over a number, true, false or null.
func (s *scanner) bare() {
	end := bytes.IndexAny(s.data[s.at:], ",]} \t\r\n")
	if end < 0 {
		end = len(s.data) - s.at
	}
	s.at += end
}

// sections are the members of an object by name, each of them one of known.
func sections(data []byte, known ...string) (map[string][]byte, error) {
	found := map[string][]byte{}
	s := scanner{data: data}
	err := s.object(func(key []byte) error {
		name := string(key)
		if _, twice := found[name]; twice {
			return fmt.Errorf("%.60q stands twice", name)
		}
		for _, each := range known {
			if name == each {
				found[name] = s.value()
				return nil
			}
		}
		return fmt.Errorf("%.60q is not known here", name)
	})
	return found, err
}
