// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lag of the fair class: give it, take it back, say who is next.
 *
 * Three schedulers look alike from outside: CFS (6.1), EEVDF over the tree of
 * cgroups, and EEVDF with one flat queue of tasks (7.3); fair_find.c tells which.
 *
 * A queued entity is taken out of its tree, changed, and put back by the
 * scheduler's own functions, so that order and sums stay right; one that runs is
 * in no tree and is changed in place. vlag is written only of an entity that is
 * on no run queue, where it is nothing but the lag.
 */
#include <linux/kernel.h>
#include <linux/rbtree.h>
#include <linux/sched.h>

#include "fair_priv.h"
#include "vdb.h"

#define SE(se, field, type) (*(type *)((char *)(se) + vdb_field_offset[VDB_F_##field]))

static u64 *vruntime_of(struct sched_entity *se)
{
	return &SE(se, SE_VRUNTIME, u64);
}

static bool on_rq(struct sched_entity *se)
{
	return vdb_fair_kind == CFS ? SE(se, SE_ON_RQ_INT, unsigned int) : SE(se, SE_ON_RQ, u8);
}

static u64 weight_of(struct sched_entity *se)
{
	return vdb_fair_kind == FLAT ? SE(se, SE_H_WEIGHT, unsigned long)
				     : SE(se, SE_WEIGHT, unsigned long);
}

/* The queue that an entity is picked from. */
static struct cfs_rq *queue_of(struct sched_entity *se)
{
	struct cfs_rq *own = SE(se, SE_CFS_RQ, struct cfs_rq *);

	if (vdb_fair_kind != FLAT)
		return own;
	return &SE(SE(own, CFS_RQ, struct rq *), RQ_CFS, struct cfs_rq);
}

static struct sched_entity *curr_of(struct cfs_rq *cfs)
{
	return SE(cfs, CFS_CURR, struct sched_entity *);
}

/*
 * What the running one has used up counts. In the flat queue that is a task, and what
 * update_curr() brings up to date is the one that runs in the task's own group.
 */
static void update_curr(struct cfs_rq *cfs)
{
	struct sched_entity *curr = curr_of(cfs);

	if (vdb_fair_kind == FLAT && curr)
		cfs = SE(curr, SE_CFS_RQ, struct cfs_rq *);
	static_call(vdb_update_curr)(cfs);
}

static bool before(struct rb_node *a, const struct rb_node *b)
{
	u32 off = vdb_field_offset[VDB_F_SE_RUN_NODE];

	return (s64)(*vruntime_of((void *)a - off) - *vruntime_of((void *)b - off)) < 0;
}

static void tree_remove(struct cfs_rq *cfs, struct sched_entity *se)
{
	if (vdb_fair_kind == CFS)
		rb_erase_cached(&SE(se, SE_RUN_NODE, struct rb_node),
				&SE(cfs, CFS_TREE, struct rb_root_cached));
	else
		static_call(vdb_dequeue)(cfs, se);
}

static void tree_add(struct cfs_rq *cfs, struct sched_entity *se)
{
	if (vdb_fair_kind == CFS)
		rb_add_cached(&SE(se, SE_RUN_NODE, struct rb_node),
			      &SE(cfs, CFS_TREE, struct rb_root_cached), before);
	else
		static_call(vdb_enqueue)(cfs, se);
}

static void shift(struct sched_entity *se, s64 delta)
{
	*vruntime_of(se) += delta;
	if (vdb_fair_kind != CFS)
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
	if (vdb_fair_kind != CFS) {
		*ret = static_call(vdb_avg)(cfs);
		return true;
	}
	*ret = *vruntime_of(first ? (void *)first - vdb_field_offset[VDB_F_SE_RUN_NODE] : curr);
	if (first && curr && curr != se && (s64)(*vruntime_of(curr) - *ret) < 0)
		*ret = *vruntime_of(curr);
	return true;
}

/*
 * The mean moves with an entity that is part of it, so that it must go farther to
 * get below: by how much shows when it is moved a little.
 */
