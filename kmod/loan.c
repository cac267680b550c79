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
 * One that has sent its EOI and is still waited for (see receiver.c) is lent to for as long as
 * a sender needs to see its answer; then the sender is brought back.
 *
 * One that waits for several answers: loan_row.c.
 *
 * A slot belongs to who has set the state BUSY; whatever waits for it to end is the slot's
 * timer, so that a loan never outlives its time, whatever becomes of the borrower.
 */
#include <linux/sched/task.h>

#include "breaker.h"
#include "clock.h"
#include "fields.h"
#include "loan_priv.h"
#include "trace.h"

DEFINE_PER_CPU(struct vdb_loan, vdb_loans[VDB_LOAN_SLOTS]);

/* No sender is brought back any more: the last loans are being settled. */
static bool closed;

/**
 * vdb_loan_look_again - have the timer look
 * @loan: the loan
 * @in_ns: from now
 *
 * Context: any, run-queue locks included.
 */
void vdb_loan_look_again(struct vdb_loan *loan, u64 in_ns)
{
	hrtimer_start(&loan->timer, ns_to_ktime(in_ns), HRTIMER_MODE_REL_PINNED_HARD);
}

/* From when the run queue is released on, the borrower may run and have its EOI. */
static int lend(struct task_struct *task, void *arg)
{
	struct vdb_loan *loan = arg;
	u64 run_ns = loan->lender && !loan->finishing ? VDB_UNANSWERED_NS : VDB_SEE_NS;
	int ret = vdb_fair_give(task, &loan->chain, VDB_MARGIN_NS);

	if (ret)
		return ret;
	vdb_fair_nominate(&loan->chain);
	loan->times = (struct vdb_loan_times){
		.lent_ns = vdb_clock_ns(),
		.run_ns = run_ns,
	};
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_LENT, vdb_fair_total(&loan->chain));
	/* First: a timer that finds it BUSY leaves it, and it were never looked at again. */
	smp_store_release(&loan->state, VDB_LOAN_LENT_OUT);
	vdb_loan_look_again(loan, run_ns);
	return 0;
}

/**
 * vdb_loan_release - a slot is free again
 * @loan: BUSY, nothing is owed
 */
void vdb_loan_release(struct vdb_loan *loan)
{
	if (loan->lender)
		put_task_struct(loan->lender);
	loan->lender = NULL;
	if (loan->borrower)
		put_task_struct(loan->borrower);
	WRITE_ONCE(loan->borrower, NULL);
	smp_store_release(&loan->state, VDB_LOAN_FREE);
}

static void set_borrower(struct vdb_loan *loan, u16 idx, struct task_struct *task)
{
	struct task_struct *before = loan->borrower;

	loan->idx = idx;
	WRITE_ONCE(loan->borrower, get_task_struct(task));
	if (before)
		put_task_struct(before);
}

/* Return: 0: it is lent, and not the caller's any more; or why not: still BUSY. */
static int start(struct vdb_loan *loan, u16 idx, struct task_struct *task)
{
	set_borrower(loan, idx, task);
	loan->ran_ns = READ_ONCE(task->se.sum_exec_runtime);
	return vdb_fair_call(task, lend, loan);
}

/**
 * vdb_loan_start_for - lend to one that is to notice the end itself
 * @loan: BUSY, of a slot for whom a VM's spins choose
 * @borrower: of that VM
 * @task: its thread, valid
 *
 * Context: any without a run-queue lock.
 * Return: 0: it is lent, and not the caller's any more; or why not: still BUSY.
 */
int vdb_loan_start_for(struct vdb_loan *loan, struct vdb_vcpu *borrower, struct task_struct *task)
{
	u32 mark = loan->cpu + 1;
	int ret;

	/* Before it can run; somebody else's mark, made meanwhile, stays. */
	WRITE_ONCE(borrower->loan, mark);
	ret = start(loan, borrower->idx, task);
	if (ret)
		cmpxchg(&borrower->loan, mark, 0);
	return ret;
}

/**
 * vdb_loan_bring_back - a sender has its answers: it is lent what it needs to see them
 * @vm: id
 * @idx: of the sender
 * @task: its thread, valid
 * @in_ns: then, because the one that has answered may have to write it yet
 *
 * Context: any without a run-queue lock, preemption off.
 */
