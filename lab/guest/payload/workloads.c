// SPDX-License-Identifier: GPL-2.0-only
/* The workloads. Each function is one vCPU's whole life between start and stop. */
#include "payload.h"

struct ticket_lock {
	uint32_t next __attribute__((aligned(64)));
	uint32_t serving __attribute__((aligned(64)));
};

static struct ticket_lock lock;
static uint32_t finite_over;

static int running(void)
{
	return phase() < VD_PHASE_STOP;
}

static void op_done(struct guest_cpu *cpu)
{
	if (phase() == VD_PHASE_RUN)
		cpu->result->ops++;
}

static uint32_t random_other(struct guest_cpu *cpu)
{
	uint32_t to = (uint32_t)random_below(cpu, PARAMS->vcpus - 1);

	return to < cpu->id ? to : to + 1;
}

/* ncs/2 .. 3/2 ncs: no vCPU may fall into step with the host's time slices. */
static uint64_t ncs_ns(struct guest_cpu *cpu)
{
	return PARAMS->ncs_ns / 2 + random_below(cpu, PARAMS->ncs_ns + 1);
}

static void signal_and_wait(struct guest_cpu *cpu, uint32_t to)
{
	uint64_t start = rdtsc();

	ipi_send(cpu, to);
	ipi_wait(cpu, start);
}

static void lock_take(struct guest_cpu *cpu)
{
	uint32_t ticket = __atomic_fetch_add(&lock.next, 1, __ATOMIC_RELAXED);
	uint64_t start = rdtsc();

	spin_until(cpu, __atomic_load_n(&lock.serving, __ATOMIC_ACQUIRE) == ticket);
	start = rdtsc() - start;
	if (phase() == VD_PHASE_RUN)
		vd_hist_add(&cpu->result->lock_wait, tsc_to_ns(start));
}

static void lock_drop(void)
{
	__atomic_store_n(&lock.serving, lock.serving + 1, __ATOMIC_RELEASE);
}

