package metadata

import (
	"math"
	"strconv"
	"strings"

	"vsed/plugins/contract"
)

// setPlace takes EXIF's place, else XMP's.
func (f *findings) setPlace(m *contract.Metadata) {
	latitude, longitude, ok := f.exifPlace()
	if !ok {
		latitude, longitude, ok = f.xmpPlace()
	}
	if ok {
		m.Located, m.Latitude, m.Longitude = true, latitude, longitude
	}
}

// exifPlace needs the hemispheres: a place without is one of four.
func (f *findings) exifPlace() (latitude, longitude float64, ok bool) {
	latitude, north := f.exif["GPSLatitude"].(float64)
	longitude, east := f.exif["GPSLongitude"].(float64)
	if !north || !east {
		return 0, 0, false
	}
	latitude, north = signed(latitude, f.exifText("GPSLatitudeRef"), "N", "S")
	longitude, east = signed(longitude, f.exifText("GPSLongitudeRef"), "E", "W")
	return latitude, longitude, north && east && onEarth(latitude, longitude)
}

func signed(degrees float64, reference, positive, negative string) (float64, bool) {
	reference = strings.ToUpper(strings.Trim(reference, " \x00"))
	switch {
	case strings.HasPrefix(reference, positive):
		return degrees, true
	case strings.HasPrefix(reference, negative):
		return -degrees, true
	}
	return 0, false
}

func (f *findings) xmpPlace() (latitude, longitude float64, ok bool) {
	latitude, north := parseDegrees(f.xmpText(property{exifSpace, "GPSLatitude"}), "N", "S")
	longitude, east := parseDegrees(f.xmpText(property{exifSpace, "GPSLongitude"}), "E", "W")
	return latitude, longitude, north && east && onEarth(latitude, longitude)
}

// parseDegrees reads XMP's "26,34.951N" and "26,34,57N", and signed decimals.
func parseDegrees(text, positive, negative string) (float64, bool) {
	text = strings.ToUpper(strings.TrimSpace(text))
	number := strings.TrimRight(text, positive+negative+" ")
	if number == "" {
		return 0, false
	}
	degrees, unit := 0.0, 1.0
	for i, part := range strings.Split(number, ",") {
		value, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || i > 2 || i > 0 && (value < 0 || value >= 60) {
			return 0, false
		}
		degrees += value * unit
		unit /= 60
	}
	if number == text {
		return degrees, !strings.Contains(number, ",")
	}
	return signed(degrees, strings.TrimSpace(text[len(number):]), positive, negative)
}

// onEarth leaves out 0, 0 too: it is what receivers write that know no place.
func onEarth(latitude, longitude float64) bool {
	return math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180 && (latitude != 0 || longitude != 0)
}
