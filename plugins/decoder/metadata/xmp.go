package metadata

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"vsed/plugins/contract"
)

// Namespaces of XMP.
const (
	rdfSpace       = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	dcSpace        = "http://purl.org/dc/elements/1.1/"
	xmpSpace       = "http://ns.adobe.com/xap/1.0/"
	exifSpace      = "http://ns.adobe.com/exif/1.0/"
	exifEXSpace    = "http://cipa.jp/exif/1.0/"
	auxSpace       = "http://ns.adobe.com/exif/1.0/aux/"
	tiffSpace      = "http://ns.adobe.com/tiff/1.0/"
	photoshopSpace = "http://ns.adobe.com/photoshop/1.0/"
	lightroomSpace = "http://ns.adobe.com/lightroom/1.0/"
	digiKamSpace   = "http://www.digikam.org/ns/1.0/"
	xmlSpace       = "http://www.w3.org/XML/1998/namespace"
)

// property is a name of XMP.
type property struct{ space, name string }

// text is one value of a property; language is that of an alternative.
type text struct{ value, language string }

func dc(name string) property   { return property{dcSpace, name} }
func tiff(name string) property { return property{tiffSpace, name} }

// xmpProperties are those that findings keep.
var xmpProperties = map[property]bool{
	dc("subject"): true, dc("title"): true, dc("description"): true,
	{lightroomSpace, "hierarchicalSubject"}: true, {digiKamSpace, "TagsList"}: true,
	{xmpSpace, "Rating"}: true, {xmpSpace, "CreateDate"}: true, {photoshopSpace, "DateCreated"}: true,
	{exifSpace, "DateTimeOriginal"}: true, {exifSpace, "DateTimeDigitized"}: true,
	{exifSpace, "GPSLatitude"}: true, {exifSpace, "GPSLongitude"}: true,
	tiff("Make"): true, tiff("Model"): true, {exifEXSpace, "LensModel"}: true, {auxSpace, "Lens"}: true,
}

// Bounds on XMP. Real packets are 20 levels deep at most; a list of more values
// than the contract takes keywords holds nothing that would be kept.
const (
	deepest    = 64
	mostTokens = 1 << 20
	mostValues = 4 * contract.KeywordsLimit
)

// xmpText is the value of a property in the default language, else the first.
func (f *findings) xmpText(name property) string {
	values := f.xmp[name]
	for _, value := range values {
		if value.language == "x-default" {
			return value.value
		}
	}
	if len(values) > 0 {
		return values[0].value
	}
	return ""
}

var errTruncated = errors.New("is truncated: part of it is missing")

// readXMP reads a packet to its end or to its first fault, which is an error only
// where no description came before it, or where the rest of them is missing: a
// program or a disk that stopped halfway does that.
func (f *findings) readXMP(packet []byte) error {
	if len(packet) > contract.SidecarLimit {
		return fmt.Errorf("is more than %d MiB long", contract.SidecarLimit>>20)
	}
	reader := &xmpReader{findings: f}
	decoder := xml.NewDecoder(bytes.NewReader(inUTF8(packet)))
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	for range mostTokens {
		token, err := decoder.Token()
		if err == nil {
			err = reader.take(token)
		}
		switch {
		case err != nil && reader.descriptions > 0 && reader.descriptionDepth() > 0 && isCutShort(err):
			return errTruncated
		case err != nil && reader.descriptions > 0:
			return nil
		case errors.Is(err, io.EOF):
			return errors.New("is not XMP: no rdf:Description stands in it")
		case err != nil:
			return fmt.Errorf("is not XMP: %w", err)
		}
	}
	return nil
}

func isCutShort(err error) bool {
	var fault *xml.SyntaxError
	return errors.As(err, &fault) && fault.Msg == "unexpected EOF"
}

// inUTF8 converts UTF-16 with a byte order mark, and takes the mark away.
func inUTF8(packet []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(packet, []byte("\xef\xbb\xbf")):
		return packet[3:]
	case bytes.HasPrefix(packet, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(packet, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return bytes.Trim(packet, "\x00 \n\t\r")
	}
	units := make([]uint16, len(packet)/2-1)
	for i := range units {
		units[i] = order.Uint16(packet[2+2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// xmpReader follows the tokens of a packet. Properties stand in an rdf:Description
// that stands in rdf:RDF, as attributes or elements; those of structures deeper
// inside are others' and are passed over.
type xmpReader struct {
	findings     *findings
	path         []xml.Name
	descriptions int
	language     string // of the rdf:li that is open
	text         strings.Builder
}

func (r *xmpReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		return r.open(token)
	case xml.EndElement:
		r.close()
	case xml.CharData:
		if r.depthInProperty() > 0 && r.text.Len() < contract.DescriptionLimit {
			r.text.Write(token)
		}
	}
	return nil
}

func (r *xmpReader) open(element xml.StartElement) error {
	if len(r.path) == deepest {
		return errors.New("it is nested too deep")
	}
	r.path = append(r.path, element.Name)
	r.text.Reset()
	switch {
	case r.inDescription() && len(r.path) == r.descriptionDepth():
		r.descriptions++
		for _, attribute := range element.Attr {
			r.keep(attribute.Name, attribute.Value, "")
		}
	case isRDF(element.Name, "li"):
		r.language = ""
		for _, attribute := range element.Attr {
			if attribute.Name.Local == "lang" && (attribute.Name.Space == xmlSpace || attribute.Name.Space == "xml") {
				r.language = attribute.Value
			}
		}
	}
	return nil
}

// close keeps the text of a property, or of an item of its list.
func (r *xmpReader) close() {
	switch depth := r.depthInProperty(); {
	case depth == 1:
		r.keep(r.path[len(r.path)-1], r.text.String(), "")
	case depth == 3 && isRDF(r.path[len(r.path)-1], "li"):
		r.keep(r.path[len(r.path)-3], r.text.String(), r.language)
	}
	r.text.Reset()
	r.path = r.path[:len(r.path)-1]
}

func (r *xmpReader) keep(name xml.Name, value, language string) {
	key := property{name.Space, name.Local}
	value = strings.TrimSpace(value)
	if !xmpProperties[key] || value == "" || len(r.findings.xmp[key]) == mostValues {
		return
	}
	r.findings.xmp[key] = append(r.findings.xmp[key], text{value, language})
}

// descriptionDepth is where the first rdf:RDF of the path has its descriptions, 0
// where there is none.
func (r *xmpReader) descriptionDepth() int {
	for depth, name := range r.path {
		if isRDF(name, "RDF") {
			return depth + 2
		}
	}
	return 0
}

func (r *xmpReader) inDescription() bool {
	depth := r.descriptionDepth()
	return depth > 0 && len(r.path) >= depth && isRDF(r.path[depth-1], "Description")
}

// depthInProperty is 1 in the element of a property, 0 outside of any.
func (r *xmpReader) depthInProperty() int {
	if !r.inDescription() {
		return 0
	}
	return len(r.path) - r.descriptionDepth()
}

func isRDF(name xml.Name, local string) bool { return name.Space == rdfSpace && name.Local == local }
