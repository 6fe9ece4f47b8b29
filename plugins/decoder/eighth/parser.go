package eighth

import (
	"bytes"
	"encoding/binary"
)

// Markers of a JPEG, the second byte of two.
const (
	markerBaseline    = 0xc0
	markerExtended    = 0xc1
	markerProgressive = 0xc2
	markerHuffman     = 0xc4
	markerRestart     = 0xd0 // to 0xd7
	markerStart       = 0xd8
	markerEnd         = 0xd9
	markerScan        = 0xda
	markerQuantum     = 0xdb
	markerInterval    = 0xdd
	markerApplication = 0xe0 // to 0xef
	markerAdobe       = 0xee
	markerComment     = 0xfe
)

// parser walks through the segments of one file.
type parser struct {
	bytes       []byte
	at          int
	decoder     *Decoder
	quanta      [4]*quantum
	huffman     [2][4][]byte // DC and AC: counts and symbols, as in the file
	interval    int          // MCUs between restart markers, 0 for none
	progressive *progressive
	frameSeen   bool
}

// quantum is a quantisation table in zigzag order.
type quantum [64]int32

func (p *parser) decode() error {
	if !bytes.HasPrefix(p.bytes, []byte{0xff, markerStart}) {
		return refuse("no start marker")
	}
	p.at = 2
	for {
		marker, err := p.marker()
		if err != nil {
			return err
		}
		if marker == markerEnd {
			return p.finish()
		}
		segment, err := p.segment()
		if err != nil {
			return err
		}
		if err := p.read(marker, segment); err != nil {
			return err
		}
	}
}

// finish is at the end marker.
func (p *parser) finish() error {
	switch {
	case !p.frameSeen:
		return refuse("no frame")
	case p.progressive != nil:
		return p.progressive.finish()
	case !p.decoder.frame.decoded:
		return refuse("no scan")
	}
	return nil
}

// marker reads the next marker, which must be at hand.
func (p *parser) marker() (byte, error) {
	if p.at >= len(p.bytes) || p.bytes[p.at] != 0xff {
		return 0, refuse("no marker where one is due")
	}
	for ; p.at < len(p.bytes); p.at++ {
		if marker := p.bytes[p.at]; marker != 0xff {
			p.at++
			return marker, nil
		}
	}
	return 0, refuse("cut off in a marker")
}

// segment returns what follows a marker and its length.
func (p *parser) segment() ([]byte, error) {
	if p.at+2 > len(p.bytes) {
		return nil, refuse("cut off before a segment")
	}
	length := int(binary.BigEndian.Uint16(p.bytes[p.at:]))
	if length < 2 || p.at+length > len(p.bytes) {
		return nil, refuse("cut off in a segment")
	}
	segment := p.bytes[p.at+2 : p.at+length]
	p.at += length
	return segment, nil
}

func (p *parser) read(marker byte, segment []byte) error {
	switch {
	case marker == markerBaseline || marker == markerExtended || marker == markerProgressive:
		return p.readFrame(marker == markerProgressive, segment)
	case marker == markerHuffman:
		return p.readHuffman(segment)
	case marker == markerQuantum:
		return p.readQuanta(segment)
	case marker == markerInterval && len(segment) == 2:
		p.interval = int(binary.BigEndian.Uint16(segment))
		return nil
	case marker == markerScan:
		return p.readScan(segment)
	case marker == markerAdobe && bytes.HasPrefix(segment, []byte("Adobe")):
		if len(segment) < 12 || segment[11] != 1 {
			return refuse("Adobe's colours")
		}
		return nil
	case marker&0xf0 == markerApplication || marker == markerComment:
		return nil
	}
	return refuse("an unusual marker")
}

func (p *parser) readQuanta(segment []byte) error {
	for len(segment) > 0 {
		if len(segment) < 65 || segment[0] > 3 {
			return refuse("an unusual quantisation table")
		}
		table := &quantum{}
		for i := range table {
			if table[i] = int32(segment[1+i]); table[i] == 0 {
				return refuse("a quantisation by zero")
			}
		}
		p.quanta[segment[0]] = table
		segment = segment[65:]
	}
	return nil
}

func (p *parser) readHuffman(segment []byte) error {
	for len(segment) > 0 {
		if len(segment) < 17 || segment[0]&0xef > 3 {
			return refuse("an unusual Huffman table")
		}
		symbols := 0
		for _, count := range segment[1:17] {
			symbols += int(count)
		}
		if symbols > 256 || len(segment) < 17+symbols {
			return refuse("a damaged Huffman table")
		}
		p.huffman[segment[0]>>4][segment[0]&3] = segment[1 : 17+symbols]
		segment = segment[17+symbols:]
	}
	return nil
}

func (p *parser) readScan(segment []byte) error {
	if !p.frameSeen {
		return refuse("a scan before the frame")
	}
	scan, err := p.parseScan(segment)
	if err != nil {
		return err
	}
	if p.progressive != nil {
		return p.progressive.read(p, scan)
	}
	return p.readSequential(scan)
}
