// SPDX-License-Identifier: GPL-2.0-only
/* kmod/penalty_math.c: the object that the module is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kmod/penalty_math.h"

#define US   1000ULL
#define MS   (1000 * US)
#define GRAN (700 * US)

static u64 penalty(s64 need, unsigned int queued, bool reversed, bool series)
{
	struct vdb_penalty_ask ask = { GRAN, need, queued, reversed, series };

	return vdb_penalty(&ask);
}

/* The table of the series, in sixteenths: queued, most, least. */
static void test_table(void **state)
{
	static const unsigned int rows[][3] = {
		{ 2, 96, 16 }, { 3, 64, 15 }, { 4, 40, 10 }, { 6, 40, 10 }, { 7, 32, 8 },
		{ 8, 32, 8 },  { 9, 24, 6 },  { 12, 24, 6 }, { 13, 16, 4 }, { 4000, 16, 4 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(penalty(INT64_MAX, rows[i][0], false, false),
				 GRAN * rows[i][1] / 16);
		assert_int_equal(penalty(INT64_MAX, rows[i][0], false, true),
				 GRAN * rows[i][1] / 16);
		assert_int_equal(penalty(0, rows[i][0], false, false), GRAN * rows[i][2] / 16);
		assert_int_equal(penalty(-1, rows[i][0], false, false), GRAN * rows[i][2] / 16);
		/* By the letter this part is dead: it is always one granularity. */
		assert_int_equal(penalty(0, rows[i][0], false, true), GRAN);
		assert_int_equal(penalty(INT64_MIN, rows[i][0], true, true), GRAN);
	}
}

static void test_gap_and_debounce(void **state)
{
	(void)state;
	/* A granularity and 110 % of the gap. */
	assert_int_equal(penalty(1000 * US, 2, false, false), GRAN + 1100 * US);
	assert_int_equal(penalty(1000 * US, 2, false, true), GRAN + 1100 * US);
	/* Reversed: no more than the larger of both. */
	assert_int_equal(penalty(1000 * US, 2, true, false), 1000 * US);
	assert_int_equal(penalty(100 * US, 2, true, false), GRAN);
	assert_int_equal(penalty(4000 * US, 8, true, false), 2 * GRAN);
}

static void test_rate(void **state)
{
	(void)state;
	assert_true(vdb_rate_allows(0, 0));
	assert_true(vdb_rate_allows(0, 5));
	assert_false(vdb_rate_allows(MS, MS));
	assert_false(vdb_rate_allows(MS, MS + VDB_RATE_LIMIT_NS));
	assert_true(vdb_rate_allows(MS, MS + VDB_RATE_LIMIT_NS + 1));
	/* The clock wraps. */
	assert_false(vdb_rate_allows(UINT64_MAX - 5, 5));
	assert_true(vdb_rate_allows(UINT64_MAX - 5, VDB_RATE_LIMIT_NS));
}

/* A million asks: always something, never more than the cap, and more gap is never less. */
static void test_random(void **state)
{
	unsigned int h;

	(void)state;
	srandom(20260107);
	for (h = 0; h < 1000000; h++) {
		struct vdb_penalty_ask ask = {
			.gran = 16 + (u64)random() % (1ULL << (4 + random() % 50)),
			.need = (s64)((u64)random() << (random() % 33)) * (random() % 4 ? 1 : -1),
			.queued = 2 + (unsigned int)random() % 20,
			.reversed = random() % 2,
			.series = random() % 2,
		};
		u64 p = vdb_penalty(&ask), q;

		assert_true(p > 0 && p <= VDB_PENALTY_CAP * ask.gran);
		ask.reversed = false;
		assert_true(vdb_penalty(&ask) >= p);
		if (ask.need > 0 && ask.need < INT64_MAX / 2) {
			p = vdb_penalty(&ask);
			ask.need *= 2;
			q = vdb_penalty(&ask);
			assert_true(q >= p);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_gap_and_debounce),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
