// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom to yield to.
 *
 * A vCPU that spins and has an IPI without an answer waits for its receiver:
 * that one is looked up by index, longest waiting first, and must be able to
 * use the CPU now. Without one it may wait for a lock: order.c. What neither
 * finds is left to KVM's own selection.
 */
#include <linux/ktime.h>

#include "fields.h"
#include "trace.h"
#include "vdb.h"

/* The first receiver that can run; if none, say why by counting. */
static struct kvm_vcpu *first_ready(struct vdb_vm *vm, const struct kvm *kvm,
				    const struct vdb_pair *waiting, unsigned int n,
				    const struct vdb_pair **ret_pair)
{
	bool running = false;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct kvm_vcpu *vcpu = vdb_kvm_vcpu_at(kvm, waiting[i].receiver);
		enum vdb_candidate candidate = vcpu ? vdb_candidate(vcpu, NULL)
						    : VDB_CANDIDATE_BLOCKED;

		if (candidate == VDB_CANDIDATE_READY) {
			*ret_pair = &waiting[i];
			return vcpu;
		}
		running |= candidate == VDB_CANDIDATE_RUNNING;
	}
	vdb_count(vm, running ? VCPU_DEBOOST_STATS_A_RECEIVER_RUNNING
			      : VCPU_DEBOOST_STATS_A_RECEIVER_BLOCKED);
	return NULL;
}

static struct kvm_vcpu *receiver(struct vdb_vm *vm, struct vdb_vcpu *me, const struct kvm *kvm)
{
	struct vdb_pair waiting[VDB_PAIRS];
	const struct vdb_pair *pair;
	struct kvm_vcpu *vcpu;
	unsigned int expired;
	unsigned int n;

	n = vdb_pairs_waiting(&me->pairs, ktime_get_mono_fast_ns(), READ_ONCE(vm->tuning.window_ns),
			      waiting, &expired);
	if (expired)
		vdb_count_add(vm, VCPU_DEBOOST_STATS_A_EXPIRED, expired);
	if (!n)
		return NULL;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_RECEIVER_FOUND);
	vcpu = first_ready(vm, kvm, waiting, n, &pair);
	if (!vcpu)
		return NULL;
	if (READ_ONCE(vm->tuning.mode) != VCPU_DEBOOST_MODE_ACTIVE) {
		vdb_count(vm, VCPU_DEBOOST_STATS_A_WOULD_BOOST);
		trace_vcpu_deboost_would_boost(vm->id, me->idx, pair->receiver, pair->vector,
					       pair->age_ns);
		return NULL;
	}
	vdb_count(vm, VCPU_DEBOOST_STATS_A_BOOSTED);
	trace_vcpu_deboost_boost(vm->id, me->idx, pair->receiver, pair->vector, pair->age_ns);
	return vcpu;
}

/**
 * vdb_on_spin - hook at kvm_vcpu_on_spin(): a vCPU spins
 * @vcpu: the spinning vCPU, loaded on this CPU
 * @in_kernel: it spins in its guest's kernel, so it waits for one that is there
 *
 * Context: the vCPU's thread, preemption off.
 * Return: the vCPU to yield to, valid while @vcpu's VM is; NULL to let KVM
 * select as if we were not there.
 */
struct kvm_vcpu *vdb_on_spin(struct kvm_vcpu *vcpu, bool in_kernel)
{
	struct kvm *kvm = vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *);
	struct vdb_vm *vm = vdb_vm_of(kvm);
	struct kvm_vcpu *target = NULL;
	struct vdb_vcpu *me;
	bool by_age;

	if (!vm || READ_ONCE(vm->refused) || READ_ONCE(vm->tuning.mode) == VCPU_DEBOOST_MODE_OFF)
		return NULL;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_SPIN_EXITS);
	me = vdb_vcpu_by_idx(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int));
	if (!me)
		return NULL;
	by_age = READ_ONCE(vm->tuning.order) == VCPU_DEBOOST_ORDER_AGE;
	if (by_age)
		vdb_order_spin(vm, me);
	if (READ_ONCE(vm->tuning.ipi_tracking))
		target = receiver(vm, me, kvm);
	if (!target && by_age)
		target = vdb_order_choose(vm, me, kvm, in_kernel);
	if (!target)
		vdb_count(vm, VCPU_DEBOOST_STATS_A_FELL_THROUGH);
	return target;
}
