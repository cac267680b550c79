/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bounded set of receivers that one sender waits for.
 *
 * A pair is one 64-bit word, so that the sender (on its CPU) and the receiver
 * (on another) change it without a lock: a writer exchanges the word, the one
 * who clears it compares first. Nothing here may fail: a pair that is lost
 * costs a hint, and nothing else.
 */
#ifndef VDB_PAIR_H
#define VDB_PAIR_H

#include "pure.h"

/*
 * Receivers a sender can wait for at once. A unicast loop over a 4 to 8 vCPU
 * guest fits; one slot, as in the original series, keeps only the last.
 */
#define VDB_PAIRS 8

/* To vdb_pair_clear(): whatever the vector is. */
#define VDB_ANY_VECTOR (-1)

/* vCPU indexes a pair can hold: 12 bits, one value taken by "empty". */
#define VDB_PAIR_RECEIVER_MAX 4094

/**
 * struct vdb_pairs - the receivers a sender waits for
 * @slot: packed pairs, 0 is empty; the layout is below
 * @used: slots from here on are empty; only the sender writes it. Most senders
 *	wait for one or two at a time, and whoever looks need not see more
 */
struct vdb_pairs {
	u64 slot[VDB_PAIRS];
	u8 used;
};

/**
 * struct vdb_pair - a pair, unpacked
 * @receiver: vCPU index of the receiver, 0..VDB_PAIR_RECEIVER_MAX
 * @vector: interrupt vector, 0..255
 * @age_ns: time since the IPI was sent, in steps of 64 ns
 */
struct vdb_pair {
	u16 receiver;
	u8 vector;
	u64 age_ns;
};

enum vdb_pair_outcome {
	VDB_PAIR_NEW,
	VDB_PAIR_REPEATED, /* same receiver and vector, the time is renewed */
	VDB_PAIR_EVICTED, /* the set was full, the oldest pair is gone */
};

enum vdb_pair_outcome vdb_pair_record_any(struct vdb_pairs *pairs, unsigned int slots,
					  unsigned int receiver, u8 vector, u64 now_ns);
bool vdb_pair_clear(struct vdb_pairs *pairs, unsigned int receiver, int vector, u64 now_ns,
		    u64 *ret_age_ns);
bool vdb_pairs_are_empty(const struct vdb_pairs *pairs);
bool vdb_pairs_hold(const struct vdb_pairs *pairs, unsigned int receiver);
unsigned int vdb_pairs_waiting(struct vdb_pairs *pairs, u64 now_ns, u64 window_ns,
			       struct vdb_pair waiting[VDB_PAIRS], unsigned int *ret_expired);
unsigned int vdb_pairs_forget(struct vdb_pairs *pairs);
unsigned int vdb_pairs_forget_receiver(struct vdb_pairs *pairs, unsigned int receiver);

/*
 * Layout of a slot, high to low: time in units of 64 ns (44 bits, wraps after 13
 * days), receiver + 1 (12 bits), vector (8 bits). Ages are differences modulo
 * 2^44, so the wrap does not matter to a window of at most one second. With the
 * time on top they need no masks, and wrap by themselves.
 */
#define VDB_PAIR_KEY_BITS   20
#define VDB_PAIR_KEY_MASK   ((1ULL << VDB_PAIR_KEY_BITS) - 1)
#define VDB_PAIR_TIME_SHIFT 6

/* The lower part of a slot: who, and which vector. Never 0, so no empty slot has it. */
static inline u32 vdb_pair_key(unsigned int receiver, u8 vector)
{
	return (receiver + 1) << 8 | vector;
}

static inline u32 vdb_pair_key_in(u64 slot)
{
	return (u32)(slot & VDB_PAIR_KEY_MASK);
}

static inline u64 vdb_pair_pack(u32 key, u64 now_ns)
{
	return (now_ns << (VDB_PAIR_KEY_BITS - VDB_PAIR_TIME_SHIFT) & ~VDB_PAIR_KEY_MASK) | key;
}

