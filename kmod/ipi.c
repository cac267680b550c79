// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for whom: a vCPU sends an IPI, and local APICs accept it.
 *
 * The probes run in the sender's vCPU thread, some of them with interrupts off
 * right after a VM exit. They take no lock, allocate nothing, and keep indexes,
 * never pointers. ipi_kinds.c has the ways of sending that bypass the ICR.
 *
 * What a host without overcommit pays is these probes. So the usual case of each is
 * one straight way that calls nothing, and needs no registers saved for that; it
 * changes nothing before it knows that it is the usual case. All others go the long
 * way, which does everything.
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

static __always_inline void sends(struct vdb_vm *vm, struct vdb_vcpu *me, u16 sending,
				  enum vdb_ipi_kind how)
{
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS);
	me->sending = sending;
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
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	unsigned int counter;

	if (!me || !vdb_tracks(vm))
		return;
	counter = kind_counter(icr_low, how);
	if (counter)
		vdb_count(vm, counter);
	sends(vm, me, (icr_low & ICR_MODE) == MODE_FIXED ? (icr_low & ICR_VECTOR) + 1 : 0, how);
}

static noinline void send_any(u32 icr_low)
{
	u64 begun_ns = vdb_hook_time();

	vdb_ipi_begin(icr_low, icr_low & ICR_SHORTHAND ? VDB_IPI_SHORTHAND : VDB_IPI_UNICAST);
	vdb_hook_end(begun_ns);
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
	struct vdb_vm *vm;

	if (!vdb_hook_begin_usual() || !vdb_loaded_is_current() ||
	    unlikely(icr_low & (ICR_SHORTHAND | ICR_MODE))) {
		send_any(icr_low);
		return;
	}
	vm = this_cpu_read(vdb_loaded.vm);
	if (likely(vdb_tracks(vm)))
		sends(vm, this_cpu_read(vdb_loaded.me), (icr_low & ICR_VECTOR) + 1,
		      VDB_IPI_UNICAST);
	vdb_hook_leave();
}

static __always_inline void recorded(struct vdb_vm *vm, struct vdb_vcpu *me,
				     struct vdb_vcpu *receiver)
{
	vdb_count(vm, VCPU_DEBOOST_STATS_A_RECORDED);
	/* After the pair: an EOI that finds the bit must find the pair. */
	smp_mb__before_atomic();
	if (unlikely(!test_bit(me->idx, receiver->from)))
		set_bit(me->idx, receiver->from);
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
	u32 slots = READ_ONCE(vm->tuning.slots);

	if (vdb_pair_record(&me->pairs, slots, receiver->idx, vector, vdb_clock_ns()) !=
	    VDB_PAIR_NEW)
		vdb_count(vm, VCPU_DEBOOST_STATS_A_OVERWRITTEN);
	recorded(vm, me, receiver);
	trace_vcpu_deboost_record(vm->id, me->idx, receiver->idx, vector, 0);
}

/* The second receiver of a command and those after it. */
static void record_further(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *receiver,
			   u8 vector)
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
static void to_oneself(struct vdb_vm *vm, struct vdb_vcpu *me)
{
	if (me->sent_how != VDB_IPI_UNICAST || me->sent_to)
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS_SELF);
	me->sending = 0;
}

static void accept(u32 apic_id, u8 vector)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	struct vdb_vcpu *receiver;

	if (!me || me->sending != vector + 1 || !vdb_tracks(vm))
		return;
	receiver = vdb_vcpu_by_id(vm, apic_id);
	if (!receiver)
		return;
	if (receiver == me)
		to_oneself(vm, me);
	else if (!me->sent_to++)
		vdb_ipi_record(vm, me, receiver, vector);
	else
		record_further(vm, me, receiver, vector);
}

static noinline void accept_any(u32 apic_id, u8 vector)
{
	u64 begun_ns = vdb_hook_time();

	accept(apic_id, vector);
	vdb_hook_end(begun_ns);
}

static noinline void trace_and_leave(struct vdb_vm *vm, struct vdb_vcpu *me,
				     struct vdb_vcpu *receiver, u8 vector)
{
	trace_vcpu_deboost_record(vm->id, me->idx, receiver->idx, vector, 0);
	vdb_hook_leave();
}

/* The only receiver so far, and the only one that the sender waits for. */
static __always_inline struct vdb_vcpu *usual_receiver(struct vdb_vm *vm, struct vdb_vcpu *me,
						       u32 apic_id)
{
	struct vdb_vcpu *receiver;

	if (unlikely(!(READ_ONCE(vm->tracks) & VDB_TRACKS_ACCEPT_PLAIN)))
		return NULL;
	receiver = vdb_vcpu_by_idx(vm, apic_id);
	if (unlikely(!receiver || receiver->id != apic_id || receiver == me || me->sent_to ||
		     !vdb_pairs_are_ready(&me->pairs)))
		return NULL;
	return receiver;
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
	struct vdb_vcpu *me, *receiver;
	struct vdb_vm *vm;

	if (delivery_mode != MODE_FIXED || !in_task())
		return;
	if (!vdb_hook_begin_usual() || !vdb_loaded_is_current())
		goto any;
	me = this_cpu_read(vdb_loaded.me);
	if (me->sending != vector + 1) {
		vdb_hook_leave();
		return;
	}
	vm = this_cpu_read(vdb_loaded.vm);
	receiver = usual_receiver(vm, me, apic_id);
	if (unlikely(!receiver))
		goto any;
	me->sent_to = 1;
	vdb_pair_record_first(&me->pairs, receiver->idx, vector, vdb_clock_tsc_ns());
	recorded(vm, me, receiver);
	if (trace_vcpu_deboost_record_enabled())
		trace_and_leave(vm, me, receiver, vector);
	else
		vdb_hook_leave();
	return;
any:
	accept_any(apic_id, vector);
}
