//go:build cgo

package kernel

// #include "kernel.h"
import "C"

import "golang.org/x/sys/cpu"

// detect gives the native kernels that this processor runs, the fastest first.
func detect() (found []Kernel) {
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VNNI {
		found = append(found, native("AVX-512 VNNI", C.VSED_VNNI))
	}
	// Every processor with AVX2 converts float16.
	if cpu.X86.HasAVX2 {
		found = append(found, native("AVX2", C.VSED_AVX2))
	}
	return found
}
