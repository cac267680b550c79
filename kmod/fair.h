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

/**
 * struct vdb_chain - a task's entities, from its own to the root of its run queue
 * @rq: run queue
 * @group: the task's, whose entities the upper ones are
 * @nr: levels
 * @se: entities
 * @given: virtual time that each was moved down by, and owes
 */
struct vdb_chain {
	struct rq *rq;
	struct task_group *group;
	unsigned int nr;
	struct sched_entity *se[VDB_LEVELS];
	u64 given[VDB_LEVELS];
};

typedef int (*vdb_fair_fn)(struct task_struct *task, void *arg);

void vdb_fair_resolve(const struct vdb_btf *btf);
const char *vdb_fair_missing(void);
int vdb_fair_call(struct task_struct *task, vdb_fair_fn fn, void *arg);
bool vdb_fair_is_waiting(struct task_struct *task);
int vdb_fair_chain(struct task_struct *task, struct vdb_chain *chain);
int vdb_fair_give(struct vdb_chain *chain, u64 margin_ns);
void vdb_fair_nominate(struct vdb_chain *chain);
u64 vdb_fair_take(struct task_struct *task, struct vdb_chain *chain);

#endif /* VDB_FAIR_H */
