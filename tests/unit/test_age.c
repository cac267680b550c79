// SPDX-License-Identifier: GPL-2.0-only
/* kmod/age.c: the object that the module is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kmod/age.h"

#define US 1000ULL

/* A vCPU that spins for @window_ns each time, until that is learned. */
static u64 learn_window(struct vdb_age *age, u64 window_ns, u64 *ran_ns, u64 *now_ns)
{
	u64 learned_ns = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		*ran_ns += window_ns;
		*now_ns += 2 * window_ns;
		vdb_age_spin(age, &learned_ns, *ran_ns, *now_ns);
	}
	return learned_ns;
}

static void test_window_is_learned(void **state)
{
	static const u64 window_ns[] = { 1 * US, 7 * US, 66 * US, 900 * US };
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct vdb_age age = { 0 };
		u64 ran_ns = 5 * US, now_ns = 9 * US;
		u64 learned_ns = learn_window(&age, window_ns[i], &ran_ns, &now_ns);

		assert_in_range(learned_ns, window_ns[i] * 9 / 10, window_ns[i] * 11 / 10);
	}
}

static void test_window_stays_in_bounds(void **state)
{
	struct vdb_age age = { 0 };
	u64 ran_ns = 1, now_ns = 1;

	(void)state;
	assert_int_equal(learn_window(&age, 1, &ran_ns, &now_ns), VDB_SPIN_WINDOW_MIN_NS);
	assert_int_equal(learn_window(&age, 10000 * US, &ran_ns, &now_ns), VDB_SPIN_WINDOW_MAX_NS);
}

/* A few exits with work in between must not pull the window up to the work. */
static void test_work_is_not_taken_for_spinning(void **state)
{
	struct vdb_age age = { 0 };
	u64 ran_ns = 1, now_ns = 1, window_ns = 0;
	int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		ran_ns += i % 3 ? 60 * US : 300 * US;
		now_ns += 500 * US;
		vdb_age_spin(&age, &window_ns, ran_ns, now_ns);
	}
	assert_in_range(window_ns, 55 * US, 70 * US);
}

static void test_a_wait_begins_after_work(void **state)
{
	struct vdb_age age = { 0 };
	u64 ran_ns = 1, now_ns = 1;
	u64 window_ns = learn_window(&age, 50 * US, &ran_ns, &now_ns);
	u64 begun_ns;

	(void)state;
	ran_ns += 500 * US;
	now_ns += 700 * US;
	vdb_age_spin(&age, &window_ns, ran_ns, now_ns);
	assert_int_equal(age.since_ns, now_ns);
	begun_ns = now_ns;

	/* Spin after spin: still the same wait. */
	ran_ns += 50 * US;
	now_ns += 4000 * US;
	vdb_age_spin(&age, &window_ns, ran_ns, now_ns);
	ran_ns += 60 * US;
	now_ns += 4000 * US;
	vdb_age_spin(&age, &window_ns, ran_ns, now_ns);
	assert_int_equal(age.since_ns, begun_ns);
}

static void test_class_of_a_queued_one(void **state)
{
	struct vdb_age age = { .ran_ns = 1000 * US, .since_ns = 1 };

	(void)state;
	assert_int_equal(vdb_age_class(&age, 50 * US, 1000 * US), VDB_AGE_WAITING);
	assert_int_equal(vdb_age_class(&age, 50 * US, 1099 * US), VDB_AGE_WAITING);
	assert_int_equal(vdb_age_class(&age, 50 * US, 1100 * US), VDB_AGE_AT_WORK);
	/* One that never spun works. */
	assert_int_equal(vdb_age_class(&(struct vdb_age){ 0 }, 50 * US, 900 * US), VDB_AGE_AT_WORK);
}

static void test_order(void **state)
{
	struct vdb_age old = { .since_ns = 10 }, young = { .since_ns = 20 };

	(void)state;
	assert_true(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_WAITING, 0));
	assert_false(vdb_age_before(&young, VDB_AGE_WAITING, &old, VDB_AGE_WAITING, 0));
	assert_true(vdb_age_before(&young, VDB_AGE_AT_WORK, &old, VDB_AGE_WAITING, 0));
	assert_false(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_AT_WORK, 0));
	/* Those at work are equals: the caller's rotation decides. */
	assert_false(vdb_age_before(&old, VDB_AGE_AT_WORK, &young, VDB_AGE_AT_WORK, 0));
	assert_false(vdb_age_before(&young, VDB_AGE_AT_WORK, &old, VDB_AGE_AT_WORK, 0));
}

