// SPDX-License-Identifier: GPL-2.0-only
/* The controller of the window, over days of looks. */
#include "test.h"

#include <string.h>

#include "daemon/adapt.h"

#define DEFAULT VCPU_DEBOOST_WINDOW_DEFAULT_NS
#define DAY	86400
#define US(n)	((n)*1000ULL)
#define MS(n)	((n)*1000000ULL)

static uint64_t seed = 1;

static uint32_t dice(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

/* @n answers of about @ns, give or take a half; those beyond the window expire. */
static void answers(struct vd_stats *s, const struct adapt *a, uint64_t ns, unsigned int n)
{
	while (n--) {
		uint64_t v = ns / 2 + dice() % ns;

		if (a->window_ns && v > a->window_ns)
			s->expired++;
		else
			s->answer_hist[63 - __builtin_clzll(v)]++;
	}
}

static void day(struct adapt *a, struct vd_stats *s, uint64_t ns, unsigned int n)
{
	int i;

	for (i = 0; i < DAY; i++) {
		answers(s, a, ns, n);
		adapt_step(a, s, DEFAULT);
		assert_in_range(a->window_ns, ADAPT_MIN_NS, ADAPT_MAX_NS);
	}
}

/* The window covers the longest answer (1.5 times @ns), and is not far above it. */
static void assert_fits(const struct adapt *a, uint64_t ns)
{
	assert_in_range(a->window_ns, ns * 3 / 2, ns * 12);
}

static void test_follows(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };
	uint64_t changes;

	(void)state;
	day(&a, &s, US(60), 20);
	assert_fits(&a, US(60));
	changes = a.changes;
	day(&a, &s, US(60), 20);
	/* It has found its place: a steady VM changes nothing. */
	assert_int_equal(a.changes, changes);

	day(&a, &s, MS(6), 20);
	assert_fits(&a, MS(6));
	day(&a, &s, US(60), 20);
	assert_fits(&a, US(60));
}

/* Two VMs that differ a hundredfold, side by side. */
static void test_two(void **state)
{
	struct adapt fast = { 0 }, slow = { 0 };
	struct vd_stats f = { 0 }, s = { 0 };

	(void)state;
	day(&fast, &f, US(100), 50);
	day(&slow, &s, MS(10), 50);
	assert_true(slow.window_ns / fast.window_ns > 30);
}

/* A window that is too small sees none of the long answers; it opens all the same. */
static void test_opens_from_too_small(void **state)
{
	struct adapt a = { .window_ns = ADAPT_MIN_NS };
	struct vd_stats s = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		answers(&s, &a, MS(10), 20);
		adapt_step(&a, &s, DEFAULT);
	}
	assert_fits(&a, MS(10));
}

static void test_idle_drifts_back(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };
	int i;

	(void)state;
	day(&a, &s, US(60), 20);
	for (i = 0; i < 2000; i++)
		adapt_step(&a, &s, DEFAULT);
	assert_int_equal(a.window_ns, DEFAULT);
	assert_true(adapt_answers(&a) < 1);

	/* Also to a default that is below. */
	day(&a, &s, MS(20), 20);
	for (i = 0; i < 2000; i++)
		adapt_step(&a, &s, MS(1));
	assert_int_equal(a.window_ns, MS(1));
}

static void test_few_are_no_evidence(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };

	(void)state;
	day(&a, &s, US(60), 0);
	assert_int_equal(a.changes, 0);
	day(&a, &s, US(60), 1);
	/* One per look halves to 43 in the end: below the limit. */
	assert_int_equal(a.changes, 0);
}

/* A mixture that swings between two loads every minute does not make it flap. */
static void test_dwell(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };
	uint64_t changes = 0;
	int i, last = -100;

	(void)state;
	for (i = 0; i < DAY; i++) {
		answers(&s, &a, i / 2 % 2 ? US(60) : MS(2), 20);
		if (adapt_step(&a, &s, DEFAULT)) {
			assert_true(i - last > ADAPT_DWELL);
			last = i;
			changes++;
		}
	}
	assert_in_range(changes, 1, 20);
	assert_in_range(a.window_ns, MS(2), MS(12));
}

static void test_counters_begin_anew(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };
	uint64_t before;

	(void)state;
	day(&a, &s, US(60), 20);
	before = a.window_ns;
	memset(&s, 0, sizeof(s));
	adapt_step(&a, &s, DEFAULT);
	answers(&s, &a, US(60), 20);
	adapt_step(&a, &s, DEFAULT);
	assert_int_equal(a.window_ns, before);
	assert_true(adapt_answers(&a) < 1e6);
}

static void test_bounds(void **state)
{
	struct adapt a = { 0 };
	struct vd_stats s = { 0 };

	(void)state;
	day(&a, &s, US(1), 50);
	assert_int_equal(a.window_ns, ADAPT_MIN_NS);
	/* Nothing is ever answered. */
	memset(&a, 0, sizeof(a));
	day(&a, &s, MS(1000), 50);
	assert_int_equal(a.window_ns, ADAPT_MAX_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_two),
		cmocka_unit_test(test_opens_from_too_small),
		cmocka_unit_test(test_idle_drifts_back),
		cmocka_unit_test(test_few_are_no_evidence),
		cmocka_unit_test(test_dwell),
		cmocka_unit_test(test_counters_begin_anew),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("daemon adapt", tests, NULL, NULL);
}
