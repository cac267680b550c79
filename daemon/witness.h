/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WITNESS_H
#define WITNESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Spin exits per second of CPU time with which a VM is still a witness of what others do to it.
 * KVM's own yield gives the rest of a slice away (3 ms by default, kernel/sched/fair.c,
 * sysctl_sched_base_slice): with 10 a second that is 3 % of its time at most.
 */
#define WITNESS_MAX_SPINS 10

/**
 * struct witness - how long a VM waits for a CPU while it does not give CPUs away itself
 * @cpu_ns: CPU time in such looks, grows only
 * @wait_ns: time of waiting for a CPU in them, grows only
 * @seen: the last look is valid
 * @seen_cpu_ns: as of the last look
 * @seen_wait_ns: the same
 * @seen_spins: the same
 *
 * A VM whose vCPUs spin yields its CPU time to others, so it runs less than it may; how much less
 * depends on who else yields. Where another VM begins to use what it is entitled to, such a VM
 * waits longer and has still lost nothing but a gift. One that hardly spins, and wants the CPU,
 * shows what is taken from it.
 */
struct witness {
	uint64_t cpu_ns;
	uint64_t wait_ns;
	bool seen;
	uint64_t seen_cpu_ns;
	uint64_t seen_wait_ns;
	uint64_t seen_spins;
};

/**
 * witness_look() - count what has passed since the last look, if the VM hardly span
 * @w: zeroed before the first one
 * @cpu_ns: CPU time of its process, of the threads that live
 * @wait_ns: its time of waiting for a CPU
 * @spins: its spin exits
 *
 * What went back, because a thread has ended or counters began anew, is not counted.
 */
void witness_look(struct witness *w, uint64_t cpu_ns, uint64_t wait_ns, uint64_t spins);

#endif /* WITNESS_H */
