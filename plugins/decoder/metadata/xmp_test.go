package metadata

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
)

// packet wraps properties of one description, attributes and elements.
func packet(attributes, elements string) string {
	return `<?xpacket begin="` + "\ufeff" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" ` +
		attributes + `>` + elements + `</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`
}

func bag(name string, items ...string) string {
	return "<" + name + "><rdf:Bag><rdf:li>" + strings.Join(items, "</rdf:li><rdf:li>") + "</rdf:li></rdf:Bag></" + name + ">"
}

func wantSidecar(t *testing.T, content, want string) {
	t.Helper()
	expected := &contract.Metadata{Format: "xmp"}
	if err := prototext.Unmarshal([]byte(want), expected); err != nil {
		t.Fatal(err)
	}
	expected.Format = "xmp"
	got, err := ReadSidecar([]byte(content))
	if err != nil || !proto.Equal(got, expected) {
		t.Errorf("%s\nread as %v, %v\nwant    %v", content, got, err, expected)
	}
}

func TestReadSidecar(t *testing.T) {
	f := func(attributes, elements, want string) {
		t.Helper()
		wantSidecar(t, packet(attributes, elements), want)
	}
	f("", "", "")
	f("", bag("dc:subject", "cat", " black  cat ", "cat", ""), `keywords:["cat", "black cat"]`)
	f("", bag("lr:hierarchicalSubject", "animals|cat", "animals"), `keywords:["animals/cat", "animals"]`)
	f("", bag("digiKam:TagsList", "Places/Italy/Rome", "People/👩‍🚀"), `keywords:["Places/Italy/Rome", "People/👩‍🚀"]`)
	f("", bag("dc:subject", "Rome")+bag("digiKam:TagsList", "Italy/Rome")+bag("lr:hierarchicalSubject", "Italy|Rome"), `keywords:["Rome", "Italy/Rome"]`)
	f(`dc:subject="alone"`, "", `keywords:"alone"`)
	f("", `<dc:title><rdf:Alt><rdf:li xml:lang="de">Katze</rdf:li><rdf:li xml:lang="x-default">Cat &amp; mouse</rdf:li></rdf:Alt></dc:title>`, `title:"Cat & mouse"`)
	f("", "<dc:description><rdf:Alt><rdf:li xml:lang=\"en\">one\r\n\n\n two\u202e</rdf:li></rdf:Alt></dc:description>", `description:"one\n\ntwo"`)
	f(`xmp:Rating="4"`, "", "rating:4 rated:true")
	f("", "<xmp:Rating>-1</xmp:Rating>", "rating:-1 rated:true")
	f(`xmp:Rating="3.5"`, "", "rating:3 rated:true")
	f(`xmp:Rating="0"`, "", "rated:true")
	f(`xmp:Rating="99"`, "", "")
	f(`xmp:Rating="NaN"`, "", "")
	f(`xmp:Rating=""`, "", "")
	f(`tiff:Make="NIKON CORPORATION" tiff:Model="NIKON D70s" aux:Lens="50 mm f/1.8"`, "", `camera:"NIKON D70s" lens:"50 mm f/1.8"`)
	f(`exif:DateTimeOriginal="2010-12-12T12:41:35.00+01:00"`, "", `taken:"2010-12-12T12:41:35" taken_offset:"+01:00" taken_source:TAKEN_SOURCE_XMP`)
	f(`photoshop:DateCreated="2010-12-12"`, "", `taken:"2010-12-12T00:00:00" taken_source:TAKEN_SOURCE_XMP`)
	f(`xmp:CreateDate="2010-13-12T00:00:00"`, "", "")
	f(`exif:GPSLatitude="26,34.5S" exif:GPSLongitude="80,15,0W"`, "", "located:true latitude:-26.575 longitude:-80.25")
	f(`exif:GPSLatitude="26,34.5" exif:GPSLongitude="80,12W"`, "", "")
	f(`exif:GPSLatitude="NaNN" exif:GPSLongitude="80,12W"`, "", "")
	f(`exif:GPSLatitude="0,0N" exif:GPSLongitude="0,0E"`, "", "")
	// What stands in a structure is not the photo's.
	f("", `<x:of xmlns:x="x"><rdf:Description dc:subject="no"><dc:subject>no</dc:subject></rdf:Description></x:of>`, "")
}

func TestReadSidecarInOtherEncodings(t *testing.T) {
	content := packet(`xmp:Rating="5"`, bag("dc:subject", "Köln"))
	utf := utf16.Encode([]rune(content))
	little, big := []byte("\xff\xfe"), []byte("\xfe\xff")
	for _, unit := range utf {
		little = binary.LittleEndian.AppendUint16(little, unit)
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	for _, encoded := range []string{content, "\ufeff" + content, string(little), string(big),
		`<?xml version="1.0" encoding="UTF-16"?>` + content, content + "\x00\x00"} {
		wantSidecar(t, encoded, `rating:5 rated:true keywords:"Köln"`)
	}
}

func TestReadSidecarRefusesWhatIsNoXMP(t *testing.T) {
	f := func(content, want string) {
		t.Helper()
		if got, err := ReadSidecar([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, %v, want %q", content, got, err, want)
		}
	}
	f("", "no rdf:Description")
	f("\xff\xd8\xff\xe0 a photo", "is not XMP")
	f("<html><body>hello</body></html>", "no rdf:Description")
	f(strings.Repeat("<a>", 1000), "nested too deep")
	f("<a>&bomb;</a>", "is not XMP")
	f(strings.Repeat(" ", contract.SidecarLimit+1), "more than 4 MiB")
	// Half of a sidecar would take away what the other half said.
	content := packet(`xmp:Rating="4"`, bag("dc:subject", "cat", "dog"))
	for _, part := range []string{"<dc:subject>", "cat", "dog</rdf", "</rdf:RDF>"} {
		begun, _, _ := strings.Cut(content, part)
		f(begun, "is truncated")
		f(begun+strings.Repeat("\x00", 4096), "is truncated")
	}
}

// TestHostileXMP: entities are never expanded, and what came before the fault
// stays.
func TestHostileXMP(t *testing.T) {
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	wantSidecar(t, bomb+packet(`xmp:Rating="2"`, "<dc:subject>&b;</dc:subject>"), "rating:2 rated:true")
	wantSidecar(t, packet(`xmp:Rating="2"`, strings.Repeat("<dc:subject>", 1000)), "rating:2 rated:true")
	wantSidecar(t, packet(`xmp:Rating="2"`, "")+"<unfinished", "rating:2 rated:true")
	got, err := ReadSidecar([]byte(packet("", bag("dc:subject", strings.Split(strings.Repeat("x", 100)+strings.Repeat(",y", 5000), ",")...)+
		bag("lr:hierarchicalSubject", strings.Repeat("z", 256)))))
	if err != nil || len(got.Keywords) != 2 {
		t.Errorf("%d keywords, %v", len(got.GetKeywords()), err)
	}
}

func FuzzReadSidecar(f *testing.F) {
	f.Add([]byte(packet(`xmp:Rating="4" exif:GPSLatitude="26,34.5S" exif:GPSLongitude="80,12,36W"`, bag("dc:subject", "cat", "dog"))))
	f.Add([]byte(packet(`exif:DateTimeOriginal="2010-12-12T12:41:35.00+01:00"`, bag("digiKam:TagsList", "a/b"))))
	f.Add([]byte("\xff\xfe<\x00a\x00>\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if got, err := ReadSidecar(content); err == nil {
			checkSafe(t, got)
		}
	})
}
