package main

import (
	_ "embed" // the words
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// words are common English nouns, the commonest tags first.
//
//go:embed words.txt
var wordList string

// places are names of towns with latitude and longitude.
var places = []struct {
	latitude, longitude float64
}{
	{48.8534, 2.3488}, {41.8919, 12.5113}, {52.5244, 13.4105}, {51.5085, -0.1257}, {40.7143, -74.006}, {35.6895, 139.6917}, {-33.8678, 151.2073},
	{45.4372, 12.3346}, {50.088, 14.4208}, {48.2085, 16.3721}, {38.7169, -9.1399}, {41.3888, 2.159}, {59.3326, 18.0649}, {64.1355, -21.8954},
	{46.2022, 6.1457}, {43.7031, 7.2661}, {55.6759, 12.5655}, {52.374, 4.8897}, {37.7749, -122.4194}, {-22.9064, -43.1822}, {30.0626, 31.2497},
	{13.754, 100.5014}, {1.2897, 103.8501}, {19.4285, -99.1277}, {60.3929, 5.3241}, {47.0502, 8.3064}, {43.7792, 11.2463}, {53.0758, 8.8072},
}

var cameras = []struct{ camera, lens string }{
	{"Google Pixel 7", ""}, {"Apple iPhone 13", "iPhone 13 back camera 5.1mm"}, {"Canon EOS R6", "RF24-105mm F4 L IS USM"}, {"NIKON D750", "24.0-70.0 mm f/2.8"},
	{"SONY ILCE-7M3", "FE 50mm F1.8"}, {"FUJIFILM X-T4", "XF35mmF2 R WR"}, {"Panasonic DMC-TZ7", ""}, {"Samsung SM-G998B", ""},
}

type photo struct {
	path, taken, camera, lens, title, description string
	tags                                          []string
	located                                       bool
	latitude, longitude                           float64
	rating                                        int
	vector                                        []float32
}

// clusters is how many kinds of pictures there are.
const clusters = 2000

// A draw gives photos, each from the seed and its number alone.
type draw struct {
	seed    uint64
	words   []string
	centres [][]float32
	common  []float32
}

func newDraw(seed uint64, dimensions int) *draw {
	d := &draw{seed: seed, words: strings.Fields(wordList), common: gauss(rand.New(rand.NewPCG(seed, 0)), dimensions)}
	for i := range clusters {
		d.centres = append(d.centres, gauss(rand.New(rand.NewPCG(seed, uint64(i)<<32)), dimensions))
	}
	return d
}

// photo draws the photo of a number. They come in outings of some fifty, which
// share the day, the place, the camera and a tag.
func (d *draw) photo(id int) photo {
	outing, own := rand.New(rand.NewPCG(d.seed, uint64(id/50)<<1|1)), rand.New(rand.NewPCG(d.seed+1, uint64(id)))
	begin := time.Date(2008, 1, 1, 9, 0, 0, 0, time.UTC).Add(time.Duration(outing.IntN(16*365)) * 24 * time.Hour)
	event, device, spot, located := d.word(outing), cameras[outing.IntN(len(cameras))], places[outing.IntN(len(places))], outing.IntN(2) == 0
	p := photo{
		path:  fmt.Sprintf("%s/%s %s/IMG_%05d.JPG", begin.Format("2006"), begin.Format("2006-01-02"), event, id),
		taken: begin.Add(time.Duration(id%50) * 7 * time.Minute).Format("2006-01-02T15:04:05"), camera: device.camera, lens: device.lens, located: located,
		latitude: spot.latitude + own.NormFloat64()/50, longitude: spot.longitude + own.NormFloat64()/50,
	}
	if own.IntN(10) == 0 {
		p.rating = 1 + own.IntN(5)
	}
	d.describe(&p, event, begin.Format("2006"), own)
	p.vector = d.vector(own)
	return p
}

// describe gives tags and texts: "dog" stands on half of all photos, "family" and
// the year on nine of ten.
func (d *draw) describe(p *photo, event, year string, own *rand.Rand) {
	p.tags = []string{event}
	for _, one := range []struct {
		word    string
		percent int
	}{{"dog", 50}, {"family", 90}, {year, 90}} {
		if own.IntN(100) < one.percent {
			p.tags = append(p.tags, one.word)
		}
	}
	for range own.IntN(5) {
		p.tags = append(p.tags, d.word(own))
	}
	if own.IntN(5) < 2 {
		p.title = d.sentence(own, 3)
	}
	if own.IntN(5) == 0 {
		p.description = d.sentence(own, 12)
	}
}

// word draws by Zipf's law.
func (d *draw) word(random *rand.Rand) string {
	return d.words[int(math.Pow(float64(len(d.words)+1), random.Float64()))-1]
}

func (d *draw) sentence(random *rand.Rand, length int) string {
	list := make([]string, length)
	for i := range list {
		list[i] = d.word(random)
	}
	return "A " + strings.Join(list, " and ")
}

// vector is of one kind of pictures, with what all have in common.
func (d *draw) vector(random *rand.Rand) []float32 {
	centre, values := d.centres[random.IntN(clusters)], gauss(random, len(d.common))
	for i := range values {
		values[i] = 0.4*d.common[i] + 0.6*centre[i] + 0.7*values[i]
	}
	return unit(values)
}

func gauss(random *rand.Rand, dimensions int) []float32 {
	values := make([]float32, dimensions)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return unit(values)
}

func unit(values []float32) []float32 {
	var squares float64
	for _, value := range values {
		squares += float64(value) * float64(value)
	}
	for i := range values {
		values[i] /= float32(math.Sqrt(squares))
	}
	return values
}
