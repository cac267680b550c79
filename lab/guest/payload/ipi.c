// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests between vCPUs. A sender sets its bit in the receiver's map and sends one unicast
 * fixed IPI; the handler takes the whole map and counts down every sender found in it. So several
 * senders may share one interrupt and none is lost: a bit set after the map was taken raises the
 * vector again.
 */
#include "payload.h"

#define MSR_X2APIC(reg)	(0x800u + ((reg) >> 4))
#define APIC_EOI	0x0b0u
#define APIC_SVR	0x0f0u
#define APIC_ICR	0x300u
#define APIC_ICR_HIGH	0x310u
#define SVR_ENABLE	0x1ffu		/* software enable, spurious vector 0xff */
#define ICR_ASSERT	0x4000u
#define KVM_HC_SEND_IPI	10

#define MAP_WORDS	((VD_MAX_VCPUS + 63) / 64)

struct request_map {
	uint64_t word[MAP_WORDS];
} __attribute__((aligned(64)));

struct guest_cpu guest_cpus[VD_MAX_VCPUS];
static struct request_map requests[VD_MAX_VCPUS];

static void mmio_write(uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(VD_APIC_GPA + reg) = value;
}

static void apic_write(uint32_t reg, uint32_t value)
{
	if (PARAMS->xapic)
		mmio_write(reg, value);
	else
		wrmsr(MSR_X2APIC(reg), value);
}

static void hypercall_send(uint32_t to)
{
	uint64_t ret = KVM_HC_SEND_IPI;
	uint64_t icr = ICR_ASSERT | PARAMS->vector;

	/* A bitmap of one destination, counted from APIC id `to`. */
	if (PARAMS->hypercall == VD_HYPERCALL_VMCALL)
		__asm__ volatile("vmcall" : "+a"(ret)
				 : "b"(1ull), "c"(0ull), "d"((uint64_t)to), "S"(icr) : "memory");
	else
		__asm__ volatile("vmmcall" : "+a"(ret)
				 : "b"(1ull), "c"(0ull), "d"((uint64_t)to), "S"(icr) : "memory");
}

static void icr_send(uint32_t to)
{
	uint32_t icr = ICR_ASSERT | PARAMS->vector;

	if (!PARAMS->xapic) {
		wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)to << 32 | icr);
		return;
	}
	mmio_write(APIC_ICR_HIGH, to << 24);
	mmio_write(APIC_ICR, icr);
}

void ipi_setup_cpu(void)
{
	apic_write(APIC_SVR, SVR_ENABLE);
}

/**
 * ipi_send() - ask one other vCPU for an answer
 * @cpu:	the sender, this vCPU
 * @to:		the receiver, not @cpu; no request from @cpu to it may be open
 */
void ipi_send(struct guest_cpu *cpu, uint32_t to)
{
	__atomic_fetch_add(&cpu->outstanding, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&requests[to].word[cpu->id / 64], 1ull << cpu->id % 64, __ATOMIC_SEQ_CST);
	cpu->result->ipis_sent++;
	if (PARAMS->hypercall != VD_HYPERCALL_NONE)
		hypercall_send(to);
	else
		icr_send(to);
}

/**
 * ipi_wait() - spin with interrupts on until every request of this vCPU is answered
 * @cpu:	this vCPU
 * @since_tsc:	TSC before the first send; the time since then goes into the histogram
 */
void ipi_wait(struct guest_cpu *cpu, uint64_t since_tsc)
{
	uint64_t waited_ns;

	spin_until(cpu, !__atomic_load_n(&cpu->outstanding, __ATOMIC_ACQUIRE));
	waited_ns = tsc_to_ns(rdtsc() - since_tsc);
	if (phase() == VD_PHASE_RUN)
		vd_hist_add(&cpu->result->ipi_wait, waited_ns);
}

static void eoi(struct guest_cpu *cpu)
{
	cpu->result->eois++;
	apic_write(APIC_EOI, 0);
}

/* The IPI handler's body; interrupts are off. */
void ipi_answer(struct guest_cpu *cpu)
{
	uint64_t bits;
	uint32_t i;

	cpu->result->irqs++;
	if (!PARAMS->eoi_last)
		eoi(cpu);
	for (i = 0; i * 64 < PARAMS->vcpus; i++) {
		bits = __atomic_exchange_n(&requests[cpu->id].word[i], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1) {
			uint32_t from = i * 64 + (uint32_t)__builtin_ctzll(bits);

			cpu->result->requests_answered++;
			__atomic_fetch_sub(&guest_cpus[from].outstanding, 1, __ATOMIC_RELEASE);
		}
	}
	if (PARAMS->eoi_last)
		eoi(cpu);
}
