// SPDX-License-Identifier: GPL-2.0-only
/* kmod/breaker_judge.c: the object that the module is made of. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kmod/breaker_judge.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL
#define ROUNDS 1000000

static u64 seed;

/* xorshift64*: the same histories on every machine. */
static u64 any(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 2685821657736338717ULL;
}

static void test_meter(void **state)
{
	struct vdb_meter m = { 0 };

	(void)state;
	assert_int_equal(vdb_meter_read(&m, 5 * SECOND), 0);
	assert_int_equal(vdb_meter_add(&m, 5 * SECOND, 3), 3);
	assert_int_equal(vdb_meter_add(&m, 6 * SECOND - 1, 4), 7);
	assert_int_equal(vdb_meter_read(&m, 6 * SECOND - 1), 7);
	/* A new second begins at nothing; one whose clock is behind adds to it. */
	assert_int_equal(vdb_meter_read(&m, 6 * SECOND), 0);
	assert_int_equal(vdb_meter_add(&m, 6 * SECOND, 1), 1);
	assert_int_equal(vdb_meter_add(&m, 6 * SECOND - 1, 1), 2);
	assert_int_equal(vdb_meter_read(&m, 6 * SECOND - 1), 2);
	/* Further back is another clock, and so is far ahead. */
	assert_int_equal(vdb_meter_add(&m, 4 * SECOND, 1), 1);
	assert_int_equal(vdb_meter_add(&m, UINT64_MAX, 1), 1);
	assert_int_equal(vdb_meter_add(&m, 0, 9), 9);
	/* Full stays full, whatever comes on top. */
	assert_true(vdb_meter_add(&m, 0, UINT32_MAX - 10) == UINT32_MAX - 1);
	assert_true(vdb_meter_add(&m, 1, 2) == UINT32_MAX);
	assert_true(vdb_meter_add(&m, 2, UINT32_MAX) == UINT32_MAX);
	assert_true(vdb_meter_read(&m, SECOND - 1) == UINT32_MAX);
}

/* One CPU, random steps in time and amount, against a plain sum of the same second. */
static void test_meter_random(void **state)
{
	u64 now_ns = 0, second = 0, sum = 0;
	struct vdb_meter m = { 0 };
	int i;

	(void)state;
	seed = 42;
	for (i = 0; i < ROUNDS; i++) {
		u32 amount = any() >> (any() % 64), got;

		now_ns += any() >> (20 + any() % 40);
		if (now_ns / SECOND != second) {
			second = now_ns / SECOND;
			sum = 0;
		}
		sum += amount;
		got = vdb_meter_add(&m, now_ns, amount);
		assert_true(got == (sum < UINT32_MAX ? sum : UINT32_MAX));
		assert_true(vdb_meter_read(&m, now_ns) == got);
	}
	assert_true(now_ns > 1000 * SECOND);
}

#define THREADS 4

static struct vdb_meter shared;

static void *add_to_shared(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS / THREADS; i++)
		vdb_meter_add(&shared, SECOND + i, 1);
	return NULL;
}

static void test_meter_loses_nothing(void **state)
{
	pthread_t thread[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, add_to_shared, NULL), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(vdb_meter_read(&shared, SECOND), ROUNDS);
}

static void test_charge(void **state)
{
	(void)state;
	assert_int_equal(vdb_hook_charge(100, SECOND), 100 * VDB_TIMED_ONE_IN);
	assert_int_equal(vdb_hook_charge(0, SECOND), 1);
	/* An outlier does not overdraw a budget alone, whatever it is. */
	assert_int_equal(vdb_hook_charge(UINT64_MAX, SECOND), SECOND / VDB_SAMPLES_MIN);
	assert_int_equal(vdb_hook_charge(SECOND, 80 * MS), 10 * MS);
	assert_int_equal(vdb_hook_charge(SECOND, 0), 1);
	assert_true(vdb_hook_charge(UINT64_MAX, UINT64_MAX) == UINT32_MAX);
	assert_true(vdb_hook_charge(UINT32_MAX, UINT64_MAX) == UINT32_MAX);
}

/* Never over a budget with less than VDB_SAMPLES_MIN samples, always with enough dear ones. */
static void test_charge_random(void **state)
{
	int i;

	(void)state;
	seed = 7;
	for (i = 0; i < ROUNDS; i++) {
		u64 budget_ns = 1000 + any() % SECOND, sum = 0;
		int k;

		for (k = 1; k < VDB_SAMPLES_MIN; k++)
			sum += vdb_hook_charge(any() >> (any() % 64), budget_ns);
		assert_true(sum < budget_ns);
		for (k = 0; sum < budget_ns; k++)
			sum += vdb_hook_charge(budget_ns, budget_ns);
		assert_true(k <= VDB_SAMPLES_MIN + VDB_SAMPLES_MIN);
	}
}

