package experiment

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"

	"vsed/training/joint"
)

// A Line is one curve of a picture.
type Line struct {
	Name   string        `json:"name"`
	Epochs []joint.Epoch `json:"epochs"`
}

// The picture's sides, in pixels, and the room around the curves.
const (
	chartWidth, chartHeight = 760, 320
	chartLeft, chartTop     = 48, 12
	chartRight, chartBottom = 270, 28
)

// colours of the lines, which tell apart to those who see few colours, too.
func colours() []string {
	return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}
}

// WriteSVG draws the scores of lines by their epochs.
func WriteSVG(output io.Writer, lines []Line) error {
	low, high, most := math.Inf(1), math.Inf(-1), 1
	for _, line := range lines {
		for _, epoch := range line.Epochs {
			low, high, most = min(low, epoch.Score), max(high, epoch.Score), max(most, epoch.Number)
		}
	}
	if math.IsInf(low, 0) {
		return fmt.Errorf("there is no epoch to draw")
	}
	low, high = 10*math.Floor(low/10), max(10*math.Ceil(high/10), 10*math.Floor(low/10)+10)
	x := func(epoch int) float64 {
		return chartLeft + (chartWidth-chartLeft-chartRight)*float64(epoch-1)/float64(max(1, most-1))
	}
	y := func(score float64) float64 {
		return chartTop + (chartHeight-chartTop-chartBottom)*(high-score)/(high-low)
	}
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", chartWidth, chartHeight)
	for part := range 5 {
		score := low + (high-low)*float64(part)/4
		fmt.Fprintf(&svg, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`+"\n",
			chartLeft, y(score), chartWidth-chartRight, chartLeft-6, y(score)+4, score)
	}
	fmt.Fprintf(&svg, `<text x="%d" y="%d">1</text><text x="%.1f" y="%d" text-anchor="end">epoch %d</text>`+"\n",
		chartLeft, chartHeight-10, x(most), chartHeight-10, most)
	for i, line := range lines {
		colour := colours()[i%len(colours())]
		var points strings.Builder
		for _, epoch := range line.Epochs {
			fmt.Fprintf(&points, "%.1f,%.1f ", x(epoch.Number), y(epoch.Score))
		}
		fmt.Fprintf(&svg, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`+"\n", colour, strings.TrimSpace(points.String()))
		fmt.Fprintf(&svg, `<text x="%d" y="%d" fill="%s">%s</text>`+"\n", chartWidth-chartRight+8, chartTop+10+16*i, colour, html.EscapeString(line.Name))
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(output, svg.String())
	return err
}
