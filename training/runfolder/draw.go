package runfolder

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Sides of the picture, in pixels.
const (
	panelWidth, panelHeight = 420, 240
	left, right, top, below = 60, 20, 30, 44
	plotWidth               = panelWidth - left - right
	plotHeight              = panelHeight - top - below
)

// Draw gives curves as an SVG picture, a panel each, since each has a scale of its own.
func Draw(curves []Curve) []byte {
	var out bytes.Buffer
	columns := min(2, max(1, len(curves)))
	rows := max(1, (len(curves)+columns-1)/columns)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n", columns*panelWidth, rows*panelHeight)
	fmt.Fprintln(&out, `<rect width="100%" height="100%" fill="white"/>`)
	for i, curve := range curves {
		fmt.Fprintf(&out, `<g transform="translate(%d %d)">`+"\n", i%columns*panelWidth, i/columns*panelHeight)
		curve.draw(&out)
		fmt.Fprintln(&out, "</g>")
	}
	fmt.Fprintln(&out, "</svg>")
	return out.Bytes()
}

func (c Curve) draw(out *bytes.Buffer) {
	text := func(x, y int, anchor, words string) {
		fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="%s">`, x, y, anchor)
		_ = xml.EscapeText(out, []byte(words)) // a buffer takes all
		fmt.Fprintln(out, "</text>")
	}
	fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="silver"/>`+"\n", left, top, plotWidth, plotHeight)
	text(left, top-10, "start", c.Name)
	if len(c.Points) == 0 {
		return
	}
	low, high := c.Points[0].Value, c.Points[0].Value
	for _, point := range c.Points {
		low, high = min(low, point.Value), max(high, point.Value)
	}
	first, last := float64(c.Points[0].At), float64(c.Points[len(c.Points)-1].At)
	down, across := scale(low, high), scale(first, last)
	x := func(at float64) float64 { return left + plotWidth*part(at, first, last) }
	y := func(value float64) float64 { return top + plotHeight*(1-part(value, down[0], down[len(down)-1])) }
	for _, value := range down {
		fmt.Fprintf(out, `<path d="M%d %.1fh%d" stroke="gainsboro"/>`+"\n", left, y(value), plotWidth)
		text(left-6, int(y(value))+4, "end", number(value))
	}
	for _, at := range across {
		if at == math.Trunc(at) && at >= first && at <= last {
			text(int(x(at)), top+plotHeight+16, "middle", number(at))
		}
	}
	text(left+plotWidth/2, top+plotHeight+32, "middle", "epoch")
	var line strings.Builder
	for _, point := range c.Points {
		fmt.Fprintf(&line, "%.1f,%.1f ", x(float64(point.At)), y(point.Value))
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="steelblue" stroke-width="1.5"/>`+"\n", strings.TrimSpace(line.String()))
	end := c.Points[len(c.Points)-1]
	fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="steelblue"/>`+"\n", x(float64(end.At)), y(end.Value))
}

// part is how far a value lies from low to high; in the middle where they are one.
func part(value, low, high float64) float64 {
	if high <= low {
		return .5
	}
	return (value - low) / (high - low)
}

// mostTicks is how many lines of a scale can be told apart.
const mostTicks = 6

// scale gives round values, equally far apart, of which the first is not above low and
// the last not below high.
func scale(low, high float64) (ticks []float64) {
	if high <= low {
		return []float64{low}
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low))-1)
	for _, times := range []float64{1, 2, 5, 10, 20, 50} {
		if from, to := math.Floor(low/(times*step)), math.Ceil(high/(times*step)); to-from < mostTicks {
			for i := range int(to-from) + 1 {
				ticks = append(ticks, (from+float64(i))*times*step)
			}
			return ticks
		}
	}
	return []float64{low, high}
}

func number(value float64) string { return strconv.FormatFloat(value, 'g', 4, 64) }
