// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <string.h>

#include "lib/counter.h"
#include "lib/hist.h"

static void test_counter_table(void **state)
{
	uint64_t seen = 0;

	(void)state;
	for (size_t i = 0; i < nr_counters; i++) {
		const struct counter *c = &counters[i];

		assert_false(seen & VD_BIT(c->attr));
		seen |= VD_BIT(c->attr);
		assert_non_null(c->help);
		assert_int_not_equal(c->help[strlen(c->help) - 1], '.');
		assert_int_equal(strspn(c->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(c->name));
	}
	/* All but UNSPEC, PAD, the two sums, the two histograms and SPIN_WINDOW_NS. */
	assert_int_equal(nr_counters, VCPU_DEBOOST_STATS_A_MAX - 6);
}

static void test_counters_add(void **state)
{
	struct vd_stats one = { .have = 4, .ipis = 5, .fell_through = 7, .answer_ns = 9 };
	struct vd_stats sum = { .have = 2, .ipis = 10, .answer_ns = 1 };

	(void)state;
	one.answer_hist[31] = 3;
	one.run_hist[1] = 4;
	counter_add(&sum, &one);
	counter_add(&sum, &one);
	assert_int_equal(sum.ipis, 20);
	assert_int_equal(sum.fell_through, 14);
	assert_int_equal(sum.answer_ns, 19);
	assert_int_equal(sum.answer_hist[31], 6);
	assert_int_equal(sum.run_hist[1], 8);
	assert_int_equal(sum.have, 6);
	assert_int_equal(counter_get(&counters[0], &sum), 20);
}

static void test_bounds(void **state)
{
	(void)state;
	assert_true(hist_upper_ns(0) == 2);
	assert_true(hist_upper_ns(1) == 4);
	assert_true(hist_upper_ns(31) == UINT64_C(1) << 32);
	assert_true(hist_upper_ns(63) == UINT64_MAX);
}

static void test_quantiles(void **state)
{
	uint64_t h[VCPU_DEBOOST_HIST_BUCKETS] = { 0 };

	(void)state;
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 500), 0);
	assert_int_equal(hist_count(h, ARRAY_LEN(h)), 0);

	h[10] = 100; /* 1024..2047 ns */
	assert_int_equal(hist_count(h, ARRAY_LEN(h)), 100);
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 500), 1536);
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 1000), 2048);
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 9999), 2048);

	h[20] = 100; /* half of them a thousand times slower */
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 250), 1536);
	assert_int_equal(hist_quantile_ns(h, ARRAY_LEN(h), 500), 2048);
	assert_in_range(hist_quantile_ns(h, ARRAY_LEN(h), 501), 1 << 20, 1 << 21);

	memset(h, 0, sizeof(h));
	h[0] = 1;
	assert_in_range(hist_quantile_ns(h, ARRAY_LEN(h), 500), 0, 2);
	h[0] = UINT64_MAX;
	h[31] = UINT64_MAX;
	assert_true(hist_count(h, ARRAY_LEN(h)) == UINT64_MAX);
	assert_in_range(hist_quantile_ns(h, ARRAY_LEN(h), 999), 0, UINT64_C(1) << 32);
}

/* A higher quantile is never a lower value. */
static void test_quantiles_are_monotonic(void **state)
{
	uint64_t seed = 1, h[VCPU_DEBOOST_HIST_BUCKETS];

	(void)state;
	for (int round = 0; round < 200; round++) {
		uint64_t last = 0;

		for (size_t i = 0; i < ARRAY_LEN(h); i++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			h[i] = (seed >> 62) ? 0 : (seed >> 40) % 1000;
		}
		for (unsigned int q = 0; q <= 1000; q++) {
			uint64_t value = hist_quantile_ns(h, ARRAY_LEN(h), q);

			assert_true(value >= last);
			last = value;
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counter_table),
		cmocka_unit_test(test_counters_add),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_quantiles_are_monotonic),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
