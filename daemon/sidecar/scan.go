package sidecar

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"vsed/plugins/contract"
)

// Namespaces of XMP.
const (
	rdfSpace       = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	dcSpace        = "http://purl.org/dc/elements/1.1/"
	lightroomSpace = "http://ns.adobe.com/lightroom/1.0/"
	digiKamSpace   = "http://www.digikam.org/ns/1.0/"
)

// The lists of keywords that a decoder reads. Those of other programs are left
// alone: they say nothing to vsed.
var (
	subject      = xml.Name{Space: dcSpace, Local: "subject"}
	tagsList     = xml.Name{Space: digiKamSpace, Local: "TagsList"}
	hierarchical = xml.Name{Space: lightroomSpace, Local: "hierarchicalSubject"}
)

func isKeywords(name xml.Name) bool {
	return name == subject || name == tagsList || name == hierarchical
}

// Bounds on a document, those of its reader.
const (
	deepest    = 64
	mostTokens = 1 << 20
)

// A RefusedError says why a sidecar is left as it is: trying again changes
// nothing until the sidecar does.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the sidecar " + e.Reason }

func refused(format string, values ...any) error {
	return &RefusedError{fmt.Sprintf(format, values...)}
}

var errOddList = refused("holds keywords in a form that is no list, which is not changed")

// An element is where one stands in a document, in bytes: its start tag from
// start to open, its end tag from close to end. <a/> has close == end == open.
type element struct {
	name                    xml.Name
	attributes              []xml.Attr
	start, open, close, end int
}

func (e *element) selfClosed() bool { return e.open == e.end }

// An item is an rdf:li. One that is not plain holds no keyword: it has elements,
// or is too long.
type item struct {
	element *element
	text    string
	plain   bool
}

// add appends text, of which a keyword has little: what is longer than its reader
// keeps is none.
func (i *item) add(text xml.CharData) {
	if len(i.text)+len(text) > contract.DescriptionLimit {
		i.plain = false
		return
	}
	i.text += string(text)
}

// A list is a property with its container; nil where it has none.
type list struct {
	property  *element
	container *element
	items     []item
}

// A scanned document says where its keywords stand.
type document struct {
	text        []byte
	description *element // the first
	firstChild  *element // of the description
	prefixes    map[string]string
	lists       []*list
}

// A scanner follows the tokens of a document the way its reader does:
// properties stand in an rdf:Description in the first rdf:RDF on the way.
type scanner struct {
	document
	path  []*element
	roots int
	list  *list // the property that is open
}

// scan checks a document from its beginning to its end.
func scan(text []byte) (*document, error) {
	if len(text) > contract.SidecarLimit {
		return nil, refused("is larger than %d MiB", contract.SidecarLimit>>20)
	}
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, refused("is in UTF-16, which is read but not written: store it as UTF-8")
	}
	s := &scanner{document: document{text: text}}
	decoder := xml.NewDecoder(bytes.NewReader(text))
	for count := 0; ; count++ {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, _ := decoder.InputPos()
			return nil, refused("is damaged: it is not XML in UTF-8 at line %d", line)
		}
		if count == mostTokens {
			return nil, refused("is refused: it has more than %d parts", mostTokens)
		}
		if err := s.take(token, before, int(decoder.InputOffset())); err != nil {
			return nil, err
		}
	}
	if s.description == nil {
		return nil, refused("is not XMP: no rdf:Description stands in it")
	}
	return &s.document, nil
}

func (s *scanner) take(token xml.Token, start, end int) error {
	switch token := token.(type) {
	case xml.StartElement:
		return s.open(&element{name: token.Name, attributes: token.Copy().Attr, start: start, open: end})
	case xml.EndElement:
		return s.close(start, end)
	case xml.CharData:
		return s.characters(token)
	}
	return nil
}

func (s *scanner) open(e *element) error {
	if len(s.path) == 0 {
		if s.roots++; s.roots > 1 {
			return refused("is damaged: it has two roots")
		}
	}
	if len(s.path) == deepest {
		return refused("is refused: it is nested too deep")
	}
	s.path = append(s.path, e)
	switch s.depth() {
	case 0:
		return s.openDescription(e)
	case 1:
		if isKeywords(e.name) {
			s.list = &list{property: e}
		}
		if s.firstChild == nil {
			s.firstChild = e
		}
	case 2:
		return s.openContainer(e)
	case 3:
		if s.list != nil && isRDF(e.name, "li") {
			s.list.items = append(s.list.items, item{element: e, plain: true})
		}
	default:
		if last := s.openItem(); last != nil {
			last.plain = false
		}
	}
	return nil
}

func (s *scanner) openDescription(e *element) error {
	for _, attribute := range e.attributes {
		if isKeywords(attribute.Name) {
			return errOddList
		}
	}
	if s.description != nil {
		return nil
	}
	s.description, s.prefixes = e, map[string]string{}
	for _, above := range s.path {
		for _, attribute := range above.attributes {
			if attribute.Name.Space == "xmlns" {
				s.prefixes[attribute.Name.Local] = attribute.Value
			}
		}
	}
	return nil
}

func (s *scanner) openContainer(e *element) error {
	if s.list == nil {
		return nil
	}
	if s.list.container != nil || !isRDF(e.name, "Bag") && !isRDF(e.name, "Seq") && !isRDF(e.name, "Alt") {
		return errOddList
	}
	s.list.container = e
	return nil
}

func (s *scanner) close(start, end int) error {
	last := s.path[len(s.path)-1]
	last.close, last.end = start, end
	if s.depth() == 1 && s.list != nil {
		if s.list.container == nil && s.list.property.qualified() {
			return errOddList
		}
		s.lists = append(s.lists, s.list)
		s.list = nil
	}
	s.path = s.path[:len(s.path)-1]
	return nil
}

// qualified reports whether an element has attributes beyond namespaces.
func (e *element) qualified() bool {
	for _, attribute := range e.attributes {
		if attribute.Name.Space != "xmlns" && attribute.Name.Local != "xmlns" {
			return true
		}
	}
	return false
}

func (s *scanner) characters(text xml.CharData) error {
	blank := len(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))) == 0
	switch {
	case len(s.path) == 0 && !blank:
		return refused("is damaged: text stands outside of its root")
	case s.list == nil:
	case s.depth() == 1 && !blank:
		return errOddList
	case s.depth() == 3:
		if last := s.openItem(); last != nil {
			last.add(text)
		}
	}
	return nil
}

// openItem is the rdf:li on the way, nil where there is none.
func (s *scanner) openItem() *item {
	if s.list == nil || len(s.list.items) == 0 {
		return nil
	}
	last := &s.list.items[len(s.list.items)-1]
	if above := len(s.path) - s.depth() + 2; above >= len(s.path) || s.path[above] != last.element {
		return nil
	}
	return last
}

// depth is 0 in an rdf:Description, 1 in its properties, and negative outside.
func (s *scanner) depth() int {
	for i, e := range s.path {
		if isRDF(e.name, "RDF") {
			if len(s.path) < i+2 || !isRDF(s.path[i+1].name, "Description") {
				return -1
			}
			return len(s.path) - i - 2
		}
	}
	return -1
}

func isRDF(name xml.Name, local string) bool { return name.Space == rdfSpace && name.Local == local }

// rawName is the name of an element as it is written, with its prefix.
func (d *document) rawName(e *element) string {
	tag := string(d.text[e.start+1 : e.open])
	return tag[:strings.IndexAny(tag, " \t\r\n/>")]
}
