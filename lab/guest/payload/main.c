// SPDX-License-Identifier: GPL-2.0-only
/* A vCPU's way: tables, calibration (vCPU 0), ready, workload, done, answer until the end. */
#include "payload.h"

static uint32_t tables_ready;

static uint64_t mix_seed(uint64_t seed, uint32_t id)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + (id + 1) * 0xbf58476d1ce4e5b9ull;

	x ^= x >> 31;
	x *= 0x94d049bb133111ebull;
	x ^= x >> 29;
	return x ? x : 1;
}

/* Called by entry.S. */
void guest_main(uint32_t id);

void guest_main(uint32_t id)
{
	struct guest_cpu *cpu = &guest_cpus[id];

	cpu->id = id;
	cpu->result = &SHARED->result[id];
	cpu->rng = mix_seed(PARAMS->seed, id);
	if (!id) {
		irq_setup_tables();
		__atomic_store_n(&tables_ready, 1, __ATOMIC_RELEASE);
	}
	while (!__atomic_load_n(&tables_ready, __ATOMIC_ACQUIRE)) {
		__asm__ volatile("pause");
		cpu->result->pauses++;
	}
	irq_setup_cpu(cpu);
	if (!id)
		work_calibrate();
	irq_on();
	/* The VMM holds each vCPU in this exit until the common start. */
	signal_vmm(VD_SIG_READY);
	workload_run(cpu);
	signal_vmm(VD_SIG_DONE);
	for (;;)
		__asm__ volatile("hlt");
}
