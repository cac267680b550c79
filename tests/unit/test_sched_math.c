// SPDX-License-Identifier: GPL-2.0-only
/* kmod/sched_math.c: the object that the module is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kmod/sched_math.h"

#define US 1000ULL
#define MS (1000 * US)

static void test_vtime(void **state)
{
	(void)state;
	assert_true(vdb_vtime(MS, VDB_NICE_0_WEIGHT) == MS);
	assert_true(vdb_vtime(MS, 2 * VDB_NICE_0_WEIGHT) == MS / 2);
	assert_true(vdb_vtime(MS, VDB_NICE_0_WEIGHT / 4) == 4 * MS);
	assert_true(vdb_vtime(0, 0) == 0);
	/* Neither an absurd time nor no weight wraps. */
	assert_true(vdb_vtime(UINT64_MAX, 1) == 1000 * MS * VDB_NICE_0_WEIGHT);
	assert_true(vdb_vtime(UINT64_MAX, 0) == vdb_vtime(UINT64_MAX, 1));
}

static void test_lag_wanted(void **state)
{
	static const u64 middle[] = { 0, 1, 50 * MS, UINT64_MAX, 1ULL << 63 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		u64 m = middle[i];

		assert_true(vdb_lag_wanted(m - MS, m, US, 8 * MS) == 0);
		assert_true(vdb_lag_wanted(m - US, m, US, 8 * MS) == 0);
		assert_true(vdb_lag_wanted(m, m, US, 8 * MS) == (s64)US);
		assert_true(vdb_lag_wanted(m + MS, m, US, 8 * MS) == (s64)(MS + US));
		assert_true(vdb_lag_wanted(m + 8 * MS - US, m, US, 8 * MS) == (s64)(8 * MS));
		assert_true(vdb_lag_wanted(m + 8 * MS, m, US, 8 * MS) == -1);
	}
}

static void test_loan_due(void **state)
{
	struct vdb_loan_times t = { .lent_ns = 100 * MS };
	u64 now_ns = 100 * MS + 50 * US;

	(void)state;
	/* Still queued: looked at again and again, but not for ever. */
	assert_true(vdb_loan_due(&t, now_ns) == now_ns + VDB_UNANSWERED_NS);
	assert_true(vdb_loan_due(&t, 108 * MS - US) == 108 * MS);
	assert_true(vdb_loan_due(&t, 200 * MS) == 108 * MS);
	/* It runs and does not answer. */
	t.ran = true;
	assert_true(vdb_loan_due(&t, now_ns) == 100 * MS + VDB_UNANSWERED_NS);
	/* It has answered, whether it was seen running or not. */
	t.answered_ns = 101 * MS;
	assert_true(vdb_loan_due(&t, now_ns) == 101 * MS + VDB_HANDLER_NS);
	t.ran = false;
	assert_true(vdb_loan_due(&t, now_ns) == 101 * MS + VDB_HANDLER_NS);
	t.answered_ns = 108 * MS - US;
	assert_true(vdb_loan_due(&t, now_ns) == 108 * MS);
}

static void test_is_light(void **state)
{
	(void)state;
	assert_true(vdb_is_light(0, 4 * MS, 4));
	assert_true(vdb_is_light(749 * US, 4 * MS, 4));
	assert_false(vdb_is_light(750 * US, 4 * MS, 4));
	assert_false(vdb_is_light(MS, 4 * MS, 4));
	/* Nothing is known yet. */
	assert_false(vdb_is_light(0, 0, 4));
	/* The only one. */
	assert_false(vdb_is_light(32 * MS, 32 * MS, 1));
}

static u64 random64(void)
{
	return (u64)random() << 42 ^ (u64)random() << 21 ^ (u64)random();
}

/* A run queue as the scheduler keeps it: the mean of the others decides. */
#define ENTITIES 5

static u64 mean_of_others(const u64 *vruntime, unsigned int but, u64 zero)
{
	s64 sum = 0;
	unsigned int i;

	for (i = 0; i < ENTITIES; i++)
		sum += i == but ? 0 : (s64)(vruntime[i] - zero);
	return zero + (u64)(sum / (ENTITIES - 1));
}

/*
 * A million random histories of one run queue: entities run, one is lent lag,
 * they run on, it pays back. It is eligible while it has the loan, never gets
 * more than the bound, and at the end everyone has exactly what it ran, wherever
 * the counter wraps.
 */
static void test_random_histories(void **state)
{
	unsigned int h, i;

	(void)state;
	srandom(20260102);
	for (h = 0; h < 1000000; h++) {
		u64 zero = random() % 2 ? random64() : -(u64)(random() % (10 * (long)MS));
		u64 weight = 1 + random64() % (8 * VDB_NICE_0_WEIGHT);
		u64 margin = vdb_vtime(100 * US, weight);
		u64 max = vdb_vtime(VDB_LEND_MAX_NS, weight);
		unsigned int who = (unsigned int)random() % ENTITIES;
		u64 vruntime[ENTITIES], ran[ENTITIES];
		s64 lent;

		for (i = 0; i < ENTITIES; i++) {
			ran[i] = (u64)random() % (20 * MS);
			vruntime[i] = zero + ran[i];
		}
		lent = vdb_lag_wanted(vruntime[who], mean_of_others(vruntime, who, zero), margin,
				      max);
		assert_true(lent >= -1 && lent <= (s64)max);
		if (lent >= 0) {
			vruntime[who] -= (u64)lent;
			assert_true((s64)(mean_of_others(vruntime, who, zero) - vruntime[who]) >=
				    (s64)margin);
		} else {
			assert_true((s64)(vruntime[who] - mean_of_others(vruntime, who, zero)) >
				    (s64)(max - margin));
		}
		for (i = 0; i < ENTITIES; i++) {
			u64 more = (u64)random() % MS;

			vruntime[i] += more;
			ran[i] += more;
		}
		if (lent > 0)
			vruntime[who] += (u64)lent;
		for (i = 0; i < ENTITIES; i++)
			assert_true(vruntime[i] - zero == ran[i]);
	}
}

/* A million loans whose timer only looks when it was told to: none outlives its time. */
static void test_every_loan_ends(void **state)
{
	unsigned int h;

	(void)state;
	srandom(20260103);
	for (h = 0; h < 1000000; h++) {
		u64 runs_ns = (u64)random() % (12 * MS), answers_ns = (u64)random() % (12 * MS);
		struct vdb_loan_times t = { .lent_ns = random() % 2 ? random64() : -(u64)MS };
		u64 now_ns = t.lent_ns + VDB_UNANSWERED_NS, due_ns;
		unsigned int looks = 0;

		for (;; now_ns = due_ns) {
			t.ran = now_ns - t.lent_ns >= runs_ns;
			t.answered_ns = now_ns - t.lent_ns >= answers_ns ? t.lent_ns + answers_ns
									 : 0;
			due_ns = vdb_loan_due(&t, now_ns);
			assert_true(++looks <= 2 + VDB_LOAN_MAX_NS / VDB_UNANSWERED_NS);
			if ((s64)(due_ns - now_ns) <= 0)
				break;
		}
		assert_true(now_ns - t.lent_ns <= VDB_LOAN_MAX_NS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vtime),
		cmocka_unit_test(test_lag_wanted),
		cmocka_unit_test(test_loan_due),
		cmocka_unit_test(test_is_light),
		cmocka_unit_test(test_random_histories),
		cmocka_unit_test(test_every_loan_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
