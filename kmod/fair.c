// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lag of the fair class: give it, take it back, say who is next.
 *
 * Three schedulers look alike from outside: CFS (6.1), EEVDF over the tree of
 * cgroups, and EEVDF with one flat queue of tasks (7.3). Which it is shows in
 * the fields that the kernel's own types have, never in a version number.
 *
 * A queued entity is taken out of its tree, changed, and put back by the
 * scheduler's own functions, so that order and sums stay right; one that runs is
 * in no tree and is changed in place. vlag is written only of an entity that is
 * on no run queue, where it is nothing but the lag.
 */
#include <linux/kernel.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/static_call.h>

#include "btf.h"
#include "fair.h"
#include "fields.h"
#include "vdb.h"

int vdb_task_call_proto(struct task_struct *task, vdb_fair_fn fn, void *arg);
void vdb_rq_proto(struct rq *rq);
void vdb_rq_lock_proto(struct rq *rq, int subclass);
void vdb_cfs_proto(struct cfs_rq *cfs);
u64 vdb_avg_proto(struct cfs_rq *cfs);
void vdb_entity_proto(struct cfs_rq *cfs, struct sched_entity *se);

DEFINE_STATIC_CALL_RET0(vdb_task_call, vdb_task_call_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_clock, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_resched, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_lock, vdb_rq_lock_proto);
DEFINE_STATIC_CALL_RET0(vdb_rq_unlock, vdb_rq_proto);
DEFINE_STATIC_CALL_RET0(vdb_update_curr, vdb_cfs_proto);
DEFINE_STATIC_CALL_RET0(vdb_avg, vdb_avg_proto);
DEFINE_STATIC_CALL_RET0(vdb_dequeue, vdb_entity_proto);
DEFINE_STATIC_CALL_RET0(vdb_enqueue, vdb_entity_proto);

/* task_struct.on_rq of a queued task: TASK_ON_RQ_QUEUED, private to the scheduler. */
#define ON_RQ_QUEUED 1

enum {
	CFS = 1,
	TREE = 2,
	FLAT = 4
};

static unsigned int kind __read_mostly; /* 0: nothing can be done here */
static const struct sched_class *fair_class __read_mostly;
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
	kind = 0;
	fair_class = (void *)vdb_kvm_symbol("fair_sched_class");
	if (!fair_class) {
		strscpy(why_not, "this kernel has no fair_sched_class: use sched=none",
			sizeof(why_not));
		return;
	}
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
	kind = k;
}

/**
 * vdb_fair_missing - what this kernel lacks for any strategy
 *
 * Return: a sentence, or NULL.
 */
const char *vdb_fair_missing(void)
{
	return kind ? NULL : why_not;
}

#define SE(se, field, type) (*(type *)((char *)(se) + vdb_field_offset[VDB_F_##field]))

static u64 *vruntime_of(struct sched_entity *se)
{
	return &SE(se, SE_VRUNTIME, u64);
}

static bool on_rq(struct sched_entity *se)
{
	return kind == CFS ? SE(se, SE_ON_RQ_INT, unsigned int) : SE(se, SE_ON_RQ, u8);
}

static u64 weight_of(struct sched_entity *se)
{
	return kind == FLAT ? SE(se, SE_H_WEIGHT, unsigned long) : SE(se, SE_WEIGHT, unsigned long);
}

/* The queue that an entity is picked from. */
static struct cfs_rq *queue_of(struct sched_entity *se)
{
	struct cfs_rq *own = SE(se, SE_CFS_RQ, struct cfs_rq *);

	if (kind != FLAT)
		return own;
	return &SE(SE(own, CFS_RQ, struct rq *), RQ_CFS, struct cfs_rq);
}

static struct sched_entity *curr_of(struct cfs_rq *cfs)
{
	return SE(cfs, CFS_CURR, struct sched_entity *);
}

static bool before(struct rb_node *a, const struct rb_node *b)
{
	u32 off = vdb_field_offset[VDB_F_SE_RUN_NODE];

	return (s64)(*vruntime_of((void *)a - off) - *vruntime_of((void *)b - off)) < 0;
}

static void tree_remove(struct cfs_rq *cfs, struct sched_entity *se)
{
	if (kind == CFS)
		rb_erase_cached(&SE(se, SE_RUN_NODE, struct rb_node),
				&SE(cfs, CFS_TREE, struct rb_root_cached));
	else
		static_call(vdb_dequeue)(cfs, se);
}

