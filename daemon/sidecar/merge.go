// Package sidecar writes the user's tags to XMP files beside the photos. Merge
// knows XMP and no files; the Writer knows which photo belongs to which sidecar
// and when to write. Reading sidecars is a decoder's, as their bytes are
// strangers': what is read here is only looked through for the places to change.
package sidecar

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// blank is a document that says nothing.
const blank = "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
	`<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="vsed">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:digiKam="http://www.digikam.org/ns/1.0/"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`

// Merge gives the XMP document with the user's word in it; existing is nil where
// there is none yet. All of tags stand in dc:subject then, and those of several
// levels ("animal/dog") also in digiKam:TagsList, which marks them as such. What
// is in removed, in upper or lower case, and not in tags is taken out of these and of
// lr:hierarchicalSubject. Every other keyword stays, as it is another program's,
// and so does every other byte; where nothing is to be changed, the result is
// existing itself. Tags are compared as a decoder reads them: without control
// characters, with blanks collapsed, in the normal form NFC. Every error is a RefusedError: a document
// that is damaged, larger or deeper than what a decoder reads, or odd.
func Merge(existing []byte, tags, removed []string) ([]byte, error) {
	if existing == nil {
		existing = []byte(blank)
	}
	before, err := scan(existing)
	if err != nil {
		return nil, err
	}
	word := newWord(tags, removed)
	merged := before.apply(append(before.withdraw(word), before.add(word)...))
	if bytes.Equal(merged, existing) {
		return existing, nil
	}
	after, err := scan(merged)
	if err != nil {
		return nil, err
	}
	if len(after.withdraw(word))+len(after.add(word)) > 0 {
		return nil, refused("is refused: its keywords cannot be changed without changing what else is in it")
	}
	return merged, nil
}

// A word is what the user says: the tags in order, and those that are to go.
type word struct {
	tags, levelled []string
	removed        map[string]bool // in lower case
}

func newWord(tags, removed []string) word {
	w := word{removed: map[string]bool{}}
	for _, tag := range tags {
		tag = plain(tag)
		if tag == "" || slices.Contains(w.tags, tag) {
			continue
		}
		w.tags = append(w.tags, tag)
		if strings.Contains(tag, "/") && levels(tag, "/") == tag {
			w.levelled = append(w.levelled, tag)
		}
	}
	for _, tag := range removed {
		if tag = plain(tag); tag != "" && !slices.Contains(w.tags, tag) {
			w.removed[strings.ToLower(tag)] = true
		}
	}
	return w
}

// isAgainst reports whether a keyword is to go: to the catalogue case makes no other tag.
func (w word) isAgainst(keyword string) bool {
	return w.removed[strings.ToLower(keyword)] && !slices.Contains(w.tags, keyword)
}

// keyword is what a decoder makes of an item of a list.
func keyword(property xml.Name, text string) string {
	switch property {
	case tagsList:
		return levels(plain(text), "/")
	case hierarchical:
		return levels(plain(text), "|")
	}
	return plain(text)
}

