// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=transfer: the vCPU that was chosen is credited what it lacks to be picked
 * now, and the one that spins for it is charged exactly as much, level by level
 * of the cgroup tree, across run queues too. What a VM gains on one CPU it pays on
 * another, so a bound limits how far ahead of its share it gets on any CPU.
 *
 * The sender of an IPI goes on spinning when its receiver is on another CPU: the
 * answer is a few microseconds away. When the answer comes and the sender is
 * queued by then, it gets back what it gave before, from the one that answered.
 */
#include <linux/percpu.h>

#include "fair.h"
#include "fields.h"
#include "trace.h"
#include "vdb.h"

/**
 * struct deal - one transfer
 * @vm: of both
 * @to: who is credited
 * @from: who pays: the running task
 * @max: service that may move at most
 * @moved: service that @to got, on all levels
 * @top: of that, on the level where VMs compete
 * @paid: service that @from was charged
 */
struct deal {
	struct vdb_vm *vm;
	struct vdb_chain to;
	struct vdb_chain from;
	s64 max;
	s64 moved;
	s64 top;
	s64 paid;
};

/* The level that stands across, counted from where the VMs compete. */
static unsigned int across(const struct vdb_chain *chain, const struct vdb_chain *other,
			   unsigned int i)
{
	unsigned int below_top = other->nr - 1 - i;

	return below_top < chain->nr ? chain->nr - 1 - below_top : 0;
}

static int credit(struct task_struct *task, void *arg)
{
	struct deal *deal = arg;
	unsigned int i;
	int ret = vdb_fair_give(task, &deal->to, VDB_MARGIN_NS);

	if (ret)
		return ret;
	for (i = 0; i < deal->to.nr; i++)
		deal->moved += vdb_fair_service(&deal->to, i);
	deal->top = vdb_fair_service(&deal->to, deal->to.nr - 1);
	if (deal->moved > deal->max || !vdb_balance_take(deal->vm, task_cpu(task), deal->top)) {
		vdb_fair_undo(&deal->to);
		deal->moved = 0;
		return -EDQUOT;
	}
	vdb_fair_nominate(&deal->to);
	return 0;
}

static int charge(struct task_struct *task, void *arg)
{
	struct deal *deal = arg;
	u64 *rest = &this_cpu_ptr(deal->vm->counters)->rest;
	unsigned int i, j;
	int ret;

	if (!vdb_fair_runs(task))
		return -EAGAIN;
	ret = vdb_fair_chain(task, &deal->from);
	if (ret)
		return ret;
	for (i = 0; i < deal->to.nr; i++) {
		j = across(&deal->from, &deal->to, i);
		deal->from.given[j] += vdb_charge(deal->to.given[i],
						  vdb_fair_weight(deal->to.se[i]),
						  vdb_fair_weight(deal->from.se[j]), rest);
	}
	ret = vdb_fair_charge(&deal->from);
	if (ret)
		return ret;
	for (j = 0; j < deal->from.nr; j++)
		deal->paid += vdb_fair_service(&deal->from, j);
	vdb_balance_pay(deal->vm, task_cpu(task), deal->top);
	return 0;
}

/*
 * The payer runs on this CPU, and can pay: its state was looked at. Should that
 * have changed meanwhile, the credit stands without a payer, and is traced so.
 */
static int transfer(struct deal *deal, struct task_struct *to)
{
	int ret = vdb_fair_call(to, credit, deal);

	if (ret || !deal->moved)
		return ret;
	return vdb_fair_call(current, charge, deal);
}

static int move(struct vdb_vm *vm, struct vdb_vcpu *from, struct vdb_vcpu *to,
		struct task_struct *task, s64 max)
{
	struct deal deal = { .vm = vm, .max = max };
	int ret = transfer(&deal, task);

	atomic64_add(deal.moved, &from->donated);
	atomic64_sub(deal.moved, &to->donated);
	trace_vcpu_deboost_transfer(vm->id, from->idx, to->idx, ret, deal.moved, deal.paid);
	return ret;
}

/**
 * vdb_transfer_help - credit the target of a spin, charge the one that spins
 * @spin: with its target
 * @task: the target's thread
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do.
 */
enum vdb_help vdb_transfer_help(struct vdb_spin *spin, struct task_struct *task)
{
	if (task->sched_class != current->sched_class)
		return VDB_HELP_YIELD;
	if (move(spin->vm, spin->me, spin->target, task, S64_MAX))
		return VDB_HELP_YIELD;
	return spin->why == VCPU_DEBOOST_STATS_A_BOOSTED ? VDB_HELP_STAY : VDB_HELP_YIELD;
}

/**
 * vdb_transfer_answered - an IPI's sender that is queued gets back what it gave
 * @vm: the VM
 * @me: who has answered
 * @sender: who waits for a CPU to see it
 * @task: its thread
 *
 * Context: @me's thread, preemption off, rcu_read_lock().
 */
void vdb_transfer_answered(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
			   struct task_struct *task)
{
	s64 gave = atomic64_read(&sender->donated);

	if (READ_ONCE(task->on_cpu) || !READ_ONCE(task->on_rq) || gave <= 0)
		return;
	move(vm, me, sender, task, gave);
}
