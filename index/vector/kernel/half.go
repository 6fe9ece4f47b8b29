package kernel

import "math"

// FromHalf gives the value of a finite float16, exactly.
func FromHalf(half uint16) float32 {
	// The exponent of a float32 is larger by 112; multiplying by 2¹¹² puts that
	// right for subnormal numbers too.
	magnitude := math.Float32frombits(uint32(half&0x7fff)<<13) * 0x1p112
	return math.Float32frombits(math.Float32bits(magnitude) | uint32(half&0x8000)<<16)
}

// ToHalf gives the float16 nearest to a value of absolute value below 65,504,
// of two equally near the one whose last bit is 0.
func ToHalf(value float32) uint16 {
	bits := math.Float32bits(value)
	sign, magnitude := uint16(bits>>16)&0x8000, bits&0x7fffffff
	if magnitude < 0x38800000 { // below the least normal one
		// Adding 1/2 leaves steps of 2⁻²⁴, which is the step of the subnormal
		// ones, and rounds as wanted.
		return sign | uint16(math.Float32bits(math.Float32frombits(magnitude)+0.5)-0x3f000000)
	}
	odd := magnitude >> 13 & 1
	return sign | uint16((magnitude-112<<23+0xfff+odd)>>13)
}