// plain is valid text on one line, composed (NFC), without control and formatting characters but
// the joiners that emoji and some scripts need, and blanks collapsed.
func plain(text string) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	text = strings.Map(func(r rune) rune {
		switch {
		case r == nonJoiner || r == joiner:
			return r
		case unicode.In(r, unicode.Cf) || r == 0xfffe || r == 0xffff:
			return -1
		case unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.FieldsFunc(norm.NFC.String(text), unicode.IsSpace), " ")
}

func levels(keyword, separator string) string {
	var kept []string
	for _, level := range strings.Split(keyword, separator) {
		if level = strings.TrimSpace(level); level != "" {
			kept = append(kept, level)
		}
	}
	return strings.Join(kept, "/")
}

// An edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

// apply makes edits, which do not overlap.
func (d *document) apply(edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var result []byte
	done := 0
	for _, one := range edits {
		result = append(append(result, d.text[done:one.start]...), one.text...)
		done = one.end
	}
	return append(result, d.text[done:]...)
}

// withdraw takes out each item that the user removed, with the blanks before it.
func (d *document) withdraw(w word) (edits []edit) {
	for _, list := range d.lists {
		for _, item := range list.items {
			if item.plain && w.isAgainst(keyword(list.property.name, item.text)) {
				edits = append(edits, edit{item.element.start - len(d.blanksBefore(item.element.start)), item.element.end, ""})
			}
		}
	}
	return edits
}

// add puts in what no list of its kind holds.
func (d *document) add(w word) (edits []edit) {
	var fresh strings.Builder
	for _, wanted := range []struct {
		property     xml.Name
		prefix, kind string
		keywords     []string
	}{
		{subject, "dc", "Bag", w.tags},
		{tagsList, "digiKam", "Seq", w.levelled},
	} {
		lacking, first := d.lacking(wanted.property, wanted.keywords)
		switch {
		case len(lacking) == 0:
		case first == nil:
			fresh.WriteString(d.property(wanted.property, wanted.prefix, wanted.kind, lacking))
		case first.container == nil:
			margin := d.margin(first.property)
			edits = append(edits, d.fill(first.property, d.container(wanted.kind, nested(margin), lacking), margin))
		default:
			edits = append(edits, d.extend(first, lacking))
		}
	}
	if fresh.Len() > 0 {
		edits = append(edits, d.fill(d.description, fresh.String(), d.margin(d.description)))
	}
	return edits
}

// lacking gives the keywords that no list of this property holds, and its first
// list.
func (d *document) lacking(property xml.Name, keywords []string) (lacking []string, first *list) {
	held := map[string]bool{}
	for _, list := range d.lists {
		if list.property.name != property {
			continue
		}
		if first == nil {
			first = list
		}
		for _, item := range list.items {
			if item.plain {
				held[keyword(property, item.text)] = true
			}
		}
	}
	for _, one := range keywords {
		if !held[one] {
			lacking = append(lacking, one)
		}
	}
	return lacking, first
}

// fill puts content at the end of an element, whose end tag stands at a margin.
func (d *document) fill(e *element, content, margin string) edit {
	if e.selfClosed() {
		tag := bytes.TrimRight(d.text[e.start:e.end-2], " \t\r\n")
		return edit{e.start + len(tag), e.end, ">" + content + margin + "</" + d.rawName(e) + ">"}
	}
	at := e.close - len(d.blanksBefore(e.close))
	if at == e.close {
		content += margin
	}
	return edit{at, at, content}
}

func (d *document) extend(l *list, keywords []string) edit {
	margin := nested(d.margin(l.container))
	if len(l.items) > 0 {
		margin = d.margin(l.items[0].element)
	}
	closing := d.margin(l.container)
	return d.fill(l.container, d.items(margin, keywords), closing)
}

// property is a whole new property of the description.
func (d *document) property(name xml.Name, prefix, kind string, keywords []string) string {
	margin := nested(d.margin(d.description))
	if d.firstChild != nil {
		margin = d.margin(d.firstChild)
	}
	tag := prefix + ":" + name.Local
	declared := ""
	if d.prefixes[prefix] != name.Space {
		declared = " xmlns:" + prefix + `="` + name.Space + `"`
	}
	return margin + "<" + tag + declared + ">" + d.container(kind, nested(margin), keywords) + margin + "</" + tag + ">"
}

func (d *document) container(kind, margin string, keywords []string) string {
	tag := d.rdf(kind)
	return margin + "<" + tag + ">" + d.items(nested(margin), keywords) + margin + "</" + tag + ">"
}

func (d *document) items(margin string, keywords []string) string {
	var text strings.Builder
	for _, one := range keywords {
		text.WriteString(margin + "<" + d.rdf("li") + ">")
		_ = xml.EscapeText(&text, []byte(one)) // a Builder takes everything
		text.WriteString("</" + d.rdf("li") + ">")
	}
	return text.String()
}

// rdf gives a name the prefix that the description has.
func (d *document) rdf(local string) string {
	if prefix, _, ok := strings.Cut(d.rawName(d.description), ":"); ok {
		return prefix + ":" + local
	}
	return local
}

// margin is the new line and the indentation that an element stands behind; ""
// where it does not begin a line.
func (d *document) margin(e *element) string {
	blanks := d.blanksBefore(e.start)
	line := strings.LastIndexByte(blanks, '\n')
	if line < 0 {
		return ""
	}
	if line > 0 && blanks[line-1] == '\r' {
		line--
	}
	return blanks[line:]
}

// nested is the margin of what stands in an element at a margin.
func nested(margin string) string {
	if margin == "" {
		return ""
	}
	return margin + " "
}

// blanksBefore gives the blanks between the tag before a place and the place;
// "" where it is no tag that stands there.
func (d *document) blanksBefore(at int) string {
	start := len(bytes.TrimRight(d.text[:at], " \t\r\n"))
	if start == 0 || d.text[start-1] != '>' {
		return ""
	}
	return string(d.text[start:at])
}
