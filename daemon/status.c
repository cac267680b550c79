// SPDX-License-Identifier: GPL-2.0-only
/* The status line. Pure. */
#include "status.h"

#include <inttypes.h>
#include <stdio.h>

static int working(char *buf, size_t size, const struct kclient *k, const struct rates *rates)
{
	switch ((enum vcpu_deboost_mode)k->tuning.mode) {
	case VCPU_DEBOOST_MODE_OFF:
		return snprintf(buf, size, "off");
	case VCPU_DEBOOST_MODE_OBSERVE:
		return snprintf(buf, size, "observe, %" PRIu64 " IPIs/s, %" PRIu64 " would boost/s",
				rates->ipis, rates->would_boost);
	case VCPU_DEBOOST_MODE_ACTIVE:
		return snprintf(buf, size, "active, %" PRIu64 " IPIs/s, %" PRIu64 " boosts/s",
				rates->ipis, rates->boosts);
	case __VCPU_DEBOOST_MODE_MAX:
		break;
	}
	return snprintf(buf, size, "mode %" PRIu32, k->tuning.mode);
}

void status_render(char *buf, size_t size, const struct kclient *k, const struct rates *rates,
		   size_t nr_vms, bool reload_problem)
{
	int n;

	if (k->present && k->info.trip.kind)
		n = snprintf(buf, size, "tripped: %s; resting until \"vdctl trip clear\"",
			     k->info.trip.reason);
	else if (k->problem[0])
		n = snprintf(buf, size, "idle: %s", k->problem);
	else if (!k->present)
		n = snprintf(buf, size,
			     "idle: module vcpu_deboost not loaded: load it with "
			     "\"modprobe vcpu_deboost\"");
	else if (!k->info.armed && k->tuning.mode != VCPU_DEBOOST_MODE_OFF)
		n = snprintf(buf, size, "idle: the module has no hooks in place: %s",
			     k->info.reason[0] ? k->info.reason : "no reason given");
	else
		n = working(buf, size, k, rates);
	if (n > 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, ", %zu VM%s%s", nr_vms, nr_vms == 1 ? "" : "s",
			 reload_problem ? "; reload refused, see the log" : "");
}
