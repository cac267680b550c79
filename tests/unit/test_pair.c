// SPDX-License-Identifier: GPL-2.0-only
/* kmod/pair.c and kmod/hist.h: the same objects that the module is made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kmod/hist.h"
#include "kmod/pair.h"

#define MS	  1000000ULL
#define WINDOW_NS (50 * MS)

static unsigned int waiting_of(struct vdb_pairs *pairs, u64 now_ns, struct vdb_pair *waiting)
{
	unsigned int expired;

	return vdb_pairs_waiting(pairs, now_ns, WINDOW_NS, waiting, &expired);
}

static void test_recorded_is_waiting(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	assert_int_equal(waiting_of(&pairs, 5 * MS, waiting), 0);
	assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, 3, 0xec, 5 * MS), VDB_PAIR_NEW);
	assert_int_equal(waiting_of(&pairs, 7 * MS, waiting), 1);
	assert_int_equal(waiting[0].receiver, 3);
	assert_int_equal(waiting[0].vector, 0xec);
	assert_int_equal(waiting[0].age_ns, 2 * MS);
}

/* Slots that were used and are free again hold nobody. */
static void test_empty(void **state)
{
	struct vdb_pairs pairs = { 0 };
	u64 age_ns;

	(void)state;
	assert_true(vdb_pairs_are_empty(&pairs));
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 1 * MS);
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x30, 2 * MS);
	assert_false(vdb_pairs_are_empty(&pairs));
	assert_true(vdb_pair_clear(&pairs, 1, 0x20, 9 * MS, &age_ns));
	assert_false(vdb_pairs_are_empty(&pairs));
	assert_true(vdb_pair_clear(&pairs, 2, 0x30, 9 * MS, &age_ns));
	assert_true(vdb_pairs_are_empty(&pairs));
}

static void test_only_the_matching_eoi_clears(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	u64 age_ns = 77;

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 1 * MS);
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x30, 2 * MS);
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x20, 3 * MS);

	/* Another vector, another receiver: nothing goes, nothing is written. */
	assert_false(vdb_pair_clear(&pairs, 1, 0x40, 9 * MS, &age_ns));
	assert_true(vdb_pairs_hold(&pairs, 1));
	assert_false(vdb_pair_clear(&pairs, 3, 0x20, 9 * MS, &age_ns));
	assert_false(vdb_pairs_hold(&pairs, 3));
	assert_int_equal(age_ns, 77);
	assert_int_equal(waiting_of(&pairs, 9 * MS, waiting), 3);

	assert_true(vdb_pair_clear(&pairs, 1, 0x20, 9 * MS, &age_ns));
	assert_int_equal(age_ns, 8 * MS);
	assert_true(vdb_pairs_hold(&pairs, 1));
	assert_true(vdb_pair_clear(&pairs, 1, 0x30, 9 * MS, &age_ns));
	assert_false(vdb_pairs_hold(&pairs, 1));
	assert_int_equal(waiting_of(&pairs, 9 * MS, waiting), 1);
	assert_int_equal(waiting[0].receiver, 2);
}

static void test_repeat_renews(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 1 * MS);
	assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 40 * MS), VDB_PAIR_REPEATED);
	assert_int_equal(waiting_of(&pairs, 60 * MS, waiting), 1);
	assert_int_equal(waiting[0].age_ns, 20 * MS);
}

static void test_full_set_evicts_the_oldest(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < VDB_PAIRS; i++)
		assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, 10 + i, 0x20, (100 - i) * MS),
				 VDB_PAIR_NEW);
	/* The last recorded is the oldest: order of age, not of slots. */
	assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, 99, 0x20, 101 * MS), VDB_PAIR_EVICTED);
	assert_int_equal(waiting_of(&pairs, 102 * MS, waiting), VDB_PAIRS);
	for (i = 0; i < VDB_PAIRS; i++)
		assert_int_not_equal(waiting[i].receiver, 10 + VDB_PAIRS - 1);
	assert_int_equal(waiting[VDB_PAIRS - 1].receiver, 99);
}

