// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom to yield to.
 *
 * A vCPU that spins and has an IPI without an answer waits for its receiver:
 * receiver.c. Without one it may wait for a lock: order.c. What neither finds is
 * left to KVM's own selection.
 */

#include "breaker.h"
#include "clock.h"
#include "fields.h"
#include "loaded.h"
#include "trace.h"
#include "vdb.h"

/* A 64th of the way to all, or to nothing. */
static void note_kind(struct vdb_vm *vm, bool ipi)
{
	u32 was = READ_ONCE(vm->lock_spins);

	WRITE_ONCE(vm->lock_spins, was - was / 64 + (ipi ? 0 : VDB_SPINS_ALL / 64));
}

static bool choose(struct vdb_spin *spin)
{
	const struct vdb_tuning *tuning = &spin->vm->tuning;
	bool tracked = READ_ONCE(tuning->ipi_tracking);
	bool waits = tracked && vdb_receiver_choose(spin);
	bool finishes = tracked && !spin->nr_waits && vdb_receiver_finish(spin);

	note_kind(spin->vm, spin->nr_waits || finishes);
	if (waits || finishes)
		return true;
	return READ_ONCE(tuning->order) != VCPU_DEBOOST_ORDER_STOCK && vdb_order_choose(spin);
}

static void trace(const struct vdb_spin *spin, const struct vdb_vcpu *whom, enum vdb_act act)
{
	trace_vcpu_deboost_choose(spin->vm->id, spin->me->idx, whom->idx, spin->why, act,
				  spin->vector, spin->waited_ns);
}

/* @whom runs, or is about to: kvm_vcpu_yield_to() oneself does nothing. */
static struct kvm_vcpu *spin_on(const struct vdb_spin *spin, const struct vdb_vcpu *whom,
				struct kvm_vcpu *self)
{
	vdb_count(spin->vm, VCPU_DEBOOST_STATS_A_REDUNDANT);
	trace(spin, whom, VDB_ACT_SPIN_ON);
	return self;
}

/* Observing: say what would be done, and leave it to KVM. */
static void would(struct vdb_spin *spin)
{
	bool receiver = spin->why == VCPU_DEBOOST_STATS_A_BOOSTED ||
			spin->why == VCPU_DEBOOST_STATS_A_BOOSTED_CHAIN;

	vdb_count(spin->vm,
		  receiver ? VCPU_DEBOOST_STATS_A_WOULD_BOOST : VCPU_DEBOOST_STATS_A_WOULD_ORDER);
	spin->me->would = spin->target->idx + 1;
	trace(spin, spin->target, VDB_ACT_WOULD);
}

/* The last look before KVM is told to yield to it: nobody leaves his own VM. */
static bool is_of_this_vm(const struct vdb_spin *spin)
{
	const struct kvm_vcpu *vcpu = spin->target_vcpu;

	return vdb_is_sane(vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *) == spin->kvm &&
				   vdb_field(vcpu, VDB_F_VCPU_IDX, int) == spin->target->idx,
			   spin->vm, "the vCPU that was chosen is not the one in KVM's array");
}

/* Return: whom kvm_vcpu_yield_to() is called for; for oneself it does nothing. */
static struct kvm_vcpu *act(struct vdb_spin *spin, struct kvm_vcpu *self)
{
	if (vdb_yield_redundant(spin->target, spin->now_ns))
		return spin_on(spin, spin->target, self);
	vdb_count(spin->vm, spin->why);
	vdb_yield_begin(spin);
	trace(spin, spin->target, VDB_ACT_YIELD);
	return vdb_sched_help(spin) == VDB_HELP_STAY ? self : spin->target_vcpu;
}

/* As act(), where there is a choice; NULL: it is left to KVM. */
static struct kvm_vcpu *decide(struct vdb_spin *spin, struct kvm_vcpu *self)
{
	bool active = READ_ONCE(spin->vm->tuning.mode) == VCPU_DEBOOST_MODE_ACTIVE;

	if (!spin->target)
		return active ? spin_on(spin, spin->near, self) : NULL;
	if (!is_of_this_vm(spin))
		return NULL;
	if (active)
		return act(spin, self);
	would(spin);
	return NULL;
}

/* Its exact clock costs a run-queue lock: only where somebody asks for ages. */
static bool needs_age(const struct vdb_tuning *tuning)
{
	return READ_ONCE(tuning->order) == VCPU_DEBOOST_ORDER_AGE ||
	       READ_ONCE(tuning->sched) == VCPU_DEBOOST_SCHED_LOAN;
}

static struct kvm_vcpu *on_spin(struct vdb_spin *spin, struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu *target = NULL;

	vdb_count(spin->vm, VCPU_DEBOOST_STATS_A_SPIN_EXITS);
	vdb_yield_settle(spin->vm, spin->me, spin->now_ns);
	WRITE_ONCE(spin->me->spin_ns, spin->now_ns);
	WRITE_ONCE(spin->me->answered, false);
	if (READ_ONCE(spin->me->loan))
		vdb_loan_spun(spin->vm, spin->me);
	if (needs_age(&spin->vm->tuning))
		vdb_order_spin(spin->vm, spin->me, spin->now_ns);
	if (choose(spin))
		target = decide(spin, vcpu);
	if (!target)
		vdb_count(spin->vm, VCPU_DEBOOST_STATS_A_FELL_THROUGH);
	return target;
}

/**
 * vdb_on_spin - hook at kvm_vcpu_on_spin(): a vCPU spins
 * @vcpu: the spinning vCPU, loaded on this CPU
 * @in_kernel: it spins in its guest's kernel, so it waits for one that is there
 *
 * Context: the vCPU's thread, preemption off, rcu_read_lock().
 * Return: the vCPU to yield to, valid while @vcpu's VM is; @vcpu itself to go on
 * spinning; NULL to let KVM select as if we were not there.
 */
struct kvm_vcpu *vdb_on_spin(struct kvm_vcpu *vcpu, bool in_kernel)
{
	struct vdb_spin spin = {
		.kvm = vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *),
		.in_kernel = in_kernel,
	};

	spin.me = vdb_vcpu_of(vcpu, &spin.vm);
	if (!spin.me || READ_ONCE(spin.vm->tuning.mode) == VCPU_DEBOOST_MODE_OFF)
		return NULL;
	spin.now_ns = vdb_clock_ns();
	return on_spin(&spin, vcpu);
}
