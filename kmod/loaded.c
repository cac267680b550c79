// SPDX-License-Identifier: GPL-2.0-only
/* See loaded.h. */
#include "loaded.h"

#include "fields.h"
#include "hooks.h"

DEFINE_PER_CPU(struct vdb_loaded, vdb_loaded);

/**
 * vdb_loaded_lookup - find a vCPU and remember it as the one loaded on this CPU
 * @vcpu: vCPU
 *
 * Context: its thread, preemption off, or the thread that creates it.
 * Return: whether there is anything to remember: it and its VM are tracked, and the
 * breaker has not tripped.
 */
bool vdb_loaded_lookup(const struct kvm_vcpu *vcpu)
{
	u64 generation = atomic64_read(&vdb.generation);
	struct vdb_loaded *it = this_cpu_ptr(&vdb_loaded);
	struct vdb_vcpu *me = NULL;
	struct vdb_vm *vm;

	/* Before the lookup: what changes during it is noticed at the next use. */
	smp_rmb();
	vm = READ_ONCE(vdb.tripped) ? NULL
				    : vdb_vm_of(vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *));
	if (vm && !READ_ONCE(vm->refused))
		me = vdb_vcpu_by_idx(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int));
	/* One that is being created is loaded and reset before it has its index: 0 is another's. */
	if (me && me->id != (u32)vdb_field(vcpu, VDB_F_VCPU_ID, int))
		me = NULL;
	it->generation = 0;
	if (me) {
		it->task = current;
		it->vcpu = vcpu;
		it->apic = vdb_has_field(VDB_F_VCPU_APIC)
				   ? vdb_field(vcpu, VDB_F_VCPU_APIC, struct kvm_lapic *)
				   : NULL;
		it->vm = vm;
		it->me = me;
		barrier();
		it->generation = generation;
	}
	return me;
}

/**
 * vdb_loaded_lookup_current - the same for the vCPU that KVM says is loaded
 *
 * Context: hook in process context, preemption off.
 * Return: as vdb_loaded_lookup(); false if none is loaded.
 */
bool vdb_loaded_lookup_current(void)
{
	const struct kvm_vcpu *vcpu = static_call(vdb_running_vcpu)();

	return vcpu && vdb_loaded_lookup(vcpu);
}
