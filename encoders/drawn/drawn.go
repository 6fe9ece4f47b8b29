// Package drawn draws the pictures that golden inputs are made of, at any size:
// things that an encoder of photos recognises, each with the sentence that
// describes it, and patterns that exercise a graph. They are drawn so that no
// photo of anybody has to be in a bundle.
package drawn

import (
	"image"
	"image/color"
	"math"
)

// Thing is a drawing and the sentence that describes it and no other.
type Thing struct {
	Name     string // for files
	Sentence string
	at       func(x, y float64) colour
}

// Things are the drawings that have a sentence.
func Things() []Thing {
	return []Thing{
		{"clock", "a wall clock", clockAt},
		{"traffic-light", "a traffic light", trafficLightAt},
		{"crossword", "a crossword puzzle", crosswordAt},
		{"web", "a spider web", webAt},
	}
}

// Draw gives the drawing in a size in pixels.
func (t Thing) Draw(width, height int) *image.NRGBA { return draw(width, height, t.at) }

// colour is red, green and blue from 0 to 1.
type colour [3]float64

func grey(value float64) colour { return colour{value, value, value} }

// samples of each pixel along both sides are averaged, so that edges are smooth.
const samples = 3

// draw takes a function of the position from 0 to 1 along both sides.
func draw(width, height int, at func(x, y float64) colour) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			var sum colour
			for sample := range samples * samples {
				part := at(
					(float64(x)+(float64(sample%samples)+0.5)/samples)/float64(width),
					(float64(y)+(float64(sample/samples)+0.5)/samples)/float64(height))
				for c := range sum {
					sum[c] += part[c] / (samples * samples)
				}
			}
			picture.SetNRGBA(x, y, color.NRGBA{byte(255*sum[0] + 0.5), byte(255*sum[1] + 0.5), byte(255*sum[2] + 0.5), 255})
		}
	}
	return picture
}

// clockAt is a white clock with black marks and hands, at ten past ten, on a wall.
func clockAt(x, y float64) colour {
	dx, dy := x-0.5, y-0.5
	radius, angle := math.Hypot(dx, dy), math.Atan2(dx, -dy)/(2*math.Pi)
	hour := math.Abs(angle*12 - math.Round(angle*12))
	minute := math.Abs(angle*60 - math.Round(angle*60))
	switch {
	case radius > 0.44:
		return colour{0.72 + 0.05*y, 0.66 + 0.05*y, 0.55}
	case radius > 0.40:
		return grey(0.12 + 0.5*(0.44-radius))
	case onHand(dx, dy, 10.0/12+1.0/72, 0.22, 0.016), onHand(dx, dy, 1.0/6, 0.33, 0.011), radius < 0.022:
		return grey(0.05)
	case radius > 0.31 && radius < 0.38 && hour < 0.09, radius > 0.36 && radius < 0.38 && minute < 0.15:
		return grey(0.08)
	}
	return grey(0.97)
}

// onHand reports whether a place is on a clock's hand that points a part of the
// way round.
func onHand(dx, dy, turn, length, width float64) bool {
	sin, cos := math.Sincos(2 * math.Pi * turn)
	along, across := dx*sin-dy*cos, dx*cos+dy*sin
	return along > -0.04 && along < length && math.Abs(across) < width
}

// trafficLightAt is a black box with three lamps on a pole before a blue sky.
func trafficLightAt(x, y float64) colour {
	dx := math.Abs(x - 0.5)
	lamps := []struct {
		y      float64
		colour colour
	}{{0.22, colour{1, 0.15, 0.1}}, {0.43, colour{1, 0.75, 0.1}}, {0.64, colour{0.1, 0.9, 0.3}}}
	for _, lamp := range lamps {
		if distance := math.Hypot(x-0.5, y-lamp.y) / 0.085; distance < 1 {
			bright := 1 - 0.35*distance*distance
			return colour{lamp.colour[0] * bright, lamp.colour[1] * bright, lamp.colour[2] * bright}
		}
	}
	switch {
	case dx < 0.14 && y > 0.08 && y < 0.78:
		return grey(0.08 + 0.1*dx)
	case dx < 0.03 && y >= 0.78:
		return grey(0.3)
	}
	return colour{0.45 + 0.25*y, 0.65 + 0.2*y, 0.92}
}

// crosswordAt is a grid of white squares among black ones, as in a newspaper.
func crosswordAt(x, y float64) colour {
	const squares = 13
	column, row := int(x*squares), int(y*squares)
	insideX, insideY := x*squares-float64(column), y*squares-float64(row)
	mirrored := min(column*squares+row, squares*squares-1-column*squares-row)
	switch {
	case insideX < 0.05 || insideY < 0.05:
		return grey(0.1)
	case mirrored*mirrored%17 < 4 || (column%2 == 1 && row%2 == 1):
		return grey(0.03)
	}
	return grey(0.98)
}

// webAt is a bright spider web before a dark green garden.
func webAt(x, y float64) colour {
	dx, dy := x-0.52, y-0.47
	radius, angle := math.Hypot(dx, dy), math.Atan2(dx, dy)/(2*math.Pi)*18
	between := angle - math.Floor(angle)
	spoke := math.Min(between, 1-between) * radius * 2 * math.Pi / 18
	sag := 1 - 0.12*math.Sin(math.Pi*between)
	ring := radius / sag * 22
	fromRing := math.Abs(ring-math.Round(ring)) / 22
	background := colour{0.08 + 0.06*math.Sin(9*x+4*y), 0.2 + 0.1*math.Sin(7*y-3*x), 0.07}
	if spoke < 0.003 || (fromRing < 0.0022 && radius > 0.03 && radius < 0.47) {
		return grey(0.85)
	}
	return background
}
