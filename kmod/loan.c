// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=loan: the receiver of an IPI that is queued is lent lag, so that its CPU
 * runs it next, and pays back exactly that when it has answered.
 *
 * Its sender goes on spinning if it is on another CPU: the answer is a few
 * microseconds away, and a yield would give away a whole slice. On the same CPU it is
 * switched out. If it waits for a CPU when the answer comes, it is lent what it needs
 * to see it, and pays that back, too: so a sender loses its CPU between two waits, not
 * in one, and gets no more of it than its share.
 *
 * Two loans at a time on a CPU, one of each kind. A slot belongs to who has set the state BUSY;
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

enum state {
	FREE,
	BUSY,
	PLANNED,
	LENT
};

/* A CPU's loans: to whom was chosen there, and to a sender whose answer came from there. */
enum slot {
	CHOSEN,
	RETURN,
	NR_SLOTS
};

/**
 * struct loan - one of a CPU
 * @timer: looks whether it is due
 * @state: enum state
 * @borrower: referenced while not FREE
 * @lender: the sender, referenced while not FREE; NULL in a slot RETURN
 * @chain: what was given to whom
 * @ran_ns: of the borrower, when it was given
 * @times: when
 * @vm: id, for the trace
 * @idx: of the borrower, for the trace
 * @lender_idx: of the lender, for the trace
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
	u16 lender_idx;
};

static DEFINE_PER_CPU(struct loan, loans[NR_SLOTS]);

/* No sender is brought back any more: the last loans are being settled. */
static bool closed;

static void look_again(struct loan *loan, u64 in_ns)
{
	hrtimer_start(&loan->timer, ns_to_ktime(in_ns), HRTIMER_MODE_REL_PINNED_HARD);
}

static int lend(struct task_struct *task, void *arg)
{
	struct loan *loan = arg;
	int ret = vdb_fair_give(task, &loan->chain, VDB_MARGIN_NS);

	if (!ret)
		vdb_fair_nominate(&loan->chain);
	return ret;
}

/* Context: the state is BUSY, nothing is owed. */
static void release(struct loan *loan)
{
	if (loan->lender)
		put_task_struct(loan->lender);
	put_task_struct(loan->borrower);
	WRITE_ONCE(loan->borrower, NULL);
	smp_store_release(&loan->state, FREE);
}

/* Context: the state is BUSY, the borrower is known. Return: 0, or why not: then FREE. */
static int start(struct loan *loan)
{
	u64 first_ns = loan->lender ? VDB_UNANSWERED_NS : VDB_SEE_NS;
	int ret;

	loan->ran_ns = READ_ONCE(loan->borrower->se.sum_exec_runtime);
	ret = vdb_fair_call(loan->borrower, lend, loan);
	if (ret) {
		release(loan);
		return ret;
	}
	loan->times = (struct vdb_loan_times){ .lent_ns = vdb_clock_ns(), .run_ns = first_ns };
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_LENT, vdb_fair_total(&loan->chain));
	smp_store_release(&loan->state, LENT);
	look_again(loan, first_ns);
	return 0;
}

/*
 * A sender that waits for a CPU has its answer: it is lent what it needs to see
 * it. In @in_ns, because the one that has answered may have to write it yet.
 */
static void bring_back(u32 vm, u16 idx, struct task_struct *task, u64 in_ns)
{
	struct loan *loan = this_cpu_ptr(&loans[RETURN]);

	if (READ_ONCE(task->on_cpu) || !READ_ONCE(task->on_rq) ||
	    cmpxchg(&loan->state, FREE, BUSY) != FREE)
		return;
	loan->vm = vm;
	loan->idx = idx;
	loan->lender = NULL;
	WRITE_ONCE(loan->borrower, get_task_struct(task));
	if (!in_ns) {
		start(loan);
		return;
	}
	smp_store_release(&loan->state, PLANNED);
	look_again(loan, in_ns);
}

/* Context: the state is BUSY. */
static void settle(struct loan *loan)
{
	u64 owed = vdb_fair_total(&loan->chain);
	u64 lost;

	rcu_read_lock();
	lost = vdb_fair_take(loan->borrower, &loan->chain);
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_PAID, owed - lost);
	if (lost)
		trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_WRITTEN_OFF, lost);
	rcu_read_unlock();
	if (loan->lender && loan->times.answered_ns && !READ_ONCE(closed))
		bring_back(loan->vm, loan->lender_idx, loan->lender, 0);
	release(loan);
}

static void look(struct loan *loan)
{
	u64 now_ns = vdb_clock_ns();
	struct vdb_loan_times times;
	u64 due_ns;

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
}

static enum hrtimer_restart due(struct hrtimer *timer)
{
	struct loan *loan = container_of(timer, struct loan, timer);

	if (cmpxchg(&loan->state, PLANNED, BUSY) == PLANNED)
		start(loan);
	else if (cmpxchg(&loan->state, LENT, BUSY) == LENT)
		look(loan);
	return HRTIMER_NORESTART;
}

