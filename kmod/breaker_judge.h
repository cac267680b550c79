/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When is it too much? The arithmetic of the breaker's budgets.
 *
 * A rate is counted over one second of the hooks' clock: the count begins anew
 * with each second and is compared with its budget whenever it grows, so that a
 * budget is noticed the moment it is overdrawn and not at the end of a second.
 */
#ifndef VDB_BREAKER_JUDGE_H
#define VDB_BREAKER_JUDGE_H

#include "pure.h"

/* One in so many calls is timed. A prime: hooks follow each other in patterns. */
#define VDB_TIMED_ONE_IN 61

/* A budget of hook time is not overdrawn by fewer samples than this. */
#define VDB_SAMPLES_MIN 8

/* Yields in one second from which on a share of them means something. */
#define VDB_YIELDS_MIN 1000

/* Boosted vCPUs that ran in place of one that waits, before we are to blame. */
#define VDB_BLAME_MIN 16

/**
 * struct vdb_meter - what was counted in one second
 * @word: number of the second, modulo 2^32, above the amount; see breaker_judge.c
 *
 * Zero is a fresh one. Any number of CPUs may add at the same time.
 */
struct vdb_meter {
	u64 word;
};

u32 vdb_meter_add(struct vdb_meter *meter, u64 now_ns, u32 amount);
u32 vdb_meter_read(const struct vdb_meter *meter, u64 now_ns);

u32 vdb_hook_charge(u64 took_ns, u64 budget_ns);
bool vdb_fails_too_often(u32 failed, u32 begun, u32 percent);

/**
 * struct vdb_wait - a vCPU's wait for a CPU, as it was at one look
 * @queued_ns: time it has been queued in its life, up to that look
 * @runs: times it got a CPU in its life, modulo 2^32
 * @boosts: times a boosted vCPU got the CPU that it waits for, modulo 2^32
 * @cpu: that CPU
 * @counts: the wait counts: an ordinary task that nothing but the queue holds up
 */
struct vdb_wait {
	u64 queued_ns;
	u32 runs;
	u32 boosts;
	u16 cpu;
	bool counts;
};

u64 vdb_wait_look(struct vdb_wait *since, const struct vdb_wait *now);

#endif /* VDB_BREAKER_JUDGE_H */
