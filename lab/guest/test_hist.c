// SPDX-License-Identifier: GPL-2.0-only
/* Tests of the VMM's pure parts: histogram and durations. Prints TAP. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "hist.h"
#include "vmm/vdvm.h"

static int failed, count;

static void check(bool ok, const char *what)
{
	count++;
	failed += !ok;
	printf("%sok %d - %s\n", ok ? "" : "not ", count, what);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> (*state % 64);
}

/* Every value below 2^40 lies within 1.6 % of what its bucket stands for. */
static bool buckets_are_close(void)
{
	uint64_t state = 1, value, middle, off;
	unsigned int i;

	for (i = 0; i < 1000000; i++) {
		value = next_random(&state) >> (64 - VD_HIST_MAX_BITS);
		middle = vd_hist_value(vd_hist_index(value));
		off = value > middle ? value - middle : middle - value;
		if (vd_hist_index(value) >= VD_HIST_BUCKETS || off * 1000 > value * 16) {
			printf("# %" PRIu64 " -> %" PRIu64 "\n", value, middle);
			return false;
		}
	}
	return true;
}

static bool indices_ascend(void)
{
	uint64_t value;
	unsigned int bit;

	for (bit = 1; bit < 63; bit++)
		for (value = (1ull << bit) - 1; value <= (1ull << bit) + 1; value++)
			if (vd_hist_index(value) > vd_hist_index(value + 1))
				return false;
	return vd_hist_index(UINT64_MAX) == VD_HIST_BUCKETS - 1;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool quantiles_match_sorting(void)
{
	static uint64_t values[10000];
	static struct vd_hist half[2];
	uint64_t state = 7, exact, got;
	unsigned int i, permille;

	for (i = 0; i < 10000; i++) {
		values[i] = next_random(&state) >> (64 - VD_HIST_MAX_BITS);
		vd_hist_add(&half[i % 2], values[i]);
	}
	vd_hist_merge(&half[0], &half[1]);
	qsort(values, 10000, sizeof(values[0]), compare);
	for (permille = 10; permille <= 1000; permille += 10) {
		exact = values[permille * 10 - 1];
		got = vd_hist_quantile(&half[0], permille);
		if (got * 1000 > exact * 1016 + 1000 || got * 1016 + 1000 < exact * 1000)
			return false;
	}
	return half[0].count == 10000 && half[0].max == values[9999];
}

static bool empty_is_zero(void)
{
	static const struct vd_hist empty;

	return !vd_hist_quantile(&empty, 500) && !vd_hist_quantile(&empty, 1000);
}

static bool parses(const char *text, int want, uint64_t want_ns)
{
	uint64_t ns = 77;
	int r = duration_parse(text, &ns);

	return r == want && ns == (want ? 77 : want_ns);
}

int main(void)
{
	check(buckets_are_close(), "a bucket is within 1.6 % of its values");
	check(indices_ascend(), "buckets ascend with the values, the last takes the rest");
	check(quantiles_match_sorting(), "quantiles of merged histograms match sorting");
	check(empty_is_zero(), "an empty histogram has quantile 0");
	check(parses("20us", 0, 20000) && parses("2s", 0, 2000000000ull) &&
	      parses("7ns", 0, 7) && parses("0ms", 0, 0), "durations with units");
	check(parses("20", -EINVAL, 0) && parses("2h", -EINVAL, 0) && parses("", -EINVAL, 0) &&
	      parses("-1s", -EINVAL, 0) && parses(" 1s", -EINVAL, 0) &&
	      parses("1 s", -EINVAL, 0) && parses("1ss", -EINVAL, 0), "everything else is refused");
	check(parses("99999999999999s", -ERANGE, 0) &&
	      parses("99999999999999999999999s", -ERANGE, 0), "too long to count in ns is refused");
	printf("1..%d\n", count);
	return failed ? 1 : 0;
}
