// SPDX-License-Identifier: GPL-2.0-only
/*
 * Find the parts of the fair class that fair.c works with, and which of the three
 * schedulers this is. It shows in the fields that the kernel's own types have, never
 * in a version number.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/static_call.h>

#include "btf.h"
#include "fair_priv.h"
#include "vdb.h"

DEFINE_STATIC_CALL_RET0(vdb_task_call, vdb_task_call_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_clock, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_resched, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_lock, vdb_rq_lock_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_unlock, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_update_curr, vdb_cfs_proto);
DEFINE_STATIC_CALL_RET0(vdb_avg, vdb_avg_proto);
DEFINE_STATIC_CALL_RET0(vdb_dequeue, vdb_entity_proto);
DEFINE_STATIC_CALL_RET0(vdb_enqueue, vdb_entity_proto);

unsigned int vdb_fair_kind __read_mostly;
const struct sched_class *vdb_fair_class __read_mostly;
const unsigned int *vdb_fair_slice __read_mostly;
static char why_not[96];

#define NEEDS(k, func, sig, call)                                                  \
	{                                                                          \
		k, func, sig, &STATIC_CALL_KEY(call), STATIC_CALL_TRAMP_ADDR(call) \
	}

static const struct {
	unsigned int kinds;
	const char *name;
	const char *signature;
	struct static_call_key *key;
	void *tramp;
} functions[] = {
	NEEDS(CFS | TREE | FLAT, "task_call_func", "task_struct*,void*,void*", vdb_task_call),
	NEEDS(CFS | TREE | FLAT, "update_rq_clock", "rq*", vdb_rq_clock),
	NEEDS(CFS | TREE | FLAT, "resched_curr", "rq*", vdb_resched),
	NEEDS(CFS | TREE | FLAT, "update_curr", "cfs_rq*", vdb_update_curr),
	NEEDS(CFS | TREE, "raw_spin_rq_lock_nested", "rq*,4", vdb_rq_lock),
	NEEDS(CFS | TREE, "raw_spin_rq_unlock", "rq*", vdb_rq_unlock),
	NEEDS(TREE | FLAT, "avg_vruntime", "cfs_rq*", vdb_avg),
	NEEDS(TREE | FLAT, "__dequeue_entity", "cfs_rq*,sched_entity*", vdb_dequeue),
	NEEDS(TREE | FLAT, "__enqueue_entity", "cfs_rq*,sched_entity*", vdb_enqueue),
};

static const struct {
	unsigned int kinds;
	enum vdb_field field;
	const char *name;
} needed_fields[] = {
	{ CFS | TREE | FLAT, VDB_F_TASK_SE, "task_struct.se" },
	{ CFS | TREE | FLAT, VDB_F_TASK_GROUP, "task_struct.sched_task_group" },
	{ CFS | TREE | FLAT, VDB_F_SE_VRUNTIME, "sched_entity.vruntime" },
	{ CFS | TREE | FLAT, VDB_F_SE_PARENT, "sched_entity.parent" },
	{ CFS | TREE | FLAT, VDB_F_SE_CFS_RQ, "sched_entity.cfs_rq" },
	{ CFS | TREE | FLAT, VDB_F_SE_WEIGHT, "sched_entity.load.weight" },
	{ CFS | TREE | FLAT, VDB_F_CFS_CURR, "cfs_rq.curr" },
	{ CFS | TREE | FLAT, VDB_F_CFS_NEXT, "cfs_rq.next" },
	{ CFS | TREE | FLAT, VDB_F_CFS_RQ, "cfs_rq.rq" },
	{ CFS | TREE | FLAT, VDB_F_CFS_THROTTLE_COUNT, "cfs_rq.throttle_count" },
	{ CFS | TREE | FLAT, VDB_F_CFS_IDLE, "cfs_rq.idle" },
	{ CFS | TREE | FLAT, VDB_F_RQ_CURR, "rq.curr" },
	{ CFS, VDB_F_SE_ON_RQ_INT, "sched_entity.on_rq" },
	{ CFS, VDB_F_SE_RUN_NODE, "sched_entity.run_node" },
	{ CFS | TREE | FLAT, VDB_F_CFS_TREE, "cfs_rq.tasks_timeline" },
	{ TREE | FLAT, VDB_F_SE_ON_RQ, "sched_entity.on_rq" },
	{ TREE | FLAT, VDB_F_SE_DELAYED, "sched_entity.sched_delayed" },
	{ TREE | FLAT, VDB_F_SE_VLAG, "sched_entity.vlag" },
	{ FLAT, VDB_F_SE_H_WEIGHT, "sched_entity.h_load.weight" },
	{ FLAT, VDB_F_RQ_CFS, "rq.cfs" },
};

static bool find_function(unsigned int i, const struct vdb_btf *btf)
{
	unsigned long address = vdb_kvm_symbol(functions[i].name);
	char found[48];

	if (!address || vdb_btf_func_signature(btf, functions[i].name, found, sizeof(found)) ||
	    strcmp(found, functions[i].signature)) {
		snprintf(why_not, sizeof(why_not), "this kernel has no %s(%s): use sched=none",
			 functions[i].name, functions[i].signature);
		return false;
	}
	__static_call_update(functions[i].key, functions[i].tramp, (void *)address);
	return true;
}

/**
 * vdb_fair_resolve - find the scheduler's parts
 * @btf: types of the kernel
 *
 * A kernel that lacks one has no strategy but none, and everything else.
 *
 * Context: process, under vdb.lock, no hook armed.
 */