static void test_longest_waiting_first(void **state)
{
	static const u64 sent_ms[] = { 30, 10, 50, 20, 40 };
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++)
		vdb_pair_record(&pairs, VDB_PAIRS, i, 0x20, sent_ms[i] * MS);
	assert_int_equal(waiting_of(&pairs, 55 * MS, waiting), 5);
	for (i = 1; i < 5; i++)
		assert_true(waiting[i - 1].age_ns > waiting[i].age_ns);
	assert_int_equal(waiting[0].receiver, 1);
}

/* "Within the window" includes its end, as in the series; time is in 64 ns steps. */
static void test_window_edge(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	unsigned int expired;

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 0);
	assert_int_equal(vdb_pairs_waiting(&pairs, WINDOW_NS, WINDOW_NS, waiting, &expired), 1);
	assert_int_equal(expired, 0);
	assert_int_equal(vdb_pairs_waiting(&pairs, WINDOW_NS + 64, WINDOW_NS, waiting, &expired),
			 0);
	assert_int_equal(expired, 1);
	assert_int_equal(vdb_pairs_waiting(&pairs, WINDOW_NS + 64, WINDOW_NS, waiting, &expired),
			 0);
	assert_int_equal(expired, 0);
}

/* The receiver's clock may be read before the sender's stamp was taken. */
static void test_clock_behind_is_age_zero(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	u64 age_ns;

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 10 * MS);
	assert_int_equal(waiting_of(&pairs, 9 * MS, waiting), 1);
	assert_int_equal(waiting[0].age_ns, 0);
	assert_true(vdb_pair_clear(&pairs, 1, 0x20, 9 * MS, &age_ns));
	assert_int_equal(age_ns, 0);
}

static void test_time_wraps(void **state)
{
	const u64 wrap_ns = 1ULL << 50; /* 44 bits of 64 ns */
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, wrap_ns - 1 * MS);
	assert_int_equal(waiting_of(&pairs, wrap_ns + 1 * MS, waiting), 1);
	assert_in_range(waiting[0].age_ns, 2 * MS - 64, 2 * MS + 64);
}

static void test_extreme_values_fit(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, VDB_PAIR_RECEIVER_MAX, 255, 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 0, 0, 0);
	assert_int_equal(waiting_of(&pairs, 0, waiting), 2);
	assert_int_equal(waiting[0].receiver + waiting[1].receiver, VDB_PAIR_RECEIVER_MAX);
	assert_int_equal(waiting[0].vector + waiting[1].vector, 255);
	vdb_pairs_forget(&pairs);
	assert_int_equal(waiting_of(&pairs, 0, waiting), 0);
}

/* One slot is the original series: only the last receiver is remembered. */
static void test_fewer_slots(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	assert_int_equal(vdb_pair_record(&pairs, 1, 1, 0x20, 1 * MS), VDB_PAIR_NEW);
	assert_int_equal(vdb_pair_record(&pairs, 1, 2, 0x20, 2 * MS), VDB_PAIR_EVICTED);
	assert_int_equal(waiting_of(&pairs, 3 * MS, waiting), 1);
	assert_int_equal(waiting[0].receiver, 2);
	assert_int_equal(vdb_pair_record(&pairs, 3, 3, 0x20, 3 * MS), VDB_PAIR_NEW);
	assert_int_equal(vdb_pair_record(&pairs, 3, 4, 0x20, 4 * MS), VDB_PAIR_NEW);
	assert_int_equal(vdb_pair_record(&pairs, 3, 5, 0x20, 5 * MS), VDB_PAIR_EVICTED);
	assert_int_equal(waiting_of(&pairs, 6 * MS, waiting), 3);
	assert_int_equal(waiting[0].receiver, 3);
}

