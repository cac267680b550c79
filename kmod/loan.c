// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=loan: the receiver of an IPI that is queued is lent lag, so that its CPU
 * runs it next, and pays back exactly that when it has answered.
 *
 * Its sender goes on spinning if it is on another CPU: the answer is a few
 * microseconds away, and a yield would give away a whole slice. On the same CPU
 * it is switched out with all it is entitled to. When the loan ends it is
 * nominated, if it waits for a CPU by then: that gives it nothing it has not.
 *
 * Between vCPUs that all use their share, a loan would only reorder them at the
 * price of two switches. So it is given where the sender or the receiver is
 * light, or when the sender has waited long.
 *
 * One loan at a time on a CPU. Its slot belongs to who has set the state BUSY;
 * whatever waits for it to end is the slot's timer, so that a loan never outlives
 * its time, whatever becomes of the borrower.
 */
#include <linux/hrtimer.h>
#include <linux/percpu.h>
#include <linux/sched/task.h>

#include "breaker.h"
#include "clock.h"
#include "fair.h"
#include "fields.h"
#include "trace.h"
#include "vdb.h"

/* How often the shares of a VM's vCPUs are looked at. */
#define SHARES_NS 32000000ULL

/* What a borrower may run before it is no longer eligible: the handler, and some. */
#define MARGIN_NS 100000ULL

enum state {
	FREE,
	BUSY,
	LENT
};

/**
 * struct loan - a CPU's
 * @timer: looks whether it is due
 * @state: enum state
 * @borrower: referenced while not FREE
 * @lender: the sender, referenced while not FREE
 * @chain: what was given to whom
 * @ran_ns: of the borrower, when it was given
 * @times: when
 * @vm: id, for the trace
 * @idx: of the borrower, for the trace
 */
struct loan {
	struct hrtimer timer;
	int state;
	struct task_struct *borrower;
	struct task_struct *lender;
	struct vdb_chain chain;
	u64 ran_ns;
	struct vdb_loan_times times;
	u32 vm;
	u16 idx;
};

static DEFINE_PER_CPU(struct loan, loans);

static u64 total(const struct vdb_chain *chain)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		sum += chain->given[i];
	return sum;
}

static void look_again(struct loan *loan, u64 in_ns)
{
	hrtimer_start(&loan->timer, ns_to_ktime(in_ns), HRTIMER_MODE_REL_PINNED_HARD);
}

/* The sender has its turn when the loan ends, if it is entitled to one. */
static int bring_back(struct task_struct *task, void *arg)
{
	struct vdb_chain chain;

	if (vdb_fair_is_waiting(task) && !vdb_fair_chain(task, &chain))
		vdb_fair_nominate(&chain);
	return 0;
}

/* Context: the state is BUSY. */
static void settle(struct loan *loan)
{
	u64 owed = total(&loan->chain);
	u64 lost;

	rcu_read_lock();
	lost = vdb_fair_take(loan->borrower, &loan->chain);
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_PAID, owed - lost);
	if (lost)
		trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_WRITTEN_OFF, lost);
	vdb_fair_call(loan->lender, bring_back, NULL);
	rcu_read_unlock();
	put_task_struct(loan->lender);
	put_task_struct(loan->borrower);
	WRITE_ONCE(loan->borrower, NULL);
	smp_store_release(&loan->state, FREE);
}

static enum hrtimer_restart due(struct hrtimer *timer)
{
	struct loan *loan = container_of(timer, struct loan, timer);
	u64 now_ns = vdb_clock_ns();
	struct vdb_loan_times times;
	u64 due_ns;

	if (cmpxchg(&loan->state, LENT, BUSY) != LENT)
		return HRTIMER_NORESTART;
	times = loan->times;
	times.answered_ns = READ_ONCE(loan->times.answered_ns);
	times.ran = READ_ONCE(loan->borrower->on_cpu) ||
		    READ_ONCE(loan->borrower->se.sum_exec_runtime) != loan->ran_ns;
	due_ns = vdb_loan_due(&times, now_ns);
	if ((s64)(due_ns - now_ns) > 0) {
		smp_store_release(&loan->state, LENT);
		look_again(loan, due_ns - now_ns);
	} else {
		settle(loan);
	}
	return HRTIMER_NORESTART;
}

/**
 * vdb_loan_answered - a borrower has got its EOI
 * @me: the borrower
 *
 * Context: its thread.
 */
void vdb_loan_answered(struct vdb_vcpu *me)
{
	struct loan *loan = per_cpu_ptr(&loans, me->loan - 1);

	WRITE_ONCE(me->loan, 0);
	if (READ_ONCE(loan->borrower) != current ||
	    cmpxchg(&loan->times.answered_ns, 0, vdb_clock_ns()))
		return;
	look_again(loan, VDB_HANDLER_NS);
}

