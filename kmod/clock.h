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

/* Fraction bits of the factor: after ten years of 5 GHz the time is right to 50 ppm. */
#define VDB_CLOCK_SHIFT 32

extern u64 vdb_clock_ns_per_cycle;

void vdb_clock_init(void);

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
	u64 factor = READ_ONCE(vdb_clock_ns_per_cycle);

	return likely(factor) ? mul_u64_u64_shr(rdtsc(), factor, VDB_CLOCK_SHIFT) | 1
			      : ktime_get_mono_fast_ns() | 1;
}

#endif /* VDB_CLOCK_H */