static s64 against_others(struct cfs_rq *cfs, struct sched_entity *se, s64 wanted)
{
	u64 mean = static_call(vdb_avg)(cfs);
	u64 moved;

	*vruntime_of(se) -= VDB_PROBE;
	moved = mean - static_call(vdb_avg)(cfs);
	*vruntime_of(se) += VDB_PROBE;
	return vdb_lag_against_others(wanted, moved);
}

/* Return: what was given, or -1 if it were too much. */
static s64 give(struct sched_entity *se, u64 margin_ns)
{
	struct cfs_rq *cfs = queue_of(se);
	u64 weight = weight_of(se);
	bool running = curr_of(cfs) == se;
	s64 wanted = 0;
	u64 middle;

	update_curr(cfs);
	if (!running)
		tree_remove(cfs, se);
	if (middle_of(cfs, se, &middle))
		wanted = vdb_lag_wanted(*vruntime_of(se), middle, vdb_vtime(margin_ns, weight),
					vdb_vtime(VDB_LEND_MAX_NS, weight));
	if (running && wanted > 0 && vdb_fair_kind != CFS)
		wanted = against_others(cfs, se, wanted);
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
		if (vdb_fair_kind == CFS)
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

static bool is_fair(struct task_struct *task)
{
	return vdb_fair_kind && task->sched_class == vdb_fair_class &&
	       task->on_rq == ON_RQ_QUEUED && task->policy != SCHED_IDLE &&
	       on_rq(&SE(task, TASK_SE, struct sched_entity));
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

	return is_fair(task) && !task->on_cpu &&
	       !SE(SE(se, SE_CFS_RQ, struct cfs_rq *), CFS_THROTTLE_COUNT, int);
}

/**
 * vdb_fair_runs - whether a task is on a CPU as one of the fair class
 * @task: the task
 *
 * Context: vdb_fair_call().
 */
bool vdb_fair_runs(struct task_struct *task)
{
	return is_fair(task) && task->on_cpu;
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
		if (vdb_fair_kind == FLAT && chain->nr)
			continue;
		if (chain->nr == VDB_LEVELS || !on_rq(se) ||
		    (vdb_fair_kind != CFS && SE(se, SE_DELAYED, u8)))
			return -EOPNOTSUPP;
		chain->se[chain->nr++] = se;
	}
	return 0;
}

/*
 * What was given as it stands now: if the weight changes, as it does with the load of a
 * group, EEVDF keeps lag times weight, and scales the lag. CFS leaves vruntime alone.
 *
 * Return: virtual time to take back, 0 if nothing is owed.
 */
static u64 owed(const struct vdb_chain *chain, unsigned int i)
{
	if (vdb_fair_kind == CFS)
		return chain->given[i];
	return vdb_rescaled(chain->given[i], chain->weight[i], weight_of(chain->se[i]));
}

/* Return: whether something moved. */
static bool take_level(struct vdb_chain *chain, unsigned int i)
{
	u64 given = chain->given[i] ? owed(chain, i) : 0;

	if (given)
		take(chain->se[i], given);
	chain->given[i] = 0;
	return given;
}

/**
 * vdb_fair_undo - take back what was just given, before the lock is released
 * @chain: as vdb_fair_give() left it
 *
 * Context: vdb_fair_call().
 */
void vdb_fair_undo(struct vdb_chain *chain)
{
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		take_level(chain, i);
}

/**
 * vdb_fair_give - make a waiting task eligible on every level
 * @task: the task
 * @chain: filled, with what was given
 * @margin_ns: time it may run before it is not any more
 *
 * Context: vdb_fair_call().
 * Return: 0; -EAGAIN: it does not wait; -EOPNOTSUPP: see vdb_fair_chain(); -ERANGE: it
 * had been too much. Then nothing was given.
 */
