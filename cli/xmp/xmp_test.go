package xmp

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestDocument(t *testing.T) {
	f := func(tags, subject, levelled []string) {
		t.Helper()
		items := read(t, Document(tags))
		if !slices.Equal(items["subject"], subject) || !slices.Equal(items["TagsList"], levelled) {
			t.Errorf("%q: got %q", tags, items)
		}
	}
	f([]string{"dog"}, []string{"dog"}, nil)
	f([]string{"dog", "animal/dog"}, []string{"dog", "animal/dog"}, []string{"animal/dog"})
	f([]string{"<a> & \"b\" ]]>"}, []string{"<a> & \"b\" ]]>"}, nil)
	f([]string{"犬\x00"}, []string{"犬\ufffd"}, nil)
	f(nil, nil, nil)
}

// read gives the list items of a document by the property that they stand in.
func read(t *testing.T, document []byte) map[string][]string {
	t.Helper()
	items := map[string][]string{}
	var open []string
	for decoder := xml.NewDecoder(strings.NewReader(string(document))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return items
		}
		if err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, token.Name.Local)
			if token.Name.Local == "li" {
				property := open[len(open)-3]
				items[property] = append(items[property], "")
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && open[len(open)-1] == "li" {
				list := items[open[len(open)-3]]
				list[len(list)-1] += string(token)
			}
		}
	}
}

// Whatever a tag holds, the document is XML and holds one item for it, the same
// where XML can express it.
func FuzzDocument(f *testing.F) {
	f.Add("dog")
	f.Add("a/b <&>")
	f.Add("\xff\x1b]]>")
	f.Fuzz(func(t *testing.T, tag string) {
		items := read(t, Document([]string{tag}))["subject"]
		if len(items) != 1 {
			t.Fatalf("%q: %q", tag, items)
		}
		plain := utf8.ValidString(tag) && !strings.ContainsFunc(tag, func(r rune) bool { return unicode.IsControl(r) || r >= 0xfffe })
		if plain && items[0] != tag {
			t.Errorf("%q became %q", tag, items[0])
		}
	})
}
