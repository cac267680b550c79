// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU spins and no IPI says for whom: it waits for a lock. Choose by the age
 * of the waits, see age.h.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/static_call.h>

#include "fields.h"
#include "trace.h"
#include "vdb.h"

/*
 * sum_exec_runtime of the running task is current only at ticks and switches,
 * far too coarse to tell a spin from work; the kernel's own accessor of clocks
 * brings it up to date. Not exported, but the same since v2.6.
 */
unsigned long long vdb_runtime_proto(struct task_struct *task);
DEFINE_STATIC_CALL_RET0(vdb_runtime, vdb_runtime_proto);

/**
 * vdb_order_resolve - find the exact clock of a task
 * @reason: filled with a sentence on failure
 * @size: bytes of @reason
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int vdb_order_resolve(char *reason, size_t size)
{
	unsigned long runtime = vdb_kvm_symbol("task_sched_runtime");

	if (!runtime) {
		snprintf(reason, size, "this kernel has no task_sched_runtime()");
		return -EOPNOTSUPP;
	}
	static_call_update(vdb_runtime, (typeof(&vdb_runtime_proto))runtime);
	return 0;
}

/**
 * vdb_order_spin - note that a vCPU was caught spinning
 * @vm: its VM
 * @me: the vCPU
 *
 * Context: its thread, preemption off, no run-queue lock held: takes its own.
 */
void vdb_order_spin(struct vdb_vm *vm, struct vdb_vcpu *me)
{
	u64 window_ns = READ_ONCE(vm->spin_window_ns);
	u64 ran_ns = static_call(vdb_runtime)(current);
	u64 ran_since_ns = ran_ns - me->age.ran_ns;
	u64 now_ns = ktime_get_mono_fast_ns();

	vdb_age_spin(&me->age, &window_ns, ran_ns, now_ns);
	WRITE_ONCE(vm->spin_window_ns, window_ns);
	trace_vcpu_deboost_spin(vm->id, me->idx, ran_since_ns, window_ns,
				now_ns - me->age.since_ns);
}

/* As KVM: one that spins in the guest's kernel does not wait for a user-mode vCPU. */
static bool may_hold(const struct kvm_vcpu *vcpu, bool in_kernel)
{
	return !in_kernel || !vdb_field(vcpu, VDB_F_VCPU_PREEMPTED, bool) ||
	       vdb_field(vcpu, VDB_F_VCPU_PREEMPTED_IN_KERNEL, bool);
}

/**
 * vdb_order_choose - whom to yield to
 * @vm: the VM
 * @me: the spinning vCPU
 * @kvm: its VM in KVM
 * @in_kernel: it spins in the guest's kernel
 *
 * Context: @me's thread, preemption off.
 * Return: the vCPU, or NULL: nobody is queued, or only observing.
 */
struct kvm_vcpu *vdb_order_choose(struct vdb_vm *vm, struct vdb_vcpu *me, const struct kvm *kvm,
				  bool in_kernel)
{
	u64 window_ns = READ_ONCE(vm->spin_window_ns);
	u32 n = READ_ONCE(vm->nr_vcpus);
	enum vdb_age_class best_class = VDB_AGE_WAITING;
	struct kvm_vcpu *best_vcpu = NULL;
	struct vdb_vcpu *best = NULL;
	u32 i;

	for (i = 1; i <= n; i++) {
		struct vdb_vcpu *it = vdb_vcpu_by_idx(vm, (READ_ONCE(vm->last_idx) + i) % n);
		struct kvm_vcpu *vcpu = it && it != me ? vdb_kvm_vcpu_at(kvm, it->idx) : NULL;
		enum vdb_age_class class;
		u64 ran_ns;

		if (!vcpu || !may_hold(vcpu, in_kernel) ||
		    vdb_candidate(vcpu, &ran_ns) != VDB_CANDIDATE_READY)
			continue;
		class = vdb_age_class(&it->age, window_ns, ran_ns);
		if (best && !vdb_age_before(&it->age, class, &best->age, best_class))
			continue;
		best = it;
		best_vcpu = vcpu;
		best_class = class;
	}
	if (!best)
		return NULL;
	if (READ_ONCE(vm->tuning.mode) != VCPU_DEBOOST_MODE_ACTIVE) {
		vdb_count(vm, VCPU_DEBOOST_STATS_A_WOULD_ORDER);
		return NULL;
	}
	WRITE_ONCE(vm->last_idx, best->idx);
	vdb_count(vm, best_class == VDB_AGE_AT_WORK ? VCPU_DEBOOST_STATS_A_BOOSTED_AT_WORK
						    : VCPU_DEBOOST_STATS_A_BOOSTED_OLDEST);
	trace_vcpu_deboost_order(vm->id, me->idx, best->idx, best_class == VDB_AGE_AT_WORK,
				 window_ns);
	return best_vcpu;
}
