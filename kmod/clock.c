// SPDX-License-Identifier: GPL-2.0-only
/* See clock.h. */
#include <asm/tsc.h>
#include <linux/ktime.h>

#include "clock.h"
#include "vdb.h"

u64 vdb_clock_ns_per_cycle __read_mostly;

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

	if (tsc_khz && !check_tsc_unstable())
		factor = div_u64((u64)NSEC_PER_MSEC << VDB_CLOCK_SHIFT, tsc_khz);
	WRITE_ONCE(vdb_clock_ns_per_cycle, factor);
}
