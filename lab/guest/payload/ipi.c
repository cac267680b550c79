// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests between vCPUs. A sender sets its bit in the receiver's map and sends a fixed IPI; the
 * handler takes the whole map and counts down every sender found in it. So several senders may
 * share one interrupt and none is lost: a bit set after the map was taken raises the vector again.
 */
#include "payload.h"

#define MSR_X2APIC(reg)	(0x800u + ((reg) >> 4))
#define APIC_EOI	0x0b0u
#define APIC_LDR	0x0d0u
#define APIC_SVR	0x0f0u
#define APIC_ICR	0x300u
#define APIC_ICR_HIGH	0x310u
#define APIC_SELF_IPI	0x3f0u
#define SVR_ENABLE	0x1ffu		/* software enable, spurious vector 0xff */
#define ICR_INIT	0x0500u
#define ICR_LOGICAL	0x0800u
#define ICR_ASSERT	0x4000u
#define ICR_SELF	0x40000u
#define ICR_ALL		0x80000u
#define ICR_ALLBUTSELF	0xc0000u

#define KVM_HC_SEND_IPI	10
#define MSR_KVM_PV_EOI	0x4b564d04u
#define PV_EOI_ENABLE	1u

#define MSR_HV_GUEST_OS	0x40000000u
#define HV_SEND_IPI	0x0bu
#define HV_FAST		0x10000u

/* Vectors of a cluster: in x2APIC 16, in xAPIC's flat model 8. */
#define CLUSTER		(PARAMS->xapic ? 8u : 16u)

#define MAP_WORDS	((VD_MAX_VCPUS + 63) / 64)

struct request_map {
	uint64_t word[MAP_WORDS];
} __attribute__((aligned(64)));

struct guest_cpu guest_cpus[VD_MAX_VCPUS];
static struct request_map requests[LINES][VD_MAX_VCPUS];

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

static uint32_t apic_id(uint32_t cpu)
{
	return cpu * PARAMS->id_stride;
}

/* A bitmap of destinations, counted from APIC id @min. */
static void hypercall_send(uint64_t bitmap, uint32_t min)
{
	uint64_t icr = ICR_ASSERT | PARAMS->vector;
	uint64_t ret = KVM_HC_SEND_IPI;

	if (PARAMS->hypercall == VD_HYPERCALL_VMCALL)
		__asm__ volatile("vmcall" : "+a"(ret)
				 : "b"(bitmap), "c"(0ull), "d"((uint64_t)min), "S"(icr) : "memory");
	else
		__asm__ volatile("vmmcall" : "+a"(ret)
				 : "b"(bitmap), "c"(0ull), "d"((uint64_t)min), "S"(icr) : "memory");
}

/* Destinations by VP index, which KVM makes the vCPU's index. Everything fits into registers. */
static void hyperv_send(uint64_t mask)
{
	register uint64_t r8 __asm__("r8") = mask;
	uint64_t ret;

	__asm__ volatile("vmmcall" : "=a"(ret)
			 : "c"((uint64_t)HV_FAST | HV_SEND_IPI), "d"((uint64_t)PARAMS->vector),
			   "r"(r8)
			 : "memory");
}

static void icr_write(uint32_t icr, uint32_t dest)
{
	icr |= ICR_ASSERT;
	if (!PARAMS->xapic) {
		wrmsr(MSR_X2APIC(APIC_ICR), (uint64_t)dest << 32 | icr);
		return;
	}
	mmio_write(APIC_ICR_HIGH, dest << 24);
	mmio_write(APIC_ICR, icr);
}

void ipi_setup_cpu(void)
{
	struct guest_cpu *cpu = this_cpu();

	if (PARAMS->no_apic)
		return;
	apic_write(APIC_SVR, SVR_ENABLE);
	if (PARAMS->xapic && cpu->id < CLUSTER)
		mmio_write(APIC_LDR, 1u << (24 + cpu->id));
	if (PARAMS->pv_eoi)
		wrmsr(MSR_KVM_PV_EOI, (uint64_t)&cpu->pv_eoi_word | PV_EOI_ENABLE);
	if (PARAMS->send == VD_SEND_hyperv)
		wrmsr(MSR_HV_GUEST_OS, 1);
}

static void ask(struct guest_cpu *cpu, uint32_t to, unsigned int line)
{
	__atomic_fetch_add(&cpu->outstanding, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&requests[line][to].word[cpu->id / 64], 1ull << cpu->id % 64,
			  __ATOMIC_SEQ_CST);
	cpu->result->ipis_sent++;
}

/**
 * ipi_send() - ask one other vCPU for an answer
 * @cpu:	the sender, this vCPU
 * @to:		the receiver, not @cpu; no request from @cpu to it may be open
 */
