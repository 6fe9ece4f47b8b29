#include "kernel.h"
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

// Every kernel takes four rows at a time, so that what it loads of the query
// serves four rows and four sums keep the processor's adders busy. Where the four
// follow each other in memory, it asks for others as far behind them, evenly and
// in the order of their bytes: 64 bytes of each row in turns took 1.3 times as
// long. A driver is compiled once a kernel, because a function can take in only
// functions of the same target.
//
// The arithmetic of a driver is the oracle's, operation for operation: integer
// sums that cannot overflow, then float32 in a fixed order without fused
// multiply-add (-std=c11 forbids contraction).

enum {
	GROUP = 4,
	// bytes that are asked for before they are needed: the processor's own
	// prefetching stops at the end of a page
	AHEAD = 8192,
	ROWS_AHEAD = 8, // the same for rows of a list, which it cannot foresee
	STRIP = 32768,  // bytes of rows that several queries take in turns
};

#define INLINE static inline __attribute__((always_inline))
#define FETCH(P) __builtin_prefetch((const void *)(P), 0, 3)
// fetch_listed asks for so many rows of the list from an entry on, up to the end.
static inline void fetch_listed(const vsed_block *b, uint32_t from, uint32_t count, uint32_t end) {
	for (uint32_t k = from; k < from + count && k < end; k++)
		for (uint32_t c = 0; c < b->width; c += 64) FETCH(b->rows + (uint64_t)b->list[k] * b->width + c);
}

// Four numbers, one of each row.
typedef int32_t ints __attribute__((vector_size(16)));
typedef float floats __attribute__((vector_size(16)));
typedef uint64_t longs __attribute__((vector_size(16)));

INLINE int any(ints mask) { return (((longs)mask)[0] | ((longs)mask)[1]) != 0; }

INLINE uint32_t row_of(const vsed_block *b, uint32_t i) { return b->list ? b->list[i] : i; }

INLINE floats values_of(const float *all, const uint32_t *row, int scattered) {
	floats values;
	if (scattered) return (floats){all[row[0]], all[row[1]], all[row[2]], all[row[3]]};
	memcpy(&values, all + row[0], sizeof values);
	return values;
}

#define SCAN(NAME, TARGET, DOTS, BIASED)                                                                                                \
	TARGET static uint32_t NAME##_one(const vsed_block *b, uint32_t from, uint32_t to, const int8_t *packed, const vsed_query *q,       \
		uint32_t ahead, const uint8_t *next, uint32_t share, vsed_found *found) {                                                       \
		uint32_t kept = 0;                                                                                                              \
		if (b->list) fetch_listed(b, from, ROWS_AHEAD, to);                                                                             \
		for (uint32_t i = from; i < to; i += GROUP) {                                                                                   \
			uint32_t n = to - i < GROUP ? to - i : GROUP, row[GROUP] = {i, i + 1, i + 2, i + 3};                                        \
			if (b->list || n < GROUP)                                                                                                   \
				for (uint32_t j = 0; j < GROUP; j++) row[j] = row_of(b, i + (j < n ? j : n - 1));                                       \
			if (b->list) fetch_listed(b, i + ROWS_AHEAD, GROUP, to);                                                                    \
			for (uint32_t c = 0; c < share; c += 64) FETCH(next + c);                                                                   \
			next += share;                                                                                                              \
			ints dot = DOTS(b->rows + (uint64_t)row[0] * b->width, b->rows + (uint64_t)row[1] * b->width,                               \
				b->rows + (uint64_t)row[2] * b->width, b->rows + (uint64_t)row[3] * b->width, b->width, packed, ahead) - BIASED * q->bias; \
			floats offset = values_of(b->offsets, row, b->list || n < GROUP), radius = values_of(b->radii, row, b->list || n < GROUP);  \
			floats upper = (__builtin_convertvector(dot, floats) * q->scale + q->base) + (offset * q->along + radius * q->across);      \
			if (any(upper >= q->floor))                                                                                                 \
				for (uint32_t j = 0; j < n; j++)                                                                                        \
					if (upper[j] >= q->floor) found[kept++] = (vsed_found){row[j], dot[j]};                                             \
		}                                                                                                                               \
		return kept;                                                                                                                    \
	}                                                                                                                                   \
	/* Several queries take a strip of rows in turns, while the first-level cache has it, and each asks for its share of the next. */   \
	TARGET static void NAME(const vsed_block *b, const int8_t *packed, const vsed_query *q, uint32_t queries, vsed_found *found,        \
		uint32_t *counts) {                                                                                                             \
		uint32_t step = queries == 1 ? b->count : (STRIP / b->width + GROUP - 1) / GROUP * GROUP;                                       \
		uint32_t share = b->list || queries == 1 ? 0 : GROUP * b->width / queries;                                                      \
		memset(counts, 0, queries * sizeof *counts);                                                                                    \
		for (uint32_t from = 0; from < b->count; from += step) {                                                                        \
			uint32_t to = b->count - from < step ? b->count : from + step;                                                              \
			for (uint32_t i = 0; i < queries; i++) {                                                                                    \
				counts[i] += NAME##_one(b, from, to, packed + (uint64_t)i * 4 * b->width, q + i,                                        \
					queries > 1 || b->list ? 0 : AHEAD, b->rows + (uint64_t)to * b->width + (uint64_t)i * share * (step / GROUP), share, \
					found + (uint64_t)i * b->count + counts[i]);                                                                        \
			}                                                                                                                           \
		}                                                                                                                               \
	}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,f16c")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni,avx2,f16c")))

