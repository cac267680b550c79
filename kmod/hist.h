/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VDB_HIST_H
#define VDB_HIST_H

#include "pure.h"

/**
 * vdb_hist_bucket - the log2 bucket of a value
 * @value: any value
 * @buckets: number of buckets, at least 1
 *
 * Bucket i holds 2^i <= value < 2^(i+1); bucket 0 holds 0 too, the last bucket
 * everything above.
 *
 * Return: the bucket, less than @buckets.
 */
static inline unsigned int vdb_hist_bucket(u64 value, unsigned int buckets)
{
	/* 63 ^ x is 63 - x for x < 64, and one instruction with __builtin_clzll(). */
	unsigned int bucket = 63 ^ __builtin_clzll(value | 1);

	/* Of a time that nobody has seen it is the branch that is not taken. */
	if (__builtin_expect(bucket >= buckets, 0))
		bucket = buckets - 1;
	return bucket;
}

#endif /* VDB_HIST_H */
