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
	struct vdb_loan_times t = { .lent_ns = 100 * MS, .run_ns = VDB_UNANSWERED_NS };
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

static void test_loan_pays(void **state)
{
	(void)state;
	assert_false(vdb_loan_pays(0, 0));
	assert_false(vdb_loan_pays(VDB_SPINS_ALL / 20, VDB_COMPUTES_NS - 1));
	assert_true(vdb_loan_pays(VDB_SPINS_LOCKS, 0));
	assert_true(vdb_loan_pays(0, VDB_COMPUTES_NS));
	assert_true(vdb_loan_pays(VDB_SPINS_ALL, UINT64_MAX));
}

static void test_row_delay(void **state)
{
	unsigned int n;

	(void)state;
	assert_true(vdb_row_delay_ns(0, 0) == 0);
	assert_true(vdb_row_delay_ns(1, 0) == 0);
	for (n = 2; n <= 8; n++) {
		assert_true(vdb_row_delay_ns(n, 0) == vdb_row_delay_ns(n - 1, 0) + VDB_ROW_GAP_NS);
		assert_true(vdb_row_delay_ns(n, VDB_SPINS_LOCKS - 1) == vdb_row_delay_ns(n, 0));
		assert_true(vdb_row_delay_ns(n, VDB_SPINS_LOCKS) == 0);
	}
	/* However many there are: long before a loan would end. */
	assert_true(vdb_row_delay_ns(8, 0) < VDB_LOAN_MAX_NS);
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
		struct vdb_loan_times t = { .lent_ns = random() % 2 ? random64() : -(u64)MS,
					    .run_ns = VDB_UNANSWERED_NS };
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

/* A million queues of two: one that is part of the mean gets below it, and not much more. */
/* What EEVDF does to the lag of one whose weight changes, and what is to be taken back. */
static void test_rescaled(void **state)
{
	unsigned int i;

	(void)state;
	assert_true(vdb_rescaled(5 * MS, 1024, 1024) == 5 * MS);
	assert_true(vdb_rescaled(5 * MS, 1024, 0) == 5 * MS);
	assert_true(vdb_rescaled(5 * MS, 1024, 512) == 10 * MS);
	assert_true(vdb_rescaled(5 * MS, 1024, 2048) == 5 * MS / 2);
	assert_true(vdb_rescaled(0, 1024, 2) == 0);
	/* No product that does not fit. */
	assert_true(vdb_rescaled(1ULL << 44, 1ULL << 27, 3) == 1ULL << 44);
	for (i = 0; i < 1000000; i++) {
		u64 then = 2 + random64() % (88761 << 10);
		u64 now = 2 + random64() % (88761 << 10);
		u64 given = vdb_vtime(random64() % VDB_LEND_MAX_NS, then);
		u64 back = vdb_rescaled(given, then, now);

		/* Service is what it was, to one division. */
		assert_true(back * now <= given * then && given * then - back * now < now);
	}
}

static void test_against_others(void **state)
{
	unsigned int h;

	(void)state;
	srandom(20260104);
	assert_true(vdb_lag_against_others(5, VDB_PROBE) == -1);
	assert_true(vdb_lag_against_others(VDB_FAR + 1, 0) == -1);
	assert_true(vdb_lag_against_others(1000, 0) == 1000);
	assert_true(vdb_lag_against_others(1000, VDB_PROBE / 2) == 2000);
	for (h = 0; h < 1000000; h++) {
		u64 w = 1 + (u64)random() % 90000, others = 1 + (u64)random() % 90000;
		u64 zero = random64(), above = (u64)random() % (8 * MS), margin = 100 * US;
		u64 follows = VDB_PROBE * w / (w + others);
		s64 go = vdb_lag_against_others((s64)(above + margin), follows);
		u64 mean, v;

		if (go < 0) {
			assert_true(w > 14 * others);
			continue;
		}
		/* The others stand so that the mean is at zero while it is above by so much. */
		v = zero + above - (u64)go;
		mean = zero - (u64)go / 1000 * w / (w + others) * 1000;
		assert_true((s64)(v - mean) <= 0);
		assert_true((s64)(mean - v) <= (s64)(margin + margin / 8 + 20000));
	}
}

static void test_balance(void **state)
{
	s64 balance = 0, got = 0;
	unsigned int h;
	u64 ms;

	(void)state;
	assert_true(vdb_balance_settle(VDB_BALANCE_MAX, UINT64_MAX) == 0);
	assert_true(vdb_balance_settle(-VDB_BALANCE_MAX, UINT64_MAX) == 0);
	assert_true(vdb_balance_settle(VDB_BALANCE_MAX, 0) == VDB_BALANCE_MAX);
	assert_true(vdb_balance_settle(-5, 1000 * MS) == 0);
	assert_true(vdb_balance_settle(-VDB_BALANCE_MAX, 128 * US) ==
		    -VDB_BALANCE_MAX + (s64)(US * VDB_NICE_0_WEIGHT));
	assert_true(vdb_balance_allows(0, VDB_BALANCE_MAX));
	assert_false(vdb_balance_allows(1, VDB_BALANCE_MAX));
	assert_false(vdb_balance_allows(-1, -VDB_BALANCE_MAX));
	/* A thousand seconds of asking for more at every chance: 8 ms, and 1/128 of the time. */
	srandom(20260105);
	for (h = 0, ms = 0; h < 1000000; h++, ms++) {
		s64 service = (s64)((u64)random() % MS * VDB_NICE_0_WEIGHT);

		balance = vdb_balance_settle(balance, MS);
		if (vdb_balance_allows(balance, service)) {
			balance += service;
			got += service;
		}
		assert_true(balance <= VDB_BALANCE_MAX);
		assert_true(got <= VDB_BALANCE_MAX + (s64)((ms + 1) * (MS >> VDB_BALANCE_SHIFT) *
							   VDB_NICE_0_WEIGHT));
	}
	assert_true(got > VDB_BALANCE_MAX +
				  (s64)(900000 * (MS >> VDB_BALANCE_SHIFT) * VDB_NICE_0_WEIGHT));
}

/* A million transfers between eight of any weight: what some got the others paid, to the unit. */
static void test_transfers(void **state)
{
	u64 vruntime[8], weight[8], zero[8], rest = 0;
	s64 sum;
	unsigned int h, i;

	(void)state;
	srandom(20260106);
	for (i = 0; i < 8; i++) {
		weight[i] = 15 + (u64)random() % (88761ULL << 10);
		vruntime[i] = zero[i] = random64();
	}
	for (h = 0; h < 1000000; h++) {
		unsigned int to = (unsigned int)random() % 8, from = (unsigned int)random() % 8;
		u64 given = (u64)random() % (VDB_LEND_MAX_NS / 8), paid;

		paid = vdb_charge(given, weight[to], weight[from], &rest);
		assert_true(rest < weight[from]);
		vruntime[to] -= given;
		vruntime[from] += paid;
		if (h % 1000)
			continue;
		/* In units of service, modulo 2^64: exact. */
		for (i = 0, sum = (s64)rest; i < 8; i++)
			sum += (s64)((vruntime[i] - zero[i]) * weight[i]);
		assert_true(sum == 0);
	}
	rest = 3;
	assert_true(vdb_charge(0, 1, 0, &rest) == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vtime),		cmocka_unit_test(test_lag_wanted),
		cmocka_unit_test(test_loan_due),	cmocka_unit_test(test_loan_pays),
		cmocka_unit_test(test_row_delay),	cmocka_unit_test(test_rescaled),
		cmocka_unit_test(test_against_others),	cmocka_unit_test(test_balance),
		cmocka_unit_test(test_transfers),	cmocka_unit_test(test_random_histories),
		cmocka_unit_test(test_every_loan_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
