package attributes

import "github.com/RoaringBitmap/roaring/v2"

// A dictionary numbers values from 0 on. They stay: cameras and places are few.
type dictionary[T comparable] struct {
	numbers map[T]uint32
	values  []T
}

func (d *dictionary[T]) number(value T) uint32 {
	number, ok := d.numbers[value]
	if !ok {
		if d.numbers == nil {
			d.numbers = make(map[T]uint32)
		}
		number = uint32(len(d.values))
		d.numbers[value] = number
		d.values = append(d.values, value)
	}
	return number
}

// postings hold the photos of each value, of which a photo has any number.
type postings[T comparable] struct {
	dictionary[T]
	photos []*roaring.Bitmap // by number of the value
}

// replace makes these the photo's values. count is the row's number of values,
// which tells cheaply that nothing changed.
func (p *postings[T]) replace(photo uint32, count *uint16, values []T) {
	values = values[:min(len(values), 1<<16-1)]
	if p.same(photo, int(*count), values) {
		return
	}
	if *count > 0 {
		for _, photos := range p.photos {
			photos.Remove(photo)
		}
	}
	for _, value := range values {
		number := p.number(value)
		if int(number) == len(p.photos) {
			p.photos = append(p.photos, roaring.New())
		}
		p.photos[number].Add(photo)
	}
	*count = uint16(len(values))
}

func (p *postings[T]) same(photo uint32, count int, values []T) bool {
	if count != len(values) {
		return false
	}
	for _, value := range values {
		number, ok := p.numbers[value]
		if !ok || !p.photos[number].Contains(photo) {
			return false
		}
	}
	return true
}

// matching gives the photos of all values that match.
func (p *postings[T]) matching(match func(T) bool) *roaring.Bitmap {
	var lists []*roaring.Bitmap
	for number, value := range p.values {
		if match(value) {
			lists = append(lists, p.photos[number])
		}
	}
	return roaring.FastOr(lists...)
}
