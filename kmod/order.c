// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU spins and no IPI says for whom: it waits for a lock. Who of those that
 * are queued should run?
 *
 * order=tiers is the series' order as a real order: one with an interrupt
 * pending, then one that was preempted in its guest's kernel, then, if
 * relaxed_boost allows it, anybody who was preempted. order=age chooses by the
 * age of the waits, see age.h.
 */
#include <linux/bitops.h>
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

static bool has_runtime __read_mostly;

/**
 * vdb_order_resolve - find the exact clock of a task
 *
 * A kernel without it has no order=age, and everything else.
 */
void vdb_order_resolve(void)
{
	unsigned long runtime = vdb_kvm_symbol("task_sched_runtime");

	has_runtime = runtime;
	static_call_update(vdb_runtime, runtime ? (typeof(&vdb_runtime_proto))runtime
						: (void *)__static_call_return0);
}

/**
 * vdb_order_missing - what this kernel lacks for an order
 * @order: enum vcpu_deboost_order
 *
 * Context: hooks armed, or any: then nothing is known to be missing.
 * Return: a sentence, or NULL.
 */
const char *vdb_order_missing(u32 order)
{
	if (!vdb.armed || order == VCPU_DEBOOST_ORDER_STOCK)
		return NULL;
	if (!vdb_has_field(VDB_F_VCPU_PREEMPTED_IN_KERNEL))
		return "this kernel has no kvm_vcpu.arch.preempted_in_kernel: use order=stock";
	if (order == VCPU_DEBOOST_ORDER_AGE && !has_runtime)
		return "this kernel has no task_sched_runtime(): use order=stock or tiers";
	return NULL;
}

/**
 * vdb_order_spin - note that a vCPU was caught spinning
 * @vm: its VM
 * @me: the vCPU
 * @now_ns: time now
 *
 * Context: its thread, preemption off, no run-queue lock held: takes its own.
 */
void vdb_order_spin(struct vdb_vm *vm, struct vdb_vcpu *me, u64 now_ns)
{
	u64 window_ns = READ_ONCE(vm->spin_window_ns);
	u64 ran_ns = static_call(vdb_runtime)(current);
	u64 ran_since_ns = ran_ns - me->age.ran_ns;

	if (vdb_age_spin(&me->age, &window_ns, ran_ns, now_ns))
		WRITE_ONCE(vm->progress_ns, now_ns);
	WRITE_ONCE(vm->spin_window_ns, window_ns);
	trace_vcpu_deboost_spin(vm->id, me->idx, ran_since_ns, window_ns,
				now_ns - me->age.since_ns);
}

/**
 * struct search - the best candidate so far
 * @spin: for whom
 * @by_age: order=age
 * @relaxed: as KVM's own filter does not allow it: user mode for the kernel's lock
 * @filtered: somebody was left out because of that
 * @window_ns: learned spin window
 * @rank: of the best, less is better
 * @age_class: of the best
 */
struct search {
	struct vdb_spin *spin;
	bool by_age;
	bool relaxed;
	bool filtered;
	u64 window_ns;
	u32 rank;
	enum vdb_age_class age_class;
};

/* As KVM: one that spins in the guest's kernel does not wait for a user-mode vCPU. */
static bool may_hold(const struct kvm_vcpu *vcpu, bool in_kernel)
{
	return !in_kernel || !vdb_field(vcpu, VDB_F_VCPU_PREEMPTED, bool) ||
	       vdb_field(vcpu, VDB_F_VCPU_PREEMPTED_IN_KERNEL, bool);
}

/* The tiers 2 to 4 of the series; 1 is the receiver. Return: why, 0 for nobody's tier. */
static u32 tier(const struct search *s, const struct kvm_vcpu *vcpu)
{
	if (vdb_interrupt_pending(vcpu))
		return VCPU_DEBOOST_STATS_A_BOOSTED_PENDING;
	if (!vdb_field(vcpu, VDB_F_VCPU_PREEMPTED, bool))
		return 0;
	if (may_hold(vcpu, s->spin->in_kernel))
		return VCPU_DEBOOST_STATS_A_BOOSTED_IN_KERNEL;
	return s->relaxed ? VCPU_DEBOOST_STATS_A_BOOSTED_RELAXED : 0;
}

