// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work is a number of instructions, not a time: what is stolen from a vCPU must not count as work
 * done. The length of a loop is measured once, on vCPU 0, as the least of several tries.
 */
#include "payload.h"

#define STEP_NS			4000u	/* distance of two looks at the TSC inside work() */
#define CALIBRATE_TRIES		40
#define CALIBRATE_LOOPS		64

static void burn(uint64_t loops)
{
	/* 32 instructions a loop; see SPIN_PAD for why most are NOPs. */
	__asm__ volatile("1: .rept 30; nop; .endr; dec %0; jnz 1b" : "+r"(loops) : : "cc");
}

/* delta * 10^6 / tsc_khz without a wide division. */
uint64_t tsc_to_ns(uint64_t delta)
{
	uint64_t khz = PARAMS->tsc_khz;

	return delta / khz * 1000000u + delta % khz * 1000000u / khz;
}

void work_calibrate(void)
{
	uint64_t best = UINT64_MAX, start, took;
	unsigned int i;

	for (i = 0; i < CALIBRATE_TRIES; i++) {
		start = rdtsc();
		burn(CALIBRATE_LOOPS);
		took = rdtsc() - start;
		if (took < best)
			best = took;
	}
	took = tsc_to_ns(best * 1000) / CALIBRATE_LOOPS;
	SHARED->loop_ps = took ? took : 1;
}

/**
 * work() - execute the instructions that take @ns on an undisturbed CPU
 * @cpu:	this vCPU
 * @ns:		amount of work, ns
 * @since_tsc:	TSC at the end of the work() before, if nothing but work() came between; else 0
 *
 * Return: the TSC at the end, for the next call.
 */
uint64_t work(struct guest_cpu *cpu, uint64_t ns, uint64_t since_tsc)
{
	uint64_t loop_ps = SHARED->loop_ps;
	uint64_t loops = ns * 1000 / loop_ps;
	uint64_t step = STEP_NS * 1000u / loop_ps + 1;
	uint64_t now, gap, last = since_tsc ? since_tsc : rdtsc();

	while (loops) {
		burn(loops < step ? loops : step);
		loops -= loops < step ? loops : step;
		now = rdtsc();
		gap = tsc_to_ns(now - last);
		last = now;
		if (gap > cpu->result->off_cpu_max_ns && phase() == VD_PHASE_RUN)
			cpu->result->off_cpu_max_ns = gap;
	}
	return last;
}

/* xorshift64*; @below > 0. The bias is far under what any result shows. */
uint64_t random_below(struct guest_cpu *cpu, uint64_t below)
{
	uint64_t x = cpu->rng;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	cpu->rng = x;
	return ((x * 0x2545f4914f6cdd1dull) >> 32) % below;
}
