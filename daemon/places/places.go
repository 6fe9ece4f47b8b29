// Package places names the populated place that a photo was taken at, from a
// file of GeoNames' places that vsed-places makes at build time. It knows
// neither photos nor how a place is searched for.
package places

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
)

// A Place is a populated place as GeoNames names it, in English where GeoNames
// has an English name.
type Place struct {
	Name    string
	City    string // the large city of the same region that the place lies in; "" where it is one itself or lies in none
	Region  string // the country's first division, such as a state; "" where it is not known
	Country string // in English

	// Kilometres is how far the place's centre is away.
	Kilometres float64
}

// reach is how far a place is looked for, in kilometres: farther away its name
// would say nothing about a photo.
const reach = 50

// earth is the mean radius in kilometres.
const earth = 6371.0088

// A Gazetteer is an open file of places, mapped into memory and never written.
// Its methods may be called by any number of goroutines before Close. A nil
// Gazetteer knows no place.
type Gazetteer struct {
	mapped []byte
	layout
	sum string
}

// Open opens the file that Write made. A file of another version, or one whose
// bytes are not those that were written, is an error. The file must not be
// changed in place while it is open, only replaced.
func Open(path string) (*Gazetteer, error) {
	g, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("place names %s: %w", path, err)
	}
	return g, nil
}

func open(path string) (g *Gazetteer, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, bare(err)
	}
	if size := info.Size(); size < headerSize || size > math.MaxInt32 {
		return nil, fmt.Errorf("%d bytes are no file of places", size)
	}
	mapped, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	parts, sum, err := parse(mapped)
	if err == nil {
		err = verify(file, sum) // read, not mapped: the pages need not become this process's
	}
	if err != nil {
		return nil, errors.Join(err, syscall.Munmap(mapped))
	}
	return &Gazetteer{mapped: mapped, layout: parts, sum: hex.EncodeToString(sum)}, nil
}

// bare drops the path from an error that gets it anyway.
func bare(err error) error {
	var named *os.PathError
	if errors.As(err, &named) {
		return named.Err
	}
	return err
}

// Close unmaps the file.
func (g *Gazetteer) Close() error {
	if g == nil {
		return nil
	}
	return syscall.Munmap(g.mapped)
}

// Sum tells two files of places apart: the SHA-256 of what is in the file, in
// hexadecimal, or "" for a nil Gazetteer.
func (g *Gazetteer) Sum() string {
	if g == nil {
		return ""
	}
	return g.sum
}

// Len is how many places there are.
func (g *Gazetteer) Len() int { return len(g.places) / placeSize }

// Near gives the place nearest to a position in degrees (WGS 84), and reports
// whether there is one within 50 km, along a great circle. Of places equally
// near it is the first in the file.
func (g *Gazetteer) Near(latitude, longitude float64) (Place, bool) {
	if g == nil || !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180) {
		return Place{}, false
	}
	limit := chord(reach)
	found := nearest{layout: &g.layout, at: direction(latitude, longitude), square: limit * limit, number: -1}
	found.search(0, g.Len(), 0)
	if found.number < 0 {
		return Place{}, false
	}
	place := g.place(found.number)
	place.Kilometres = arc(math.Sqrt(found.square))
	return place, true
}

// A vector is a point of the unit sphere; there is no pole and no date line in
// such coordinates.
type vector [3]float64

func direction(latitude, longitude float64) vector {
	sinLatitude, cosLatitude := math.Sincos(latitude * math.Pi / 180)
	sinLongitude, cosLongitude := math.Sincos(longitude * math.Pi / 180)
	return vector{cosLatitude * cosLongitude, cosLatitude * sinLongitude, sinLatitude}
}

// chord is the straight line between two points of the unit sphere that are so
// many kilometres of the earth's surface apart; arc is its inverse.
func chord(kilometres float64) float64 { return 2 * math.Sin(kilometres/earth/2) }

func arc(chord float64) float64 { return 2 * earth * math.Asin(min(chord/2, 1)) }

// nearest is a search in the k-d tree that the order of the records makes: the
// middle one of a range parts it by the axis of its depth.
type nearest struct {
	*layout
	at     vector
	square float64 // squared chord to the best record, at first the farthest that counts
	number int     // of the best record; -1: none
}

// search looks at the records from begin up to but without end. It goes as deep
// as the logarithm of their count.
func (n *nearest) search(begin, end, axis int) {
	if begin >= end {
		return
	}
	middle := (begin + end) / 2
	here := n.vector(middle)
	n.offer(middle, here)
	across := n.at[axis] - here[axis]
	near, far := [2]int{begin, middle}, [2]int{middle + 1, end}
	if across > 0 {
		near, far = far, near
	}
	next := (axis + 1) % 3
	n.search(near[0], near[1], next)
	if across*across <= n.square {
		n.search(far[0], far[1], next)
	}
}

func (n *nearest) offer(number int, here vector) {
	x, y, z := here[0]-n.at[0], here[1]-n.at[1], here[2]-n.at[2]
	square := x*x + y*y + z*z
	if square < n.square || square == n.square && (n.number < 0 || number < n.number) {
		n.square, n.number = square, number
	}
}