void vdb_fair_resolve(const struct vdb_btf *btf)
{
	unsigned int k = CFS;
	unsigned int i;

	if (vdb_has_field(VDB_F_SE_DEADLINE))
		k = vdb_has_field(VDB_F_SE_H_WEIGHT) ? FLAT : TREE;
	vdb_fair_kind = 0;
	vdb_fair_class = (void *)vdb_kvm_symbol("fair_sched_class");
	if (!vdb_fair_class) {
		strscpy(why_not, "this kernel has no fair_sched_class: use sched=none",
			sizeof(why_not));
		return;
	}
	vdb_fair_slice = (void *)vdb_kvm_symbol("sysctl_sched_base_slice");
	if (!vdb_fair_slice)
		vdb_fair_slice = (void *)vdb_kvm_symbol("sysctl_sched_min_granularity");
	for (i = 0; i < ARRAY_SIZE(needed_fields); i++) {
		if (!(needed_fields[i].kinds & k) || vdb_has_field(needed_fields[i].field))
			continue;
		snprintf(why_not, sizeof(why_not), "this kernel has no %s: use sched=none",
			 needed_fields[i].name);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (functions[i].kinds & k && !find_function(i, btf))
			return;
	}
	vdb_fair_kind = k;
}

/**
 * vdb_fair_missing - what this kernel lacks for any strategy
 *
 * Return: a sentence, or NULL.
 */
const char *vdb_fair_missing(void)
{
	return vdb_fair_kind ? NULL : why_not;
}

/**
 * vdb_fair_lag_missing - what this kernel lacks to give a task lag
 *
 * Return: a sentence, or NULL.
 */
const char *vdb_fair_lag_missing(void)
{
	return vdb_fair_kind == CFS ? "this kernel's scheduler is CFS, which knows no lag: use "
				      "sched=loan, transfer or penalty"
				    : vdb_fair_missing();
}

/**
 * vdb_fair_levels_missing - what this kernel lacks to weigh the competitors of a level
 *
 * Return: a sentence, or NULL.
 */
const char *vdb_fair_levels_missing(void)
{
	if (vdb_fair_kind && !vdb_fair_slice)
		return "this kernel's base slice is not to be found: use sched=none";
	if (vdb_fair_kind && !vdb_has_field(VDB_F_CFS_NR_RUNNING) &&
	    !vdb_has_field(VDB_F_CFS_NR_QUEUED))
		return "this kernel has no cfs_rq.nr_queued: use sched=none";
	return vdb_fair_missing();
}
