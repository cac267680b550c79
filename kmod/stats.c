// SPDX-License-Identifier: GPL-2.0-only
/* Counters: written by hooks on their own CPU, added up for a reader. */
#include "vdb.h"

/**
 * vdb_ran - the target of a yield runs
 * @vm: the VM
 * @age_ns: time from the yield to the run
 *
 * Context: hook, preemption off.
 */
void vdb_ran(struct vdb_vm *vm, u64 age_ns)
{
	vdb_count(vm, VCPU_DEBOOST_STATS_A_RAN);
	vdb_count_add(vm, VCPU_DEBOOST_STATS_A_RUN_NS, age_ns);
	vdb_count_time(vm->counters->run, age_ns);
}

/**
 * vdb_stats_sum - a VM's counters over all CPUs
 * @vm: the VM
 * @ret: filled; not a snapshot, each counter is read at its own moment
 *
 * Each pair that is cleared stands in the histogram of answers, and is counted there alone.
 *
 * Context: rcu_read_lock().
 */
void vdb_stats_sum(const struct vdb_vm *vm, struct vdb_counters *ret)
{
	unsigned int i;
	int cpu;

	memset(ret, 0, sizeof(*ret));
	for_each_possible_cpu(cpu)
	{
		const struct vdb_counters *c = per_cpu_ptr(vm->counters, cpu);

		for (i = 0; i < VDB_NR_COUNTERS; i++)
			ret->count[i] += READ_ONCE(c->count[i]);
		for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++) {
			ret->answer[i] += READ_ONCE(c->answer[i]);
			ret->run[i] += READ_ONCE(c->run[i]);
		}
	}
	for (i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		ret->count[VCPU_DEBOOST_STATS_A_CLEARED - VDB_C_FIRST] += ret->answer[i];
}
