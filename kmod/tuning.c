// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tuning: one global set of knobs, and a VM's overrides over it. Hooks read a
 * VM's effective set; it is recomputed on every change.
 */
#include <linux/kernel.h>

#include "hooks.h"
#include "vdb.h"

#define GIVEN(mask, name) ((mask)&BIT(VCPU_DEBOOST_TUNING_A_##name))

static void merge(struct vdb_tuning *to, const struct vdb_tuning *from, u32 given)
{
	if (GIVEN(given, MODE))
		WRITE_ONCE(to->mode, from->mode);
	if (GIVEN(given, IPI_TRACKING))
		WRITE_ONCE(to->ipi_tracking, from->ipi_tracking);
	if (GIVEN(given, WINDOW_NS))
		WRITE_ONCE(to->window_ns, from->window_ns);
	if (GIVEN(given, ORDER))
		WRITE_ONCE(to->order, from->order);
}

/**
 * vdb_tuning_init - the defaults of the original series
 * @mode: initial mode
 */
void vdb_tuning_init(u32 mode)
{
	vdb.tuning = (struct vdb_tuning){
		.mode = mode,
		.ipi_tracking = 1,
		.window_ns = VCPU_DEBOOST_WINDOW_DEFAULT_NS,
		.order = VCPU_DEBOOST_ORDER_STOCK,
	};
}

/**
 * vdb_tuning_inherit - recompute a VM's effective tuning
 * @vm: new, or after a change
 *
 * Context: under vdb.vms_lock.
 */
void vdb_tuning_inherit(struct vdb_vm *vm)
{
	merge(&vm->tuning, &vdb.tuning, ~vm->overrides);
	merge(&vm->tuning, &vm->own, vm->overrides);
}

static void inherit_all(void)
{
	struct vdb_vm *vm;
	int bucket;

	spin_lock(&vdb.vms_lock);
	hash_for_each(vdb.by_kvm, bucket, vm, node)
		vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

/**
 * vdb_tuning_set - change the global tuning
 * @tuning: new values, in range
 * @given: bit n: attribute n of @tuning is given
 *
 * Arms the hooks when the mode leaves OFF, disarms them when it gets there.
 * That KVM is not loaded is no error: it is hooked when it comes.
 *
 * Context: process, under vdb.lock.
 * Return: 0, or an error of vdb_hooks_arm(); then nothing has changed.
 */
int vdb_tuning_set(const struct vdb_tuning *tuning, u32 given)
{
	struct vdb_tuning old = vdb.tuning;
	int ret = 0;

	lockdep_assert_held(&vdb.lock);
	merge(&vdb.tuning, tuning, given);
	if (vdb.tuning.mode == VCPU_DEBOOST_MODE_OFF)
		vdb_hooks_disarm();
	else
		ret = vdb_hooks_arm();
	if (ret == -ENODEV)
		ret = 0;
	if (ret)
		vdb.tuning = old;
	inherit_all();
	return ret;
}

/**
 * vdb_tuning_override - give a VM knobs of its own
 * @vm: the VM
 * @tuning: new values, in range
 * @given: bit n: attribute n of @tuning is given
 *
 * Context: process, under vdb.lock and rcu_read_lock().
 */
void vdb_tuning_override(struct vdb_vm *vm, const struct vdb_tuning *tuning, u32 given)
{
	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	merge(&vm->own, tuning, given);
	vm->overrides |= given;
	vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

/**
 * vdb_tuning_reset - drop a VM's overrides
 * @vm: the VM
 *
 * Context: process, under vdb.lock and rcu_read_lock().
 */
void vdb_tuning_reset(struct vdb_vm *vm)
{
	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	vm->overrides = 0;
	vdb_tuning_inherit(vm);
	spin_unlock(&vdb.vms_lock);
}

static bool demote(struct vdb_tuning *tuning)
{
	if (tuning->mode != VCPU_DEBOOST_MODE_ACTIVE)
		return false;
	WRITE_ONCE(tuning->mode, VCPU_DEBOOST_MODE_OBSERVE);
	return true;
}

/**
 * vdb_tuning_demote - from active to observing, everywhere
 *
 * Context: process, under vdb.lock.
 * Return: true if anything was active.
 */
bool vdb_tuning_demote(void)
{
	bool any = demote(&vdb.tuning);
	struct vdb_vm *vm;
	int bucket;

	lockdep_assert_held(&vdb.lock);
	spin_lock(&vdb.vms_lock);
	hash_for_each(vdb.by_kvm, bucket, vm, node) {
		any |= GIVEN(vm->overrides, MODE) && demote(&vm->own);
		vdb_tuning_inherit(vm);
	}
	spin_unlock(&vdb.vms_lock);
	return any;
}
