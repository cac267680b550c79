/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the module's power-of-two histograms. */
#ifndef VD_LIB_HIST_H
#define VD_LIB_HIST_H

#include <stddef.h>
#include <stdint.h>

/**
 * hist_count() - how many values a histogram holds
 * @buckets: counts
 * @nr: number of buckets
 *
 * Return: the sum, UINT64_MAX when it does not fit.
 */
uint64_t hist_count(const uint64_t *buckets, size_t nr);

/**
 * hist_upper_ns() - the first value that no longer falls into a bucket
 * @bucket: 0..VCPU_DEBOOST_HIST_BUCKETS - 1; the last one is open above, and
 *	the result is only its nominal bound
 *
 * Return: 2^(bucket + 1), in ns.
 */
uint64_t hist_upper_ns(size_t bucket);

/**
 * hist_quantile_ns() - estimate a quantile, linear inside its bucket
 * @buckets: counts
 * @nr: number of buckets
 * @permille: 0..1000; 500 is the median
 *
 * Return: nanoseconds, 0 for an empty histogram.
 */
uint64_t hist_quantile_ns(const uint64_t *buckets, size_t nr, unsigned int permille);

#endif /* VD_LIB_HIST_H */