// transpose_add gives the sum of each of the four vectors.
AVX2 INLINE __m128i avx2_transpose_add(__m256i a, __m256i b, __m256i c, __m256i d) {
	__m256i ab = _mm256_hadd_epi32(a, b), cd = _mm256_hadd_epi32(c, d), all = _mm256_hadd_epi32(ab, cd);
	return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

AVX2 INLINE __m256i avx2_widened(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }

AVX2 INLINE ints avx2_dots(const uint8_t *r0, const uint8_t *r1, const uint8_t *r2, const uint8_t *r3, uint32_t width, const int8_t *packed,
	uint32_t ahead) {
	__m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
	for (uint32_t i = 0; i < width; i += 16) {
		if (ahead) FETCH(r0 + ahead + 4 * i);
		__m256i q = _mm256_loadu_si256((const __m256i *)(packed + 2 * i));
		s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(avx2_widened(r0 + i), q));
		s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(avx2_widened(r1 + i), q));
		s2 = _mm256_add_epi32(s2, _mm256_madd_epi16(avx2_widened(r2 + i), q));
		s3 = _mm256_add_epi32(s3, _mm256_madd_epi16(avx2_widened(r3 + i), q));
	}
	return (ints)avx2_transpose_add(s0, s1, s2, s3);
}

SCAN(avx2_scan, AVX2, avx2_dots, 1)

VNNI INLINE __m512i vnni_whole(__m512i high, __m512i low) { return _mm512_add_epi32(_mm512_slli_epi32(high, 8), low); }

