// SPDX-License-Identifier: GPL-2.0-only
/*
 * A wait ends: by the receiver's EOI, because one of the two was reset, or
 * because the settings have changed. As in ipi.c, the usual case of an EOI is one
 * straight way that calls nothing.
 */
#include <linux/bitops.h>

#include "breaker.h"
#include "clock.h"
#include "fields.h"
#include "loaded.h"
#include "trace.h"
#include "vdb.h"

/* It had been caught spinning: is it to be brought back? */
static void last_answer(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender)
{
	if (!vdb_pairs_are_empty(&sender->pairs))
		return;
	WRITE_ONCE(sender->spun, false);
	WRITE_ONCE(sender->answered, true);
	WRITE_ONCE(sender->answered_ns, vdb_clock_ns());
	WRITE_ONCE(sender->asked_ns, 0);
	WRITE_ONCE(sender->answerer, me->idx + 1);
	vdb_sched_answered(vm, me, sender);
}

/* A pair is over. That one is counts CLEARED, too: see vdb_stats_sum(). */
static __always_inline void count_answer(struct vdb_vm *vm, u64 age_ns)
{
	struct vdb_counters __percpu *counters = vm->counters;

	this_cpu_add(counters->count[VCPU_DEBOOST_STATS_A_ANSWER_NS - VDB_C_FIRST], age_ns);
	vdb_count_time(counters->answer, age_ns);
}

/* What else the end of a pair of @sender with @me may mean. */
static void tell(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender, int vector,
		 u64 age_ns)
{
	trace_vcpu_deboost_clear(vm->id, sender->idx, me->idx, vector, age_ns);
	if (READ_ONCE(me->loan))
		vdb_loan_answered(vm, me);
	if (READ_ONCE(sender->spun))
		last_answer(vm, me, sender);
}

static noinline void tell_and_leave(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
				    int vector, u64 age_ns)
{
	tell(vm, me, sender, vector, age_ns);
	vdb_hook_leave();
}

/**
 * vdb_sender_misled - a bit of one that does not wait
 * @me: whom it should wait for
 * @idx: of the sender
 * @sender: it, or NULL
 *
 * Context: any, preemption off, rcu_read_lock().
 */
void vdb_sender_misled(struct vdb_vcpu *me, unsigned int idx, const struct vdb_vcpu *sender)
{
	/* Clear first: a pair recorded meanwhile sets the bit again. */
	clear_bit(idx, me->from);
	smp_mb__after_atomic();
	if (sender && vdb_pairs_hold(&sender->pairs, me->idx))
		set_bit(idx, me->from);
}

/*
 * One sender that may wait for @me: end its pair. Its bit stays, because who
 * sent will send again; it goes when it is found to have misled.
 */
static void answer(struct vdb_vm *vm, struct vdb_vcpu *me, unsigned int idx, int vector, u64 now_ns)
{
	struct vdb_vcpu *sender = vdb_vcpu_by_idx(vm, idx);
	u64 age_ns;

	while (sender && vdb_pair_clear(&sender->pairs, me->idx, vector, now_ns, &age_ns)) {
		count_answer(vm, age_ns);
		tell(vm, me, sender, vector, age_ns);
		if (vector != VDB_ANY_VECTOR)
			return;
	}
	vdb_sender_misled(me, idx, sender);
}

static void answer_all(struct vdb_vm *vm, struct vdb_vcpu *me, int vector)
{
	unsigned int word = 0;

	do {
		unsigned long bits = READ_ONCE(me->from[word]);
		u64 now_ns = bits ? vdb_clock_ns() : 0;

		for (; bits; bits &= bits - 1)
			answer(vm, me, word * BITS_PER_LONG + __ffs(bits), vector, now_ns);
	} while (++word < READ_ONCE(vm->from_words));
}

static void forgot(struct vdb_vm *vm, unsigned int n)
{
	if (n)
		vdb_count_add(vm, VCPU_DEBOOST_STATS_A_FORGOTTEN, n);
}

static void eoi(struct kvm_vcpu *vcpu, int vector)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_vcpu_of(vcpu, &vm);

	if (!me || !vdb_tracks(vm))
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_EOIS);
	if (unlikely(READ_ONCE(vm->tuning.eoi_clear) == VCPU_DEBOOST_EOI_CLEAR_SERIES)) {
		forgot(vm, vdb_pairs_forget(&me->pairs));
		vector = VDB_ANY_VECTOR;
	}
	answer_all(vm, me, vector);
}

