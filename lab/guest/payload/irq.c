// SPDX-License-Identifier: GPL-2.0-only
/* Interrupt table, exceptions, the IPI handler. */
#include "payload.h"

#define MSR_EFER	0xc0000080u
#define MSR_STAR	0xc0000081u
#define MSR_LSTAR	0xc0000082u
#define MSR_SFMASK	0xc0000084u
#define MSR_GS_BASE	0xc0000101u
#define EFER_SCE	0x001u		/* SYSCALL and SYSRET */
#define EFER_LME	0x100u
#define EFER_LMA	0x400u
#define IDT_GATE	0x8e00u		/* present, ring 0, 64-bit interrupt gate */
#define SPURIOUS_VECTOR	0xffu

struct idt_gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_mid;
	uint32_t offset_high;
	uint32_t reserved;
};

struct idt_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

struct interrupt_frame;

extern const char fault_stubs[];
static struct idt_gate idt[256] __attribute__((aligned(64)));

/* Called by entry.S. */
void guest_fault(uint64_t vector, uint64_t error_code, uint64_t rip);

void guest_fault(uint64_t vector, uint64_t error_code, uint64_t rip)
{
	struct vd_fault *fault = &SHARED->fault;

	if (!__atomic_exchange_n(&fault->claimed, 1, __ATOMIC_ACQ_REL)) {
		fault->vcpu = this_cpu()->id;
		fault->vector = vector;
		fault->error_code = error_code;
		fault->rip = rip;
		__asm__ volatile("mov %%cr2, %0" : "=r"(fault->cr2));
		signal_vmm(VD_SIG_FAULT);
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

__attribute__((interrupt)) static void ipi_handler(struct interrupt_frame *frame)
{
	(void)frame;
	ipi_answer(this_cpu(), LINE_USUAL);
}

__attribute__((interrupt)) static void low_handler(struct interrupt_frame *frame)
{
	(void)frame;
	ipi_answer(this_cpu(), LINE_LOW);
}

/* The APIC raises it without an EOI being due. */
__attribute__((interrupt)) static void spurious_handler(struct interrupt_frame *frame)
{
	(void)frame;
}

static void set_gate(unsigned int vector, uint64_t target)
{
	idt[vector] = (struct idt_gate){
		.offset_low = (uint16_t)target,
		.selector = VD_CODE_SEL,
		.type = IDT_GATE,
		.offset_mid = (uint16_t)(target >> 16),
		.offset_high = (uint32_t)(target >> 32),
	};
}

/* On vCPU 0, before any other vCPU uses the table. */
void irq_setup_tables(void)
{
	unsigned int vector;

	for (vector = 0; vector < 32; vector++)
		set_gate(vector, (uint64_t)fault_stubs + 16 * vector);
	set_gate(SPURIOUS_VECTOR, (uint64_t)spurious_handler);
	set_gate(LOW_VECTOR, (uint64_t)low_handler);
	set_gate(PARAMS->vector, (uint64_t)ipi_handler);
}

/*
 * For call_in_user_mode(). SYSCALL and SYSRET take their descriptors from no table. User code is
 * 16 behind the selector in the upper half of STAR: AMD64 Architecture volume 2, 6.1.
 */
static void user_mode_setup(void)
{
	wrmsr(MSR_EFER, EFER_LMA | EFER_LME | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)VD_DATA_SEL << 48 | (uint64_t)VD_CODE_SEL << 32);
	wrmsr(MSR_LSTAR, (uint64_t)user_mode_over);
	wrmsr(MSR_SFMASK, 0);
}

void irq_setup_cpu(struct guest_cpu *cpu)
{
	struct idt_pointer pointer = { sizeof(idt) - 1, (uint64_t)idt };

	cpu->self = cpu;
	wrmsr(MSR_GS_BASE, (uint64_t)cpu);
	__asm__ volatile("lidt %0" : : "m"(pointer));
	user_mode_setup();
	ipi_setup_cpu();
}
