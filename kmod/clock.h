/* SPDX-License-Identifier: GPL-2.0-only */
/* The clock of the hooks: of all that they do, reading the time cost most. */
#ifndef VDB_CLOCK_H
#define VDB_CLOCK_H

#include <asm/msr.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/types.h>

#ifndef __x86_64__
#error "the clock is the x86 time-stamp counter"
#endif

/*
 * Nanoseconds per cycle, by 2^63: the upper half of the product is half the time. 0: the
 * counter is not used. A counter slower than 500 MHz does not fit, nor is there one.
 */
extern u64 vdb_clock_factor;

void vdb_clock_init(void);

/* As vdb_clock_ns() where the counter is used (VDB_TRACKS_*), but for its last bit. */
static inline u64 vdb_clock_tsc_ns(void)
{
	return mul_u64_u64_shr(rdtsc(), READ_ONCE(vdb_clock_factor), 64) << 1;
}

/**
 * vdb_clock_ns - time now
 *
 * Only differences mean something. It is the time-stamp counter, scaled but not
 * ordered, corrected or made monotonic: two CPUs may differ by as much as the
 * counters do, and the users take a time that seems to lie ahead for now.
 * Without a counter that the kernel trusts it is CLOCK_MONOTONIC.
 *
 * Context: any, NMI included.
 * Return: nanoseconds, never 0.
 */
static inline u64 vdb_clock_ns(void)
{
	return (likely(READ_ONCE(vdb_clock_factor)) ? vdb_clock_tsc_ns()
						    : ktime_get_mono_fast_ns()) |
	       1;
}

#endif /* VDB_CLOCK_H */
