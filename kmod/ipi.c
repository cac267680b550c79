// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for whom: from the ICR write over the delivery to the EOI.
 *
 * The probes run in the sender's (send, accept) or the receiver's (EOI) vCPU
 * thread, some of them with interrupts off right after a VM exit. They take no
 * lock, allocate nothing, and keep indexes, never pointers.
 */
#include <linux/bitops.h>
#include <linux/ktime.h>
#include <linux/preempt.h>

#include "fields.h"
#include "hooks.h"
#include "trace.h"
#include "vdb.h"

/* The ICR as the guest writes it: SDM volume 3, "Interrupt Command Register". */
#define ICR_VECTOR    0x000ffU
#define ICR_MODE      0x00700U
#define ICR_SHORTHAND 0xc0000U
#define MODE_FIXED    0x000U
#define MODE_LOWEST   0x100U

/* The VM if it is to be tracked, else NULL. */
static struct vdb_vm *tracked(const struct kvm_vcpu *vcpu)
{
	struct vdb_vm *vm = vdb_vm_of(vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *));

	if (!vm || READ_ONCE(vm->refused) || !READ_ONCE(vm->tuning.ipi_tracking) ||
	    READ_ONCE(vm->tuning.mode) == VCPU_DEBOOST_MODE_OFF)
		return NULL;
	return vm;
}

static struct vdb_vcpu *self(struct vdb_vm *vm, const struct kvm_vcpu *vcpu)
{
	return vdb_vcpu_by_idx(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int));
}

/**
 * vdb_ipi_send - tracepoint kvm_apic_ipi: a vCPU writes its ICR
 * @data: unused
 * @icr_low: mode, shorthand, vector
 * @dest_id: destination, physical or logical; who that is shows at acceptance
 *
 * Context: the sender's thread, preemption off, interrupts perhaps off.
 */
void vdb_ipi_send(void *data, u32 icr_low, u32 dest_id)
{
	struct kvm_vcpu *vcpu = static_call(vdb_running_vcpu)();
	u32 mode = icr_low & ICR_MODE;
	struct vdb_vcpu *me;
	struct vdb_vm *vm;

	if (!vcpu || (mode != MODE_FIXED && mode != MODE_LOWEST))
		return;
	vm = tracked(vcpu);
	me = vm ? self(vm, vcpu) : NULL;
	if (!me)
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS);
	if (mode == MODE_FIXED && !(icr_low & ICR_SHORTHAND))
		me->sending = (icr_low & ICR_VECTOR) + 1;
	else
		me->sending = 0;
}

static void record(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *receiver, u8 vector)
{
	enum vdb_pair_outcome outcome;

	outcome = vdb_pair_record(&me->pairs, receiver->idx, vector, ktime_get_mono_fast_ns());
	vdb_count(vm, VCPU_DEBOOST_STATS_A_RECORDED);
	if (outcome != VDB_PAIR_NEW)
		vdb_count(vm, VCPU_DEBOOST_STATS_A_OVERWRITTEN);
	/* After the pair: an EOI that finds the bit must find the pair. */
	smp_mb__before_atomic();
	if (!test_bit(me->idx, receiver->from))
		set_bit(me->idx, receiver->from);
	trace_vcpu_deboost_record(vm->id, me->idx, receiver->idx, vector, 0);
}

/**
 * vdb_ipi_accept - tracepoint kvm_apic_accept_irq: a local APIC takes a vector
 * @data: unused
 * @apic_id: of the receiver
 * @delivery_mode: 0 is fixed
 * @trigger_mode: unused
 * @vector: of the interrupt
 *
 * Fires for every interrupt. Those that the loaded vCPU's own ICR write causes
 * are told from others (timers, MSIs from another context) by the vector it is
 * sending and by the context.
 *
 * Context: for an IPI the sender's thread, else any.
 */
void vdb_ipi_accept(void *data, u32 apic_id, u16 delivery_mode, u16 trigger_mode, u8 vector)
{
	struct vdb_vcpu *me, *receiver;
	struct kvm_vcpu *vcpu;
	struct vdb_vm *vm;

	if (delivery_mode != MODE_FIXED || !in_task())
		return;
	vcpu = static_call(vdb_running_vcpu)();
	vm = vcpu ? tracked(vcpu) : NULL;
	me = vm ? self(vm, vcpu) : NULL;
	if (!me || me->sending != vector + 1)
		return;
	receiver = vdb_vcpu_by_id(vm, apic_id);
	if (receiver && receiver != me)
		record(vm, me, receiver, vector);
}

/* One sender that may wait for @me: end its pair, keep the bit if more wait. */
static void answer(struct vdb_vm *vm, struct vdb_vcpu *me, unsigned int idx, u8 vector, u64 now_ns)
{
	struct vdb_vcpu *sender = vdb_vcpu_by_idx(vm, idx);
	bool more = false;
	u64 age_ns;

	/* Clear first: a pair recorded meanwhile sets the bit again. */
	clear_bit(idx, me->from);
	smp_mb__after_atomic();
	if (!sender)
		return;
	if (vdb_pair_clear(&sender->pairs, me->idx, vector, now_ns, &age_ns, &more)) {
		vdb_answered(vm, age_ns);
		trace_vcpu_deboost_clear(vm->id, idx, me->idx, vector, age_ns);
	}
	if (more)
		set_bit(idx, me->from);
}

static void answer_word(struct vdb_vm *vm, struct vdb_vcpu *me, unsigned int word, u8 vector,
			u64 now_ns)
{
	unsigned long bits = READ_ONCE(me->from[word]);

	for (; bits; bits &= bits - 1)
		answer(vm, me, word * BITS_PER_LONG + __ffs(bits), vector, now_ns);
}

/**
 * vdb_ipi_eoi - tracepoint kvm_eoi: a vCPU has handled a vector
 * @data: unused
 * @apic: of the receiver
 * @vector: -1 if nothing was in service
 *
 * PV EOIs come through here too: KVM completes them with the same function.
 *
 * Context: the receiver's thread.
 */
void vdb_ipi_eoi(void *data, struct kvm_lapic *apic, int vector)
{
	struct kvm_vcpu *vcpu = vdb_field(apic, VDB_F_LAPIC_VCPU, struct kvm_vcpu *);
	struct vdb_vm *vm = vector >= 0 ? tracked(vcpu) : NULL;
	struct vdb_vcpu *me = vm ? self(vm, vcpu) : NULL;
	unsigned int word;

	if (!me)
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_EOIS);
	for (word = 0; word < ARRAY_SIZE(me->from); word++) {
		if (READ_ONCE(me->from[word]))
			answer_word(vm, me, word, vector, ktime_get_mono_fast_ns());
	}
}
