// Package xmp makes XMP documents of tags, as other programs read them beside a
// photo. It reads no XMP and knows no files.
package xmp

import (
	"encoding/xml"
	"strings"
)

const (
	head = "<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="vsed">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:digiKam="http://www.digikam.org/ns/1.0/">
`
	tail = `  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
`
)

// Document gives the document that says a photo has these tags: all in
// dc:subject, and those of several levels ("animal/dog") also in
// digiKam:TagsList, which marks them as such.
func Document(tags []string) []byte {
	var levelled []string
	for _, tag := range tags {
		if strings.Contains(tag, "/") {
			levelled = append(levelled, tag)
		}
	}
	var text strings.Builder
	text.WriteString(head)
	writeList(&text, "dc:subject", "rdf:Bag", tags)
	writeList(&text, "digiKam:TagsList", "rdf:Seq", levelled)
	text.WriteString(tail)
	return []byte(text.String())
}

func writeList(text *strings.Builder, property, kind string, items []string) {
	if len(items) == 0 {
		return
	}
	text.WriteString("   <" + property + ">\n    <" + kind + ">\n")
	for _, item := range items {
		text.WriteString("     <rdf:li>")
		_ = xml.EscapeText(text, []byte(item)) // a Builder takes everything
		text.WriteString("</rdf:li>\n")
	}
	text.WriteString("    </" + kind + ">\n   </" + property + ">\n")
}
