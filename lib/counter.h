/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of per-VM counters, for the Prometheus file, --json and the
 * tables of vdctl.
 */
#ifndef VD_LIB_COUNTER_H
#define VD_LIB_COUNTER_H

#include <stddef.h>
#include <stdint.h>

#include "vdnl_msg.h"

/**
 * struct counter - one row of the table
 * @name: lower case, words joined by "_", no prefix and no "_total"
 * @attr: VCPU_DEBOOST_STATS_A_*; also its bit in struct vd_stats.have
 * @offset: of its uint64_t in struct vd_stats
 * @help: one line, no final period
 */
struct counter {
	const char *name;
	uint32_t attr;
	size_t offset;
	const char *help;
};

/*
 * Every counter that only ever grows, in the order they are shown. The answer
 * histogram and its sum are not in it: see lib/hist.h.
 */
extern const struct counter counters[];
extern const size_t nr_counters;

/**
 * counter_get() - the value of a counter
 * @counter: row of the table
 * @stats: where from
 *
 * Return: the value.
 */
uint64_t counter_get(const struct counter *counter, const struct vd_stats *stats);

/**
 * counter_add() - add every counter and the histogram of @stats to @sum
 * @sum: wraps as the kernel's u64 do
 * @stats: what to add
 */
void counter_add(struct vd_stats *sum, const struct vd_stats *stats);

#endif /* VD_LIB_COUNTER_H */
