/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which vCPU is loaded on this CPU, and what we know of it. Hooks fire several
 * times between two loads, so that the lookups pay once.
 */
#ifndef VDB_LOADED_H
#define VDB_LOADED_H

#include <linux/percpu.h>
#include <linux/sched.h>

#include "vdb.h"

/**
 * struct vdb_loaded - the last vCPU that was loaded on a CPU
 * @task: its thread; another one that runs now has no vCPU loaded
 * @vcpu: in KVM, the key, never followed
 * @vm: its VM
 * @me: our record of it
 * @generation: vdb.generation when both were looked up. It changes before a VM is
 *	freed, after an RCU grace period: while it is the same they are there
 */
struct vdb_loaded {
	const struct task_struct *task;
	const struct kvm_vcpu *vcpu;
	struct vdb_vm *vm;
	struct vdb_vcpu *me;
	u32 generation;
};

DECLARE_PER_CPU(struct vdb_loaded, vdb_loaded);

struct vdb_vcpu *vdb_vcpu_lookup(const struct kvm_vcpu *vcpu, struct vdb_vm **ret_vm);
struct vdb_vcpu *vdb_current_lookup(struct vdb_vm **ret_vm);

/**
 * vdb_vcpu_of - our record of a vCPU in its own thread
 * @vcpu: vCPU, loaded on this CPU
 * @ret_vm: its VM, if known
 *
 * Context: hook, preemption off.
 * Return: the record, or NULL: leave it to stock KVM.
 */
static inline struct vdb_vcpu *vdb_vcpu_of(const struct kvm_vcpu *vcpu, struct vdb_vm **ret_vm)
{
	const struct vdb_loaded *it = this_cpu_ptr(&vdb_loaded);

	if (unlikely(it->vcpu != vcpu || it->generation != READ_ONCE(vdb.generation) ||
		     READ_ONCE(vdb.tripped)))
		return vdb_vcpu_lookup(vcpu, ret_vm);
	*ret_vm = it->vm;
	return it->me;
}

/**
 * vdb_current - our record of the vCPU that is loaded on this CPU
 * @ret_vm: its VM, if known
 *
 * Context: hook, any context, preemption off.
 * Return: the record, or NULL: there is none loaded, or leave it to stock KVM.
 */
static inline struct vdb_vcpu *vdb_current(struct vdb_vm **ret_vm)
{
	const struct vdb_loaded *it = this_cpu_ptr(&vdb_loaded);

	if (unlikely(it->task != current || it->generation != READ_ONCE(vdb.generation) ||
		     READ_ONCE(vdb.tripped)))
		return vdb_current_lookup(ret_vm);
	*ret_vm = it->vm;
	return it->me;
}

/**
 * vdb_tracks - whether a VM's IPIs are to be tracked
 * @vm: the VM
 */
static inline bool vdb_tracks(const struct vdb_vm *vm)
{
	return READ_ONCE(vm->tuning.ipi_tracking) &&
	       READ_ONCE(vm->tuning.mode) != VCPU_DEBOOST_MODE_OFF;
}

#endif /* VDB_LOADED_H */