static int lend(struct task_struct *task, void *arg)
{
	struct loan *loan = arg;
	int ret;

	if (per_cpu_ptr(&loans, task_cpu(task)) != loan || !vdb_fair_is_waiting(task))
		return -EAGAIN;
	ret = vdb_fair_chain(task, &loan->chain);
	if (!ret)
		ret = vdb_fair_give(&loan->chain, MARGIN_NS);
	if (!ret)
		vdb_fair_nominate(&loan->chain);
	return ret;
}

/* Return: 0, or why not. */
static int open(struct vdb_spin *spin, struct task_struct *task, int cpu)
{
	struct loan *loan = per_cpu_ptr(&loans, cpu);
	int ret;

	if (cmpxchg(&loan->state, FREE, BUSY) != FREE)
		return READ_ONCE(loan->borrower) == task ? -EALREADY : -EBUSY;
	loan->ran_ns = READ_ONCE(task->se.sum_exec_runtime);
	ret = vdb_fair_call(task, lend, loan);
	if (ret) {
		smp_store_release(&loan->state, FREE);
		return ret;
	}
	loan->times = (struct vdb_loan_times){ .lent_ns = spin->now_ns };
	loan->vm = spin->vm->id;
	loan->idx = spin->target->idx;
	loan->lender = get_task_struct(current);
	WRITE_ONCE(loan->borrower, get_task_struct(task));
	WRITE_ONCE(spin->target->loan, cpu + 1);
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_LENT, total(&loan->chain));
	smp_store_release(&loan->state, LENT);
	look_again(loan, VDB_UNANSWERED_NS);
	return 0;
}

/* What each vCPU ran since the last look. */
static void look_at_shares(struct vdb_spin *spin)
{
	struct vdb_vm *vm = spin->vm;
	u32 n = READ_ONCE(vm->nr_vcpus);
	u64 sum_ns = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		struct vdb_vcpu *it = vdb_vcpu_by_idx(vm, i);
		struct kvm_vcpu *vcpu = it ? vdb_kvm_vcpu_at(spin->kvm, i) : NULL;
		struct task_struct *task = vcpu ? vdb_vcpu_task(vcpu) : NULL;
		u64 ran_ns;

		if (!task)
			continue;
		ran_ns = READ_ONCE(task->se.sum_exec_runtime);
		WRITE_ONCE(it->share_ns, ran_ns - it->ran_ns);
		it->ran_ns = ran_ns;
		sum_ns += it->share_ns;
	}
	WRITE_ONCE(vm->shares_ns, sum_ns);
}

static bool is_light(const struct vdb_vm *vm, const struct vdb_vcpu *vcpu)
{
	return vdb_is_light(READ_ONCE(vcpu->share_ns), READ_ONCE(vm->shares_ns),
			    READ_ONCE(vm->nr_vcpus));
}

static bool is_worth_it(struct vdb_spin *spin)
{
	struct vdb_vm *vm = spin->vm;
	u64 at_ns = READ_ONCE(vm->shares_at_ns);

	if (spin->now_ns - at_ns > SHARES_NS &&
	    cmpxchg(&vm->shares_at_ns, at_ns, spin->now_ns) == at_ns)
		look_at_shares(spin);
	return spin->waited_ns > VDB_OVERDUE_NS || is_light(vm, spin->me) ||
	       is_light(vm, spin->target);
}

/**
 * vdb_loan_help - lend the target of a spin what it needs to run
 * @spin: with its target
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do.
 */
enum vdb_help vdb_loan_help(struct vdb_spin *spin)
{
	struct task_struct *task;
	int ret;

	if (spin->why != VCPU_DEBOOST_STATS_A_BOOSTED || vdb_fair_missing() || !is_worth_it(spin))
		return VDB_HELP_YIELD;
	task = vdb_vcpu_task(spin->target_vcpu);
	if (!task)
		return VDB_HELP_YIELD;
	ret = open(spin, task, task_cpu(task));
	return ret && ret != -EALREADY ? VDB_HELP_YIELD : VDB_HELP_STAY;
}

/**
 * vdb_loans_init - before anything is armed
 */
void vdb_loans_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) hrtimer_setup(&per_cpu_ptr(&loans, cpu)->timer, due,
						 CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * vdb_loans_settle - every loan is paid back at once
 *
 * Context: process, no hook is armed: there is no new one after it.
 */
void vdb_loans_settle(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
	{
		struct loan *loan = per_cpu_ptr(&loans, cpu);

		hrtimer_cancel(&loan->timer);
		if (cmpxchg(&loan->state, LENT, BUSY) == LENT)
			settle(loan);
		vdb_is_sane(loan->state == FREE, NULL, "a loan could not be paid back");
	}
}
