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
 * @apic: its local APIC, another key; NULL if it is not known
 * @vm: its VM
 * @me: our record of it
 * @generation: vdb.generation when both were looked up. It changes before a VM is
 *	freed, an RCU grace period ahead, and with a trip: while it is the same they are
 *	there, and to be used
 */
struct vdb_loaded {
	const struct task_struct *task;
	const struct kvm_vcpu *vcpu;
	const struct kvm_lapic *apic;
	struct vdb_vm *vm;
	struct vdb_vcpu *me;
	u64 generation;
};

DECLARE_PER_CPU(struct vdb_loaded, vdb_loaded);

bool vdb_loaded_lookup(const struct kvm_vcpu *vcpu);
bool vdb_loaded_lookup_current(void);

/* Then what this CPU remembers is there, and not NULL, and the breaker has not tripped. */
static inline bool vdb_loaded_is_fresh(void)
{
	return this_cpu_read(vdb_loaded.generation) == atomic64_read(&vdb.generation);
}

/* The vCPU that this CPU remembers is the one that is loaded. */
static inline bool vdb_loaded_is_current(void)
{
	return likely(this_cpu_read(vdb_loaded.task) == current && vdb_loaded_is_fresh());
}

/* It is the one of @apic, which is loaded. */
static inline bool vdb_loaded_is_of(const struct kvm_lapic *apic)
{
	return likely(this_cpu_read(vdb_loaded.apic) == apic && vdb_loaded_is_fresh());
}

/**
 * vdb_vcpu_of - our record of a vCPU in its own thread
 * @vcpu: vCPU, loaded on this CPU
 * @ret_vm: its VM, unless NULL is returned
 *
 * Context: hook, preemption off.
 * Return: the record, or NULL: leave it to stock KVM.
 */
static inline struct vdb_vcpu *vdb_vcpu_of(const struct kvm_vcpu *vcpu, struct vdb_vm **ret_vm)
{
	if (unlikely(this_cpu_read(vdb_loaded.vcpu) != vcpu || !vdb_loaded_is_fresh()) &&
	    !vdb_loaded_lookup(vcpu))
		return NULL;
	*ret_vm = this_cpu_read(vdb_loaded.vm);
	return this_cpu_read(vdb_loaded.me);
}

/**
 * vdb_current - our record of the vCPU that is loaded on this CPU
 * @ret_vm: its VM, unless NULL is returned
 *
 * Context: hook in process context, preemption off.
 * Return: the record, or NULL: there is none loaded, or leave it to stock KVM.
 */
static inline struct vdb_vcpu *vdb_current(struct vdb_vm **ret_vm)
{
	if (!vdb_loaded_is_current() && !vdb_loaded_lookup_current())
		return NULL;
	*ret_vm = this_cpu_read(vdb_loaded.vm);
	return this_cpu_read(vdb_loaded.me);
}

/**
 * vdb_tracks - whether a VM's IPIs are to be tracked
 * @vm: the VM
 */
static inline bool vdb_tracks(const struct vdb_vm *vm)
{
	return READ_ONCE(vm->tracks) & VDB_TRACKS_IPIS;
}

#endif /* VDB_LOADED_H */
