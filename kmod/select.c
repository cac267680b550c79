// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom to yield to.
 *
 * A vCPU that spins and has an IPI without an answer waits for its receiver:
 * that one is looked up by index, longest waiting first, and must be able to
 * use the CPU now. Everything else is left to KVM's own selection.
 */
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "fields.h"
#include "trace.h"
#include "vdb.h"

/* task_struct.on_rq of a queued task: TASK_ON_RQ_QUEUED, private to the scheduler. */
#define ON_RQ_QUEUED 1

enum candidate {
	CANDIDATE_READY,
	CANDIDATE_RUNNING,
	CANDIDATE_BLOCKED,
};

/*
 * Whether yield_to() would run it: the tests that KVM and the scheduler make
 * on the way, made early, so that a yield that must fail is not begun and KVM
 * selects instead. All are hints that may be stale by the time they are used.
 */
static enum candidate look_at(const struct kvm_vcpu *vcpu)
{
	enum candidate candidate = CANDIDATE_BLOCKED;
	struct task_struct *task;
	struct pid __rcu *pid;

	rcu_read_lock();
	pid = vdb_field(vcpu, VDB_F_VCPU_PID, struct pid __rcu *);
	task = pid_task(rcu_dereference(pid), PIDTYPE_PID);
	if (!task)
		goto out;
	if (READ_ONCE(task->on_cpu))
		candidate = CANDIDATE_RUNNING;
	else if (vdb_field(vcpu, VDB_F_VCPU_READY, bool) && task_is_running(task) &&
		 READ_ONCE(task->on_rq) == ON_RQ_QUEUED &&
		 task->sched_class == current->sched_class)
		candidate = CANDIDATE_READY;
out:
	rcu_read_unlock();
	return candidate;
}

/* The vCPU itself, by index: no pointer is kept from one event to the next. */
static struct kvm_vcpu *vcpu_at(const struct kvm *kvm, unsigned int idx)
{
	if (idx >= atomic_read(vdb_field_ptr(kvm, VDB_F_KVM_ONLINE_VCPUS, atomic_t)))
		return NULL;
	return xa_load(vdb_field_ptr(kvm, VDB_F_KVM_VCPU_ARRAY, struct xarray), idx);
}

/* The first receiver that can run; if none, say why by counting. */
static struct kvm_vcpu *first_ready(struct vdb_vm *vm, const struct kvm *kvm,
				    const struct vdb_pair *waiting, unsigned int n,
				    const struct vdb_pair **ret_pair)
{
	bool running = false;
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct kvm_vcpu *vcpu = vcpu_at(kvm, waiting[i].receiver);
		enum candidate candidate = vcpu ? look_at(vcpu) : CANDIDATE_BLOCKED;

		if (candidate == CANDIDATE_READY) {
			*ret_pair = &waiting[i];
			return vcpu;
		}
		running |= candidate == CANDIDATE_RUNNING;
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
 *
 * Context: the vCPU's thread, preemption off.
 * Return: the vCPU to yield to, valid while @vcpu's VM is; NULL to let KVM
 * select as if we were not there.
 */
struct kvm_vcpu *vdb_on_spin(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *);
	struct vdb_vm *vm = vdb_vm_of(kvm);
	struct kvm_vcpu *target = NULL;
	struct vdb_vcpu *me;

	if (!vm || READ_ONCE(vm->refused) || READ_ONCE(vm->tuning.mode) == VCPU_DEBOOST_MODE_OFF)
		return NULL;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_SPIN_EXITS);
	me = vdb_vcpu_by_idx(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int));
	if (me && READ_ONCE(vm->tuning.ipi_tracking))
		target = receiver(vm, me, kvm);
	if (!target)
		vdb_count(vm, VCPU_DEBOOST_STATS_A_FELL_THROUGH);
	return target;
}