void ipi_send(struct guest_cpu *cpu, uint32_t to)
{
	ask(cpu, to, LINE_USUAL);
	cpu->result->commands++;
	if (PARAMS->hypercall != VD_HYPERCALL_NONE)
		hypercall_send(1, apic_id(to));
	else
		icr_write(PARAMS->vector, apic_id(to));
}

/* As ipi_send(), by the vector of low priority, which the receiver may have masked. */
void ipi_send_low(struct guest_cpu *cpu, uint32_t to)
{
	ask(cpu, to, LINE_LOW);
	cpu->result->commands++;
	icr_write(LOW_VECTOR, apic_id(to));
}

/* Not a request: nobody answers it. */
void ipi_send_init(struct guest_cpu *cpu, uint32_t to)
{
	cpu->result->commands++;
	icr_write(ICR_INIT, apic_id(to));
}

static void ask_others(struct guest_cpu *cpu, uint32_t below)
{
	uint32_t to;

	for (to = 0; to < PARAMS->vcpus && to < below; to++)
		if (to != cpu->id)
			ask(cpu, to, LINE_USUAL);
}

static uint64_t others_mask(uint32_t below)
{
	uint32_t n = PARAMS->vcpus < below ? PARAMS->vcpus : below;

	return (n < 64 ? (1ull << n) - 1 : ~0ull) & ~1ull;
}

/**
 * ipi_broadcast() - one command by the way of PARAMS->send
 * @cpu:	vCPU 0; none of its requests may be open
 */
void ipi_broadcast(struct guest_cpu *cpu)
{
	cpu->result->commands++;
	switch ((enum vd_send)PARAMS->send) {
	case VD_SEND_multicast:
		ask_others(cpu, CLUSTER);
		icr_write(ICR_LOGICAL | PARAMS->vector, (uint32_t)others_mask(CLUSTER));
		break;
	case VD_SEND_all:
		ask_others(cpu, VD_MAX_VCPUS);
		icr_write(ICR_ALL | PARAMS->vector, 0);
		break;
	case VD_SEND_allbutself:
		ask_others(cpu, VD_MAX_VCPUS);
		icr_write(ICR_ALLBUTSELF | PARAMS->vector, 0);
		break;
	case VD_SEND_self:
		ask(cpu, cpu->id, LINE_USUAL);
		icr_write(ICR_SELF | PARAMS->vector, 0);
		break;
	case VD_SEND_selfmsr:
		ask(cpu, cpu->id, LINE_USUAL);
		wrmsr(MSR_X2APIC(APIC_SELF_IPI), PARAMS->vector);
		break;
	case VD_SEND_pv:
		ask_others(cpu, 64);
		hypercall_send(others_mask(64) >> 1, apic_id(1));
		break;
	case VD_SEND_hyperv:
		ask_others(cpu, 64);
		hyperv_send(others_mask(64));
		break;
	case VD_SEND_unicast:
	case VD_SEND_MAX:
		ask(cpu, 1, LINE_USUAL);
		icr_write(PARAMS->vector, apic_id(1));
		break;
	}
}

/* Whether vCPU @by has an open request to this one, whose interrupts are off. */
int ipi_is_asked(struct guest_cpu *cpu, uint32_t by)
{
	return __atomic_load_n(&requests[LINE_USUAL][cpu->id].word[by / 64], __ATOMIC_ACQUIRE) >>
	       by % 64 & 1;
}

/**
 * ipi_wait() - spin until every request of this vCPU is answered
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
	/* Only this vCPU and KVM on its behalf touch the word; a btr is enough. */
	if (PARAMS->pv_eoi && cpu->pv_eoi_word & PV_EOI_ENABLE) {
		uint8_t was_set;

		__asm__ volatile("btrl $0, %0"
				 : "+m"(cpu->pv_eoi_word), "=@ccc"(was_set)
				 :
				 : "memory");
		if (was_set) {
			cpu->result->pv_eois++;
			return;
		}
	}
	apic_write(APIC_EOI, 0);
}

/* The IPI handler's body; interrupts are off. */
void ipi_answer(struct guest_cpu *cpu, unsigned int line)
{
	uint64_t bits;
	uint32_t i;

	cpu->result->irqs++;
	if (!PARAMS->eoi_last)
		eoi(cpu);
	for (i = 0; i * 64 < PARAMS->vcpus; i++) {
		bits = __atomic_exchange_n(&requests[line][cpu->id].word[i], 0, __ATOMIC_SEQ_CST);
		for (; bits; bits &= bits - 1) {
			uint32_t from = i * 64 + (uint32_t)__builtin_ctzll(bits);

			cpu->result->requests_answered++;
			__atomic_fetch_sub(&guest_cpus[from].outstanding, 1, __ATOMIC_RELEASE);
		}
	}
	if (PARAMS->eoi_last)
		eoi(cpu);
}