/* Who looks sees no further than the sender has written, and no less. */
static void test_used_follows(void **state)
{
	struct vdb_pairs pairs = { 0 };
	unsigned int i;
	u64 age_ns;

	(void)state;
	for (i = 0; i < 5; i++)
		vdb_pair_record(&pairs, VDB_PAIRS, i, 0x20, i * MS);
	assert_int_equal(pairs.used, 5);
	for (i = 0; i < 4; i++)
		assert_true(vdb_pair_clear(&pairs, i, 0x20, 9 * MS, &age_ns));
	/* The last one is still there. */
	vdb_pair_record(&pairs, VDB_PAIRS, 9, 0x20, 10 * MS);
	assert_int_equal(pairs.used, 5);
	assert_true(vdb_pair_clear(&pairs, 4, 0x20, 11 * MS, &age_ns));
	vdb_pair_record(&pairs, VDB_PAIRS, 8, 0x20, 12 * MS);
	assert_int_equal(pairs.used, 2);
	assert_true(vdb_pairs_hold(&pairs, 8));
	assert_true(vdb_pairs_hold(&pairs, 9));
}

/* As the series' first version: any EOI of the receiver. */
static void test_any_vector(void **state)
{
	struct vdb_pairs pairs = { 0 };
	u64 age_ns;

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x30, 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x30, 0);
	assert_true(vdb_pair_clear(&pairs, 1, VDB_ANY_VECTOR, 1 * MS, &age_ns));
	assert_true(vdb_pairs_hold(&pairs, 1));
	assert_true(vdb_pair_clear(&pairs, 1, VDB_ANY_VECTOR, 1 * MS, &age_ns));
	assert_false(vdb_pairs_hold(&pairs, 1));
	assert_false(vdb_pair_clear(&pairs, 1, VDB_ANY_VECTOR, 1 * MS, &age_ns));
	assert_int_equal(vdb_pairs_forget(&pairs), 1);
}

/* The short way looks at the first slot only, and takes nothing that is not asked for. */
static void test_clear_first(void **state)
{
	struct vdb_pairs pairs = { 0 };
	u64 age_ns, slot;

	(void)state;
	assert_int_equal(vdb_pair_clear_first(&pairs, 0, 0), 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 1 * MS);
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x20, 2 * MS);
	assert_int_equal(vdb_pair_clear_first(&pairs, 1, 0x21), 0);
	assert_int_equal(vdb_pair_clear_first(&pairs, 2, 0x20), 0);
	slot = vdb_pair_clear_first(&pairs, 1, 0x20);
	assert_int_equal(vdb_pair_age_ns(slot, 4 * MS), 3 * MS);
	assert_int_equal(vdb_pair_clear_first(&pairs, 1, 0x20), 0);
	assert_true(vdb_pair_clear(&pairs, 2, 0x20, 4 * MS, &age_ns));
	assert_int_equal(age_ns, 2 * MS);
}

/* The short way in: into a set with one slot that is empty, and then it is like the long one. */
static void test_record_first(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };
	u64 age_ns;

	(void)state;
	/* Never used: who looks would not see it. */
	assert_false(vdb_pairs_are_ready(&pairs));
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 1 * MS);
	assert_false(vdb_pairs_are_ready(&pairs));
	assert_true(vdb_pair_clear(&pairs, 1, 0x20, 2 * MS, &age_ns));
	assert_true(vdb_pairs_are_ready(&pairs));

	vdb_pair_record_first(&pairs, VDB_PAIR_RECEIVER_MAX, 0xff, 3 * MS);
	assert_false(vdb_pairs_are_ready(&pairs));
	assert_int_equal(waiting_of(&pairs, 7 * MS, waiting), 1);
	assert_int_equal(waiting[0].receiver, VDB_PAIR_RECEIVER_MAX);
	assert_int_equal(waiting[0].vector, 0xff);
	assert_int_equal(waiting[0].age_ns, 4 * MS);
	assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, VDB_PAIR_RECEIVER_MAX, 0xff, 4 * MS),
			 VDB_PAIR_REPEATED);

	/* Two at a time are not the usual case, even when both have answered. */
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x20, 5 * MS);
	assert_int_equal(vdb_pairs_forget(&pairs), 2);
	assert_false(vdb_pairs_are_ready(&pairs));
}

