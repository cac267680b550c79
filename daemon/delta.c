// SPDX-License-Identifier: GPL-2.0-only
/* Differences of counters. Pure. */
#include "delta.h"

#include <string.h>

#include "lib/counter.h"
#include "lib/units.h"

static uint64_t *field(struct vd_stats *s, const struct counter *c)
{
	return (uint64_t *)((char *)s + c->offset);
}

static bool went_back(const struct vd_stats *prev, const struct vd_stats *now)
{
	size_t i;

	for (i = 0; i < nr_counters; i++)
		if (counter_get(&counters[i], now) < counter_get(&counters[i], prev))
			return true;
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		if (now->answer_hist[i] < prev->answer_hist[i])
			return true;
	return now->answer_ns < prev->answer_ns;
}

bool delta_stats(const struct vd_stats *prev, const struct vd_stats *now, struct vd_stats *ret)
{
	bool again;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->have = now->have;
	if (!prev)
		return false;

	again = went_back(prev, now);
	*ret = *now;
	if (again)
		return true;
	for (i = 0; i < nr_counters; i++)
		*field(ret, &counters[i]) -= counter_get(&counters[i], prev);
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		ret->answer_hist[i] -= prev->answer_hist[i];
	ret->answer_ns -= prev->answer_ns;
	return false;
}

uint64_t delta_rate(uint64_t count, uint64_t elapsed_ns)
{
	uint64_t whole, rest;

	if (!elapsed_ns)
		return 0;
	/* count * 1e9 / elapsed without a wider type. */
	if (count <= UINT64_MAX / UNIT_NSEC_PER_SEC)
		return count * UNIT_NSEC_PER_SEC / elapsed_ns;
	whole = count / elapsed_ns;
	rest = count % elapsed_ns;
	if (whole > UINT64_MAX / UNIT_NSEC_PER_SEC)
		return UINT64_MAX;
	whole *= UNIT_NSEC_PER_SEC;
	rest = (uint64_t)((double)rest / (double)elapsed_ns * (double)UNIT_NSEC_PER_SEC);
	return whole > UINT64_MAX - rest ? UINT64_MAX : whole + rest;
}
