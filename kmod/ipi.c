// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for whom: a vCPU sends an IPI, and local APICs accept it.
 *
 * The probes run in the sender's vCPU thread, some of them with interrupts off
 * right after a VM exit. They take no lock, allocate nothing, and keep indexes,
 * never pointers. ipi_kinds.c has the ways of sending that bypass the ICR.
 */
#include <linux/bitops.h>
#include <linux/preempt.h>

#include "breaker.h"
#include "clock.h"
#include "loaded.h"
#include "trace.h"
#include "vdb.h"

/* The ICR as the guest writes it: SDM volume 3, "Interrupt Command Register". */
#define ICR_VECTOR     0x000ffU
#define ICR_MODE       0x00700U
#define ICR_SHORTHAND  0xc0000U
#define SHORTHAND_SELF 0x40000U
#define MODE_FIXED     0x000U

/* The counter of a command, beside IPIS. 0: none of its own. */
static unsigned int kind_counter(u32 icr_low, enum vdb_ipi_kind how)
{
	if ((icr_low & ICR_MODE) != MODE_FIXED)
		return VCPU_DEBOOST_STATS_A_IPIS_OTHER;
	switch (how) {
	case VDB_IPI_PV:
		return VCPU_DEBOOST_STATS_A_IPIS_PV;
	case VDB_IPI_HYPERV:
		return VCPU_DEBOOST_STATS_A_IPIS_HYPERV;
	case VDB_IPI_SHORTHAND:
		return (icr_low & ICR_SHORTHAND) == SHORTHAND_SELF
			       ? VCPU_DEBOOST_STATS_A_IPIS_SELF
			       : VCPU_DEBOOST_STATS_A_IPIS_SHORTHAND;
	case VDB_IPI_UNICAST:
		break;
	}
	return 0;
}

static __always_inline void begin(u32 icr_low, enum vdb_ipi_kind how)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	unsigned int counter;

	if (!me || !vdb_tracks(vm))
		return;
	counter = kind_counter(icr_low, how);
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS);
	if (counter)
		vdb_count(vm, counter);
	me->sending = (icr_low & ICR_MODE) == MODE_FIXED ? (icr_low & ICR_VECTOR) + 1 : 0;
	me->sent_to = 0;
	me->sent_how = how;
}

/**
 * vdb_ipi_begin - the loaded vCPU sends an IPI
 * @icr_low: mode, shorthand, vector, as in the ICR
 * @how: by which way
 *
 * To whom shows as the local APICs of the receivers accept it.
 *
 * Context: the sender's thread, rcu_read_lock(), interrupts perhaps off.
 */
void vdb_ipi_begin(u32 icr_low, enum vdb_ipi_kind how)
{
	begin(icr_low, how);
}

/**
 * vdb_ipi_send - tracepoint kvm_apic_ipi: a vCPU writes its ICR
 * @data: unused
 * @icr_low: mode, shorthand, vector
 * @dest_id: destination, physical or logical
 *
 * Context: the sender's thread, interrupts perhaps off.
 */
void vdb_ipi_send(void *data, u32 icr_low, u32 dest_id)
{
	u64 begun_ns = vdb_hook_begin();

	if (unlikely(icr_low & ICR_SHORTHAND))
		vdb_ipi_begin(icr_low, VDB_IPI_SHORTHAND);
	else
		begin(icr_low, VDB_IPI_UNICAST);
	vdb_hook_end(begun_ns);
}

static __always_inline void record(struct vdb_vm *vm, struct vdb_vcpu *me,
				   struct vdb_vcpu *receiver, u8 vector)
{
	u32 slots = READ_ONCE(vm->tuning.slots);
	enum vdb_pair_outcome outcome;

	outcome = vdb_pair_record(&me->pairs, slots, receiver->idx, vector, vdb_clock_ns());
	vdb_count(vm, VCPU_DEBOOST_STATS_A_RECORDED);
	if (unlikely(outcome != VDB_PAIR_NEW))
		vdb_count(vm, VCPU_DEBOOST_STATS_A_OVERWRITTEN);
	/* After the pair: an EOI that finds the bit must find the pair. */
	smp_mb__before_atomic();
	if (unlikely(!test_bit(me->idx, receiver->from)))
		set_bit(me->idx, receiver->from);
	if (trace_vcpu_deboost_record_enabled())
		trace_vcpu_deboost_record(vm->id, me->idx, receiver->idx, vector, 0);
}

/**
 * vdb_ipi_record - remember that one vCPU waits for another
 * @vm: the VM
 * @me: the sender
 * @receiver: another vCPU
 * @vector: of the IPI
 *
 * Context: the sender's thread, rcu_read_lock().
 */
void vdb_ipi_record(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *receiver, u8 vector)
{
	record(vm, me, receiver, vector);
}

/* The second receiver of a command and those after it. */
static noinline void record_further(struct vdb_vm *vm, struct vdb_vcpu *me,
				    struct vdb_vcpu *receiver, u8 vector)
{
	if (me->sent_to == 2 && me->sent_how == VDB_IPI_UNICAST)
		vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS_MULTICAST);
	/* The receivers of one command must not push each other out. */
	if (me->sent_to <= READ_ONCE(vm->tuning.slots))
		vdb_ipi_record(vm, me, receiver, vector);
	else
		vdb_count(vm, VCPU_DEBOOST_STATS_A_UNRECORDED);
}

/* A timer of the same vector comes here too, but not right after a send. */
static noinline void to_oneself(struct vdb_vm *vm, struct vdb_vcpu *me)
{
	if (me->sent_how != VDB_IPI_UNICAST || me->sent_to)
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS_SELF);
	me->sending = 0;
}

static __always_inline void accept(u32 apic_id, u8 vector)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	struct vdb_vcpu *receiver;

	if (!me || me->sending != vector + 1 || !vdb_tracks(vm))
		return;
	receiver = vdb_vcpu_by_id(vm, apic_id);
	if (!receiver)
		return;
	if (unlikely(receiver == me))
		to_oneself(vm, me);
	else if (likely(!me->sent_to++))
		record(vm, me, receiver, vector);
	else
		record_further(vm, me, receiver, vector);
}

/**
 * vdb_ipi_accept - tracepoint kvm_apic_accept_irq: a local APIC takes a vector
 * @data: unused
 * @apic_id: of the receiver
 * @delivery_mode: 0 is fixed
 * @trigger_mode: unused
 * @vector: of the interrupt
 *
 * Fires for every interrupt. Those that the loaded vCPU's own command causes
 * are told from others (timers, MSIs from another context) by the vector it is
 * sending and by the context.
 *
 * Context: for an IPI the sender's thread, else any.
 */
void vdb_ipi_accept(void *data, u32 apic_id, u16 delivery_mode, u16 trigger_mode, u8 vector)
{
	u64 begun_ns;

	if (delivery_mode != MODE_FIXED || !in_task())
		return;
	begun_ns = vdb_hook_begin();
	accept(apic_id, vector);
	vdb_hook_end(begun_ns);
}
