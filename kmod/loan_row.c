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

/* Return: 0: @it was lent to; or why not. One whom a spin has @chosen is marked already. */
static int lend_to(struct vdb_vm *vm, struct vdb_vcpu *it, struct task_struct *task,
		   struct vdb_loan *loan, bool chosen)
{
	u64 now_ns = vdb_clock_ns();
	int ret;

	if (chosen)
		return vdb_loan_start_for(loan, it, task);
	vdb_yield_mark(vm, it, now_ns);
	ret = vdb_loan_start_for(loan, it, task);
	if (ret)
		vdb_yield_unmark(it, now_ns);
	else
		vdb_count(vm, VCPU_DEBOOST_STATS_A_BOOSTED);
	return ret;
}

/*
 * Lend to the one that @lender waits for longest of those that are queued on the CPU, but
 * not to @done. Context: BUSY. Return: whether there is a loan: then not BUSY any more.
 */
static bool lend_to_first(struct vdb_vm *vm, struct vdb_vcpu *lender, struct vdb_loan *loan,
			  const struct vdb_vcpu *done, const struct vdb_vcpu *chosen)
{
	struct vdb_pair waiting[VDB_PAIRS];
	unsigned int n, i;

	n = vdb_receivers(vm, lender, vdb_clock_ns(), waiting);
	for (i = 0; i < n; i++) {
		struct vdb_vcpu *it = vdb_vcpu_by_idx(vm, waiting[i].receiver);
		struct task_struct *task = it == done ? NULL : queued_task(vm, it);

		if (!task || task_cpu(task) != loan->cpu || READ_ONCE(it->loan))
			continue;
		if (!lend_to(vm, it, task, loan, it == chosen))
			return true;
	}
	return false;
}

static void go_on(struct vdb_loan *loan, const struct vdb_vcpu *chosen)
{
	bool was_answered = loan->borrower;
	struct vdb_vcpu *lender, *done;
	bool lent = false;
	struct vdb_vm *vm;

	rcu_read_lock();
	vm = vdb_loan_vm(loan);
	lender = vm ? vdb_vcpu_by_idx(vm, loan->lender_idx) : NULL;
	if (lender && vdb_pairs_are_empty(&lender->pairs)) {
		if (was_answered)
			vdb_loan_bring_back(vm->id, lender->idx, loan->lender, 0);
	} else if (lender && loan->left) {
		loan->left--;
		done = was_answered ? vdb_vcpu_by_idx(vm, loan->idx) : NULL;
		lent = lend_to_first(vm, lender, loan, done, chosen);
	}
	if (!lent)
		vdb_loan_release(loan);
	rcu_read_unlock();
}

/**
 * vdb_row_goes_on - one has answered and has paid back, or a planned row begins
 * @loan: BUSY; not the caller's any more when this returns
 *
 * Context: any without a run-queue lock.
 */
void vdb_row_goes_on(struct vdb_loan *loan)
{
	go_on(loan, NULL);
}

static void open(struct vdb_spin *spin, int cpu, u64 in_ns)
{
	struct vdb_loan *loan = vdb_loan_claim(spin, cpu, !in_ns);

	if (!loan)
		return;
	loan->left = VDB_PAIRS;
	if (!in_ns) {
		go_on(loan, spin->target);
		return;
	}
	smp_store_release(&loan->state, VDB_LOAN_PLANNED);
	vdb_loan_look_again(loan, in_ns);
}

static bool holds(const int *cpus, unsigned int n, int cpu)
{
	while (n--) {
		if (cpus[n] == cpu)
			return true;
	}
	return false;
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
	int tried[VDB_PAIRS];
	unsigned int nr_tried = 0;
	unsigned int n, i;

	n = vdb_receivers(spin->vm, spin->me, spin->now_ns, waiting);
	for (i = 0; i < n; i++) {
		struct task_struct *task =
			queued_task(spin->vm, vdb_vcpu_by_idx(spin->vm, waiting[i].receiver));
		int cpu = task ? task_cpu(task) : -1;

		if (!task || holds(tried, nr_tried, cpu))
			continue;
		tried[nr_tried++] = cpu;
		open(spin, cpu, in_ns);
	}
	return need_resched() ? VDB_HELP_STAY : VDB_HELP_YIELD;
}