/* A clock read on another CPU may be a little behind the sender's: age 0. */
static inline u64 vdb_pair_age_ns(u64 slot, u64 now_ns)
{
	s64 age = (s64)((now_ns << (VDB_PAIR_KEY_BITS - VDB_PAIR_TIME_SHIFT)) -
			(slot & ~VDB_PAIR_KEY_MASK));

	return age < 0 ? 0 : (u64)age >> VDB_PAIR_KEY_BITS << VDB_PAIR_TIME_SHIFT;
}

/* What was there counts, not what was seen: it may have been answered meanwhile. */
static inline enum vdb_pair_outcome vdb_pair_put(u64 *slot, u32 key, u64 now_ns)
{
	u64 displaced = xchg(slot, vdb_pair_pack(key, now_ns));

	if (!displaced)
		return VDB_PAIR_NEW;
	return vdb_pair_key_in(displaced) == key ? VDB_PAIR_REPEATED : VDB_PAIR_EVICTED;
}

/**
 * vdb_pair_record - note that an IPI was sent
 * @pairs: the sender's set; only the sender's own vCPU thread records
 * @slots: how much of the set is used, 1..VDB_PAIRS; 1 is the original series
 * @receiver: vCPU index, at most VDB_PAIR_RECEIVER_MAX
 * @vector: vector of the IPI
 * @now_ns: time of the send
 *
 * Return: what happened to the set.
 */
static inline enum vdb_pair_outcome vdb_pair_record(struct vdb_pairs *pairs, unsigned int slots,
						    unsigned int receiver, u8 vector, u64 now_ns)
{
	u32 key = vdb_pair_key(receiver, vector);
	u64 first = READ_ONCE(pairs->slot[0]);

	if (pairs->used > 1 || (first && vdb_pair_key_in(first) != key))
		return vdb_pair_record_any(pairs, slots, receiver, vector, now_ns);
	/* Before the pair, so that whoever finds the one looks far enough. */
	WRITE_ONCE(pairs->used, 1);
	return vdb_pair_put(&pairs->slot[0], key, now_ns);
}

/**
 * vdb_pairs_are_ready - whether a sender's set is as nearly always
 * @pairs: the set; only the sender's own vCPU thread asks
 *
 * It has been used, by one receiver at a time, and waits for nobody.
 */
static inline bool vdb_pairs_are_ready(const struct vdb_pairs *pairs)
{
	return pairs->used == 1 && !READ_ONCE(pairs->slot[0]);
}

/**
 * vdb_pair_record_first - vdb_pair_record() into a set that is ready
 * @pairs: as there
 * @receiver: as there
 * @vector: as there
 * @now_ns: as there
 *
 * Nobody else fills a slot, so that it still is empty; xchg() for the full barrier.
 */
static inline void vdb_pair_record_first(struct vdb_pairs *pairs, unsigned int receiver, u8 vector,
					 u64 now_ns)
{
	(void)xchg(&pairs->slot[0], vdb_pair_pack(vdb_pair_key(receiver, vector), now_ns));
}

/**
 * vdb_pair_clear_first - the receiver has answered, if its pair is the first
 * @pairs: a sender's set; called by the receiver's vCPU thread
 * @receiver: vCPU index of the one that answered
 * @vector: vector of its EOI
 *
 * Where nearly every pair is. If it is not there, vdb_pair_clear() looks further.
 *
 * Return: the pair's slot, for vdb_pair_age_ns(), or 0.
 */
static inline u64 vdb_pair_clear_first(struct vdb_pairs *pairs, unsigned int receiver, u8 vector)
{
	u64 first = READ_ONCE(pairs->slot[0]);

	if (vdb_pair_key_in(first) != vdb_pair_key(receiver, vector))
		return 0;
	return cmpxchg(&pairs->slot[0], first, 0) == first ? first : 0;
}

#endif /* VDB_PAIR_H */
