// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=loan, for a sender that waits for several answers (a TLB shootdown): nothing is
 * gained before the last of them. So each CPU where receivers are queued runs them in a
 * row, one loan after the other, and the sender, which would only be switched in to spin
 * for the rest, is left alone until it has them all.
 *
 * To interrupt n vCPUs costs n times two switches and frees one. In return for that the
 * more there are, the longer the row waits until it begins: meanwhile some have their
 * turn anyway, and others of the VM send to the same ones, which then answer all at once.
 */
#include "clock.h"
#include "loan_priv.h"

/* Hints: whoever lends looks again under the run queue's lock. */
static struct task_struct *queued_task(const struct vdb_vm *vm, const struct vdb_vcpu *vcpu)
{
	struct task_struct *task = vcpu ? vdb_thread_of(vm, vcpu) : NULL;

	return task && READ_ONCE(task->on_rq) && !READ_ONCE(task->on_cpu) ? task : NULL;
}

/*
 * Lend to the one that @lender waits for longest of those that are queued on the CPU, but
 * not to @done. Context: BUSY. Return: whether there is a loan: then not BUSY any more.
 */
static bool lend_to_first(struct vdb_vm *vm, struct vdb_vcpu *lender, struct vdb_loan *loan,
			  const struct vdb_vcpu *done)
{
	struct vdb_pair waiting[VDB_PAIRS];
	u64 now_ns = vdb_clock_ns();
	unsigned int n, i;

	n = vdb_receivers(vm, lender, now_ns, waiting);
	for (i = 0; i < n; i++) {
		struct vdb_vcpu *it = vdb_vcpu_by_idx(vm, waiting[i].receiver);
		struct task_struct *task = it == done ? NULL : queued_task(vm, it);

		if (!task || task_cpu(task) != loan->cpu || READ_ONCE(it->loan))
			continue;
		vdb_yield_mark(vm, it, now_ns);
		if (!vdb_loan_start_for(loan, it, task)) {
			vdb_count(vm, VCPU_DEBOOST_STATS_A_BOOSTED);
			return true;
		}
	}
	return false;
}

/* Somebody may have switched it off since the row was planned. */
static bool is_wanted(const struct vdb_vm *vm)
{
	return READ_ONCE(vm->tuning.mode) == VCPU_DEBOOST_MODE_ACTIVE &&
	       READ_ONCE(vm->tuning.sched) == VCPU_DEBOOST_SCHED_LOAN;
}

/**
 * vdb_row_goes_on - one has answered and has paid back, or a planned row begins
 * @loan: BUSY; not the caller's any more when this returns
 *
 * Context: any without a run-queue lock.
 */
void vdb_row_goes_on(struct vdb_loan *loan)
{
	bool was_answered = loan->borrower;
	struct vdb_vcpu *lender, *done;
	bool lent = false;
	struct vdb_vm *vm;

	rcu_read_lock();
	vm = vdb_vm_by_id(loan->vm);
	lender = vm && is_wanted(vm) ? vdb_vcpu_by_idx(vm, loan->lender_idx) : NULL;
	if (lender && vdb_pairs_are_empty(&lender->pairs)) {
		if (was_answered)
			vdb_loan_bring_back(vm->id, lender->idx, loan->lender, 0);
	} else if (lender && loan->left) {
		loan->left--;
		done = was_answered ? vdb_vcpu_by_idx(vm, loan->idx) : NULL;
		lent = lend_to_first(vm, lender, loan, done);
	}
	if (!lent)
		vdb_loan_release(loan);
	rcu_read_unlock();
}

static void open(struct vdb_spin *spin, int cpu, u64 in_ns)
{
	struct vdb_loan *loan = vdb_loan_claim(spin, cpu, !in_ns);

	if (!loan)
		return;
	loan->left = VDB_PAIRS;
	if (!in_ns) {
		vdb_row_goes_on(loan);
		return;
	}
	smp_store_release(&loan->state, VDB_LOAN_PLANNED);
	vdb_loan_look_again(loan, in_ns);
}

/**
 * vdb_row_help - have every receiver of a spinning vCPU run
 * @spin: with more than one IPI without an answer
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do: nothing if somebody was lent this CPU, else to yield it.
 */
enum vdb_help vdb_row_help(struct vdb_spin *spin)
{
	u64 delay_ns = vdb_row_delay_ns(spin->nr_waits, READ_ONCE(spin->vm->lock_spins));
	u64 in_ns = delay_ns > spin->waited_ns ? delay_ns - spin->waited_ns : 0;
	struct vdb_pair waiting[VDB_PAIRS];
	unsigned int n, i;

	n = vdb_receivers(spin->vm, spin->me, spin->now_ns, waiting);
	for (i = 0; i < n; i++) {
		struct task_struct *task =
			queued_task(spin->vm, vdb_vcpu_by_idx(spin->vm, waiting[i].receiver));

		if (task)
			open(spin, task_cpu(task), in_ns);
	}
	return need_resched() ? VDB_HELP_STAY : VDB_HELP_YIELD;
}