static noinline void eoi_any(struct kvm_lapic *apic, int vector)
{
	u64 begun_ns = vdb_hook_time();

	eoi(vdb_field(apic, VDB_F_LAPIC_VCPU, struct kvm_vcpu *), vector);
	vdb_hook_end(begun_ns);
}

/*
 * The only one that may wait for @me, as nearly always where there is no overcommit.
 * Return: it, with its pair ended, or NULL: nothing was done.
 */
static __always_inline struct vdb_vcpu *usual_sender(struct vdb_vm *vm, struct vdb_vcpu *me,
						     u8 vector, u64 *ret_slot)
{
	unsigned long bits = READ_ONCE(me->from[0]);
	struct vdb_vcpu *sender;

	if (unlikely(bits & (bits - 1) || !bits))
		return NULL;
	/* Always below 64; the mask says it to UBSAN, as in vdb_vcpu_by_idx(). */
	sender = rcu_dereference(vm->vcpu[__ffs(bits) & (BITS_PER_LONG - 1)]);
	if (unlikely(!sender))
		return NULL;
	*ret_slot = vdb_pair_clear_first(&sender->pairs, me->idx, vector);
	return likely(*ret_slot) ? sender : NULL;
}

/**
 * vdb_ipi_eoi - tracepoint kvm_eoi: a vCPU has handled a vector
 * @data: unused
 * @apic: of the receiver
 * @vector: -1 if nothing was in service
 *
 * PV EOIs and accelerated ones come through here too: KVM completes them with
 * the functions that fire it. With eoi_clear=series an EOI also drops what the
 * vCPU itself waits for, as the series' first version does (its known fault).
 *
 * Context: the receiver's thread.
 */
void vdb_ipi_eoi(void *data, struct kvm_lapic *apic, int vector)
{
	struct vdb_vcpu *me, *sender;
	struct vdb_vm *vm;
	u64 slot, age_ns;

	if (vector < 0)
		return;
	if (!vdb_hook_begin_usual() || !vdb_loaded_is_of(apic))
		goto any;
	vm = this_cpu_read(vdb_loaded.vm);
	if (unlikely(!(READ_ONCE(vm->tracks) & VDB_TRACKS_EOI_PLAIN)))
		goto any;
	me = this_cpu_read(vdb_loaded.me);
	sender = usual_sender(vm, me, vector, &slot);
	if (unlikely(!sender))
		goto any;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_EOIS);
	age_ns = vdb_pair_age_ns(slot, vdb_clock_tsc_ns());
	count_answer(vm, age_ns);
	if (unlikely(READ_ONCE(me->loan) || READ_ONCE(sender->spun) ||
		     trace_vcpu_deboost_clear_enabled()))
		tell_and_leave(vm, me, sender, vector, age_ns);
	else
		vdb_hook_leave();
	return;
any:
	eoi_any(apic, vector);
}

static void forget_vcpu(struct vdb_vm *vm, struct vdb_vcpu *me)
{
	unsigned int n = vdb_pairs_forget(&me->pairs);
	unsigned int idx;

	for (idx = vdb_sender_from(me, 0); idx < VDB_MAX_VCPUS;
	     idx = vdb_sender_from(me, idx + 1)) {
		struct vdb_vcpu *sender = vdb_vcpu_by_idx(vm, idx);

		clear_bit(idx, me->from);
		smp_mb__after_atomic();
		if (sender)
			n += vdb_pairs_forget_receiver(&sender->pairs, me->idx);
	}
	forgot(vm, n);
}

/**
 * vdb_vcpu_reset - kvm_vcpu_reset(): INIT, or a reset of the VM
 * @vcpu: the vCPU; it waits for nobody now, and will answer nobody
 *
 * Context: the vCPU's thread, or the one that creates it; rcu_read_lock().
 */
void vdb_vcpu_reset(struct kvm_vcpu *vcpu)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_vcpu_of(vcpu, &vm);

	if (me)
		forget_vcpu(vm, me);
}

/**
 * vdb_forget_all - forget who waits for whom in a VM
 * @vm: its settings have changed, so that what was recorded may mislead
 *
 * A pair that is recorded at the same time may stay: it is a new one.
 *
 * Context: rcu_read_lock(), or under vdb.vms_lock.
 */
void vdb_forget_all(struct vdb_vm *vm)
{
	unsigned int idx;

	for (idx = 0; idx < VDB_MAX_VCPUS; idx++) {
		struct vdb_vcpu *vcpu = vdb_vcpu_by_idx(vm, idx);

		if (vcpu)
			forget_vcpu(vm, vcpu);
	}
}
