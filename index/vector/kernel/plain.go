package kernel

import "encoding/binary"

// Plain is the kernel in Go.
func Plain() Kernel {
	return Kernel{Name: "plain", scan: scan, score: score, sum: sum}
}

func scan(b Block, packed []int8, queries []Query, found []Found, counts []uint32) {
	n := b.count()
	for i, q := range queries {
		kept, values := found[i*n:i*n], packed[4*b.Width*i:][:2*b.Width]
		for at := range n {
			row := at
			if b.List != nil {
				row = int(b.List[at])
			}
			dot := dot(b.Rows[row*b.Width:][:b.Width], values) - q.bias
			// Conversions keep a processor from fusing a product with the sum.
			estimate := float32(float32(dot)*q.Scale) + q.Base
			if estimate+(float32(b.Offsets[row]*q.Along)+float32(b.Radii[row]*q.Across)) >= q.Floor {
				kept = append(kept, Found{uint32(row), dot})
			}
		}
		counts[i] = uint32(len(kept))
	}
}

// dot wraps around like the others; with the bias taken off it is in range.
func dot(row []byte, values []int8) (sum int32) {
	for i, value := range row {
		sum += int32(value) * (int32(values[2*i+1])<<8 | int32(uint8(values[2*i])))
	}
	return sum
}

func score(memory []byte, places []uint64, query []float32, scores []float64) {
	for i, place := range places {
		scores[i] = scoreOne(memory[place:][:2*len(query)], query)
	}
}

func scoreOne(row []byte, query []float32) float64 {
	var s [8]float64
	for i, value := range query {
		s[i%8] += float64(value) * float64(FromHalf(binary.NativeEndian.Uint16(row[2*i:])))
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func sum(bytes []byte) (total uint64) {
	for _, value := range bytes {
		total += uint64(value)
	}
	return total
}