static void wl_ipi(struct guest_cpu *cpu)
{
	while (running()) {
		signal_and_wait(cpu, random_other(cpu));
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
}

static void wl_lock(struct guest_cpu *cpu)
{
	while (running()) {
		lock_take(cpu);
		work(cpu, PARAMS->cs_ns, 0);
		lock_drop();
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
}

static void wl_lockipi(struct guest_cpu *cpu)
{
	while (running()) {
		lock_take(cpu);
		signal_and_wait(cpu, random_other(cpu));
		work(cpu, PARAMS->cs_ns, 0);
		lock_drop();
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
}

static void compute_step(struct guest_cpu *cpu, uint64_t *last_tsc)
{
	*last_tsc = work(cpu, PARAMS->ncs_ns, *last_tsc);
	if (phase() == VD_PHASE_RUN)
		cpu->result->compute_ops++;
}

static void wl_compute(struct guest_cpu *cpu)
{
	uint64_t last_tsc = 0;

	while (running()) {
		compute_step(cpu, &last_tsc);
		op_done(cpu);
	}
}

static void wl_user(struct guest_cpu *cpu)
{
	if (cpu->id)
		call_in_user_mode(wl_compute, cpu);
	else
		spin_until(cpu, !running());
}

static void compute_beside(struct guest_cpu *cpu)
{
	uint64_t last_tsc = 0;

	while (running() && !__atomic_load_n(&finite_over, __ATOMIC_RELAXED)) {
		/* Main's last loop halts, and answers. */
		if (PARAMS->idle)
			return;
		compute_step(cpu, &last_tsc);
	}
}

static void wl_initiator(struct guest_cpu *cpu)
{
	if (cpu->id) {
		compute_beside(cpu);
		return;
	}
	wl_ipi(cpu);
}

static void wl_shootdown(struct guest_cpu *cpu)
{
	uint64_t start;
	uint32_t to;

	while (running()) {
		start = rdtsc();
		for (to = 0; to < PARAMS->vcpus; to++)
			if (to != cpu->id)
				ipi_send(cpu, to);
		ipi_wait(cpu, start);
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
}

static void be_deaf(struct guest_cpu *cpu)
{
	while (running()) {
		irq_off();
		work(cpu, 50 * PARAMS->ncs_ns, 0);
		irq_on();
		work(cpu, PARAMS->ncs_ns, 0);
	}
}

/*
 * Who signals whom says nothing here about who waits for whom: the first half of the vCPUs is
 * signalled and cannot answer, the second waits for a lock of its own.
 */
static void wl_decoy(struct guest_cpu *cpu)
{
	uint32_t to;

	if (cpu->id < PARAMS->vcpus / 2) {
		be_deaf(cpu);
		return;
	}
	while (running()) {
		if (!__atomic_load_n(&cpu->outstanding, __ATOMIC_RELAXED))
			for (to = 0; to < PARAMS->vcpus / 2; to++)
				ipi_send(cpu, to);
		lock_take(cpu);
		work(cpu, PARAMS->cs_ns, 0);
		lock_drop();
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
}

static void send_exactly(struct guest_cpu *cpu)
{
	uint64_t i;

	for (i = 0; i < PARAMS->count && running(); i++) {
		signal_and_wait(cpu, 1);
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
	__atomic_store_n(&finite_over, 1, __ATOMIC_RELAXED);
}

static void wl_count(struct guest_cpu *cpu)
{
	if (cpu->id)
		compute_beside(cpu);
	else
		send_exactly(cpu);
}

static void wl_late(struct guest_cpu *cpu)
{
	if (cpu->id != 1) {
		wl_count(cpu);
		return;
	}
	while (running() && !__atomic_load_n(&finite_over, __ATOMIC_RELAXED)) {
		irq_off();
		work(cpu, PARAMS->cs_ns, 0);
		irq_on();
		work(cpu, PARAMS->ncs_ns, 0);
	}
}

/* Whose turn it is in a round of wl_wrong(); counts up, four a round. */
static uint32_t stage;

static void wait_stage(struct guest_cpu *cpu, uint64_t wanted)
{
	spin_until(cpu, !running() || __atomic_load_n(&stage, __ATOMIC_ACQUIRE) >= wanted);
}

static void next_stage(void)
{
	__atomic_fetch_add(&stage, 1, __ATOMIC_RELEASE);
}

/*
 * vCPU 1 masks the low vector; 0 sends it that one, and 2 the usual one, which it handles while the
 * other is still pending; then it unmasks.
 */
static void wl_wrong(struct guest_cpu *cpu)
{
	static const uint8_t first_stage[] = { 1, 0, 2 };
	uint64_t i, start;

	for (i = 0; cpu->id < 3 && i < PARAMS->count && running(); i++) {
		wait_stage(cpu, 4 * i + first_stage[cpu->id]);
		start = rdtsc();
		switch (cpu->id) {
		case 1:
			set_task_priority(LOW_CLASS);
			next_stage();
			wait_stage(cpu, 4 * i + 3);
			set_task_priority(0);
			wait_stage(cpu, 4 * i + 4);
			break;
		case 2:
			ipi_send(cpu, 1);
			ipi_wait(cpu, start);
			next_stage();
			break;
		default:
			ipi_send_low(cpu, 1);
			next_stage();
			ipi_wait(cpu, start);
			op_done(cpu);
			next_stage();
		}
	}
}

static void wl_chain(struct guest_cpu *cpu)
{
	uint64_t i;

	if (cpu->id > 1) {
		compute_beside(cpu);
		return;
	}
	if (!cpu->id) {
		send_exactly(cpu);
		return;
	}
	for (i = 0; i < PARAMS->count && running(); i++) {
		irq_off();
		while (running() && !ipi_is_asked(cpu, 0))
			__asm__ volatile(SPIN_PAD : : : "memory");
		signal_and_wait(cpu, 2);
		irq_on();
		spin_until(cpu, !running() || !ipi_is_asked(cpu, 0));
	}
}

static void wl_init(struct guest_cpu *cpu)
{
	if (cpu->id) {
		irq_off();
		set_task_priority(15);
		return;
	}
	/* Time for the other to be done, and to halt. */
	work(cpu, 5 * PARAMS->ncs_ns, 0);
	ipi_send(cpu, 1);
	work(cpu, PARAMS->ncs_ns, 0);
	ipi_send_init(cpu, 1);
	cpu->result->ops = PARAMS->count;
}

static void wl_broadcast(struct guest_cpu *cpu)
{
	uint64_t i, start;

	if (cpu->id) {
		compute_beside(cpu);
		return;
	}
	for (i = 0; i < PARAMS->count && running(); i++) {
		start = rdtsc();
		ipi_broadcast(cpu);
		ipi_wait(cpu, start);
		op_done(cpu);
		work(cpu, ncs_ns(cpu), 0);
	}
	__atomic_store_n(&finite_over, 1, __ATOMIC_RELAXED);
}

static void (*const workloads[])(struct guest_cpu *cpu) = {
#define VD_ROW(name, min, cs, ncs, finite, help)	[VD_WL_##name] = wl_##name,
	VD_WORKLOADS(VD_ROW)
#undef VD_ROW
};

void workload_run(struct guest_cpu *cpu)
{
	workloads[PARAMS->workload](cpu);
}
