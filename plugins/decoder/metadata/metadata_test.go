package metadata

import (
	"math"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"vsed/plugins/contract"
)

// checkSafe holds metadata against the contract's bounds.
func checkSafe(t *testing.T, m *contract.Metadata) {
	t.Helper()
	texts := append([]string{m.Camera, m.Lens, m.Title, strings.ReplaceAll(m.Description, "\n", "")}, m.Keywords...)
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool {
			return r != '\u200c' && r != '\u200d' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
		}) {
			t.Errorf("%q is not plain", text)
		}
	}
	if len(m.Camera) > 256 || len(m.Lens) > 256 || len(m.Title) > contract.TitleLimit || len(m.Description) > contract.DescriptionLimit ||
		len(m.Keywords) > contract.KeywordsLimit || m.Rating < -1 || m.Rating > 5 ||
		math.IsNaN(m.Latitude) || math.Abs(m.Latitude) > 90 || math.Abs(m.Longitude) > 180 || (m.Taken == "") != (m.TakenSource == 0) {
		t.Errorf("out of bounds: %v", m)
	}
	known := map[string]bool{}
	for _, keyword := range m.Keywords {
		if keyword == "" || len(keyword) > contract.KeywordLimit || known[keyword] {
			t.Errorf("keyword %q", keyword)
		}
		known[keyword] = true
	}
}

func TestParseMoment(t *testing.T) {
	f := func(text, local, offset string) {
		t.Helper()
		got, ok := parseMoment(text)
		if ok != (local != "") || got.local != local || got.offset != offset {
			t.Errorf("%q: %v %v, want %q %q", text, got, ok, local, offset)
		}
	}
	f("2010:12:12 12:41:35", "2010-12-12T12:41:35", "")
	f("2010-12-12T12:41:35.123+0530", "2010-12-12T12:41:35", "+05:30")
	f("2010:12:12 12:41:35Z", "2010-12-12T12:41:35", "+00:00")
	f("2010:12:12 12:41", "2010-12-12T12:41:00", "")
	f("2010:12:12", "2010-12-12T00:00:00", "")
	f(" 2010/12/12 12:41:35\x00", "2010-12-12T12:41:35", "")
	f("2010:12:12 12:41:35+15:00", "2010-12-12T12:41:35", "")
	f("0000:00:00 00:00:00", "", "")
	f("    :  :     :  :  ", "", "")
	f("2010:02:30 00:00:00", "", "")
	f("2010", "", "")
	f("9999:12:31 23:59:59", "", "")
}

func TestSurestTimeWins(t *testing.T) {
	f := func(found *findings, want contract.TakenSource, local, offset string) {
		t.Helper()
		m := found.metadata()
		if m.TakenSource != want || m.Taken != local || m.TakenOffset != offset {
			t.Errorf("%v %q %q, want %v %q %q", m.TakenSource, m.Taken, m.TakenOffset, want, local, offset)
		}
	}
	found := newFindings()
	f(found, contract.TakenSource_TAKEN_SOURCE_UNKNOWN, "", "")
	found.exif["GPSDateStamp"], found.exif["GPSTimeStamp"] = "2001:01:06", "10:00:36.5"
	f(found, contract.TakenSource_TAKEN_SOURCE_GPS, "2001-01-06T10:00:36", "+00:00")
	found.exif["ModifyDate"] = "2001:01:05 00:00:00"
	f(found, contract.TakenSource_TAKEN_SOURCE_EXIF_MODIFIED, "2001-01-05T00:00:00", "")
	found.iptc["DateCreated"], found.iptc["TimeCreated"] = []string{"2001:01:04"}, []string{"12:00:00-03:30"}
	f(found, contract.TakenSource_TAKEN_SOURCE_IPTC, "2001-01-04T12:00:00", "-03:30")
	found.xmp[property{xmpSpace, "CreateDate"}] = []text{{"2001-01-02T00:00:00+01:00", ""}}
	f(found, contract.TakenSource_TAKEN_SOURCE_XMP, "2001-01-02T00:00:00", "+01:00")
	found.exif["CreateDate"] = "2001:01:02 00:00:00"
	f(found, contract.TakenSource_TAKEN_SOURCE_EXIF_DIGITISED, "2001-01-02T00:00:00", "+01:00")
	found.exif["DateTimeOriginal"], found.exif["OffsetTimeOriginal"] = "2001:01:01 00:00:00", "+09:00"
	f(found, contract.TakenSource_TAKEN_SOURCE_EXIF_ORIGINAL, "2001-01-01T00:00:00", "+09:00")
}

func TestTextsOfSeveralSources(t *testing.T) {
	found := newFindings()
	found.exif["ImageDescription"] = "OLYMPUS DIGITAL CAMERA         "
	found.iptc["Keywords"] = []string{"K\u00c3\u00b6ln", "M\u00fcnchen", "K\u00f6ln"} // UTF-8 read as Latin-1, and Latin-1
	m := found.metadata()
	if m.Description != "" || strings.Join(m.Keywords, ";") != "Köln;München" {
		t.Errorf("%q %q", m.Description, m.Keywords)
	}
	found.exif["ImageDescription"] = "by EXIF"
	if m = found.metadata(); m.Description != "by EXIF" {
		t.Error(m.Description)
	}
	found.iptc["Caption-Abstract"], found.iptc["ObjectName"] = []string{"by IPTC"}, []string{"title"}
	if m = found.metadata(); m.Description != "by IPTC" || m.Title != "title" {
		t.Error(m)
	}
	found.exif["Rating"] = uint16(3)
	if m = found.metadata(); m.Rating != 3 {
		t.Error(m)
	}
}

func TestPlaceNeedsItsHemispheres(t *testing.T) {
	found := newFindings()
	found.exif["GPSLatitude"], found.exif["GPSLongitude"] = 12.5, 100.25
	if m := found.metadata(); m.Located {
		t.Error(m)
	}
	found.exif["GPSLatitudeRef"], found.exif["GPSLongitudeRef"] = "S", "West"
	if m := found.metadata(); !m.Located || m.Latitude != -12.5 || m.Longitude != -100.25 {
		t.Error(m)
	}
	found.exif["GPSLatitude"] = 91.0
	if m := found.metadata(); m.Located || m.Latitude != 0 {
		t.Error(m)
	}
}

// FuzzRead starts from the real files where they are at hand.
func FuzzRead(f *testing.F) {
	f.Add(int(TIFF), []byte("II*\x00\x08\x00\x00\x00\x01\x00\x0f\x01\x02\x00\x04\x00\x00\x00abc\x00\x00\x00\x00\x00"))
	f.Add(int(NEF), []byte("IIRO\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(int(JPEG), []byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"))
	for _, name := range []string{"jpg/Apple iPhone 4.jpg", "webp/HTC Desire.webp"} {
		if photo, err := os.ReadFile(media + "/" + name); err == nil {
			f.Add(int(JPEG), photo[:min(len(photo), 1<<16)])
		}
	}
	f.Fuzz(func(t *testing.T, kind int, photo []byte) {
		if _, known := formats[Kind(kind)]; known {
			checkSafe(t, Read(Kind(kind), photo))
			checkSafe(t, ReadBlocks([][]byte{photo}, photo))
		}
	})
}