void vdb_loan_bring_back(u32 vm, u16 idx, struct task_struct *task, u64 in_ns)
{
	struct vdb_loan *loan = this_cpu_ptr(&vdb_loans[VDB_LOAN_RETURN]);

	if (READ_ONCE(task->on_cpu) || !READ_ONCE(task->on_rq) ||
	    !vdb_loan_seize(loan, VDB_LOAN_FREE))
		return;
	loan->vm = vm;
	if (in_ns) {
		set_borrower(loan, idx, task);
		smp_store_release(&loan->state, VDB_LOAN_PLANNED);
		vdb_loan_look_again(loan, in_ns);
	} else if (start(loan, idx, task)) {
		vdb_loan_release(loan);
	}
}

/* A borrower that never noticed the end, for want of an EOI that shows: it may borrow again. */
static void unmark(const struct vdb_loan *loan)
{
	struct vdb_vm *vm = loan->lender ? vdb_vm_by_id(loan->vm) : NULL;
	struct vdb_vcpu *borrower = vm ? vdb_vcpu_by_idx(vm, loan->idx) : NULL;

	if (borrower)
		cmpxchg(&borrower->loan, loan->cpu + 1, 0);
}

/* Context: the state is BUSY. */
static void settle(struct vdb_loan *loan)
{
	u64 owed = vdb_fair_total(&loan->chain);
	u64 lost;

	rcu_read_lock();
	unmark(loan);
	lost = vdb_fair_take(loan->borrower, &loan->chain);
	trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_PAID, owed - lost);
	if (lost)
		trace_vcpu_deboost_loan(loan->vm, loan->idx, VDB_LOAN_WRITTEN_OFF, lost);
	rcu_read_unlock();
	if (loan->lender && (loan->times.answered_ns || loan->finishing) && !READ_ONCE(closed))
		vdb_row_goes_on(loan);
	else
		vdb_loan_release(loan);
}

static void look(struct vdb_loan *loan)
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
		smp_store_release(&loan->state, VDB_LOAN_LENT_OUT);
		vdb_loan_look_again(loan, due_ns - now_ns);
	} else {
		settle(loan);
	}
}

/**
 * vdb_loan_vm - the VM of what is planned or goes on, if it is still wanted
 * @loan: BUSY
 *
 * Somebody may have switched it off since, or the breaker has tripped.
 *
 * Context: rcu_read_lock().
 * Return: the VM, or NULL.
 */
struct vdb_vm *vdb_loan_vm(const struct vdb_loan *loan)
{
	struct vdb_vm *vm = READ_ONCE(vdb.tripped) ? NULL : vdb_vm_by_id(loan->vm);

	return vm && READ_ONCE(vm->tuning.mode) == VCPU_DEBOOST_MODE_ACTIVE &&
			       READ_ONCE(vm->tuning.sched) == VCPU_DEBOOST_SCHED_LOAN
		       ? vm
		       : NULL;
}

/* What was planned: to bring a sender back, or a row. */
static void begin(struct vdb_loan *loan)
{
	bool wanted;

	if (loan->lender) {
		vdb_row_goes_on(loan);
		return;
	}
	rcu_read_lock();
	wanted = vdb_loan_vm(loan);
	rcu_read_unlock();
	if (!wanted || start(loan, loan->idx, loan->borrower))
		vdb_loan_release(loan);
}

static enum hrtimer_restart due(struct hrtimer *timer)
{
	struct vdb_loan *loan = container_of(timer, struct vdb_loan, timer);
	u64 begun_ns = vdb_hook_begin();

	if (vdb_loan_seize(loan, VDB_LOAN_PLANNED))
		begin(loan);
	else if (vdb_loan_seize(loan, VDB_LOAN_LENT_OUT))
		look(loan);
	vdb_hook_end(begun_ns);
	return HRTIMER_NORESTART;
}