// vnni_transpose_add gives the sum of each of the four vectors.
VNNI INLINE ints vnni_transpose_add(__m512i a, __m512i b, __m512i c, __m512i d) {
	__m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
	__m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
	__m512i all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
	__m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
	return (ints)_mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

// VNNI_MULTIPLY adds unsigned times signed bytes, four by four, to SUM. GCC 12
// copies the sum before and after the intrinsic, which makes it half as fast.
#define VNNI_MULTIPLY(SUM, ROW, Q) __asm__("vpdpbusd %2, %1, %0" : "+v"(SUM) : "v"(ROW), "v"(Q))

// vnni_pair is for rows from memory: four at a time are faster than it gives them, and
// what is asked for ahead then comes too unevenly.
VNNI INLINE void vnni_pair(const uint8_t *r0, const uint8_t *r1, uint32_t width, const int8_t *packed, uint32_t ahead, __m512i *s0, __m512i *s1) {
	const int8_t *high = packed + 2 * width, *low = packed + 3 * width;
	__m512i h0 = _mm512_setzero_si512(), h1 = h0, l0 = h0, l1 = h0;
	for (uint32_t i = 0; i < 2 * width; i += 64) FETCH(r0 + ahead + i);
	for (uint32_t i = 0; i < width; i += 64) {
		__m512i qh = _mm512_loadu_si512(high + i), ql = _mm512_loadu_si512(low + i);
		__m512i v0 = _mm512_loadu_si512(r0 + i), v1 = _mm512_loadu_si512(r1 + i);
		VNNI_MULTIPLY(h0, v0, qh);
		VNNI_MULTIPLY(l0, v0, ql);
		VNNI_MULTIPLY(h1, v1, qh);
		VNNI_MULTIPLY(l1, v1, ql);
	}
	*s0 = vnni_whole(h0, l0), *s1 = vnni_whole(h1, l1);
}

VNNI INLINE ints vnni_dots(const uint8_t *r0, const uint8_t *r1, const uint8_t *r2, const uint8_t *r3, uint32_t width, const int8_t *packed,
	uint32_t ahead) {
	if (ahead) {
		__m512i s0, s1, s2, s3;
		vnni_pair(r0, r1, width, packed, ahead, &s0, &s1);
		vnni_pair(r2, r3, width, packed, ahead, &s2, &s3);
		return vnni_transpose_add(s0, s1, s2, s3);
	}
	const int8_t *high = packed + 2 * width, *low = packed + 3 * width;
	__m512i h0 = _mm512_setzero_si512(), h1 = h0, h2 = h0, h3 = h0, l0 = h0, l1 = h0, l2 = h0, l3 = h0;
	for (uint32_t i = 0; i < width; i += 64) {
		__m512i qh = _mm512_loadu_si512(high + i), ql = _mm512_loadu_si512(low + i);
		__m512i v0 = _mm512_loadu_si512(r0 + i), v1 = _mm512_loadu_si512(r1 + i);
		__m512i v2 = _mm512_loadu_si512(r2 + i), v3 = _mm512_loadu_si512(r3 + i);
		VNNI_MULTIPLY(h0, v0, qh);
		VNNI_MULTIPLY(l0, v0, ql);
		VNNI_MULTIPLY(h1, v1, qh);
		VNNI_MULTIPLY(l1, v1, ql);
		VNNI_MULTIPLY(h2, v2, qh);
		VNNI_MULTIPLY(l2, v2, ql);
		VNNI_MULTIPLY(h3, v3, qh);
		VNNI_MULTIPLY(l3, v3, ql);
	}
	return vnni_transpose_add(vnni_whole(h0, l0), vnni_whole(h1, l1), vnni_whole(h2, l2), vnni_whole(h3, l3));
}

SCAN(vnni_scan, VNNI, vnni_dots, 1)

// avx2_score keeps sum j of the eight in lane j; products are exact.
AVX2 static double avx2_score(const uint16_t *row, uint32_t dimensions, const float *query) {
	__m256d even = _mm256_setzero_pd(), odd = even;
	uint32_t i = 0;
	for (; i + 8 <= dimensions; i += 8) {
		__m256 x = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(row + i))), q = _mm256_loadu_ps(query + i);
		even = _mm256_add_pd(even, _mm256_mul_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(x)), _mm256_cvtps_pd(_mm256_castps256_ps128(q))));
		odd = _mm256_add_pd(odd, _mm256_mul_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)), _mm256_cvtps_pd(_mm256_extractf128_ps(q, 1))));
	}
	double s[8];
	_mm256_storeu_pd(s, even);
	_mm256_storeu_pd(s + 4, odd);
	for (uint32_t j = 0; i < dimensions; i++, j++) s[j] += (double)_cvtsh_ss(row[i]) * (double)query[i];
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

AVX2 static uint64_t avx2_sum(const uint8_t *p, uint64_t length) {
	__m256i s[4] = {0}, zero = _mm256_setzero_si256();
	uint64_t i = 0, lanes[4], total = 0;
	for (; i + 128 <= length; i += 128)
		for (int j = 0; j < 4; j++) FETCH(p + i + 32 * j + AHEAD), s[j] = _mm256_add_epi64(s[j], _mm256_sad_epu8(_mm256_loadu_si256((const __m256i *)(p + i + 32 * j)), zero));
	_mm256_storeu_si256((__m256i *)lanes, _mm256_add_epi64(_mm256_add_epi64(s[0], s[1]), _mm256_add_epi64(s[2], s[3])));
	for (; i < length; i++) total += p[i];
	return total + lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

VNNI static uint64_t vnni_sum(const uint8_t *p, uint64_t length) {
	__m512i s[4] = {0}, zero = _mm512_setzero_si512();
	uint64_t i = 0, total = 0;
	for (; i + 256 <= length; i += 256)
		for (int j = 0; j < 4; j++) FETCH(p + i + 64 * j + AHEAD), s[j] = _mm512_add_epi64(s[j], _mm512_sad_epu8(_mm512_loadu_si512(p + i + 64 * j), zero));
	for (; i < length; i++) total += p[i];
	return total + _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(s[0], s[1]), _mm512_add_epi64(s[2], s[3])));
}

