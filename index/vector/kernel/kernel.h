// What Go calls. A row is `width` bytes, each 128 + the value; a packed query is
// 4·width bytes: width int16 values, then their high bytes, then their low
// bytes, so that value = 256·high + low with low signed.
#pragma once
#include <stdint.h>

typedef struct {
	float scale, base, along, across, floor;
	int32_t bias; // 128 · the sum of the query's values
} vsed_query;

typedef struct {
	uint32_t row;
	int32_t dot;
} vsed_found;

typedef struct {
	const uint8_t *rows;
	const float *offsets, *radii;
	const uint16_t *list; // which rows, or NULL for the first `count`
	uint32_t count, width;
} vsed_block;

enum { VSED_AVX2 = 1, VSED_VNNI, VSED_NEON, VSED_DOTPROD };

// vsed_scan fills found[i·count…] and counts[i] for each of the queries.
void vsed_scan(int kernel, const uint8_t *rows, const float *offsets, const float *radii, const uint16_t *list, uint32_t count, uint32_t width,
	const int8_t *packed, const vsed_query *queries, uint32_t query_count, vsed_found *found, uint32_t *counts);

// vsed_score is the float64 dot product of a float32 query and each of the
// float16 rows that begin so many bytes after memory, in eight sums.
void vsed_score(const uint8_t *memory, const uint64_t *places, uint32_t count, uint32_t dimensions, const float *query, double *scores);

// vsed_sum adds up all bytes.
uint64_t vsed_sum(int kernel, const uint8_t *bytes, uint64_t length);
