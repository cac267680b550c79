/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the scheduler is made to run the vCPU that was chosen: one strategy a
 * file, one row each in the table of sched.c.
 */
#ifndef VDB_SCHED_H
#define VDB_SCHED_H

#include <linux/types.h>

struct task_struct;
struct vdb_spin;
struct vdb_vcpu;
struct vdb_vm;

/**
 * enum vdb_help - what is left to do for the spinning vCPU
 * @VDB_HELP_YIELD: yield to the target, as KVM does
 * @VDB_HELP_STAY: nothing, the target is on its way: go on spinning
 */
enum vdb_help {
	VDB_HELP_YIELD,
	VDB_HELP_STAY,
};

/**
 * struct vdb_strategy - a row
 * @missing: what this kernel lacks for it, a sentence; NULL if nothing
 * @help: see to it that the target of a spin, whose thread is @task, runs; before
 *	KVM's own yield.
 *	Context: the spinning vCPU's thread, preemption off, rcu_read_lock(), no
 *	run-queue lock held
 * @answered: an IPI's sender, which has spun for it and whose thread is @task, has
 *	its last answer.
 *	Context: the thread of @me, who answered, as above
 *
 * NULL: nothing is missing, KVM's yield is all the help there is. Neither function is
 * called on a kernel that lacks something.
 */
struct vdb_strategy {
	const char *(*missing)(void);
	enum vdb_help (*help)(struct vdb_spin *spin, struct task_struct *task);
	void (*answered)(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
			 struct task_struct *task);
};

/* loan.c */
enum vdb_help vdb_loan_help(struct vdb_spin *spin, struct task_struct *task);
void vdb_loan_return(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
		     struct task_struct *task);

/* penalty.c */
enum vdb_help vdb_penalty_help(struct vdb_spin *spin, struct task_struct *task);
enum vdb_help vdb_penalty_series_help(struct vdb_spin *spin, struct task_struct *task);

/* credit.c */
enum vdb_help vdb_credit_help(struct vdb_spin *spin, struct task_struct *task);

/* transfer.c */
enum vdb_help vdb_transfer_help(struct vdb_spin *spin, struct task_struct *task);
void vdb_transfer_answered(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender,
			   struct task_struct *task);

#endif /* VDB_SCHED_H */