static void tree_add(struct cfs_rq *cfs, struct sched_entity *se)
{
	if (kind == CFS)
		rb_add_cached(&SE(se, SE_RUN_NODE, struct rb_node),
			      &SE(cfs, CFS_TREE, struct rb_root_cached), before);
	else
		static_call(vdb_enqueue)(cfs, se);
}

static void shift(struct sched_entity *se, s64 delta)
{
	*vruntime_of(se) += delta;
	if (kind != CFS)
		SE(se, SE_DEADLINE, u64) += delta;
}

/*
 * Up to where an entity that is in no tree is picked before the others. With
 * CFS that is the least of them; else their mean, which a running one is part
 * of. Return: false if there are no others.
 */
static bool middle_of(struct cfs_rq *cfs, struct sched_entity *se, u64 *ret)
{
	struct rb_root_cached *tree = &SE(cfs, CFS_TREE, struct rb_root_cached);
	struct sched_entity *curr = curr_of(cfs);
	struct rb_node *first = rb_first_cached(tree);

	if (!first && (!curr || curr == se))
		return false;
	if (kind != CFS) {
		*ret = static_call(vdb_avg)(cfs);
		return true;
	}
	*ret = *vruntime_of(first ? (void *)first - vdb_field_offset[VDB_F_SE_RUN_NODE] : curr);
	if (first && curr && curr != se && (s64)(*vruntime_of(curr) - *ret) < 0)
		*ret = *vruntime_of(curr);
	return true;
}

/* Return: what was given, or -1 if it were too much. */
static s64 give(struct sched_entity *se, u64 margin_ns)
{
	struct cfs_rq *cfs = queue_of(se);
	u64 weight = weight_of(se);
	bool running = curr_of(cfs) == se;
	s64 wanted = 0;
	u64 middle;

	static_call(vdb_update_curr)(cfs);
	if (!running)
		tree_remove(cfs, se);
	if (middle_of(cfs, se, &middle))
		wanted = vdb_lag_wanted(*vruntime_of(se), middle, vdb_vtime(margin_ns, weight),
					vdb_vtime(VDB_LEND_MAX_NS, weight));
	/* The mean it was measured by moves with it, by half or less. */
	if (running && wanted > 0)
		wanted *= 2;
	if (wanted > 0)
		shift(se, -wanted);
	if (!running)
		tree_add(cfs, se);
	return wanted;
}

static void take(struct sched_entity *se, u64 given)
{
	struct cfs_rq *cfs = queue_of(se);

	if (!on_rq(se)) {
		if (kind == CFS)
			shift(se, given);
		else
			SE(se, SE_VLAG, s64) -= given;
	} else if (curr_of(cfs) == se) {
		shift(se, given);
	} else {
		tree_remove(cfs, se);
		shift(se, given);
		tree_add(cfs, se);
	}
}

/**
 * vdb_fair_call - do something while a task cannot move
 * @task: the task
 * @fn: called with the lock of the run queue it is on, if it is on one, and with
 *	its pi_lock, so that it is not woken
 * @arg: for @fn
 *
 * Context: any without a run-queue lock; interrupts are off in @fn.
 * Return: what @fn returned, 0 if this kernel has not what is needed.
 */
int vdb_fair_call(struct task_struct *task, vdb_fair_fn fn, void *arg)
{
	return static_call(vdb_task_call)(task, fn, arg);
}

/**
 * vdb_fair_is_waiting - whether a task is queued and could run if it were picked
 * @task: the task
 *
 * Context: vdb_fair_call().
 */
bool vdb_fair_is_waiting(struct task_struct *task)
{
	struct sched_entity *se = &SE(task, TASK_SE, struct sched_entity);

	if (!kind || task->sched_class != fair_class || task->on_rq != ON_RQ_QUEUED ||
	    task->on_cpu || task->policy == SCHED_IDLE || !on_rq(se))
		return false;
	return !SE(SE(se, SE_CFS_RQ, struct cfs_rq *), CFS_THROTTLE_COUNT, int);
}

/**
 * vdb_fair_chain - a task's entities
 * @task: waiting
 * @chain: filled, nothing given yet
 *
 * Context: vdb_fair_call().
 * Return: 0, or -EOPNOTSUPP: too deep, idle, or on its way out.
 */
