// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far a VM is ahead of its share on each CPU, or behind it, because of service
 * that a strategy has moved: the bound of what a neighbour can lose. See
 * VDB_BALANCE_MAX.
 */
#include "clock.h"
#include "fair.h"
#include "vdb.h"

static s64 *settled(struct vdb_vm *vm, int cpu)
{
	struct vdb_counters *counters = per_cpu_ptr(vm->counters, cpu);
	u64 now_ns = vdb_clock_ns();

	counters->balance = vdb_balance_settle(counters->balance, now_ns - counters->settled_ns);
	counters->settled_ns = now_ns;
	return &counters->balance;
}

/**
 * vdb_balance_take - a VM gets service on a CPU
 * @vm: the VM
 * @cpu: where
 * @service: of its entity on the level where VMs compete
 *
 * Context: the lock of that CPU's run queue.
 * Return: false if that were more than it may be ahead: then nothing is noted.
 */
bool vdb_balance_take(struct vdb_vm *vm, int cpu, s64 service)
{
	s64 *balance = settled(vm, cpu);

	if (!vdb_balance_allows(*balance, service))
		return false;
	*balance += service;
	return true;
}

/**
 * vdb_balance_pay - a VM has paid service on a CPU
 * @vm: the VM
 * @cpu: where
 * @service: of its entity on the level where VMs compete
 *
 * Context: the lock of that CPU's run queue.
 */
void vdb_balance_pay(struct vdb_vm *vm, int cpu, s64 service)
{
	*settled(vm, cpu) -= service;
}
