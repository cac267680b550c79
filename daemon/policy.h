/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/vdnl_msg.h"

/**
 * struct policy_plan - what to tell the module about one VM
 * @reset: drop every override of the VM first: the module cannot drop one alone
 * @set: then set these; nothing when @set.have is 0
 * @own: the overrides that are ours afterwards
 * @manual: bits of the knobs that somebody else has set for this VM
 */
struct policy_plan {
	bool reset;
	struct vd_tuning set;
	struct vd_tuning own;
	uint64_t manual;
};

/**
 * policy_plan() - bring a VM's overrides from what they are to what is wanted
 * @module: effective knobs of the VM and its mask of overrides
 * @own: the overrides that we have made, with their values
 * @want: the overrides that we want
 * @ret: overwritten
 *
 * An override that is not ours, or no longer has the value that we gave it, was
 * made by hand: it stays, whatever is wanted.
 */
void policy_plan(const struct vd_tuning *module, const struct vd_tuning *own,
		 const struct vd_tuning *want, struct policy_plan *ret);

/* Whether there is anything to tell the module. */
static inline bool policy_acts(const struct policy_plan *plan)
{
	return plan->reset || plan->set.have;
}

#endif /* POLICY_H */
