// The C side of package vips. Everything is static, so that no name of it can
// meet one of libvips or the libraries below it; vips.go is its only user. All
// functions return 0 or a new object, and -1 or NULL with a text in libvips' error
// buffer.
#define _GNU_SOURCE // pthread_setattr_default_np
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

// replace ends an operation: 0 and the new image, or -1 and the old one.
static int replace(VipsImage **image, VipsImage *next, int failed) {
	if (failed) {
		return -1;
	}
	g_object_unref(*image);
	*image = next;
	return 0;
}

static void allow(const char *loader) { vips_operation_block_set(loader, FALSE); }

// The last warning. They tell of oddities in strangers' files, so they are no log
// lines; but where a PNG fails, it is a warning that says why.
static char warning[256];

static void keep_warning(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data) {
	if ((level & G_LOG_LEVEL_WARNING) && !g_str_has_prefix(message, "error in tile")) {
		g_strlcpy(warning, message, sizeof warning);
	}
}

static const char *last_warning(void) { return warning; }

// Stacks and heaps of threads count as data of the process whether they are used
// or not, so both are kept from growing with the number of threads. 2 MiB is four
// times what macOS gives the same libraries.
static void save_memory(void) {
	pthread_attr_t attributes;
	mallopt(M_ARENA_MAX, 2);
	// Large planes go back to the kernel at once; what a photo of usual size
	// needs stays. Without, glibc learns from the first large photo to keep all.
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 2 << 20);
	pthread_setattr_default_np(&attributes);
	pthread_attr_destroy(&attributes);
}

// start never loads from a file of its own accord, so that blocking every loader
// leaves only those that allow names.
static int start(const char *name) {
	save_memory();
	if (vips_init(name) != 0) {
		return -1;
	}
	g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG, keep_warning, NULL);
	vips_cache_set_max(0);
	vips_cache_set_max_mem(0);
	vips_cache_set_max_files(0);
	vips_concurrency_set(1);
	vips_operation_block_set("VipsForeignLoad", TRUE);
	return 0;
}

static void *collect_open(GType type, void *names) {
	VipsObjectClass *class = VIPS_OBJECT_CLASS(g_type_class_ref(type)); // for good: classes are never unloaded
	if (!G_TYPE_IS_ABSTRACT(type) && !(VIPS_OPERATION_CLASS(class)->flags & VIPS_OPERATION_BLOCKED)) {
		g_string_append_printf(names, "%s\n", class->nickname);
	}
	return NULL;
}

static char *open_loaders(void) {
	GString *names = g_string_new(NULL);
	vips_type_map_all(g_type_from_name("VipsForeignLoad"), collect_open, names);
	return g_string_free(names, FALSE);
}

