package metadata

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vsed/plugins/contract"
)

// media holds real files with what another reader, metadata-extractor, says of each.
const media = "../../../../shared/data/media"

// said is what a reader says of a file, by field; several keywords are joined.
type said map[string]string

var fields = []string{"taken", "camera", "lens", "place", "title", "description", "rating", "keywords"}

// floors are the shares of files, in per cent, in which both agree where the other
// reader says something, as measured.
var (
	extractorFloors = map[string]float64{"taken": 100, "camera": 100, "lens": 100, "place": 100, "title": 100,
		"description": 92, "rating": 100, "keywords": 100} // one description has lines, which its text has not
	exiftoolFloors = map[string]float64{"taken": 100, "camera": 100, "lens": 100, "place": 100, "title": 100,
		"description": 100, "rating": 100, "keywords": 100}
)

func TestAgreementWithMetadataExtractor(t *testing.T) {
	agreement(t, extractorFloors, extractorSays)
}

func TestAgreementWithExiftool(t *testing.T) {
	if _, err := exec.LookPath("exiftool"); err != nil {
		t.Skip("exiftool (Debian: libimage-exiftool-perl) is not installed")
	}
	all := exiftoolSays(t, mediaFiles(t))
	agreement(t, exiftoolFloors, func(_ *testing.T, path string) said { return all[path] })
}

func agreement(t *testing.T, floors map[string]float64, other func(*testing.T, string) said) {
	known, same := map[string]int{}, map[string]int{}
	for _, path := range mediaFiles(t) {
		photo, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kind, ok := kindOf(photo)
		if !ok {
			continue
		}
		theirs, ours := other(t, path), ourWords(Read(kind, photo))
		for _, field := range fields {
			if theirs[field] == "" {
				continue
			}
			known[field]++
			if agree(field, ours[field], theirs[field]) {
				same[field]++
			} else {
				t.Logf("%s of %s: %q, the other reader says %q", field, filepath.Base(path), ours[field], theirs[field])
			}
		}
	}
	for _, field := range fields {
		share := 100 * float64(same[field]) / float64(max(known[field], 1))
		t.Logf("%-12s %3d of %3d, %.1f %%", field, same[field], known[field], share)
		if share < floors[field] {
			t.Errorf("%s agrees in %.1f %% of the files, below %.1f %%", field, share, floors[field])
		}
	}
}

