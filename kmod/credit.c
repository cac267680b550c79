// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=credit: the series' v3. The target, if it is on the yielder's own run queue, is
 * given a small positive lag on each level of the chain that the buddy hint walks and
 * that is not eligible yet; the yielder's CPU is asked to reschedule at most once in
 * 6 ms; then the kernel yields. Nobody pays: that is what transfer and loan mend. Without
 * a bound the VM that yields most takes the CPU from all others (in the lab a neighbour
 * was left 1 % of its share), so what a VM may be ahead on a CPU is bounded here, too:
 * balance.c.
 *
 * v3 also ends the yielder's slice protection. Not done here: an eligible buddy is
 * picked before the protection is looked at, and yield_to() calls the scheduler itself.
 */
#include <linux/percpu.h>

#include "fair.h"
#include "fields.h"
#include "penalty_math.h"
#include "trace.h"
#include "vdb.h"

/*
 * The lag that is left over: v3's scale is not public. This is the base slice of most
 * hosts, so that the target keeps the CPU as long as one that was picked by itself.
 */
#define MARGIN_NS 700000ULL

static DEFINE_PER_CPU(u64, forced_ns);

struct credit {
	struct vdb_vm *vm;
	u64 now_ns;
	u64 given;
};

static int give(struct task_struct *task, void *arg)
{
	u64 *last_ns = this_cpu_ptr(&forced_ns);
	struct credit *credit = arg;
	struct vdb_chain chain;
	int ret;

	if (task_cpu(task) != smp_processor_id())
		return -EAGAIN;
	ret = vdb_fair_give(task, &chain, MARGIN_NS);
	if (ret)
		return ret;
	if (!vdb_balance_take(credit->vm, task_cpu(task), vdb_fair_service(&chain, chain.nr - 1))) {
		vdb_fair_undo(&chain);
		return -EDQUOT;
	}
	credit->given = vdb_fair_total(&chain);
	if (vdb_rate_allows(*last_ns, credit->now_ns)) {
		*last_ns = credit->now_ns;
		vdb_fair_nominate(&chain);
	}
	return 0;
}

/**
 * vdb_credit_help - give the target of a spin lag
 * @spin: with its target
 * @task: the target's thread
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do: to yield.
 */
enum vdb_help vdb_credit_help(struct vdb_spin *spin, struct task_struct *task)
{
	struct credit credit = { .vm = spin->vm, .now_ns = spin->now_ns };
	int ret;

	if (task->sched_class != current->sched_class)
		return VDB_HELP_YIELD;
	ret = vdb_fair_call(task, give, &credit);
	trace_vcpu_deboost_credit(spin->vm->id, spin->me->idx, spin->target->idx, ret,
				  credit.given);
	return VDB_HELP_YIELD;
}
