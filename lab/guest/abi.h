/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the VMM and the guest payload agree on: the memory map, the parameters, the phase word
 * and the per-vCPU results. Included by both sides and by nothing else.
 */
#ifndef VDVM_ABI_H
#define VDVM_ABI_H

#include <stdint.h>

#include "hist.h"

#define VD_MAX_VCPUS		320u

/* Guest-physical map. The first 2 MiB hold the page tables and are mapped nowhere, so that a
 * null pointer in the payload faults instead of reading them.
 */
#define VD_PML4_GPA		0x001000ull
#define VD_PDPT_GPA		0x002000ull
#define VD_PD_LOW_GPA		0x003000ull
#define VD_PD_APIC_GPA		0x004000ull
#define VD_GDT_GPA		0x200000ull
#define VD_PAYLOAD_GPA		0x210000ull
#define VD_STACKS_GPA		0x400000ull
#define VD_STACK_BYTES		0x4000ull
#define VD_SHARED_GPA		0xa00000ull
#define VD_MEM_BYTES		0x1000000ull
#define VD_APIC_GPA		0xfee00000ull

#define VD_CODE_SEL		0x08
#define VD_DATA_SEL		0x10

/* The guest reports by one 32-bit write to this port. */
#define VD_PORT			0xd0
#define VD_SIG_READY		1u	/* calibrated, interrupts on, waiting for the start */
#define VD_SIG_DONE		2u	/* the workload is over, from here on only answers */
#define VD_SIG_FAULT		3u	/* struct vd_fault says what happened */

enum vd_phase {
	VD_PHASE_SETUP,
	VD_PHASE_WARMUP,
	VD_PHASE_RUN,
	VD_PHASE_STOP,
};

/* How a command to send an IPI is given, and to whom; see ipi.c of the payload. */
#define VD_SENDS(S)									\
	S(unicast)	/* ICR, one physical destination: vCPU 1 */			\
	S(multicast)	/* ICR, one logical destination: the others of the first cluster */ \
	S(all)		/* ICR shorthand: all, oneself too */				\
	S(allbutself)	/* ICR shorthand: all others */					\
	S(self)		/* ICR shorthand: oneself */					\
	S(selfmsr)	/* x2APIC's SELF IPI register */				\
	S(pv)		/* KVM's hypercall: all others, 127 at most */			\
	S(hyperv)	/* HvCallSendSyntheticClusterIpi: all others, 63 at most */

enum vd_send {
#define VD_ENUM(name)	VD_SEND_##name,
	VD_SENDS(VD_ENUM)
#undef VD_ENUM
	VD_SEND_MAX
};

enum vd_hypercall {
	VD_HYPERCALL_NONE,	/* IPIs go through the ICR */
	VD_HYPERCALL_VMCALL,
	VD_HYPERCALL_VMMCALL,
};

/*
 * The workloads: name, least vCPUs, default critical section in ns, default non-critical section
 * in ns, finite (ends by itself after `count` operations), one line of help. A new workload is
 * one row here and one function wl_NAME() in payload/.
 */
#define VD_WORKLOADS(W)									\
	W(ipi, 2, 0, 80000, 0,								\
	  "each vCPU signals a random other one, spins for the answer, computes ncs")	\
	W(lock, 1, 20000, 65000, 0,							\
	  "each vCPU takes a FIFO ticket lock, computes cs inside, ncs outside")	\
	W(lockipi, 2, 20000, 65000, 0,							\
	  "as lock, and a random other vCPU is signalled and waited for inside")	\
	W(initiator, 2, 0, 80000, 0,							\
	  "vCPU 0 signals a random other one, waits, computes ncs; the others compute")	\
	W(shootdown, 2, 0, 1000000, 0,							\
	  "each vCPU signals all others one by one, waits for all answers, computes ncs")	\
	W(decoy, 3, 20000, 65000, 0,							\
	  "one half: as lock, and signals the other half, deaf for 50 ncs, without waiting")	\
	W(compute, 1, 0, 100000, 0,							\
	  "each vCPU computes")								\
	W(user, 2, 0, 100000, 0,							\
	  "vCPU 0 spins in its kernel for nobody, the others compute in user mode")	\
	W(count, 2, 0, 20000, 1,							\
	  "vCPU 0 signals vCPU 1 exactly --count times, one at a time; the others compute")	\
	W(late, 2, 5000000, 20000, 1,							\
	  "as count, but vCPU 1 keeps interrupts off for cs, then on for ncs, in turn")	\
	W(wrong, 3, 0, 20000, 1,							\
	  "vCPU 1 is sent a masked vector by 0 and another by 2, and handles that one first") \
	W(chain, 3, 0, 20000, 1,							\
	  "vCPU 0 waits for 1, which waits for 2 with interrupts off; the others compute") \
	W(init, 2, 0, 1000000, 1,							\
	  "vCPU 0 waits for 1, which never answers, and sends it an INIT after ncs")	\
	W(broadcast, 2, 0, 20000, 1,							\
	  "vCPU 0 sends --count commands by --send and waits for each one's answers")

