package runfolder

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
)

// Sides of the picture, in pixels.
const (
	panelWidth, panelHeight = 420, 220
	left, right, top, below = 60, 12, 30, 28
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
	first, last := c.Points[0].At, c.Points[len(c.Points)-1].At
	text(left-6, top+10, "end", number(high))
	text(left-6, top+plotHeight, "end", number(low))
	text(left, top+plotHeight+16, "start", strconv.Itoa(first))
	text(left+plotWidth, top+plotHeight+16, "end", strconv.Itoa(last))
	var places []string
	for _, point := range c.Points {
		x := left + plotWidth*part(float64(point.At), float64(first), float64(last))
		y := top + plotHeight*(1-part(point.Value, low, high))
		places = append(places, fmt.Sprintf("%.1f,%.1f", x, y))
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="steelblue" stroke-width="1.5"/>`+"\n", strings.Join(places, " "))
	fmt.Fprintf(out, `<circle cx="%s" cy="%s" r="2.5" fill="steelblue"/>`+"\n", cut(places[len(places)-1], 0), cut(places[len(places)-1], 1))
}

// part is how far a value lies from low to high; in the middle where they are one.
func part(value, low, high float64) float64 {
	if high <= low {
		return .5
	}
	return (value - low) / (high - low)
}

func cut(place string, at int) string { return strings.Split(place, ",")[at] }

func number(value float64) string { return strconv.FormatFloat(value, 'g', 4, 64) }
