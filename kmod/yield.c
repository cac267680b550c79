// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes of a yield: the target ran, and after how long; or it did not; or
 * the yield was not worth while, because the target is about to run anyway. And
 * while observing: whom KVM itself chose.
 */

#include "breaker.h"
#include "clock.h"
#include "fields.h"
#include "loaded.h"
#include "vdb.h"

/*
 * A target that was just yielded to is on its way: its CPU has been asked to
 * reschedule, which takes an interrupt and a context switch. Within this time
 * another yield to it can only cost the yielder its turn. After it the yield has
 * failed. In the lab the median of the yields that ran is 7 us on the same run
 * queue and 23 us across.
 */
#define ON_ITS_WAY_NS 100000ULL

/**
 * vdb_yield_redundant - whether a vCPU is about to run already
 * @target: candidate that is queued
 * @now_ns: time now
 */
bool vdb_yield_redundant(const struct vdb_vcpu *target, u64 now_ns)
{
	u64 boosted_ns = READ_ONCE(target->boosted_ns);

	return boosted_ns && now_ns - boosted_ns < ON_ITS_WAY_NS;
}

static void failed(struct vdb_vm *vm, u64 now_ns)
{
	vdb_count(vm, VCPU_DEBOOST_STATS_A_FAILED);
	vdb_breaker_failed(vm, now_ns);
}

/**
 * vdb_yield_mark - a vCPU is made to run
 * @vm: its VM
 * @target: the vCPU
 * @now_ns: time now
 *
 * Context: any without a run-queue lock, preemption off, rcu_read_lock().
 */
void vdb_yield_mark(struct vdb_vm *vm, struct vdb_vcpu *target, u64 now_ns)
{
	vdb_breaker_yield(vm, now_ns);
	/* Somebody else's yield that has not made it run by now. */
	if (xchg(&target->boosted_ns, now_ns))
		failed(vm, now_ns);
}

/**
 * vdb_yield_unmark - it could not be made to run after all
 * @target: the vCPU
 * @now_ns: as it was marked
 *
 * Context: as vdb_yield_mark().
 */
void vdb_yield_unmark(struct vdb_vcpu *target, u64 now_ns)
{
	cmpxchg(&target->boosted_ns, now_ns, 0);
}

/**
 * vdb_yield_begin - a vCPU yields
 * @spin: with its target
 *
 * Context: the yielder's thread, preemption off, rcu_read_lock().
 */
void vdb_yield_begin(struct vdb_spin *spin)
{
	vdb_yield_mark(spin->vm, spin->target, spin->now_ns);
	spin->me->yield_ns = spin->now_ns;
	spin->me->yield_to = spin->target->idx + 1;
}

/**
 * vdb_yield_settle - a vCPU spins again: what came of its last choice?
 * @vm: the VM
 * @me: the vCPU
 * @now_ns: time now
 *
 * Context: its thread, preemption off, rcu_read_lock().
 */
void vdb_yield_settle(struct vdb_vm *vm, struct vdb_vcpu *me, u64 now_ns)
{
	struct vdb_vcpu *target;

	if (me->would) {
		vdb_count(vm, VCPU_DEBOOST_STATS_A_STOCK_NONE);
		me->would = 0;
	}
	if (!me->yield_to)
		return;
	target = vdb_vcpu_by_idx(vm, me->yield_to - 1);
	if (vdb_is_sane(target, vm, "a vCPU yielded to one that is not there") &&
	    READ_ONCE(target->boosted_ns) == me->yield_ns) {
		if (now_ns - me->yield_ns < ON_ITS_WAY_NS)
			return;
		if (cmpxchg(&target->boosted_ns, me->yield_ns, 0) == me->yield_ns)
			failed(vm, now_ns);
	}
	me->yield_to = 0;
}

/**
 * vdb_yield_stock - kvm_vcpu_yield_to(): KVM has chosen
 * @target: whom
 *
 * Says something only after a choice of ours that was not acted upon.
 *
 * Context: the yielder's thread, rcu_read_lock().
 */
void vdb_yield_stock(struct kvm_vcpu *target)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	int idx;

	if (!me || !me->would)
		return;
	idx = vdb_field(target, VDB_F_VCPU_IDX, int);
	vdb_count(vm, idx + 1 == me->would ? VCPU_DEBOOST_STATS_A_STOCK_SAME
					   : VCPU_DEBOOST_STATS_A_STOCK_OTHER);
	me->would = 0;
}

/**
 * vdb_vcpu_load - kvm_arch_vcpu_load(): a vCPU gets a CPU
 * @vcpu: vCPU
 *
 * Context: its thread, preemption off, rcu_read_lock(); in a context switch
 * interrupts may be on.
 */
void vdb_vcpu_load(struct kvm_vcpu *vcpu)
{
	struct vdb_vcpu *me;
	u64 now_ns, boosted_ns;

	if (!vdb_loaded_lookup(vcpu))
		return;
	me = this_cpu_read(vdb_loaded.me);
	vdb_sight_sample(me, vcpu);
	boosted_ns = READ_ONCE(me->boosted_ns) ? xchg(&me->boosted_ns, 0) : 0;
	/* After it: nobody has boosted it later than now. */
	now_ns = vdb_clock_ns();
	WRITE_ONCE(me->loaded_ns, now_ns);
	WRITE_ONCE(me->answered, false);
	if (!boosted_ns)
		return;
	this_cpu_inc(vdb_boosted_runs);
	vdb_ran(this_cpu_read(vdb_loaded.vm), now_ns - boosted_ns);
}