/* Whether a sibling waits for an IPI's answer from it. */
static bool is_awaited(struct vdb_vm *vm, struct vdb_vcpu *it)
{
	unsigned int idx;

	for (idx = vdb_sender_from(it, 0); idx < VDB_MAX_VCPUS;
	     idx = vdb_sender_from(it, idx + 1)) {
		struct vdb_vcpu *sender = vdb_vcpu_by_idx(vm, idx);

		if (sender && vdb_pairs_hold(&sender->pairs, it->idx))
			return true;
		/* Or whoever sends to all, and is never answered, has this look at all of them. */
		vdb_sender_misled(it, idx, sender);
	}
	return false;
}

static enum vdb_age_class class_of(const struct search *s, struct vdb_vcpu *it, u64 ran_ns)
{
	if (READ_ONCE(it->answered))
		return VDB_AGE_ANSWERED;
	if (is_awaited(s->spin->vm, it))
		return VDB_AGE_AWAITED;
	return vdb_age_class(&it->age, s->window_ns, ran_ns);
}

static void consider(struct search *s, struct vdb_vcpu *it, struct kvm_vcpu *vcpu, u64 ran_ns)
{
	enum vdb_age_class class;
	u32 why;

	if (s->by_age) {
		class = class_of(s, it, ran_ns);
		if (s->spin->target &&
		    !vdb_age_before(&it->age, class, &s->spin->target->age, s->age_class,
				    READ_ONCE(s->spin->vm->progress_ns)))
			return;
		s->age_class = class;
		why = class >= VDB_AGE_AT_WORK ? VCPU_DEBOOST_STATS_A_BOOSTED_AT_WORK
					       : VCPU_DEBOOST_STATS_A_BOOSTED_OLDEST;
	} else {
		why = tier(s, vcpu);
		/* The counters stand in the order of the tiers. */
		if (!why || (s->spin->target && why >= s->rank))
			return;
		s->rank = why;
	}
	s->spin->target = it;
	s->spin->target_vcpu = vcpu;
	s->spin->why = why;
}

static void search(struct search *s)
{
	struct vdb_vm *vm = s->spin->vm;
	u32 last = READ_ONCE(vm->last_idx);
	u32 n = READ_ONCE(vm->nr_vcpus);
	u32 i;

	for (i = 1; i <= n; i++) {
		struct vdb_vcpu *it = vdb_vcpu_by_idx(vm, (last + i) % n);
		struct kvm_vcpu *vcpu;
		u64 ran_ns;

		if (!it || it == s->spin->me || vdb_yield_redundant(it, s->spin->now_ns))
			continue;
		vcpu = vdb_kvm_vcpu_at(s->spin->kvm, it->idx);
		/* KVM's flag first: where nobody is preempted no task need be looked at. */
		if (!vcpu || !vdb_field(vcpu, VDB_F_VCPU_READY, bool) ||
		    vdb_candidate(vcpu, &ran_ns) != VDB_CANDIDATE_READY)
			continue;
		if (s->by_age && !s->relaxed && !may_hold(vcpu, s->spin->in_kernel)) {
			s->filtered = true;
			continue;
		}
		consider(s, it, vcpu, ran_ns);
	}
}

/**
 * vdb_order_choose - whom to yield to
 * @spin: target and reason are filled if one is found
 *
 * The search begins behind the one that was chosen last, whoever chose it, so
 * that equals take turns.
 *
 * Context: the vCPU's thread, preemption off, rcu_read_lock().
 * Return: true if there is a target that can use the CPU now.
 */
bool vdb_order_choose(struct vdb_spin *spin)
{
	struct vdb_vm *vm = spin->vm;
	bool relaxed = READ_ONCE(vm->tuning.relaxed_boost);
	struct search s = {
		.spin = spin,
		.by_age = READ_ONCE(vm->tuning.order) == VCPU_DEBOOST_ORDER_AGE,
		.window_ns = READ_ONCE(vm->spin_window_ns),
	};

	if (!vdb_has_field(VDB_F_VCPU_PREEMPTED_IN_KERNEL))
		return false;
	s.relaxed = relaxed && !s.by_age;
	search(&s);
	if (!spin->target && relaxed && s.filtered) {
		s.relaxed = true;
		search(&s);
		spin->why = VCPU_DEBOOST_STATS_A_BOOSTED_RELAXED;
	}
	if (!spin->target)
		return false;
	if (s.by_age)
		spin->waited_ns = spin->now_ns - spin->target->age.since_ns;
	WRITE_ONCE(vm->last_idx, spin->target->idx);
	return true;
}
