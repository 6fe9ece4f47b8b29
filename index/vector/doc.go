// Package vector finds the rows nearest to a query by an exact scan of a mapped
// file. It holds unit vectors by photo id; where they come from, and the words
// of the query, are no business of its. The inner loops are package kernel's.
//
// # What is promised
//
// A row is a vector rounded to float16. Its score for a query is the sum of
// products in float64 that kernel.Kernel.Score defines; each product is exact,
// and so the score is the same on every processor. A search returns the K rows
// of the highest scores, of equal scores the lower ids, exactly.
//
// # How it is kept
//
// The scan reads one byte a dimension. Write R for a fixed rotation (signs,
// Hadamard blocks, a shuffle, signs, Hadamard blocks; rows are padded with zeros
// to a multiple of 64), and µ and Δ for the mean and the step of the row's
// segment. A row x is kept as integers c from -127 to 127 with
//
//	R(x−µ) = Δ·c + r,
//
// where r is what rounding to Δ, and cutting off beyond ±127Δ, leaves. With
// m = R·µ/‖µ‖ (0 where µ is 0), also kept are offset = r·m, in float32, and
// radius = ‖r − offset·m‖, rounded up to float32. So a value far outside the
// range is no special case: it makes the radius long, and the row is rescored.
//
// # The bound
//
// Split the query as q = α·µ/‖µ‖ + q⊥, and round its rotation to 16 bits,
// R·q = g·p + e. As a rotation keeps products,
//
//	q·x = q·µ + Δ·R(q)·c + R(q)·r
//	    = q·µ + Δ·g·(p·c) + Δ·(e·c) + α·offset + R(q⊥)·(r − offset·m),
//
// and by Cauchy and Schwarz, with the estimate s = q·µ + Δ·g·(p·c) + α·offset,
//
//	|q·x − s|  ≤  ‖q⊥‖·radius + ‖e‖·‖Δc‖ + 2⁻²⁴·‖q‖·‖Δc‖ + rounding,
//
// where the third term is for α·m·(r − offset·m), which is not 0 because offset is
// rounded; |offset| ≤ ‖r‖ is no larger than the bound of ‖Δc‖.
//
// ‖Δc‖ ≤ ‖x−µ‖ + Δ/2·√width, because cutting off only shortens, and
// ‖x−µ‖ ≤ 1.01 + ‖µ‖, because a row is no longer than 1.01 (Tolerance and the
// rounding to float16, with 2⁻²⁵ for a subnormal value, come to less).
// p·c is exact: a query's step is chosen so that 127·Σ|p| < 2³¹.
//
// Rounding, in float64 (u = 2⁻⁵³), with at most 2¹⁴ dimensions:
//
//   - a rotation takes a value through at most 2·(14+1) roundings, so it is off
//     by at most 31u·‖x−µ‖ < 10⁻¹⁴, of the row and of the query; its factors
//     1/√n are part of that;
//   - r, offset, radius, ‖q⊥‖ and ‖e‖ are sums of at most 2¹⁴ terms: relative
//     errors below 2¹⁵·u < 4·10⁻¹²;
//   - the score is off from q·x by at most 2¹⁴·u·1.02 < 2·10⁻¹².
//
// roundingRelative (10⁻⁹) and roundingAbsolute (10⁻¹¹), on each length and once
// more on the whole, are more than all of these together.
//
// A kernel compares in float32 (v = 2⁻²⁴). Each of its terms goes through at
// most 5 roundings, of its factors, its product and the sums, so it is off by at
// most 5.0001·v times the sum of the terms' absolute values, which is at most
// (‖q‖+‖e‖)·(3·longest + ‖µ‖) + slack with longest = 1.01 + ‖µ‖ + Δ/2·√width, a
// bound of ‖Δc‖, ‖r‖ and radius alike. terms.slack32 has 6v times that, and is
// used by the kernel's comparison alone: what passes it is compared in float64.
//
// A search notes the K highest s − bound. A row of which s + bound is below the
// K-th of them has K rows above it and is dropped. Of the others, the K with the
// highest s are scored exactly; then every other one whose s + bound reaches the
// least of those scores. All that is left out is certainly below the K-th.
//
// # Files
//
// An index is a folder: a lock, a log and segments of up to 65,536 rows. Rows are
// written behind those that count, with pwrite, then a record is appended to the
// log, and from then on they count; rows that die are named by the same record.
// So a process that is killed at any time leaves all of a batch or nothing.
// Nothing waits for the disk, except when a log is replaced by a fresh one: after
// a power cut the log may be behind, which Change tells, or rows may be missing,
// which their sums tell.
//
// Each row has two CRC-32C sums, over what a scan reads and over its float16
// copy, both with the segment's number and the row's. Opening checks only the log
// and the segments' headers. The sums of a block are checked before its first
// scan, that of a float16 row before it is first scored, and in the background
// all of them; this reads the files, not the mapping, so that a sector that
// cannot be read is an error. Damage empties the index: the search that met it
// and the next Apply return ErrLost, and Lost gives a token. A file that somebody
// truncates is found by its size, which each search compares first; a file that
// is truncated during a search ends the process (SIGBUS), and is found when the
// index is opened again.
//
// # Changing
//
// A snapshot is a list of segments, each with its number of rows and a bitmap of
// the dead. It never changes; a search holds one and takes no lock. In the
// background, a segment of which a quarter has died is copied without its dead
// rows, two small ones are made one, and one that has doubled since its centre
// was last judged is copied around a better one where that shortens its residuals
// by 15 %: the first rows of an index know little of its mean. Any µ and Δ make a
// valid bound, so a poor centre costs time, never rows.
package vector