/* Ages are whole steps of 64 ns from the step in which it was sent, and never below 0. */
static void test_age_in_steps(void **state)
{
	static const u64 bases[] = { 0, 64, 5 * MS, (1ULL << 50) - 64, (1ULL << 50) + 192, ~63ULL };
	unsigned int i, sent, now;

	(void)state;
	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		for (sent = 0; sent < 200; sent++) {
			u64 slot = vdb_pair_pack(vdb_pair_key(7, 0xec), bases[i] + sent);

			assert_int_equal(vdb_pair_key_in(slot), vdb_pair_key(7, 0xec));
			for (now = 0; now < 200; now++)
				assert_int_equal(vdb_pair_age_ns(slot, bases[i] + now),
						 now / 64 > sent / 64 ? (now / 64 - sent / 64) * 64
								      : 0);
		}
	}
}

static void test_forget_receiver(void **state)
{
	struct vdb_pair waiting[VDB_PAIRS];
	struct vdb_pairs pairs = { 0 };

	(void)state;
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x20, 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 2, 0x20, 0);
	vdb_pair_record(&pairs, VDB_PAIRS, 1, 0x30, 0);
	assert_int_equal(vdb_pairs_forget_receiver(&pairs, 3), 0);
	assert_int_equal(vdb_pairs_forget_receiver(&pairs, 1), 2);
	assert_int_equal(waiting_of(&pairs, 0, waiting), 1);
	assert_int_equal(waiting[0].receiver, 2);
}

/* The plainest model there can be: a list in order of sending. */
struct model {
	struct {
		unsigned int receiver;
		u8 vector;
		u64 sent_ns;
	} pair[VDB_PAIRS];
	unsigned int n;
};

static void model_drop(struct model *m, unsigned int i)
{
	for (m->n--; i < m->n; i++)
		m->pair[i] = m->pair[i + 1];
}

static int model_find(const struct model *m, unsigned int receiver, u8 vector)
{
	unsigned int i;

	for (i = 0; i < m->n; i++) {
		if (m->pair[i].receiver == receiver && m->pair[i].vector == vector)
			return (int)i;
	}
	return -1;
}

static enum vdb_pair_outcome model_record(struct model *m, unsigned int receiver, u8 vector,
					  u64 now_ns)
{
	int i = model_find(m, receiver, vector);
	enum vdb_pair_outcome outcome = VDB_PAIR_NEW;

	if (i >= 0) {
		model_drop(m, (unsigned int)i);
		outcome = VDB_PAIR_REPEATED;
	} else if (m->n == VDB_PAIRS) {
		model_drop(m, 0);
		outcome = VDB_PAIR_EVICTED;
	}
	m->pair[m->n].receiver = receiver;
	m->pair[m->n].vector = vector;
	m->pair[m->n++].sent_ns = now_ns;
	return outcome;
}

static void check_waiting(struct vdb_pairs *pairs, struct model *m, u64 now_ns)
{
	struct vdb_pair waiting[VDB_PAIRS];
	unsigned int gone = 0;
	unsigned int expired;
	unsigned int i, n;

	while (m->n && now_ns - m->pair[0].sent_ns > WINDOW_NS) {
		model_drop(m, 0);
		gone++;
	}
	n = vdb_pairs_waiting(pairs, now_ns, WINDOW_NS, waiting, &expired);
	assert_int_equal(n, m->n);
	assert_int_equal(expired, gone);
	for (i = 0; i < n; i++) {
		assert_int_equal(waiting[i].receiver, m->pair[i].receiver);
		assert_int_equal(waiting[i].vector, m->pair[i].vector);
		assert_int_equal(waiting[i].age_ns, now_ns - m->pair[i].sent_ns);
	}
}

