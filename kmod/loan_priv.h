/* SPDX-License-Identifier: GPL-2.0-only */
/* What loan.c and loan_row.c share: a CPU's loans and their states. */
#ifndef VDB_LOAN_PRIV_H
#define VDB_LOAN_PRIV_H

#include <linux/hrtimer.h>
#include <linux/percpu.h>

#include "fair.h"
#include "vdb.h"

/* A slot belongs to who has set its state BUSY. */
enum vdb_loan_state {
	VDB_LOAN_FREE,
	VDB_LOAN_BUSY,
	VDB_LOAN_PLANNED,
	VDB_LOAN_LENT_OUT
};

/*
 * A CPU's loans: to whom was chosen there, for VMs of even and of odd id, so that two
 * of them do not wait for each other; and to a sender whose answer came from there.
 */
enum vdb_loan_slot {
	VDB_LOAN_CHOSEN,
	VDB_LOAN_RETURN = 2,
	VDB_LOAN_SLOTS
};

/**
 * struct vdb_loan - one of a CPU
 * @timer: looks whether it is due
 * @state: enum vdb_loan_state
 * @cpu: the CPU
 * @borrower: referenced, if any; a row that is planned has none yet
 * @lender: the sender, referenced while not FREE; NULL in a slot RETURN
 * @chain: what was given to whom
 * @ran_ns: of the borrower, when it was given
 * @times: when
 * @vm: id
 * @idx: of the borrower, for the trace
 * @lender_idx: of the lender
 * @left: so many more may be lent to, in a row
 * @finishing: the borrower has answered, and the lender does not see it yet
 */
struct vdb_loan {
	struct hrtimer timer;
	int state;
	int cpu;
	struct task_struct *borrower;
	struct task_struct *lender;
	struct vdb_chain chain;
	u64 ran_ns;
	struct vdb_loan_times times;
	u32 vm;
	u16 idx;
	u16 lender_idx;
	u8 left;
	bool finishing;
};

DECLARE_PER_CPU(struct vdb_loan, vdb_loans[VDB_LOAN_SLOTS]);

/* The slot of a CPU for whom a VM's spins choose. */
static inline struct vdb_loan *vdb_loan_chosen(const struct vdb_vm *vm, int cpu)
{
	return &per_cpu_ptr(vdb_loans, cpu)[VDB_LOAN_CHOSEN + (vm->id & 1)];
}

/* Return: whether it was in that state: then it is BUSY, and the caller's. */
static inline bool vdb_loan_seize(struct vdb_loan *loan, int state)
{
	return cmpxchg(&loan->state, state, VDB_LOAN_BUSY) == state;
}

/* loan.c */
struct vdb_loan *vdb_loan_claim(struct vdb_spin *spin, int cpu, bool now);
void vdb_loan_release(struct vdb_loan *loan);
void vdb_loan_look_again(struct vdb_loan *loan, u64 in_ns);
int vdb_loan_start_for(struct vdb_loan *loan, struct vdb_vcpu *borrower, struct task_struct *task);
struct vdb_vm *vdb_loan_vm(const struct vdb_loan *loan);
void vdb_loan_bring_back(u32 vm, u16 idx, struct task_struct *task, u64 in_ns);

/* loan_row.c */
void vdb_row_goes_on(struct vdb_loan *loan);
enum vdb_help vdb_row_help(struct vdb_spin *spin);

#endif /* VDB_LOAN_PRIV_H */