int vdb_fair_chain(struct task_struct *task, struct vdb_chain *chain)
{
	struct sched_entity *se = &SE(task, TASK_SE, struct sched_entity);

	*chain = (struct vdb_chain){
		.rq = SE(SE(se, SE_CFS_RQ, struct cfs_rq *), CFS_RQ, struct rq *),
		.group = SE(task, TASK_GROUP, struct task_group *),
	};
	static_call(vdb_rq_clock)(chain->rq);
	for (; se; se = SE(se, SE_PARENT, struct sched_entity *)) {
		if (SE(SE(se, SE_CFS_RQ, struct cfs_rq *), CFS_IDLE, int) > 0)
			return -EOPNOTSUPP;
		if (kind == FLAT && chain->nr)
			continue;
		if (chain->nr == VDB_LEVELS || !on_rq(se) ||
		    (kind != CFS && SE(se, SE_DELAYED, u8)))
			return -EOPNOTSUPP;
		chain->se[chain->nr++] = se;
	}
	return 0;
}

/* Return: virtual time that moved. */
static u64 take_level(struct vdb_chain *chain, unsigned int i)
{
	u64 given = chain->given[i];

	if (given)
		take(chain->se[i], given);
	chain->given[i] = 0;
	return given;
}

/**
 * vdb_fair_give - make a task eligible on every level
 * @chain: of a waiting task; what was given is noted
 * @margin_ns: time it may run before it is not any more
 *
 * Context: vdb_fair_call().
 * Return: 0, or -ERANGE: it had been too much, and nothing was given.
 */
int vdb_fair_give(struct vdb_chain *chain, u64 margin_ns)
{
	unsigned int i;
	s64 given;

	for (i = 0; i < chain->nr; i++) {
		given = give(chain->se[i], margin_ns);
		if (given < 0)
			goto undo;
		chain->given[i] = given;
	}
	return 0;
undo:
	while (i--)
		take_level(chain, i);
	return -ERANGE;
}

/**
 * vdb_fair_nominate - have a task picked next, if it is eligible
 * @chain: of a waiting task
 *
 * Context: vdb_fair_call().
 */
void vdb_fair_nominate(struct vdb_chain *chain)
{
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		SE(queue_of(chain->se[i]), CFS_NEXT, struct sched_entity *) = chain->se[i];
	static_call(vdb_resched)(chain->rq);
}

static int take_own(struct task_struct *task, void *arg)
{
	struct vdb_chain *chain = arg;
	struct rq *rq = SE(SE(chain->se[0], SE_CFS_RQ, struct cfs_rq *), CFS_RQ, struct rq *);

	if (take_level(chain, 0) && SE(rq, RQ_CURR, struct task_struct *) == task)
		static_call(vdb_resched)(rq);
	return 0;
}

/* The groups stay on the run queue they were on, whatever has become of the task. */
static void take_groups(struct vdb_chain *chain)
{
	unsigned long flags;
	u64 moved = 0;
	unsigned int i;

	local_irq_save(flags);
	static_call(vdb_rq_lock)(chain->rq, 0);
	static_call(vdb_rq_clock)(chain->rq);
	for (i = 1; i < chain->nr; i++)
		moved += take_level(chain, i);
	if (moved)
		static_call(vdb_resched)(chain->rq);
	static_call(vdb_rq_unlock)(chain->rq);
	local_irq_restore(flags);
}

/**
 * vdb_fair_take - take back what was given
 * @task: whose chain it is; perhaps it runs, sleeps, or is elsewhere by now
 * @chain: as vdb_fair_give() left it
 *
 * A task that is in another group now may have left one that is being freed:
 * what that owes is written off.
 *
 * Context: any without a run-queue lock; RCU reader.
 * Return: virtual time that was written off.
 */
u64 vdb_fair_take(struct task_struct *task, struct vdb_chain *chain)
{
	u64 groups = 0;
	unsigned int i;

	vdb_fair_call(task, take_own, chain);
	for (i = 1; i < chain->nr; i++)
		groups += chain->given[i];
	if (!groups)
		return 0;
	if (READ_ONCE(SE(task, TASK_GROUP, struct task_group *)) != chain->group)
		return groups;
	take_groups(chain);
	return 0;
}