/* A million random events: every IPI is waiting, answered, expired or pushed out. */
/* As an EOI does it. */
static bool answer(struct vdb_pairs *pairs, unsigned int receiver, u8 vector, u64 now_ns,
		   u64 *ret_age_ns)
{
	u64 slot = vdb_pair_clear_first(pairs, receiver, vector);

	if (!slot)
		return vdb_pair_clear(pairs, receiver, vector, now_ns, ret_age_ns);
	*ret_age_ns = vdb_pair_age_ns(slot, now_ns);
	return true;
}

static void test_random_histories(void **state)
{
	u64 recorded = 0, cleared = 0, expired = 0, displaced = 0;
	struct vdb_pairs pairs = { 0 };
	struct model m = { .n = 0 };
	u64 now_ns = 0;
	unsigned int i;

	(void)state;
	srandom(20260101);
	for (i = 0; i < 1000000; i++) {
		unsigned int receiver = (unsigned int)random() % 12;
		u8 vector = 0x20 + (u8)(random() % 3);
		unsigned int before = m.n;
		int found;
		u64 age_ns;
		/* Distinct times, so that the order of age is total. */
		now_ns += 64 * (1 + (u64)random() % (random() % 50 ? 5000 : 500000));
		switch (random() % 4) {
		case 0:
		case 1:
			assert_int_equal(vdb_pair_record(&pairs, VDB_PAIRS, receiver, vector,
							 now_ns),
					 model_record(&m, receiver, vector, now_ns));
			displaced += before + 1 - m.n;
			recorded++;
			break;
		case 2:
			found = model_find(&m, receiver, vector);
			assert_int_equal(answer(&pairs, receiver, vector, now_ns, &age_ns),
					 found >= 0);
			if (found >= 0) {
				assert_int_equal(age_ns, now_ns - m.pair[found].sent_ns);
				model_drop(&m, (unsigned int)found);
				cleared++;
			}
			break;
		default:
			check_waiting(&pairs, &m, now_ns);
			expired += before - m.n;
		}
	}
	assert_int_equal(recorded, cleared + expired + displaced + m.n);
	assert_true(cleared > 1000 && expired > 1000 && displaced > 1000);
}

static void test_hist_buckets(void **state)
{
	unsigned int bit;

	(void)state;
	assert_int_equal(vdb_hist_bucket(0, 32), 0);
	assert_int_equal(vdb_hist_bucket(1, 32), 0);
	for (bit = 1; bit < 31; bit++) {
		assert_int_equal(vdb_hist_bucket((1ULL << bit) - 1, 32), bit - 1);
		assert_int_equal(vdb_hist_bucket(1ULL << bit, 32), bit);
	}
	assert_int_equal(vdb_hist_bucket(1ULL << 32, 32), 31);
	assert_int_equal(vdb_hist_bucket(UINT64_MAX, 32), 31);
	assert_int_equal(vdb_hist_bucket(UINT64_MAX, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_is_waiting),
		cmocka_unit_test(test_only_the_matching_eoi_clears),
		cmocka_unit_test(test_repeat_renews),
		cmocka_unit_test(test_full_set_evicts_the_oldest),
		cmocka_unit_test(test_longest_waiting_first),
		cmocka_unit_test(test_window_edge),
		cmocka_unit_test(test_clock_behind_is_age_zero),
		cmocka_unit_test(test_time_wraps),
		cmocka_unit_test(test_extreme_values_fit),
		cmocka_unit_test(test_fewer_slots),
		cmocka_unit_test(test_used_follows),
		cmocka_unit_test(test_any_vector),
		cmocka_unit_test(test_clear_first),
		cmocka_unit_test(test_record_first),
		cmocka_unit_test(test_age_in_steps),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_forget_receiver),
		cmocka_unit_test(test_random_histories),
		cmocka_unit_test(test_hist_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
