// SPDX-License-Identifier: GPL-2.0-only
/* Which VM's waiting says something about its neighbours. Pure. */
#include "witness.h"

#define NSEC_PER_SEC 1e9

static bool is_quiet(uint64_t spins, uint64_t cpu_ns)
{
	return (double)spins * NSEC_PER_SEC <= (double)cpu_ns * WITNESS_MAX_SPINS;
}

void witness_look(struct witness *w, uint64_t cpu_ns, uint64_t wait_ns, uint64_t spins)
{
	bool grew = w->seen && cpu_ns >= w->seen_cpu_ns && wait_ns >= w->seen_wait_ns &&
		    spins >= w->seen_spins;

	if (grew && is_quiet(spins - w->seen_spins, cpu_ns - w->seen_cpu_ns)) {
		w->cpu_ns += cpu_ns - w->seen_cpu_ns;
		w->wait_ns += wait_ns - w->seen_wait_ns;
	}
	w->seen = true;
	w->seen_cpu_ns = cpu_ns;
	w->seen_wait_ns = wait_ns;
	w->seen_spins = spins;
}