void vsed_scan(int kernel, const uint8_t *rows, const float *offsets, const float *radii, const uint16_t *list, uint32_t count, uint32_t width,
	const int8_t *packed, const vsed_query *queries, uint32_t query_count, vsed_found *found, uint32_t *counts) {
	vsed_block block = {rows, offsets, radii, list, count, width};
	(kernel == VSED_VNNI ? vnni_scan : avx2_scan)(&block, packed, queries, query_count, found, counts);
}

AVX2 void vsed_score(const uint8_t *memory, const uint64_t *places, uint32_t count, uint32_t dimensions, const float *query, double *scores) {
	for (uint32_t i = 0; i < count; i++) {
		if (i + 2 < count)
			for (uint32_t c = 0; c < dimensions * 2; c += 64) FETCH(memory + places[i + 2] + c);
		scores[i] = avx2_score((const uint16_t *)(memory + places[i]), dimensions, query);
	}
}

uint64_t vsed_sum(int kernel, const uint8_t *bytes, uint64_t length) { return (kernel == VSED_VNNI ? vnni_sum : avx2_sum)(bytes, length); }

#elif defined(__aarch64__)
#include <arm_neon.h>

#define NEON
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))

// neon_multiply adds the products of sixteen values to the sum.
INLINE int32x4_t neon_multiply(int32x4_t sum, const uint8_t *row, int16x8_t q0, int16x8_t q1) {
	uint8x16_t bytes = vld1q_u8(row);
	int16x8_t r0 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))), r1 = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
	sum = vmlal_s16(sum, vget_low_s16(r0), vget_low_s16(q0));
	sum = vmlal_high_s16(sum, r0, q0);
	sum = vmlal_s16(sum, vget_low_s16(r1), vget_low_s16(q1));
	return vmlal_high_s16(sum, r1, q1);
}

INLINE ints neon_dots(const uint8_t *r0, const uint8_t *r1, const uint8_t *r2, const uint8_t *r3, uint32_t width, const int8_t *packed,
	uint32_t ahead) {
	int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0;
	for (uint32_t i = 0; i < width; i += 16) {
		if (ahead) FETCH(r0 + ahead + 4 * i);
		int16x8_t q0 = vreinterpretq_s16_s8(vld1q_s8(packed + 2 * i)), q1 = vreinterpretq_s16_s8(vld1q_s8(packed + 2 * i + 16));
		s0 = neon_multiply(s0, r0 + i, q0, q1);
		s1 = neon_multiply(s1, r1 + i, q0, q1);
		s2 = neon_multiply(s2, r2 + i, q0, q1);
		s3 = neon_multiply(s3, r3 + i, q0, q1);
	}
	return (ints)vpaddq_s32(vpaddq_s32(s0, s1), vpaddq_s32(s2, s3));
}

SCAN(neon_scan, NEON, neon_dots, 1)

// dotprod_row takes 128 off: the instruction multiplies signed bytes.
DOTPROD INLINE int8x16_t dotprod_row(const uint8_t *row) { return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row), vdupq_n_u8(128))); }