/* A borrower has got its EOI, or spins again. */
static void ended(struct vdb_vcpu *me, u64 due_in_ns)
{
	struct loan *loan = &per_cpu_ptr(loans, me->loan - 1)[CHOSEN];

	WRITE_ONCE(me->loan, 0);
	if (READ_ONCE(loan->borrower) != current ||
	    cmpxchg(&loan->times.answered_ns, 0, vdb_clock_ns()))
		return;
	look_again(loan, due_in_ns);
}

/**
 * vdb_loan_answered - a borrower has got its EOI
 * @me: the borrower
 *
 * Context: its thread.
 */
void vdb_loan_answered(struct vdb_vcpu *me)
{
	ended(me, VDB_HANDLER_NS);
}

/**
 * vdb_loan_spun - a borrower spins again: what it was lent for is done
 * @me: the borrower
 *
 * Context: its thread.
 */
void vdb_loan_spun(struct vdb_vcpu *me)
{
	ended(me, 0);
}

/* Return: 0, or why not. */
static int open(struct vdb_spin *spin, struct task_struct *task, int cpu)
{
	struct loan *loan = &per_cpu_ptr(loans, cpu)[CHOSEN];
	int ret;

	if (cmpxchg(&loan->state, FREE, BUSY) != FREE)
		return READ_ONCE(loan->borrower) == task ? -EALREADY : -EBUSY;
	loan->vm = spin->vm->id;
	loan->idx = spin->target->idx;
	loan->lender_idx = spin->me->idx;
	loan->lender = get_task_struct(current);
	WRITE_ONCE(loan->borrower, get_task_struct(task));
	ret = start(loan);
	if (!ret)
		WRITE_ONCE(spin->target->loan, cpu + 1);
	return ret;
}

/* It was lent to, and waits all the same: something else was picked. */
static int once_more(struct task_struct *task, void *arg)
{
	struct vdb_chain chain;

	if (vdb_fair_is_waiting(task) && !vdb_fair_chain(task, &chain))
		vdb_fair_nominate(&chain);
	return 0;
}

/*
 * A loan costs two switches that a yield does not, which pays where others wait for
 * what the sender does, as the many spins without an IPI show, or where the receiver
 * computes: it will not be back in the queue soon, and the switches are little to it.
 */
static bool is_worth_it(const struct vdb_vm *vm, const struct vdb_vcpu *receiver,
			const struct task_struct *task)
{
	return vdb_loan_pays(READ_ONCE(vm->lock_spins), READ_ONCE(task->se.sum_exec_runtime) -
								READ_ONCE(receiver->age.ran_ns));
}

/**
 * vdb_loan_help - lend the target of a spin what it needs to run
 * @spin: with its target
 * @task: the target's thread
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do.
 */
enum vdb_help vdb_loan_help(struct vdb_spin *spin, struct task_struct *task)
{
	int ret;

	if (spin->why != VCPU_DEBOOST_STATS_A_BOOSTED || !is_worth_it(spin->vm, spin->target, task))
		return VDB_HELP_YIELD;
	ret = open(spin, task, task_cpu(task));
	if (ret)
		trace_vcpu_deboost_loan(spin->vm->id, spin->target->idx, VDB_LOAN_REFUSED, -ret);
	if (ret == -EALREADY)
		vdb_fair_call(task, once_more, NULL);
	return ret && ret != -EALREADY ? VDB_HELP_YIELD : VDB_HELP_STAY;
}

/**
 * vdb_loan_return - an IPI's sender has its last answer, and may wait for a CPU
 * @vm: the VM
 * @me: who has answered
 * @sender: who waits
 * @task: its thread
 *
 * Context: @me's thread, preemption off, rcu_read_lock().
 */
void vdb_loan_return(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
		     struct task_struct *task)
{
	bool here = task_cpu(task) == smp_processor_id();

	if (is_worth_it(vm, me, current))
		bring_back(vm->id, sender->idx, task, here ? VDB_HANDLER_NS : 0);
}

/**
 * vdb_loans_init - before anything is armed
 */
void vdb_loans_init(void)
{
	int cpu, i;

	for_each_possible_cpu(cpu)
	{
		for (i = 0; i < NR_SLOTS; i++)
			hrtimer_setup(&per_cpu_ptr(loans, cpu)[i].timer, due, CLOCK_MONOTONIC,
				      HRTIMER_MODE_REL_PINNED_HARD);
	}
}

static void close(struct loan *loan)
{
	hrtimer_cancel(&loan->timer);
	if (cmpxchg(&loan->state, PLANNED, BUSY) == PLANNED)
		release(loan);
	if (cmpxchg(&loan->state, LENT, BUSY) == LENT)
		settle(loan);
	vdb_is_sane(loan->state == FREE, NULL, "a loan could not be paid back");
}

/**
 * vdb_loans_settle - every loan is paid back at once
 *
 * Context: process, no hook is armed: there is no new one after it.
 */
void vdb_loans_settle(void)
{
	int cpu, i;

	WRITE_ONCE(closed, true);
	for (i = 0; i < NR_SLOTS; i++) {
		for_each_possible_cpu(cpu) close(&per_cpu_ptr(loans, cpu)[i]);
	}
	WRITE_ONCE(closed, false);
}
