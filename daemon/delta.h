/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DELTA_H
#define DELTA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/vdnl_msg.h"

/**
 * delta_stats() - what happened between two looks at one VM
 * @prev: the earlier look, NULL for a VM without one
 * @now: the later look
 * @ret: the growth of every counter and histogram bucket that @now has
 *
 * Without @prev nothing is known about the time before, so the growth is 0. A
 * counter that went backwards means that the VM was forgotten and seen anew:
 * then everything in @now is growth.
 *
 * Return: true when the counters had started again.
 */
bool delta_stats(const struct vd_stats *prev, const struct vd_stats *now, struct vd_stats *ret);

/**
 * delta_rate() - events per second
 * @count: events
 * @elapsed_ns: in this time; 0 gives 0
 *
 * Return: rounded down; UINT64_MAX when it does not fit.
 */
uint64_t delta_rate(uint64_t count, uint64_t elapsed_ns);

#endif /* DELTA_H */