DOTPROD INLINE ints dotprod_dots(const uint8_t *r0, const uint8_t *r1, const uint8_t *r2, const uint8_t *r3, uint32_t width, const int8_t *packed,
	uint32_t ahead) {
	const int8_t *high = packed + 2 * width, *low = packed + 3 * width;
	int32x4_t h0 = vdupq_n_s32(0), h1 = h0, h2 = h0, h3 = h0, l0 = h0, l1 = h0, l2 = h0, l3 = h0;
	for (uint32_t i = 0; i < width; i += 16) {
		if (ahead) FETCH(r0 + ahead + 4 * i);
		int8x16_t qh = vld1q_s8(high + i), ql = vld1q_s8(low + i);
		int8x16_t v0 = dotprod_row(r0 + i), v1 = dotprod_row(r1 + i), v2 = dotprod_row(r2 + i), v3 = dotprod_row(r3 + i);
		h0 = vdotq_s32(h0, v0, qh), l0 = vdotq_s32(l0, v0, ql);
		h1 = vdotq_s32(h1, v1, qh), l1 = vdotq_s32(l1, v1, ql);
		h2 = vdotq_s32(h2, v2, qh), l2 = vdotq_s32(l2, v2, ql);
		h3 = vdotq_s32(h3, v3, qh), l3 = vdotq_s32(l3, v3, ql);
	}
	l0 = vaddq_s32(l0, vshlq_n_s32(h0, 8)), l1 = vaddq_s32(l1, vshlq_n_s32(h1, 8));
	l2 = vaddq_s32(l2, vshlq_n_s32(h2, 8)), l3 = vaddq_s32(l3, vshlq_n_s32(h3, 8));
	return (ints)vpaddq_s32(vpaddq_s32(l0, l1), vpaddq_s32(l2, l3));
}

SCAN(dotprod_scan, DOTPROD, dotprod_dots, 0)

void vsed_scan(int kernel, const uint8_t *rows, const float *offsets, const float *radii, const uint16_t *list, uint32_t count, uint32_t width,
	const int8_t *packed, const vsed_query *queries, uint32_t query_count, vsed_found *found, uint32_t *counts) {
	vsed_block block = {rows, offsets, radii, list, count, width};
	(kernel == VSED_DOTPROD ? dotprod_scan : neon_scan)(&block, packed, queries, query_count, found, counts);
}

// neon_score keeps sums 2j and 2j+1 of the eight in vector j; products are exact.
static double neon_score(const uint16_t *row, uint32_t dimensions, const float *query) {
	float64x2_t v[4] = {vdupq_n_f64(0), vdupq_n_f64(0), vdupq_n_f64(0), vdupq_n_f64(0)};
	uint32_t i = 0;
	for (; i + 8 <= dimensions; i += 8)
		for (int j = 0; j < 2; j++) {
			float32x4_t x = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(row + i + 4 * j))), q = vld1q_f32(query + i + 4 * j);
			v[2 * j] = vaddq_f64(v[2 * j], vmulq_f64(vcvt_f64_f32(vget_low_f32(x)), vcvt_f64_f32(vget_low_f32(q))));
			v[2 * j + 1] = vaddq_f64(v[2 * j + 1], vmulq_f64(vcvt_high_f64_f32(x), vcvt_high_f64_f32(q)));
		}
	double s[8];
	for (int j = 0; j < 4; j++) vst1q_f64(s + 2 * j, v[j]);
	for (uint32_t j = 0; i < dimensions; i++, j++) {
		float32x4_t x = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(row[i])));
		s[j] += (double)vgetq_lane_f32(x, 0) * (double)query[i];
	}
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void vsed_score(const uint8_t *memory, const uint64_t *places, uint32_t count, uint32_t dimensions, const float *query, double *scores) {
	for (uint32_t i = 0; i < count; i++) {
		if (i + 2 < count)
			for (uint32_t c = 0; c < dimensions * 2; c += 64) FETCH(memory + places[i + 2] + c);
		scores[i] = neon_score((const uint16_t *)(memory + places[i]), dimensions, query);
	}
}

uint64_t vsed_sum(int kernel, const uint8_t *p, uint64_t length) {
	(void)kernel;
	uint64x2_t s[4] = {vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0), vdupq_n_u64(0)};
	uint64_t i = 0, total = 0;
	for (; i + 64 <= length; i += 64)
		for (int j = 0; j < 4; j++) FETCH(p + i + 16 * j + AHEAD), s[j] = vpadalq_u32(s[j], vpaddlq_u16(vpaddlq_u8(vld1q_u8(p + i + 16 * j))));
	for (; i < length; i++) total += p[i];
	for (int j = 0; j < 4; j++) total += vaddvq_u64(s[j]);
	return total;
}
#endif
