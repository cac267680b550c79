/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that touches the scheduler's run queues. Everything is found
 * at load by the kernel's own types; a kernel that lacks something has no
 * strategy but none.
 */
#ifndef VDB_FAIR_H
#define VDB_FAIR_H

#include "sched_math.h"

struct cfs_rq;
struct rq;
struct sched_entity;
struct task_group;
struct task_struct;
struct vdb_btf;
struct vdb_vm;

/**
 * struct vdb_chain - a task's entities, from its own to the root of its run queue
 * @rq: run queue
 * @group: the task's, whose entities the upper ones are
 * @nr: levels
 * @se: entities
 * @given: virtual time that each was moved down by, and owes
 * @weight: of each, when it was given
 */
struct vdb_chain {
	struct rq *rq;
	struct task_group *group;
	unsigned int nr;
	struct sched_entity *se[VDB_LEVELS];
	u64 given[VDB_LEVELS];
	u64 weight[VDB_LEVELS];
};

/**
 * struct vdb_level - where a yielding task and its target compete
 * @from: index into the yielder's chain
 * @need: the target's virtual time minus the yielder's
 * @queued: entities that compete there
 * @queued_below: tasks in all of their groups, as the series counts
 * @gran: base slice in the yielder's virtual time
 */
struct vdb_level {
	unsigned int from;
	s64 need;
	unsigned int queued;
	unsigned int queued_below;
	u64 gran;
};

typedef int (*vdb_fair_fn)(struct task_struct *task, void *arg);

void vdb_fair_resolve(const struct vdb_btf *btf);
const char *vdb_fair_missing(void);
const char *vdb_fair_lag_missing(void);
const char *vdb_fair_levels_missing(void);
int vdb_fair_call(struct task_struct *task, vdb_fair_fn fn, void *arg);
bool vdb_fair_is_waiting(struct task_struct *task);
int vdb_fair_chain(struct task_struct *task, struct vdb_chain *chain);
int vdb_fair_give(struct task_struct *task, struct vdb_chain *chain, u64 margin_ns);
u64 vdb_fair_total(const struct vdb_chain *chain);
s64 vdb_fair_service(const struct vdb_chain *chain, unsigned int i);
bool vdb_fair_runs(struct task_struct *task);
u64 vdb_fair_weight(struct sched_entity *se);
int vdb_fair_level(struct vdb_chain *from, struct vdb_chain *to, struct vdb_level *level);
int vdb_fair_charge(struct vdb_chain *chain);
void vdb_fair_undo(struct vdb_chain *chain);
void vdb_fair_nominate(struct vdb_chain *chain);
u64 vdb_fair_take(struct task_struct *task, struct vdb_chain *chain);

/* balance.c */
bool vdb_balance_take(struct vdb_vm *vm, int cpu, s64 service);
void vdb_balance_pay(struct vdb_vm *vm, int cpu, s64 service);

#endif /* VDB_FAIR_H */