func mediaFiles(t *testing.T) []string {
	if _, err := os.Stat(media); err != nil {
		t.Skip("../shared/data/media is not there")
	}
	var paths []string
	err := filepath.WalkDir(media, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(path) != ".txt" {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func kindOf(photo []byte) (Kind, bool) {
	switch {
	case bytes.HasPrefix(photo, []byte("\xff\xd8")):
		return JPEG, true
	case bytes.HasPrefix(photo, []byte("\x89PNG")):
		return PNG, true
	case len(photo) > 12 && string(photo[8:12]) == "WEBP":
		return WebP, true
	case len(photo) > 12 && string(photo[4:8]) == "ftyp":
		return HEIF, true
	case bytes.HasPrefix(photo, []byte("II*\x00")), bytes.HasPrefix(photo, []byte("MM\x00*")):
		return TIFF, true
	}
	return 0, false
}

func ourWords(m *contract.Metadata) said {
	words := said{"taken": m.Taken, "camera": m.Camera, "lens": m.Lens, "title": m.Title, "description": m.Description}
	if m.TakenSource > contract.TakenSource_TAKEN_SOURCE_EXIF_DIGITISED {
		words["taken"] = "" // the others are asked for EXIF's
	}
	if m.Located {
		words["place"] = fmt.Sprintf("%.4f %.4f", m.Latitude, m.Longitude)
	}
	if m.Rating != 0 {
		words["rating"] = fmt.Sprint(m.Rating)
	}
	words["keywords"] = joined(m.Keywords)
	return words
}

func joined(keywords []string) string {
	keywords = slices.Clone(keywords)
	slices.Sort(keywords)
	return strings.Join(slices.Compact(keywords), ";")
}

func agree(field, ours, theirs string) bool {
	if field != "place" {
		return ours == theirs
	}
	var a, b, c, d float64
	_, err := fmt.Sscan(ours+" "+theirs, &a, &b, &c, &d)
	return err == nil && math.Abs(a-c) < 2e-4 && math.Abs(b-d) < 2e-4
}

var extractorLine = regexp.MustCompile(`^\[([A-Za-z0-9 ]+) - ([^\]]*)\] ([^=]+) = (.*)$`)

// extractorSays reads the text that goes with a file.
func extractorSays(t *testing.T, path string) said {
	content, err := os.ReadFile(filepath.Join(filepath.Dir(path), "metadata", "java", filepath.Base(path)+".txt"))
	if err != nil {
		return nil
	}
	first, subjects := map[string]string{}, []string(nil)
	for scanner := bufio.NewScanner(bytes.NewReader(content)); scanner.Scan(); {
		parts := extractorLine.FindStringSubmatch(scanner.Text())
		if parts == nil {
			continue
		}
		key := parts[1] + " " + parts[3]
		if _, known := first[key]; !known {
			first[key] = parts[4]
		}
		if strings.HasPrefix(parts[3], "dc:subject[") && !strings.Contains(parts[3], "/") {
			subjects = append(subjects, clean(parts[4]))
		}
	}
	words := said{
		"camera":      Camera(first["Exif IFD0 Make"], first["Exif IFD0 Model"]),
		"lens":        clean(or(first["Exif SubIFD Lens Model"], first["XMPMeta aux:Lens"])),
		"title":       clean(or(first["XMPMeta dc:title[1]"], first["IPTC Object Name"])),
		"description": clean(or(first["XMPMeta dc:description[1]"], first["IPTC Caption/Abstract"], meant(first["Exif IFD0 Image Description"]))),
		"rating":      strings.TrimSuffix(first["XMPMeta xmp:Rating"], ".0"),
		"place":       placeFrom(first["GPS GPS Latitude"], first["GPS GPS Longitude"]),
	}
	words.setTaken(or(first["Exif SubIFD Date/Time Original"], first["Exif SubIFD Date/Time Digitized"]))
	words.setRating(first["XMPMeta xmp:Rating"])
	if keywords := first["IPTC Keywords"]; keywords != "" {
		for _, keyword := range strings.Split(keywords, ";") {
			subjects = append(subjects, clean(keyword))
		}
	}
	words["keywords"] = joined(subjects)
	return words
}

func clean(text string) string { return Line(text, len(text)) }

func (s said) setTaken(text string) {
	if found, ok := parseMoment(text); ok {
		s["taken"] = found.local
	}
}

func (s said) setRating(text string) {
	s["rating"] = ""
	if value, err := strconv.ParseFloat(text, 64); err == nil && inStars(value) != 0 {
		s["rating"] = fmt.Sprint(inStars(value))
	}
}

// placeFrom reads `54° 59' 22.8"` twice.
func placeFrom(latitude, longitude string) string {
	first, north := degreesFrom(latitude)
	second, east := degreesFrom(longitude)
	if !north || !east || !onEarth(first, second) {
		return ""
	}
	return fmt.Sprintf("%.4f %.4f", first, second)
}

func degreesFrom(text string) (float64, bool) {
	text = strings.ReplaceAll(text, ",", ".")
	var degrees, minutes, seconds float64
	if _, err := fmt.Sscanf(text, `%f° %f' %f"`, &degrees, &minutes, &seconds); err != nil {
		return 0, false
	}
	value := math.Abs(degrees) + math.Abs(minutes)/60 + math.Abs(seconds)/3600
	if strings.HasPrefix(text, "-") {
		value = -value
	}
	return value, true
}

// exiftoolSays asks the program once for all files.
func exiftoolSays(t *testing.T, paths []string) map[string]said {
	arguments := []string{"-json", "-n", "-G1", "-api", "struct=0",
		"-ExifIFD:DateTimeOriginal", "-ExifIFD:CreateDate", "-IFD0:Make", "-IFD0:Model", "-ExifIFD:LensModel", "-XMP-aux:Lens", "-XMP-exifEX:LensModel",
		"-Composite:GPSLatitude", "-Composite:GPSLongitude", "-XMP-dc:Title", "-XMP-dc:Description", "-XMP-xmp:Rating", "-IFD0:Rating", "-XMP-dc:Subject",
		"-IPTC:ObjectName", "-IPTC:Caption-Abstract", "-IPTC:Keywords", "-IFD0:ImageDescription"}
	output, _ := exec.Command("exiftool", append(arguments, paths...)...).Output() // its status counts damaged files
	var all []exiftoolTags
	decoder := json.NewDecoder(bytes.NewReader(output))
	decoder.UseNumber()
	if err := decoder.Decode(&all); err != nil {
		t.Fatal(err)
	}
	words := map[string]said{}
	for _, tags := range all {
		words[tags.list("SourceFile")[0]] = tags.said()
	}
	return words
}

type exiftoolTags map[string]any

func (e exiftoolTags) list(tag string) []string {
	switch value := e[tag].(type) {
	case nil:
		return nil
	case []any:
		var texts []string
		for _, item := range value {
			texts = append(texts, fmt.Sprint(item))
		}
		return texts
	default:
		return []string{fmt.Sprint(value)}
	}
}

func (e exiftoolTags) text(tag string) string {
	if values := e.list(tag); len(values) > 0 {
		return values[0]
	}
	return ""
}

func (e exiftoolTags) said() said {
	words := said{
		"camera":      Camera(e.text("IFD0:Make"), e.text("IFD0:Model")),
		"lens":        clean(or(e.text("ExifIFD:LensModel"), e.text("XMP-exifEX:LensModel"), e.text("XMP-aux:Lens"))),
		"title":       clean(or(e.text("XMP-dc:Title"), e.text("IPTC:ObjectName"))),
		"description": lines(or(e.text("XMP-dc:Description"), e.text("IPTC:Caption-Abstract"), meant(e.text("IFD0:ImageDescription"))), 1<<20),
	}
	words.setTaken(or(e.text("ExifIFD:DateTimeOriginal"), e.text("ExifIFD:CreateDate")))
	words.setRating(or(e.text("XMP-xmp:Rating"), e.text("IFD0:Rating")))
	latitude, north := strconv.ParseFloat(e.text("Composite:GPSLatitude"), 64)
	longitude, east := strconv.ParseFloat(e.text("Composite:GPSLongitude"), 64)
	if north == nil && east == nil && onEarth(latitude, longitude) {
		words["place"] = fmt.Sprintf("%.4f %.4f", latitude, longitude)
	}
	var keywords []string
	for _, keyword := range append(e.list("XMP-dc:Subject"), e.list("IPTC:Keywords")...) {
		keywords = append(keywords, clean(keyword))
	}
	words["keywords"] = joined(keywords)
	return words
}
