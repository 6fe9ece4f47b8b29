//go:build cgo

package kernel

// #include "kernel.h"
import "C"

import "golang.org/x/sys/cpu"

// detect gives the native kernels that this processor runs, the fastest first.
func detect() (found []Kernel) {
	if cpu.ARM64.HasASIMDDP {
		found = append(found, native("NEON dot product", C.VSED_DOTPROD))
	}
	return append(found, native("NEON", C.VSED_NEON))
}