static void test_failures(void **state)
{
	int i;

	(void)state;
	assert_false(vdb_fails_too_often(VDB_YIELDS_MIN - 1, VDB_YIELDS_MIN - 1, 1));
	assert_true(vdb_fails_too_often(VDB_YIELDS_MIN, VDB_YIELDS_MIN, 99));
	assert_false(vdb_fails_too_often(950, 1000, 95));
	assert_true(vdb_fails_too_often(951, 1000, 95));
	/* Some failed that were begun a second ago. */
	assert_true(vdb_fails_too_often(1010, 1000, 99));
	assert_false(vdb_fails_too_often(UINT32_MAX, VDB_YIELDS_MIN, 100));
	assert_true(vdb_fails_too_often(UINT32_MAX, UINT32_MAX, 99));
	seed = 3;
	for (i = 0; i < ROUNDS; i++) {
		u32 begun = any() >> (32 + any() % 32), failed = any() >> (32 + any() % 32);
		u32 percent = any() % 100 + 1;
		bool over = percent < 100 && begun >= VDB_YIELDS_MIN &&
			    (double)failed / begun > percent / 100.0 + 1e-9;
		bool under = percent == 100 || begun < VDB_YIELDS_MIN ||
			     (double)failed / begun < percent / 100.0 - 1e-9;

		if (over)
			assert_true(vdb_fails_too_often(failed, begun, percent));
		if (under)
			assert_false(vdb_fails_too_often(failed, begun, percent));
	}
}

static void test_wait(void **state)
{
	struct vdb_wait w = { 0 },
			at = { .queued_ns = 5 * MS, .runs = 3, .cpu = 1, .counts = true };

	(void)state;
	/* The first look only remembers. */
	assert_true(vdb_wait_look(&w, &at) == 0);
	at.queued_ns += 20 * MS;
	at.boosts = VDB_BLAME_MIN - 1;
	assert_true(vdb_wait_look(&w, &at) == 0);
	at.boosts = VDB_BLAME_MIN;
	assert_true(vdb_wait_look(&w, &at) == 20 * MS);
	at.queued_ns += MS;
	assert_true(vdb_wait_look(&w, &at) == 21 * MS);
	/* It ran in between: a new wait. */
	at.runs++;
	assert_true(vdb_wait_look(&w, &at) == 0);
	at.queued_ns += MS;
	at.boosts += VDB_BLAME_MIN;
	assert_true(vdb_wait_look(&w, &at) == MS);
	/* It was moved. */
	at.cpu = 0;
	assert_true(vdb_wait_look(&w, &at) == 0);
	/* Throttled, or asleep: that is not our doing, nor is what comes right after. */
	at.queued_ns += MS;
	at.boosts += VDB_BLAME_MIN;
	at.counts = false;
	assert_true(vdb_wait_look(&w, &at) == 0);
	at.counts = true;
	assert_true(vdb_wait_look(&w, &at) == 0);
	/* Another thread has its place. */
	at.queued_ns = 0;
	at.boosts += VDB_BLAME_MIN;
	assert_true(vdb_wait_look(&w, &at) == 0);
}

/*
 * Random histories of a vCPU: it is never said to have waited longer than it has since it last
 * ran or was moved, and never when nobody was boosted; counts wrap without a trace.
 */
static void test_wait_random(void **state)
{
	struct vdb_wait w = { 0 }, at = { .runs = UINT32_MAX - 100, .boosts = UINT32_MAX - 1000 };
	u64 waited_ns = 0, boosts = 0, blamed = 0;
	int i;

	(void)state;
	seed = 11;
	for (i = 0; i < ROUNDS; i++) {
		u32 step = any() % 1000, more = any() % 4;
		u64 told_ns;

		at.counts = any() % 20;
		at.queued_ns += step;
		at.boosts += more;
		waited_ns += step;
		boosts += more;
		if (!(any() % 50)) {
			at.runs++;
			waited_ns = boosts = 0;
		}
		if (!(any() % 200)) {
			at.cpu = (at.cpu + 1 + any() % 7) % 8;
			waited_ns = boosts = 0;
		}
		told_ns = vdb_wait_look(&w, &at);
		if (told_ns) {
			assert_true(at.counts);
			assert_true(told_ns <= waited_ns);
			assert_true(boosts >= VDB_BLAME_MIN);
			blamed++;
		}
	}
	assert_true(blamed > 1000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meter),
		cmocka_unit_test(test_meter_random),
		cmocka_unit_test(test_meter_loses_nothing),
		cmocka_unit_test(test_charge),
		cmocka_unit_test(test_charge_random),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wait_random),
	};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