/* A borrower has got its EOI, or spins again: it is due so much later. */
static void ended(const struct vdb_vm *vm, struct vdb_vcpu *me, u64 due_in_ns)
{
	/* Once: who could not lend after all takes its mark back on another CPU. */
	u32 on = xchg(&me->loan, 0);
	struct vdb_loan *loan;

	if (!on)
		return;
	loan = vdb_loan_chosen(vm, (int)on - 1);
	if (READ_ONCE(loan->borrower) != current ||
	    cmpxchg(&loan->times.answered_ns, 0, vdb_clock_ns() + due_in_ns - VDB_HANDLER_NS))
		return;
	vdb_loan_look_again(loan, due_in_ns);
}

/**
 * vdb_loan_answered - a borrower has got its EOI
 * @vm: its VM
 * @me: the borrower
 *
 * Context: its thread.
 */
void vdb_loan_answered(const struct vdb_vm *vm, struct vdb_vcpu *me)
{
	ended(vm, me, VDB_HANDLER_NS);
}

/**
 * vdb_loan_spun - a borrower spins again: what it was lent for is done
 * @vm: its VM
 * @me: the borrower
 *
 * Context: its thread.
 */
void vdb_loan_spun(const struct vdb_vm *vm, struct vdb_vcpu *me)
{
	ended(vm, me, 0);
}

/**
 * vdb_loan_claim - a slot for whom a spin chooses
 * @spin: the spin
 * @cpu: whose
 * @now: to lend at once: before what is only planned
 *
 * Context: the spinning vCPU's thread, preemption off.
 * Return: the slot, BUSY, without a borrower; NULL if it is taken.
 */
struct vdb_loan *vdb_loan_claim(struct vdb_spin *spin, int cpu, bool now)
{
	struct vdb_loan *loan = vdb_loan_chosen(spin->vm, cpu);

	if (!vdb_loan_seize(loan, VDB_LOAN_FREE) &&
	    (!now || !vdb_loan_seize(loan, VDB_LOAN_PLANNED)))
		return NULL;
	if (loan->lender)
		put_task_struct(loan->lender);
	loan->lender = get_task_struct(current);
	loan->lender_idx = spin->me->idx;
	loan->vm = spin->vm->id;
	loan->left = 0;
	loan->finishing = !spin->nr_waits;
	return loan;
}

/* Return: 0, or why not. */
static int open(struct vdb_spin *spin, struct task_struct *task, int cpu)
{
	struct vdb_loan *loan = vdb_loan_claim(spin, cpu, true);
	int ret;

	if (!loan)
		return READ_ONCE(vdb_loan_chosen(spin->vm, cpu)->borrower) == task ? -EALREADY
										   : -EBUSY;
	ret = vdb_loan_start_for(loan, spin->target, task);
	if (ret)
		vdb_loan_release(loan);
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

	if (spin->why != VCPU_DEBOOST_STATS_A_BOOSTED)
		return VDB_HELP_YIELD;
	if (spin->nr_waits > 1)
		return vdb_row_help(spin);
	if (!is_worth_it(spin->vm, spin->target, task))
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
		vdb_loan_bring_back(vm->id, sender->idx, task, here ? VDB_HANDLER_NS : 0);
}

static void init(struct vdb_loan *loan, int cpu)
{
	loan->cpu = cpu;
	hrtimer_setup(&loan->timer, due, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * vdb_loans_init - before anything is armed
 */
void vdb_loans_init(void)
{
	int cpu, i;

	for_each_possible_cpu(cpu)
	{
		for (i = 0; i < VDB_LOAN_SLOTS; i++)
			init(&per_cpu_ptr(vdb_loans, cpu)[i], cpu);
	}
}

static void close(struct vdb_loan *loan)
{
	hrtimer_cancel(&loan->timer);
	if (vdb_loan_seize(loan, VDB_LOAN_PLANNED))
		vdb_loan_release(loan);
	if (vdb_loan_seize(loan, VDB_LOAN_LENT_OUT))
		settle(loan);
	vdb_is_sane(loan->state == VDB_LOAN_FREE, NULL, "a loan could not be paid back");
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
	for (i = 0; i < VDB_LOAN_SLOTS; i++) {
		for_each_possible_cpu(cpu) close(&per_cpu_ptr(vdb_loans, cpu)[i]);
	}
	WRITE_ONCE(closed, false);
}
