package plugintest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vsed/plugins/contract"
	"vsed/plugins/host"
)

// sidecarXMP is one that photo managers write.
const sidecarXMP = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmp:Rating="4" exif:DateTimeOriginal="2010-12-12T12:41:35+01:00" exif:GPSLatitude="26,30S" exif:GPSLongitude="80,15W">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A cat &amp; a mouse</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">On the sofa</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag><rdf:li>cat</rdf:li><rdf:li>Köln</rdf:li><rdf:li>cat</rdf:li></rdf:Bag></dc:subject>
<digiKam:TagsList><rdf:Seq><rdf:li>Places/Germany/Köln</rdf:li></rdf:Seq></digiKam:TagsList>
<lr:hierarchicalSubject><rdf:Bag><rdf:li>animals|cat</rdf:li></rdf:Bag></lr:hierarchicalSubject>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`

// sidecars relies on the host for bounds and plain text.
func (s *decoderSuite) sidecars(t *testing.T) {
	got, err := s.readSidecar(t, sidecarXMP)
	if err != nil {
		t.Fatal(err)
	}
	keywords := slices.Sorted(slices.Values(got.GetKeywords()))
	if !slices.Equal(keywords, []string{"Köln", "Places/Germany/Köln", "animals/cat", "cat"}) {
		t.Errorf("the keywords are %q", keywords)
	}
	if got.GetFormat() != "xmp" || got.GetTitle() != "A cat & a mouse" || got.GetDescription() != "On the sofa" || got.GetRating() != 4 {
		t.Errorf("title, description or rating is wrong: %v", got)
	}
	if got.GetTaken() != "2010-12-12T12:41:35" || got.GetTakenOffset() != "+01:00" || got.GetTakenSource() != contract.TakenSource_TAKEN_SOURCE_XMP {
		t.Errorf("the time is wrong: %v", got)
	}
	if !got.GetLocated() || got.GetLatitude() != -26.5 || got.GetLongitude() != -80.25 {
		t.Errorf("the place is wrong: %v", got)
	}
	s.badSidecars(t)
}

func (s *decoderSuite) badSidecars(t *testing.T) {
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaa">` + strings.Repeat(`<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">`, 50) + `]><x>&b;</x>`
	for name, content := range map[string]string{
		"empty": "", "text": "no XMP at all", "other XML": "<html/>", "entities": bomb,
		"deep": strings.Repeat("<a>", 100_000), "large": strings.Repeat(" ", contract.SidecarLimit+1),
	} {
		_, err := s.readSidecar(t, content)
		var rejected *host.RejectedError
		if !errors.As(err, &rejected) || rejected.Reason == "" {
			t.Errorf("%s: %v, want it rejected with a reason", name, err)
		}
	}
	s.works(t)
}

func (s *decoderSuite) readSidecar(t *testing.T, content string) (*contract.Metadata, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "photo.jpg.xmp")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return s.host.ReadSidecar(t.Context(), file, "photo.jpg.xmp")
}