// A photo is read once from top to bottom.
static VipsImage *load(const char *loader, void *bytes, size_t length, int shrink, int fail_on) {
	vips_error_clear(); // what libjpeg said of the last photo, well decoded as it was
	warning[0] = 0;
	VipsBlob *blob = vips_blob_new(NULL, bytes, length);
	VipsImage *image = NULL;
	int failed;
	if (shrink > 1 && strcmp(loader, "webpload_buffer") == 0) {
		failed = vips_call(loader, blob, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, "scale", 1.0 / shrink, NULL);
	} else if (shrink > 1) {
		failed = vips_call(loader, blob, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, "shrink", shrink, NULL);
	} else {
		failed = vips_call(loader, blob, &image, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", fail_on, NULL);
	}
	vips_area_unref(VIPS_AREA(blob));
	return failed ? NULL : image;
}

static VipsImage *from_pixels(void *pixels, size_t length, int width, int height, int bands, int interpretation) {
	VipsImage *plain = vips_image_new_from_memory_copy(pixels, length, width, height, bands, VIPS_FORMAT_UCHAR);
	if (plain == NULL) {
		return NULL;
	}
	VipsImage *image = NULL;
	int failed = vips_copy(plain, &image, "interpretation", interpretation, NULL);
	g_object_unref(plain);
	return failed ? NULL : image;
}

// White is the largest value of the image's own format; with no ink in CMYK.
static int flatten(VipsImage **image) {
	double white = 255;
	if ((*image)->Type == VIPS_INTERPRETATION_RGB16 || (*image)->Type == VIPS_INTERPRETATION_GREY16) {
		white = 65535;
	} else if ((*image)->Type == VIPS_INTERPRETATION_scRGB) {
		white = 1;
	} else if ((*image)->Type == VIPS_INTERPRETATION_CMYK) {
		white = 0;
	}
	VipsArrayDouble *background = vips_array_double_new(&white, 1);
	VipsImage *next = NULL;
	int failed = vips_flatten(*image, &next, "background", background, NULL);
	vips_area_unref(VIPS_AREA(background));
	return replace(image, next, failed);
}

static int shrink(VipsImage **image, double horizontal, double vertical) {
	VipsImage *next = NULL;
	int failed = vips_shrink(*image, &next, horizontal, vertical, "ceil", TRUE, NULL);
	return replace(image, next, failed);
}

static int resize(VipsImage **image, double horizontal, double vertical, int kernel) {
	VipsImage *next = NULL;
	int failed = vips_resize(*image, &next, horizontal, "vscale", vertical, "kernel", kernel, NULL);
	return replace(image, next, failed);
}

static int crop(VipsImage **image, int left, int top, int width, int height) {
	VipsImage *next = NULL;
	int failed = vips_extract_area(*image, &next, left, top, width, height, NULL);
	return replace(image, next, failed);
}

static int pad(VipsImage **image, int left, int top, int width, int height) {
	VipsImage *next = NULL;
	int failed = vips_embed(*image, &next, left, top, width, height, "extend", VIPS_EXTEND_BLACK, NULL);
	return replace(image, next, failed);
}

static int keep_in_memory(VipsImage **image) {
	VipsImage *next = vips_image_copy_memory(*image);
	return replace(image, next, next == NULL);
}

static int set_orientation(VipsImage **image, int orientation) {
	VipsImage *next = NULL;
	int failed = vips_copy(*image, &next, NULL);
	if (!failed) {
		vips_image_set_int(next, VIPS_META_ORIENTATION, orientation);
	}
	return replace(image, next, failed);
}

static int upright(VipsImage **image) {
	VipsImage *next = NULL;
	int failed = vips_autorot(*image, &next, NULL);
	return replace(image, next, failed);
}

static int apply_profile(VipsImage **image) {
	VipsImage *next = NULL;
	int failed = vips_icc_transform(*image, &next, "srgb", "embedded", TRUE,
		"intent", VIPS_INTENT_RELATIVE, "black_point_compensation", TRUE, "depth", 8, NULL);
	return replace(image, next, failed);
}

static int to_srgb(VipsImage **image) {
	VipsImage *next = NULL;
	int failed = vips_colourspace(*image, &next, VIPS_INTERPRETATION_sRGB, NULL);
	return replace(image, next, failed);
}

static int to_bytes(VipsImage **image) {
	VipsImage *next = NULL;
	int failed = vips_cast(*image, &next, VIPS_FORMAT_UCHAR, NULL);
	return replace(image, next, failed);
}

static int first_bands(VipsImage **image, int bands) {
	VipsImage *next = NULL;
	int failed = vips_extract_band(*image, &next, 0, "n", bands, NULL);
	return replace(image, next, failed);
}

static int encode(VipsImage *image, const char *suffix, void **bytes, size_t *length) {
	return vips_image_write_to_buffer(image, suffix, bytes, length, NULL);
}

static int has(VipsImage *image, const char *field) { return vips_image_get_typeof(image, field) != 0; }

// Whoever calls it owns the image alone: from_pixels made it.
static void take_colours(VipsImage *image, VipsImage *from) {
	const void *profile;
	size_t length;
	if (has(from, VIPS_META_ICC_NAME) && vips_image_get_blob(from, VIPS_META_ICC_NAME, &profile, &length) == 0) {
		vips_image_set_blob_copy(image, VIPS_META_ICC_NAME, profile, length);
	}
	vips_image_set_int(image, VIPS_META_ORIENTATION, vips_image_get_orientation(from));
}

