// SPDX-License-Identifier: GPL-2.0-only
/* Whose override is it, and what is to be done about it. Pure. */
#include "policy.h"

#include <string.h>

#include "lib/knob.h"

static bool same(const struct knob *knob, const struct vd_tuning *a, const struct vd_tuning *b)
{
	return knob_get(knob, a) == knob_get(knob, b);
}

static void copy(const struct knob *knob, struct vd_tuning *to, const struct vd_tuning *from)
{
	knob_put(knob, to, knob_get(knob, from));
}

static void plan_knob(const struct knob *knob, const struct vd_tuning *module,
		      const struct vd_tuning *own, const struct vd_tuning *want,
		      struct policy_plan *ret)
{
	uint64_t bit = VD_BIT(knob->attr);
	bool is_set = module->overrides & bit;
	bool ours = is_set && (own->have & bit) && same(knob, module, own);

	if (is_set && !ours) {
		ret->manual |= bit;
	} else if (want->have & bit) {
		copy(knob, &ret->own, want);
		if (!is_set || !same(knob, module, want))
			copy(knob, &ret->set, want);
	} else if (ours) {
		ret->reset = true;
	}
}

void policy_plan(const struct vd_tuning *module, const struct vd_tuning *own,
		 const struct vd_tuning *want, struct policy_plan *ret)
{
	size_t i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < nr_knobs; i++)
		plan_knob(&knobs[i], module, own, want, ret);
	/* The reset takes all; what shall stay is set again. */
	for (i = 0; ret->reset && i < nr_knobs; i++) {
		if (ret->manual & VD_BIT(knobs[i].attr))
			copy(&knobs[i], &ret->set, module);
		else if (ret->own.have & VD_BIT(knobs[i].attr))
			copy(&knobs[i], &ret->set, &ret->own);
	}
}