enum vd_workload {
#define VD_ENUM(name, min, cs, ncs, finite, help)	VD_WL_##name,
	VD_WORKLOADS(VD_ENUM)
#undef VD_ENUM
	VD_WL_MAX
};

/**
 * struct vd_params - what the VMM tells the guest before it starts; constant afterwards
 * @workload:	enum vd_workload
 * @vcpus:	1..VD_MAX_VCPUS
 * @vector:	IPI vector, 32..254
 * @send:	enum vd_send, of the workload broadcast
 * @id_stride:	APIC id of vCPU n is n * id_stride
 * @no_apic:	there is no in-kernel APIC: no interrupt can be sent or taken
 * @pv_eoi:	use KVM's paravirtual EOI
 * @idle:	vCPUs that would compute halt instead
 * @xapic:	1: APIC through MMIO, 0: x2APIC MSRs
 * @eoi_last:	1: EOI after the answer, 0: before it, as Linux does for its function-call IPIs
 * @hypercall:	enum vd_hypercall, how IPIs are sent when paravirtual features are on
 * @spin_window: plain spin iterations before each PAUSE, >= 1
 * @cs_ns:	critical section
 * @ncs_ns:	mean of the non-critical section (drawn from ncs/2 .. 3/2 ncs)
 * @count:	operations of a finite workload
 * @seed:	of the random choices
 * @tsc_khz:	guest TSC frequency
 */
struct vd_params {
	uint32_t workload;
	uint32_t vcpus;
	uint32_t vector;
	uint32_t xapic;
	uint32_t eoi_last;
	uint32_t hypercall;
	uint32_t send;
	uint32_t id_stride;
	uint32_t no_apic;
	uint32_t pv_eoi;
	uint32_t idle;
	uint64_t spin_window;
	uint64_t cs_ns;
	uint64_t ncs_ns;
	uint64_t count;
	uint64_t seed;
	uint64_t tsc_khz;
};

/**
 * struct vd_fault - the first exception of a guest
 * @claimed:	0 until a vCPU owns the report
 */
struct vd_fault {
	uint32_t claimed;
	uint32_t vcpu;
	uint64_t vector;
	uint64_t error_code;
	uint64_t rip;
	uint64_t cr2;
};

/**
 * struct vd_result - what one vCPU reports; written by that vCPU alone
 * @ops:	operations completed inside the run phase
 * @compute_ops: compute steps of ncs completed inside the run phase by a vCPU that only computes
 * @off_cpu_max_ns: longest gap between two steps of the compute loop inside the run phase
 * @ipis_sent:	IPIs sent since the guest started, exactly
 * @requests_answered: requests found and answered by the handler since the guest started
 * @irqs:	runs of the IPI handler since the guest started (several requests may share one)
 * @commands:	commands to send IPIs given since the guest started, exactly
 * @eois:	EOIs since the guest started, written or paravirtual
 * @pv_eois:	those that were paravirtual
 * @pauses:	PAUSE instructions executed while spinning since the guest started
 * @ipi_wait:	send to answer, for waits that ended inside the run phase
 * @lock_wait:	ticket drawn to lock owned, for waits that ended inside the run phase
 */
struct vd_result {
	uint64_t ops;
	uint64_t compute_ops;
	uint64_t off_cpu_max_ns;
	uint64_t ipis_sent;
	uint64_t requests_answered;
	uint64_t irqs;
	uint64_t commands;
	uint64_t eois;
	uint64_t pv_eois;
	uint64_t pauses;
	struct vd_hist ipi_wait;
	struct vd_hist lock_wait;
} __attribute__((aligned(64)));

/**
 * struct vd_shared - the page-set at VD_SHARED_GPA
 * @phase:	enum vd_phase, written by the VMM's timing thread only
 * @loop_ps:	length of one loop of the work unit as the guest calibrated it, picoseconds
 */
struct vd_shared {
	struct vd_params params;
	uint32_t phase __attribute__((aligned(64)));
	uint64_t loop_ps __attribute__((aligned(64)));
	struct vd_fault fault;
	struct vd_result result[VD_MAX_VCPUS];
};

_Static_assert(VD_SHARED_GPA + sizeof(struct vd_shared) <= VD_MEM_BYTES, "guest memory");
_Static_assert(VD_STACKS_GPA + VD_MAX_VCPUS * VD_STACK_BYTES <= VD_SHARED_GPA, "guest stacks");

#endif
