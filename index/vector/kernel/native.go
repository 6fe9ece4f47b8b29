//go:build cgo && (amd64 || arm64)

package kernel

// #cgo CFLAGS: -O3 -std=c11
// #include "kernel.h"
import "C"

import "unsafe"

func pointer[C, Go any](slice []Go) *C { return (*C)(unsafe.Pointer(unsafe.SliceData(slice))) }

// native makes the kernel that C numbers so.
func native(name string, number C.int) Kernel {
	return Kernel{
		Name: name,
		scan: func(b Block, packed []int8, queries []Query, found []Found, counts []uint32) {
			C.vsed_scan(number, pointer[C.uint8_t](b.Rows), pointer[C.float](b.Offsets), pointer[C.float](b.Radii), pointer[C.uint16_t](b.List),
				C.uint32_t(b.count()), C.uint32_t(b.Width), pointer[C.int8_t](packed), pointer[C.vsed_query](queries), C.uint32_t(len(queries)),
				pointer[C.vsed_found](found), pointer[C.uint32_t](counts))
		},
		score: func(memory []byte, places []uint64, query []float32, scores []float64) {
			C.vsed_score(pointer[C.uint8_t](memory), pointer[C.uint64_t](places), C.uint32_t(len(places)), C.uint32_t(len(query)),
				pointer[C.float](query), pointer[C.double](scores))
		},
		sum: func(bytes []byte) uint64 {
			return uint64(C.vsed_sum(number, pointer[C.uint8_t](bytes), C.uint64_t(len(bytes))))
		},
	}
}