int vdb_fair_give(struct task_struct *task, struct vdb_chain *chain, u64 margin_ns)
{
	unsigned int i;
	s64 given;
	int ret;

	if (!vdb_fair_is_waiting(task))
		return -EAGAIN;
	ret = vdb_fair_chain(task, chain);
	for (i = 0; !ret && i < chain->nr; i++) {
		given = give(chain->se[i], margin_ns);
		if (given < 0)
			ret = -ERANGE;
		else
			chain->given[i] = given;
		chain->weight[i] = weight_of(chain->se[i]);
	}
	if (ret == -ERANGE)
		vdb_fair_undo(chain);
	return ret;
}

/**
 * vdb_fair_total - virtual time that was given on all levels
 * @chain: as vdb_fair_give() left it
 */
u64 vdb_fair_total(const struct vdb_chain *chain)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		sum += chain->given[i];
	return sum;
}

/**
 * vdb_fair_service - what was given on a level, as service
 * @chain: as vdb_fair_give() left it, or as it is to be charged
 * @i: level
 *
 * Return: virtual time x weight, see vdb_charge().
 */
s64 vdb_fair_service(const struct vdb_chain *chain, unsigned int i)
{
	return (s64)(chain->given[i] * weight_of(chain->se[i]));
}

/**
 * vdb_fair_weight - of an entity, where it competes
 * @se: entity
 */
u64 vdb_fair_weight(struct sched_entity *se)
{
	return weight_of(se);
}

/**
 * vdb_fair_level - where two tasks of one run queue compete
 * @from: running, its chain
 * @to: waiting on the same run queue, its chain
 * @level: filled
 *
 * Their entities are compared from the root down: the first that differ stand in
 * the same queue, so that the virtual times there can be compared.
 *
 * Context: vdb_fair_call(), of either.
 * Return: 0, or -EXDEV: on different run queues.
 */
int vdb_fair_level(struct vdb_chain *from, struct vdb_chain *to, struct vdb_level *level)
{
	unsigned int n = min(from->nr, to->nr);
	struct cfs_rq *cfs;
	unsigned int k;

	if (from->rq != to->rq)
		return -EXDEV;
	for (k = 1; k < n; k++) {
		if (from->se[from->nr - k] != to->se[to->nr - k])
			break;
	}
	level->from = from->nr - k;
	cfs = queue_of(from->se[level->from]);
	update_curr(cfs);
	level->need = (s64)(*vruntime_of(to->se[to->nr - k]) - *vruntime_of(from->se[level->from]));
	level->queued = vdb_has_field(VDB_F_CFS_NR_QUEUED) ? SE(cfs, CFS_NR_QUEUED, unsigned int)
							   : SE(cfs, CFS_NR_RUNNING, unsigned int);
	level->queued_below = vdb_has_field(VDB_F_CFS_H_NR_QUEUED)
				      ? SE(cfs, CFS_H_NR_QUEUED, unsigned int)
				      : level->queued;
	level->gran = vdb_vtime(*vdb_fair_slice, weight_of(from->se[level->from]));
	return 0;
}

/**
 * vdb_fair_charge - move a running task back
 * @chain: of the task; @given says by how much each level is moved up
 *
 * Only levels that run are in no tree and can be moved in place: all of them do
 * if the task does.
 *
 * Context: vdb_fair_call().
 * Return: 0, or -EAGAIN: it does not run, and nothing was moved.
 */
int vdb_fair_charge(struct vdb_chain *chain)
{
	unsigned int i;

	for (i = 0; i < chain->nr; i++) {
		if (curr_of(queue_of(chain->se[i])) != chain->se[i])
			return -EAGAIN;
	}
	for (i = chain->nr; i--;) {
		update_curr(queue_of(chain->se[i]));
		shift(chain->se[i], chain->given[i]);
	}
	return 0;
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
	bool moved = false;
	unsigned int i;

	local_irq_save(flags);
	static_call(vdb_rq_lock)(chain->rq, 0);
	static_call(vdb_rq_clock)(chain->rq);
	for (i = 1; i < chain->nr; i++)
		moved |= take_level(chain, i);
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
