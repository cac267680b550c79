// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header, no clock, no lock. See pair.h. */
#include "pair.h"

static unsigned int receiver_of(u64 slot)
{
	return (vdb_pair_key_in(slot) >> 8) - 1;
}

static int oldest(const struct vdb_pairs *pairs, unsigned int slots, u64 now_ns)
{
	u64 oldest_ns = 0;
	unsigned int i;
	int victim = 0;

	for (i = 0; i < slots; i++) {
		u64 ns = vdb_pair_age_ns(READ_ONCE(pairs->slot[i]), now_ns);

		if (ns >= oldest_ns) {
			oldest_ns = ns;
			victim = i;
		}
	}
	return victim;
}

/**
 * vdb_pair_record_any - vdb_pair_record(), wherever the pair belongs
 * @pairs: as there
 * @slots: as there
 * @receiver: as there
 * @vector: as there
 * @now_ns: as there
 *
 * Return: as there.
 */
enum vdb_pair_outcome vdb_pair_record_any(struct vdb_pairs *pairs, unsigned int slots,
					  unsigned int receiver, u8 vector, u64 now_ns)
{
	unsigned int used = pairs->used < slots ? pairs->used : slots;
	u32 key = vdb_pair_key(receiver, vector);
	unsigned int top = 0;
	unsigned int i;
	int victim = -1;

	for (i = 0; i < used; i++) {
		u64 slot = READ_ONCE(pairs->slot[i]);

		if (vdb_pair_key_in(slot) == key) {
			victim = i;
			top = used;
			break;
		}
		if (slot)
			top = i + 1;
		else if (victim < 0)
			victim = i;
	}
	if (victim < 0)
		victim = used < slots ? (int)used : oldest(pairs, slots, now_ns);
	/* Before the pair, so that whoever finds the one looks far enough. */
	WRITE_ONCE(pairs->used, (u8)(top > (unsigned int)victim ? top : (unsigned int)victim + 1));
	return vdb_pair_put(&pairs->slot[victim], key, now_ns);
}

/**
 * vdb_pair_clear - the receiver has answered
 * @pairs: a sender's set; called by the receiver's vCPU thread
 * @receiver: vCPU index of the one that answered
 * @vector: vector of its EOI, or VDB_ANY_VECTOR
 * @now_ns: time of the EOI
 * @ret_age_ns: time since the IPI, written only when a pair was cleared
 *
 * Only a pair with this receiver and this vector goes, one a call; the others
 * stay.
 *
 * Return: true if a pair was cleared.
 */
bool vdb_pair_clear(struct vdb_pairs *pairs, unsigned int receiver, int vector, u64 now_ns,
		    u64 *ret_age_ns)
{
	u32 ignored = vector < 0 ? 8 : 0;
	u32 key = vdb_pair_key(receiver, (u8)vector) >> ignored;
	unsigned int used = READ_ONCE(pairs->used);
	unsigned int i;

	for (i = 0; i < used; i++) {
		u64 slot = READ_ONCE(pairs->slot[i]);

		if (vdb_pair_key_in(slot) >> ignored != key)
			continue;
		if (cmpxchg(&pairs->slot[i], slot, 0) == slot) {
			*ret_age_ns = vdb_pair_age_ns(slot, now_ns);
			return true;
		}
	}
	return false;
}

/**
 * vdb_pairs_hold - whether a sender waits for a vCPU
 * @pairs: the sender's set
 * @receiver: vCPU index
 */
bool vdb_pairs_hold(const struct vdb_pairs *pairs, unsigned int receiver)
{
	unsigned int used = READ_ONCE(pairs->used);
	unsigned int i;

	for (i = 0; i < used; i++) {
		if (vdb_pair_key_in(READ_ONCE(pairs->slot[i])) >> 8 == receiver + 1)
			return true;
	}
	return false;
}

/**
 * vdb_pairs_are_empty - whether a sender waits for nobody
 * @pairs: the sender's set
 */
bool vdb_pairs_are_empty(const struct vdb_pairs *pairs)
{
	unsigned int used = READ_ONCE(pairs->used);
	unsigned int i;

	for (i = 0; i < used; i++) {
		if (READ_ONCE(pairs->slot[i]))
			return false;
	}
	return true;
}

/* Insertion sort: at most VDB_PAIRS entries, longest waiting first. */
static void insert(struct vdb_pair *waiting, unsigned int n, struct vdb_pair pair)
{
	while (n && waiting[n - 1].age_ns < pair.age_ns) {
		waiting[n] = waiting[n - 1];
		n--;
	}
	waiting[n] = pair;
}

/**
 * vdb_pairs_waiting - the receivers that have not answered yet
 * @pairs: the sender's set
 * @now_ns: time now
 * @window_ns: a pair older than this is dropped from the set
 * @waiting: filled, longest waiting first
 * @ret_expired: number of pairs dropped
 *
 * Return: number of entries of @waiting that are filled.
 */
unsigned int vdb_pairs_waiting(struct vdb_pairs *pairs, u64 now_ns, u64 window_ns,
			       struct vdb_pair waiting[VDB_PAIRS], unsigned int *ret_expired)
{
	unsigned int used = READ_ONCE(pairs->used);
	unsigned int expired = 0;
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; i < used; i++) {
		u64 slot = READ_ONCE(pairs->slot[i]);
		struct vdb_pair pair;

		if (!slot)
			continue;
		pair.receiver = receiver_of(slot);
		pair.vector = (u8)slot;
		pair.age_ns = vdb_pair_age_ns(slot, now_ns);
		if (pair.age_ns <= window_ns)
			insert(waiting, n++, pair);
		else if (cmpxchg(&pairs->slot[i], slot, 0) == slot)
			expired++;
	}
	*ret_expired = expired;
	return n;
}

/**
 * vdb_pairs_forget - drop every pair, as after a reset of the sender
 * @pairs: the sender's set
 *
 * Return: number of pairs dropped.
 */
unsigned int vdb_pairs_forget(struct vdb_pairs *pairs)
{
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; i < VDB_PAIRS; i++) {
		if (READ_ONCE(pairs->slot[i]) && xchg(&pairs->slot[i], 0))
			n++;
	}
	return n;
}

/**
 * vdb_pairs_forget_receiver - a receiver was reset and will not answer
 * @pairs: a sender's set
 * @receiver: vCPU index
 *
 * Return: number of pairs dropped.
 */
unsigned int vdb_pairs_forget_receiver(struct vdb_pairs *pairs, unsigned int receiver)
{
	unsigned int n = 0;
	unsigned int i;

	for (i = 0; i < VDB_PAIRS; i++) {
		u64 slot = READ_ONCE(pairs->slot[i]);

		if (vdb_pair_key_in(slot) >> 8 != receiver + 1)
			continue;
		if (cmpxchg(&pairs->slot[i], slot, 0) == slot)
			n++;
	}
	return n;
}
