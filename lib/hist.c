// SPDX-License-Identifier: GPL-2.0-only
#include "hist.h"

uint64_t hist_count(const uint64_t *buckets, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		if (__builtin_add_overflow(sum, buckets[i], &sum))
			return UINT64_MAX;
	return sum;
}

uint64_t hist_upper_ns(size_t bucket)
{
	return bucket < 63 ? UINT64_C(2) << bucket : UINT64_MAX;
}

uint64_t hist_quantile_ns(const uint64_t *buckets, size_t nr, unsigned int permille)
{
	uint64_t total = hist_count(buckets, nr), below = 0;
	double rank;

	if (!total)
		return 0;
	if (permille > 1000)
		permille = 1000;
	rank = (double)total * permille / 1000;

	for (size_t i = 0; i < nr; i++) {
		double low = i ? (double)hist_upper_ns(i - 1) : 0, part;

		if (!buckets[i] || (double)below + (double)buckets[i] < rank) {
			below += buckets[i];
			continue;
		}
		part = (rank - (double)below) / (double)buckets[i];
		return (uint64_t)(low + part * ((double)hist_upper_ns(i) - low));
	}
	return hist_upper_ns(nr - 1);
}
