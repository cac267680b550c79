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

/* What one that was moved forward may run until it is not eligible: the handler and some. */
#define VDB_MARGIN_NS 100000ULL

/* More than this, of time at weight 0, is given to no entity. */
#define VDB_LEND_MAX_NS 8000000ULL

/*
 * A receiver that was lent to this long ago, has been on a CPU since and has not answered
 * will not answer soon: its interrupts are off, or it was the wrong one.
 */
#define VDB_UNANSWERED_NS 200000ULL

/* From the EOI to the end of the handler, in which the sender may still wait. */
#define VDB_HANDLER_NS 40000ULL

/* What the sender of an IPI needs to see that it was answered. */
#define VDB_SEE_NS 80000ULL

/*
 * So much longer a sender's receivers are left to their own turns for each one more of
 * them. In the lab an interruption costs 100 us, and each vCPU is sent 330 IPIs a second.
 */
#define VDB_ROW_GAP_NS 200000ULL

/* However it goes, a loan ends then. */
#define VDB_LOAN_MAX_NS 8000000ULL

/* A vCPU that ran so long without being caught spinning computes. */
#define VDB_COMPUTES_NS 1000000ULL

/*
 * The part of spins that no IPI explains, in 65536ths, on a sliding average: in the lab
 * 3 to 5 % where vCPUs only wait for IPIs, 80 % and more where a lock is held meanwhile.
 */
#define VDB_SPINS_ALL	65536U
#define VDB_SPINS_LOCKS (VDB_SPINS_ALL * 15 / 100)

/**
 * struct vdb_loan_times - what decides when a loan is paid back
 * @lent_ns: when it was given
 * @answered_ns: EOI of the borrower, 0 if none yet
 * @ran: the borrower has been on a CPU since
 * @run_ns: what it may run without an answer
 */
struct vdb_loan_times {
	u64 lent_ns;
	u64 answered_ns;
	bool ran;
	u64 run_ns;
};

/*
 * What the cgroup of a VM may be ahead or behind on one CPU because of transfers
 * to and from other CPUs, in service (below): 8 ms, paid off at 1 % of a CPU.
 * So a neighbour that is tied to that CPU loses 8 ms once and 1 % for long.
 */
#define VDB_BALANCE_MAX	  (8000000LL * (s64)VDB_NICE_0_WEIGHT)
#define VDB_BALANCE_SHIFT 7

/* By so much an entity is moved to see how far the mean follows. */
#define VDB_PROBE (1ULL << 20)

/* Nothing is moved farther than this in virtual time: 2^40 are 18 minutes of nice 0. */
#define VDB_FAR (1LL << 40)

s64 vdb_lag_against_others(s64 wanted, u64 follows);
u64 vdb_vtime(u64 ns, u64 weight);
u64 vdb_rescaled(u64 given, u64 weight_then, u64 weight_now);
u64 vdb_charge(u64 given, u64 weight_to, u64 weight_from, u64 *rest);
s64 vdb_balance_settle(s64 balance, u64 elapsed_ns);
bool vdb_balance_allows(s64 balance, s64 service);
s64 vdb_lag_wanted(u64 vruntime, u64 middle, u64 margin, u64 max);
u64 vdb_loan_due(const struct vdb_loan_times *t, u64 now_ns);
u64 vdb_row_delay_ns(unsigned int receivers, u32 lock_spins);
bool vdb_loan_pays(u32 lock_spins, u64 ran_ns);

#endif /* VDB_SCHED_MATH_H */
