// SPDX-License-Identifier: GPL-2.0-only
/* The module's overrides of one VM. */
#include <errno.h>

#include "daemon/kclient.h"

int kclient_vm_read(struct kclient *k, struct vm *vm)
{
	struct vd_tuning tuning;
	int r = vdnl_tuning_get(k->nl, vm->id, &tuning);

	if (r < 0)
		return r;
	/* Known now, so that the event of it is no news. */
	vm->tuning = tuning;
	return 0;
}

int kclient_vm_change(struct kclient *k, struct vm *vm, bool reset, const struct vd_tuning *set)
{
	int r = 0;

	if (reset)
		r = vdnl_tuning_reset(k->nl, vm->id);
	vm->steer.echoes += reset && !r;
	if (!r && set->have) {
		r = vdnl_tuning_set(k->nl, vm->id, set);
		vm->steer.echoes += !r;
	}
	if (r < 0)
		return r;
	return kclient_vm_read(k, vm);
}
