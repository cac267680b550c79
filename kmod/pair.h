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
 * @slot: packed pairs, 0 is empty; see pair.c for the layout
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

enum vdb_pair_outcome vdb_pair_record(struct vdb_pairs *pairs, unsigned int slots,
				      unsigned int receiver, u8 vector, u64 now_ns);
bool vdb_pair_clear(struct vdb_pairs *pairs, unsigned int receiver, int vector, u64 now_ns,
		    u64 *ret_age_ns);
bool vdb_pairs_are_empty(const struct vdb_pairs *pairs);
bool vdb_pairs_hold(const struct vdb_pairs *pairs, unsigned int receiver);
unsigned int vdb_pairs_waiting(struct vdb_pairs *pairs, u64 now_ns, u64 window_ns,
			       struct vdb_pair waiting[VDB_PAIRS], unsigned int *ret_expired);
unsigned int vdb_pairs_forget(struct vdb_pairs *pairs);
unsigned int vdb_pairs_forget_receiver(struct vdb_pairs *pairs, unsigned int receiver);

#endif /* VDB_PAIR_H */
