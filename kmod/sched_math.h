/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of the strategies: virtual time, lag, and when a loan is due.
 *
 * Virtual time is a counter of 64 bits that wraps: only differences mean
 * anything, and they are signed.
 */
#ifndef VDB_SCHED_MATH_H
#define VDB_SCHED_MATH_H

#include "pure.h"

/* Load of a task of nice 0, as the scheduler scales it on 64 bits: NICE_0_LOAD. */
#define VDB_NICE_0_WEIGHT (1ULL << 20)

/* Levels of the cgroup tree that a strategy looks at; deeper ones are left alone. */
#define VDB_LEVELS 8

/* More than this, of time at weight 0, is given to no entity. */
#define VDB_LEND_MAX_NS 8000000ULL

/*
 * A receiver that has run this long and has not answered will not answer soon:
 * its interrupts are off, or it was the wrong one.
 */
#define VDB_UNANSWERED_NS 200000ULL

/* From the EOI to the end of the handler, in which the sender may still wait. */
#define VDB_HANDLER_NS 40000ULL

/* However it goes, a loan ends then. */
#define VDB_LOAN_MAX_NS 8000000ULL

/* An IPI that waits longer than this is helped, whoever its receiver is. */
#define VDB_OVERDUE_NS 300000ULL

/**
 * struct vdb_loan_times - what decides when a loan is paid back
 * @lent_ns: when it was given
 * @answered_ns: EOI of the borrower, 0 if none yet
 * @ran: the borrower has been on a CPU since
 */
struct vdb_loan_times {
	u64 lent_ns;
	u64 answered_ns;
	bool ran;
};

u64 vdb_vtime(u64 ns, u64 weight);
s64 vdb_lag_wanted(u64 vruntime, u64 middle, u64 margin, u64 max);
u64 vdb_loan_due(const struct vdb_loan_times *t, u64 now_ns);
bool vdb_is_light(u64 share_ns, u64 all_ns, unsigned int n);

#endif /* VDB_SCHED_MATH_H */