/* Who was tried since anybody made progress waits in vain, and comes last, least lately first. */
static void test_in_vain(void **state)
{
	struct vdb_age old = { .since_ns = 10, .spun_ns = 110 };
	struct vdb_age young = { .since_ns = 20, .spun_ns = 90 };

	(void)state;
	assert_true(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_WAITING, 120));
	assert_true(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_WAITING, 110));
	assert_false(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_WAITING, 100));
	assert_true(vdb_age_before(&young, VDB_AGE_WAITING, &old, VDB_AGE_WAITING, 100));
	assert_true(vdb_age_before(&young, VDB_AGE_WAITING, &old, VDB_AGE_WAITING, 80));
	assert_false(vdb_age_before(&old, VDB_AGE_WAITING, &young, VDB_AGE_WAITING, 80));
	/* Any other class comes before. */
	assert_true(vdb_age_before(&young, VDB_AGE_AT_WORK, &old, VDB_AGE_WAITING, 100));
	assert_true(vdb_age_before(&old, VDB_AGE_AWAITED, &young, VDB_AGE_AT_WORK, 100));
	assert_true(vdb_age_before(&old, VDB_AGE_ANSWERED, &young, VDB_AGE_AWAITED, 100));
	assert_false(vdb_age_before(&old, VDB_AGE_ANSWERED, &young, VDB_AGE_ANSWERED, 100));
}

/*
 * A million random exits of eight vCPUs: a wait never begins in the future nor
 * before the last work, the window keeps its bounds, and the order is one.
 */
static void test_random_histories(void **state)
{
	struct vdb_age age[8] = { { 0 } };
	u64 ran_ns[8] = { 0 }, worked_ns[8] = { 0 };
	u64 window_ns = 0, now_ns = 1, progress_ns = 0;
	unsigned int i;

	(void)state;
	srandom(20260101);
	for (i = 0; i < 1000000; i++) {
		unsigned int v = (unsigned int)random() % 8, w = (unsigned int)random() % 8;
		u64 run_ns = (u64)random() % (random() % 4 ? 80 * US : 5000 * US);
		enum vdb_age_class cv, cw;
		bool worked = run_ns >= 2 * window_ns && worked_ns[v];

		ran_ns[v] += run_ns;
		now_ns += run_ns + (u64)random() % (1000 * US);
		assert_int_equal(vdb_age_spin(&age[v], &window_ns, ran_ns[v], now_ns), worked);
		if (worked)
			progress_ns = now_ns;
		assert_int_equal(age[v].spun_ns, now_ns);
		if (worked || !worked_ns[v])
			worked_ns[v] = now_ns;
		assert_int_equal(age[v].since_ns, worked_ns[v]);
		assert_int_equal(age[v].ran_ns, ran_ns[v]);
		if (i > 8)
			assert_in_range(window_ns, VDB_SPIN_WINDOW_MIN_NS, VDB_SPIN_WINDOW_MAX_NS);
		cv = vdb_age_class(&age[v], window_ns, ran_ns[v] + (u64)random() % (200 * US));
		cw = vdb_age_class(&age[w], window_ns, ran_ns[w] + (u64)random() % (200 * US));
		assert_false(vdb_age_before(&age[v], cv, &age[w], cw, progress_ns) &&
			     vdb_age_before(&age[w], cw, &age[v], cv, progress_ns));
		assert_false(vdb_age_before(&age[v], cv, &age[v], cv, progress_ns));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_is_learned),
		cmocka_unit_test(test_window_stays_in_bounds),
		cmocka_unit_test(test_work_is_not_taken_for_spinning),
		cmocka_unit_test(test_a_wait_begins_after_work),
		cmocka_unit_test(test_class_of_a_queued_one),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_in_vain),
		cmocka_unit_test(test_random_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
