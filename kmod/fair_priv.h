/* SPDX-License-Identifier: GPL-2.0-only */
/* What fair_find.c finds and fair.c uses. */
#ifndef VDB_FAIR_PRIV_H
#define VDB_FAIR_PRIV_H

#include <linux/sched.h>
#include <linux/static_call.h>

#include "fair.h"
#include "fields.h"

int vdb_task_call_proto(struct task_struct *task, vdb_fair_fn fn, void *arg);
void vdb_rq_proto(struct rq *rq);
void vdb_rq_lock_proto(struct rq *rq, int subclass);
void vdb_cfs_proto(struct cfs_rq *cfs);
u64 vdb_avg_proto(struct cfs_rq *cfs);
void vdb_entity_proto(struct cfs_rq *cfs, struct sched_entity *se);

DECLARE_STATIC_CALL(vdb_task_call, vdb_task_call_proto);
DECLARE_STATIC_CALL(vdb_rq_clock, vdb_rq_proto);
DECLARE_STATIC_CALL(vdb_resched, vdb_rq_proto);
DECLARE_STATIC_CALL(vdb_rq_lock, vdb_rq_lock_proto);
DECLARE_STATIC_CALL(vdb_rq_unlock, vdb_rq_proto);
DECLARE_STATIC_CALL(vdb_update_curr, vdb_cfs_proto);
DECLARE_STATIC_CALL(vdb_avg, vdb_avg_proto);
DECLARE_STATIC_CALL(vdb_dequeue, vdb_entity_proto);
DECLARE_STATIC_CALL(vdb_enqueue, vdb_entity_proto);

/* task_struct.on_rq of a queued task: TASK_ON_RQ_QUEUED, private to the scheduler. */
#define ON_RQ_QUEUED 1

enum {
	CFS = 1,
	TREE = 2,
	FLAT = 4
};

extern unsigned int vdb_fair_kind; /* 0: nothing can be done here */
extern const struct sched_class *vdb_fair_class;
extern const unsigned int *vdb_fair_slice; /* ns */

#endif /* VDB_FAIR_PRIV_H */
