package runtime

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

static int loadable(const char *name) { return dlopen(name, RTLD_LAZY | RTLD_LOCAL) != NULL; }

// call_version calls a function without arguments that gives a version.
static int64_t call_version(const char *library, const char *function, int wide) {
	void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);
	void *address = handle ? dlsym(handle, function) : NULL;
	if (!address) return 0;
	return wide ? (int64_t)((size_t (*)(void))address)() : ((int32_t (*)(void))address)();
}

// device asks the CUDA driver for one GPU: its name and compute capability, as
// the driver's stable C interface gives them. It returns the driver's error, or
// -1 without a driver.
static int device(int number, char *name, int size, int *major, int *minor, int *count) {
	void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
	if (!driver) return -1;
	int (*start)(unsigned) = (int (*)(unsigned))dlsym(driver, "cuInit");
	int (*counted)(int *) = (int (*)(int *))dlsym(driver, "cuDeviceGetCount");
	int (*get)(int *, int) = (int (*)(int *, int))dlsym(driver, "cuDeviceGet");
	int (*named)(char *, int, int) = (int (*)(char *, int, int))dlsym(driver, "cuDeviceGetName");
	int (*attribute)(int *, int, int) = (int (*)(int *, int, int))dlsym(driver, "cuDeviceGetAttribute");
	if (!start || !counted || !get || !named || !attribute) return -1;
	int error, handle;
	if ((error = start(0)) || (error = counted(count))) return error;
	if (number >= *count) return 0;
	if ((error = get(&handle, number)) || (error = named(name, size, handle))) return error;
	if ((error = attribute(major, 75, handle))) return error;
	return attribute(minor, 76, handle);
}
*/
import "C"

import (
	"fmt"
	"unsafe"
)

// loadable reports whether the system's loader finds a library with all that it
// needs. The library then stays loaded.
func loadable(name string) bool {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	return C.loadable(text) != 0
}

// tensorRTVersion asks TensorRT's library for its version; "" without one.
func tensorRTVersion(library string) string {
	return decimal(callVersion(library, "getInferLibVersion", false), 10)
}

// cuDNNVersion asks cuDNN's library for its version; "" without one.
func cuDNNVersion(library string) string {
	return decimal(callVersion(library, "cudnnGetVersion", true), 9)
}

func callVersion(library, function string, wide bool) int64 {
	name, symbol := C.CString(library), C.CString(function)
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(symbol))
	size := C.int(0)
	if wide {
		size = 1
	}
	return int64(C.call_version(name, symbol, size))
}

// decimal reads NVIDIA's packed versions: major·10000 + minor·100 + patch from
// major version wide on (100300 is 10.3.0), major·1000 + minor·100 + patch before
// (8502 is 8.5.2).
func decimal(packed int64, wide int64) string {
	switch {
	case packed <= 0:
		return ""
	case packed >= wide*10000:
		return fmt.Sprintf("%d.%d.%d", packed/10000, packed/100%100, packed%100)
	}
	return fmt.Sprintf("%d.%d.%d", packed/1000, packed/100%10, packed%100)
}

// GPU is one device as the CUDA driver describes it.
type GPU struct {
	Name       string `json:"name"`       // "NVIDIA H100 80GB HBM3", "Orin"
	Capability string `json:"capability"` // "9.0", "8.7"
}

// GPUs asks the CUDA driver, which takes some milliseconds and memory in this
// process. Without a driver there are none; a driver that fails is an error.
func GPUs() ([]GPU, error) {
	var found []GPU
	for number := 0; ; number++ {
		var name [256]C.char
		var major, minor, count C.int
		status := C.device(C.int(number), &name[0], C.int(len(name)), &major, &minor, &count)
		if status < 0 {
			return nil, nil
		}
		if status > 0 {
			return found, fmt.Errorf("the CUDA driver gives error %d", int(status))
		}
		if number >= int(count) {
			return found, nil
		}
		found = append(found, GPU{C.GoString(&name[0]), fmt.Sprintf("%d.%d", int(major), int(minor))})
	}
}
