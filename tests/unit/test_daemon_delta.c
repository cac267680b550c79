// SPDX-License-Identifier: GPL-2.0-only
/* Differences of counters, and rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/delta.h"
#include "lib/counter.h"

static void fill(struct vd_stats *s, uint64_t base)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	s->have = 0xffff;
	for (i = 0; i < nr_counters; i++)
		memcpy((char *)s + counters[i].offset, &(uint64_t){ base + i }, sizeof(uint64_t));
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		s->answer_hist[i] = base + 100 + i;
	s->answer_ns = base + 1000;
}

static void assert_all(const struct vd_stats *s, uint64_t value)
{
	size_t i;

	for (i = 0; i < nr_counters; i++)
		assert_int_equal(counter_get(&counters[i], s), value);
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		assert_int_equal(s->answer_hist[i], value);
	assert_int_equal(s->answer_ns, value);
}

static void test_growth(void **state)
{
	struct vd_stats prev, now, d;

	(void)state;
	fill(&prev, 1000);
	fill(&now, 1017);
	assert_false(delta_stats(&prev, &now, &d));
	assert_all(&d, 17);
	assert_false(delta_stats(&now, &now, &d));
	assert_all(&d, 0);
}

static void test_no_baseline(void **state)
{
	struct vd_stats now, d;

	(void)state;
	fill(&now, 5);
	memset(&d, 0xff, sizeof(d));
	assert_false(delta_stats(NULL, &now, &d));
	assert_all(&d, 0);
}

static void test_near_the_top(void **state)
{
	struct vd_stats prev = { 0 }, now = { 0 }, d;

	(void)state;
	prev.ipis = UINT64_MAX - 3;
	now.ipis = UINT64_MAX;
	assert_false(delta_stats(&prev, &now, &d));
	assert_int_equal(d.ipis, 3);
}

/* Any one counter, bucket or the sum that goes back means: counted anew. */
static void test_recreated(void **state)
{
	struct vd_stats prev, now, d;
	size_t i;

	(void)state;
	for (i = 0; i < nr_counters; i++) {
		fill(&prev, 1000);
		fill(&now, 2000);
		memcpy((char *)&now + counters[i].offset, &(uint64_t){ 3 }, sizeof(uint64_t));
		assert_true(delta_stats(&prev, &now, &d));
		assert_memory_equal(&d, &now, sizeof(d));
	}
	fill(&now, 2000);
	now.answer_hist[31] = 0;
	assert_true(delta_stats(&prev, &now, &d));
	fill(&now, 2000);
	now.answer_ns = 0;
	assert_true(delta_stats(&prev, &now, &d));
}

static void test_rate(void **state)
{
	(void)state;
	assert_int_equal(delta_rate(0, 0), 0);
	assert_int_equal(delta_rate(100, 0), 0);
	assert_int_equal(delta_rate(100, 1000000000), 100);
	assert_int_equal(delta_rate(100, 2000000000), 50);
	assert_int_equal(delta_rate(1, 3000000000), 0);
	assert_int_equal(delta_rate(3, 1), 3000000000);
	assert_int_equal(delta_rate(UINT64_MAX, 1), UINT64_MAX);
	assert_int_equal(delta_rate(UINT64_MAX, 1000000000), UINT64_MAX);
	assert_in_range(delta_rate(UINT64_MAX, UINT64_MAX), 999999999, 1000000000);
	assert_int_equal(delta_rate(20000000000, 1000000000), 20000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),	     cmocka_unit_test(test_no_baseline),
		cmocka_unit_test(test_near_the_top), cmocka_unit_test(test_recreated),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests_name("daemon delta", tests, NULL, NULL);
}
