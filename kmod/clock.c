// SPDX-License-Identifier: GPL-2.0-only
/* See clock.h. */
#include <asm/tsc.h>
#include <linux/ktime.h>

#include "clock.h"
#include "vdb.h"

/* Counters slower than this do not fit into the factor. */
#define TSC_MIN_KHZ 500000

u64 vdb_clock_factor __read_mostly;

/**
 * vdb_clock_init - choose the clock
 *
 * Whether the kernel trusts the counter is known only some seconds after boot,
 * so it is asked each time when hooks are armed.
 *
 * Context: process, under vdb.lock, no hook armed.
 */
void vdb_clock_init(void)
{
	u64 factor = 0;

	if (tsc_khz > TSC_MIN_KHZ && !check_tsc_unstable())
		factor = mul_u64_u64_div_u64(NSEC_PER_MSEC, 1ULL << 63, tsc_khz);
	WRITE_ONCE(vdb_clock_factor, factor);
}
