// SPDX-License-Identifier: GPL-2.0-only
/* See loaded.h. */
#include "loaded.h"

#include "fields.h"
#include "hooks.h"

DEFINE_PER_CPU(struct vdb_loaded, vdb_loaded);

/**
 * vdb_vcpu_lookup - find a vCPU and remember it as the one loaded on this CPU
 * @vcpu: vCPU
 * @ret_vm: its VM, if known
 *
 * Context: its thread, preemption off, or the thread that creates it.
 * Return: our record, or NULL if it or its VM is not tracked, or nothing is: the
 * breaker has tripped.
 */
struct vdb_vcpu *vdb_vcpu_lookup(const struct kvm_vcpu *vcpu, struct vdb_vm **ret_vm)
{
	u32 generation = READ_ONCE(vdb.generation);
	struct vdb_loaded *it = this_cpu_ptr(&vdb_loaded);
	struct vdb_vcpu *me = NULL;
	struct vdb_vm *vm;

	/* Before the lookup: what changes during it is noticed at the next use. */
	smp_rmb();
	vm = READ_ONCE(vdb.tripped) ? NULL
				    : vdb_vm_of(vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *));
	if (vm && !READ_ONCE(vm->refused))
		me = vdb_vcpu_by_idx(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int));
	it->generation = 0;
	if (me) {
		it->task = current;
		it->vcpu = vcpu;
		it->vm = vm;
		it->me = me;
		barrier();
		it->generation = generation;
	}
	*ret_vm = vm;
	return me;
}

/**
 * vdb_current_lookup - as vdb_current(), when this CPU remembers something else
 * @ret_vm: its VM, if known
 *
 * Context: hook, any context, preemption off.
 * Return: our record of the loaded vCPU, or NULL.
 */
struct vdb_vcpu *vdb_current_lookup(struct vdb_vm **ret_vm)
{
	const struct kvm_vcpu *vcpu = static_call(vdb_running_vcpu)();

	return vcpu ? vdb_vcpu_lookup(vcpu, ret_vm) : NULL;
}
