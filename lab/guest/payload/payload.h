/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of the guest payload: what its files share. No libc, no floating point. */
#ifndef VDVM_PAYLOAD_H
#define VDVM_PAYLOAD_H

#include "../abi.h"

#define SHARED		((struct vd_shared *)VD_SHARED_GPA)
#define PARAMS		((const struct vd_params *)&SHARED->params)

/**
 * struct guest_cpu - one vCPU's own state; %gs points at it
 * @self:	first, so that this_cpu() is one load
 * @pv_eoi_word: KVM sets bit 0 when this vCPU may end an interrupt by clearing it
 * @outstanding: answers this vCPU still waits for; counted down by the receivers
 */
struct guest_cpu {
	struct guest_cpu *self;
	struct vd_result *result;
	uint64_t rng;
	uint32_t id;
	uint32_t pv_eoi_word;
	uint32_t outstanding __attribute__((aligned(64)));
} __attribute__((aligned(64)));

static inline struct guest_cpu *this_cpu(void)
{
	struct guest_cpu *cpu;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value),
			 "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void irq_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void irq_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Mask vectors of the classes up to this one: SDM volume 3, "Task Priority". */
static inline void set_task_priority(uint64_t class)
{
	__asm__ volatile("mov %0, %%cr8" : : "r"(class) : "memory");
}

static inline void signal_vmm(uint32_t what)
{
	__asm__ volatile("outl %0, %1" : : "a"(what), "Nd"((uint16_t)VD_PORT) : "memory");
}

static inline enum vd_phase phase(void)
{
	return __atomic_load_n(&SHARED->phase, __ATOMIC_ACQUIRE);
}

/* Two lines of requests, each with a vector: the usual one and one of low priority. */
#define LINES		2
#define LINE_USUAL	0
#define LINE_LOW	1
#define LOW_VECTOR	0x31u
#define LOW_CLASS	(LOW_VECTOR >> 4)

/* irq.c */
void irq_setup_tables(void);
void irq_setup_cpu(struct guest_cpu *cpu);

/* entry.S */
void call_in_user_mode(void (*fn)(struct guest_cpu *cpu), struct guest_cpu *cpu);
void user_mode_over(void);

/* ipi.c */
void ipi_setup_cpu(void);
void ipi_answer(struct guest_cpu *cpu, unsigned int line);
void ipi_send(struct guest_cpu *cpu, uint32_t to);
void ipi_send_low(struct guest_cpu *cpu, uint32_t to);
void ipi_send_init(struct guest_cpu *cpu, uint32_t to);
void ipi_broadcast(struct guest_cpu *cpu);
int ipi_is_asked(struct guest_cpu *cpu, uint32_t by);
void ipi_wait(struct guest_cpu *cpu, uint64_t since_tsc);
extern struct guest_cpu guest_cpus[VD_MAX_VCPUS];

/* work.c */
void work_calibrate(void);
uint64_t tsc_to_ns(uint64_t delta);
uint64_t work(struct guest_cpu *cpu, uint64_t ns, uint64_t since_tsc);
uint64_t random_below(struct guest_cpu *cpu, uint64_t below);

/*
 * One iteration of a spin is as long as the padding makes it. NOPs cost an instruction-counting
 * emulator nearly nothing to translate and still count as time, so labs run several times faster.
 */
#define SPIN_PAD	".rept 28; nop; .endr"

/* Spin with interrupts on until @done holds: spin_window plain iterations, then one PAUSE. */
#define spin_until(cpu, done)							\
	do {									\
		uint64_t left_ = PARAMS->spin_window;				\
										\
		while (!(done)) {						\
			__asm__ volatile(SPIN_PAD : : : "memory");		\
			if (--left_)						\
				continue;					\
			__asm__ volatile("pause" : : : "memory");		\
			(cpu)->result->pauses++;				\
			left_ = PARAMS->spin_window;				\
		}								\
	} while (0)

/* workloads.c */
void workload_run(struct guest_cpu *cpu);

#endif
