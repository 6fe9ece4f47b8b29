package runtime

// The binding leaves out what is below: the providers that a library has and the
// profile of a session. Both are called through the table of functions that
// OrtGetApiBase gives. The table only ever grows at its end, so a place in it
// stands for the same function in every version; TestPlacesInTheTable compares
// the places with the header that comes with the binding.

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

typedef struct { const void *const *(*api)(uint32_t version); const char *(*version)(void); } api_base;

enum {
	place_get_error_message = 2,
	place_enable_profiling = 14,
	place_allocator_free = 76,
	place_get_allocator = 78,
	place_release_status = 93,
	place_end_profiling = 110,
	place_get_available_providers = 125,
	place_release_available_providers = 126,
};

// table finds the functions of a library that is loaded already, or NULL.
static const void *const *table(const char *path, uint32_t version) {
	void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	if (!library) return NULL;
	const api_base *(*base)(void) = (const api_base *(*)(void))dlsym(library, "OrtGetApiBase");
	return base ? base()->api(version) : NULL;
}

static const char *error_message(const void *const *t, void *status) {
	return ((const char *(*)(void *))t[place_get_error_message])(status);
}

static void release_status(const void *const *t, void *status) {
	((void (*)(void *))t[place_release_status])(status);
}

static void *enable_profiling(const void *const *t, void *options, const char *prefix) {
	return ((void *(*)(void *, const char *))t[place_enable_profiling])(options, prefix);
}

static void *end_profiling(const void *const *t, void *session, char **file) {
	void *allocator;
	void *status = ((void *(*)(void **))t[place_get_allocator])(&allocator);
	return status ? status : ((void *(*)(void *, void *, char **))t[place_end_profiling])(session, allocator, file);
}

// free_text frees what end_profiling gave.
static void *free_text(const void *const *t, char *text) {
	void *allocator;
	void *status = ((void *(*)(void **))t[place_get_allocator])(&allocator);
	return status ? status : ((void *(*)(void *, void *))t[place_allocator_free])(allocator, text);
}

static void *available_providers(const void *const *t, char ***names, int *count) {
	return ((void *(*)(char ***, int *))t[place_get_available_providers])(names, count);
}

static void *release_providers(const void *const *t, char **names, int count) {
	return ((void *(*)(char **, int))t[place_release_available_providers])(names, count);
}

// return_memory hands free memory of the C heap back to the system.
static void return_memory(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// apiVersion is the version of the C interface that the binding asks for.
const apiVersion = 23

// api is ONNX Runtime's table of functions.
type api struct {
	table *unsafe.Pointer
}

// openAPI finds the functions of the library that the binding loaded from path.
func openAPI(path string) (api, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	table := C.table(name, apiVersion)
	if table == nil {
		return api{}, fmt.Errorf("%s gives no C interface of version %d", path, apiVersion)
	}
	return api{table}, nil
}

// check turns a status into an error and frees it.
func (a api) check(status unsafe.Pointer) error {
	if status == nil {
		return nil
	}
	defer C.release_status(a.table, status)
	return errors.New(strings.Join(strings.Fields(C.GoString(C.error_message(a.table, status))), " "))
}

// providers lists what the library was built with, by ONNX Runtime's names.
func (a api) providers() ([]string, error) {
	var names **C.char
	var count C.int
	if err := a.check(C.available_providers(a.table, &names, &count)); err != nil {
		return nil, fmt.Errorf("list providers: %w", err)
	}
	var providers []string
	for _, name := range unsafe.Slice(names, int(count)) {
		providers = append(providers, C.GoString(name))
	}
	return providers, a.check(C.release_providers(a.table, names, count))
}

// enableProfiling makes the sessions of these options write a profile into a
// file whose name starts with prefix.
func (a api) enableProfiling(options unsafe.Pointer, prefix string) error {
	text := C.CString(prefix)
	defer C.free(unsafe.Pointer(text))
	return a.check(C.enable_profiling(a.table, options, text))
}

// endProfiling writes the profile of a session and says where.
func (a api) endProfiling(session unsafe.Pointer) (string, error) {
	var file *C.char
	if err := a.check(C.end_profiling(a.table, session, &file)); err != nil {
		return "", err
	}
	return C.GoString(file), a.check(C.free_text(a.table, file))
}

// handle follows unexported fields of the binding's types to the C pointer that
// they end in; nil where the binding has no such field.
func handle(value any, fields ...string) unsafe.Pointer {
	v := reflect.ValueOf(value)
	for _, field := range fields {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return nil
		}
		v = v.FieldByName(field)
	}
	if v.Kind() != reflect.Pointer {
		return nil
	}
	return v.UnsafePointer()
}

func returnMemory() { C.return_memory() }
