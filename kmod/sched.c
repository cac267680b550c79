// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of strategies. What a strategy cannot do on this kernel is refused
 * when it is asked for, and is stock behaviour when it was asked for before the
 * kernel was looked at.
 */
#include "fair.h"
#include "sched.h"
#include "vdb.h"

static const struct vdb_strategy strategies[VCPU_DEBOOST_SCHED_MAX + 1] = {
	[VCPU_DEBOOST_SCHED_NONE] = {},
	[VCPU_DEBOOST_SCHED_LOAN] = { vdb_fair_missing, vdb_loan_help, vdb_loan_return },
	[VCPU_DEBOOST_SCHED_PENALTY] = { vdb_fair_levels_missing, vdb_penalty_help },
	[VCPU_DEBOOST_SCHED_PENALTY_SERIES] = { vdb_fair_levels_missing, vdb_penalty_series_help },
	[VCPU_DEBOOST_SCHED_CREDIT] = { vdb_fair_lag_missing, vdb_credit_help },
	[VCPU_DEBOOST_SCHED_TRANSFER] = { vdb_fair_missing, vdb_transfer_help,
					  vdb_transfer_answered },
};

/**
 * vdb_sched_missing - what this kernel lacks for a strategy
 * @sched: enum vcpu_deboost_sched
 *
 * Context: hooks armed, or any: then nothing is known to be missing.
 * Return: a sentence, or NULL.
 */
const char *vdb_sched_missing(u32 sched)
{
	return vdb.armed && strategies[sched].missing ? strategies[sched].missing() : NULL;
}

/* The strategy of a VM; NULL if this kernel lacks something for it. */
static const struct vdb_strategy *strategy_of(const struct vdb_vm *vm)
{
	const struct vdb_strategy *s = &strategies[READ_ONCE(vm->tuning.sched)];

	return s->missing && s->missing() ? NULL : s;
}

/**
 * vdb_sched_help - see to it that the target of a spin runs
 * @spin: with its target
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do.
 */
enum vdb_help vdb_sched_help(struct vdb_spin *spin)
{
	const struct vdb_strategy *s = strategy_of(spin->vm);
	struct task_struct *task;

	if (!s || !s->help)
		return VDB_HELP_YIELD;
	task = vdb_vcpu_task(spin->target_vcpu);
	return task ? s->help(spin, task) : VDB_HELP_YIELD;
}

/**
 * vdb_sched_answered - an IPI's sender has its last answer
 * @vm: the VM
 * @me: who answered
 * @sender: who had spun for it
 *
 * Context: the thread of @me, preemption off, rcu_read_lock().
 */
void vdb_sched_answered(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender)
{
	const struct vdb_strategy *s = strategy_of(vm);
	struct kvm_vcpu *vcpu;
	struct task_struct *task;

	if (!s || !s->answered || READ_ONCE(vm->tuning.mode) != VCPU_DEBOOST_MODE_ACTIVE)
		return;
	vcpu = vdb_kvm_vcpu_at(vm->kvm, sender->idx);
	task = vcpu ? vdb_vcpu_task(vcpu) : NULL;
	if (task)
		s->answered(vm, me, sender, task);
}
