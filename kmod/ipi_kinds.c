// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPIs that do not pass the ICR: KVM's and Hyper-V's hypercalls, and those that
 * AVIC began and KVM has to finish. The first two end in the same acceptance by
 * the receivers' local APICs as any other; see ipi.c.
 */
#include <uapi/linux/kvm_para.h>

#include "breaker.h"
#include "loaded.h"
#include "vdb.h"

/**
 * vdb_ipi_hypercall - tracepoint kvm_hypercall
 * @data: unused
 * @nr: of the hypercall
 * @a0: KVM_HC_SEND_IPI: low half of the bitmap of receivers
 * @a1: high half
 * @a2: lowest APIC id in the bitmap
 * @a3: as the low half of the ICR
 *
 * Context: the sender's thread.
 */
void vdb_ipi_hypercall(void *data, unsigned long nr, unsigned long a0, unsigned long a1,
		       unsigned long a2, unsigned long a3)
{
	u64 begun_ns;

	if (nr != KVM_HC_SEND_IPI)
		return;
	begun_ns = vdb_hook_begin();
	vdb_ipi_begin((u32)a3, VDB_IPI_PV);
	vdb_hook_end(begun_ns);
}

/**
 * vdb_ipi_hyperv - tracepoint kvm_hv_send_ipi: HvCallSendSyntheticClusterIpi
 * @data: unused
 * @vector: of the IPI, delivered fixed
 * @mask: receivers by Hyper-V's VP index
 *
 * Context: the sender's thread.
 */
void vdb_ipi_hyperv(void *data, u32 vector, u64 mask)
{
	u64 begun_ns = vdb_hook_begin();

	vdb_ipi_begin(vector & 0xff, VDB_IPI_HYPERV);
	vdb_hook_end(begun_ns);
}

/**
 * vdb_ipi_hyperv_ex - tracepoint kvm_hv_send_ipi_ex: ...ClusterIpiEx
 * @data: unused
 * @vector: of the IPI
 * @format: all, or sparse
 * @banks: which banks of 64 are given
 *
 * Context: the sender's thread.
 */
void vdb_ipi_hyperv_ex(void *data, u32 vector, u64 format, u64 banks)
{
	vdb_ipi_hyperv(data, vector, banks);
}

/* AMD APM volume 2, 15.29.9.1 "AVIC incomplete IPI": the IRR is set, nobody runs. */
#define AVIC_TARGET_NOT_RUNNING 1

#define ICR_FIXED_PHYSICAL_MASK (0x700U | 0x800U | 0xc0000U)

static void avic(u32 icr_high, u32 icr_low)
{
	struct vdb_vm *vm;
	struct vdb_vcpu *me = vdb_current(&vm);
	struct vdb_vcpu *receiver;

	if (!me || !vdb_tracks(vm))
		return;
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS);
	vdb_count(vm, VCPU_DEBOOST_STATS_A_IPIS_AVIC);
	/* x2APIC has the id in all 32 bits, xAPIC in the upper 8. */
	receiver = vdb_vcpu_by_id(vm, icr_high);
	if (!receiver && !(icr_high & 0xffffff))
		receiver = vdb_vcpu_by_id(vm, icr_high >> 24);
	me->sent_to = 1;
	if (receiver && receiver != me)
		vdb_ipi_record(vm, me, receiver, icr_low & 0xff);
}

/**
 * vdb_ipi_avic - tracepoint kvm_avic_incomplete_ipi
 * @data: unused
 * @vcpu: id of the sender
 * @icr_high: destination
 * @icr_low: mode, shorthand, vector
 * @id: why it is incomplete
 * @index: of the receiver in AVIC's table
 *
 * Only one cause is of interest: the receiver is not running, which is exactly
 * the one that is worth a yield. The other causes make KVM send the IPI again
 * through the ICR. A set of receivers, logical or by shorthand, is left alone.
 *
 * Context: the sender's thread.
 */
void vdb_ipi_avic(void *data, u32 vcpu, u32 icr_high, u32 icr_low, u32 id, u32 index)
{
	u64 begun_ns;

	if (id != AVIC_TARGET_NOT_RUNNING || icr_low & ICR_FIXED_PHYSICAL_MASK)
		return;
	begun_ns = vdb_hook_begin();
	avic(icr_high, icr_low);
	vdb_hook_end(begun_ns);
}
