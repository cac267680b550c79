// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched=penalty: the first half of the series (v1, v2). The one that yields is moved
 * back in virtual time on the level of the cgroup tree where it and its target compete,
 * before the kernel's own yield, at most once in 6 ms on a CPU, and only if both are on
 * the same run queue. sched=penalty-series is the same by the letter of the series:
 * its limiter comes first, competitors are counted in all groups below, see also
 * vdb_penalty().
 */
#include <linux/percpu.h>

#include "clock.h"
#include "fair.h"
#include "fields.h"
#include "penalty_math.h"
#include "trace.h"
#include "vdb.h"

/**
 * struct history - a CPU's
 * @last_ns: of the last penalty
 * @pair_ns: of the last pair
 * @from: who yielded then; for comparing only
 * @to: to whom
 */
struct history {
	u64 last_ns;
	u64 pair_ns;
	const struct task_struct *from;
	const struct task_struct *to;
};

static DEFINE_PER_CPU(struct history, histories);

struct penalty {
	struct task_struct *target;
	u64 now_ns;
	u64 moved;
	bool series;
};

static void note_pair(struct history *h, const struct penalty *p)
{
	h->from = current;
	h->to = p->target;
	h->pair_ns = p->now_ns;
}

static bool is_reversed(const struct history *h, const struct penalty *p)
{
	return h->from == p->target && h->to == current &&
	       p->now_ns - h->pair_ns <= VDB_DEBOUNCE_NS;
}

/* The run queue's lock keeps the target there as well, if it is there. */
static int apply(struct task_struct *task, void *arg)
{
	struct history *h = this_cpu_ptr(&histories);
	struct penalty *p = arg;
	struct vdb_chain from, to;
	struct vdb_penalty_ask ask;
	struct vdb_level level;
	int ret;

	if (!vdb_fair_runs(task) || task_cpu(p->target) != smp_processor_id() ||
	    !vdb_fair_is_waiting(p->target))
		return -EAGAIN;
	ret = vdb_fair_chain(task, &from);
	ret = ret ?: vdb_fair_chain(p->target, &to);
	ret = ret ?: vdb_fair_level(&from, &to, &level);
	if (ret)
		return ret;
	ask = (struct vdb_penalty_ask){
		.gran = level.gran,
		.need = level.need,
		.queued = p->series ? level.queued_below : level.queued,
		.reversed = is_reversed(h, p),
		.series = p->series,
	};
	if (!p->series) {
		note_pair(h, p);
		if (!vdb_rate_allows(h->last_ns, p->now_ns))
			return -EBUSY;
	}
	if (ask.queued < 2)
		return -ENOENT;
	from.given[level.from] = vdb_penalty(&ask);
	ret = vdb_fair_charge(&from);
	if (ret)
		return ret;
	note_pair(h, p);
	h->last_ns = p->now_ns;
	p->moved = from.given[level.from];
	return 0;
}

static void help(struct vdb_spin *spin, struct task_struct *task, bool series)
{
	struct penalty p = {
		.target = task,
		.now_ns = spin->now_ns,
		.series = series,
	};
	struct history *h = this_cpu_ptr(&histories);
	int ret;

	if (series) {
		if (!vdb_rate_allows(h->last_ns, p.now_ns))
			return;
		/* What it then refuses has used the turn all the same. */
		h->last_ns = p.now_ns;
	}
	ret = vdb_fair_call(current, apply, &p);
	trace_vcpu_deboost_penalty(spin->vm->id, spin->me->idx, spin->target->idx, ret, p.moved);
}

/**
 * vdb_penalty_help - move the spinning vCPU back
 * @spin: with its target
 * @task: the target's thread
 *
 * Context: the spinning vCPU's thread, preemption off, rcu_read_lock().
 * Return: what is left to do: to yield.
 */
enum vdb_help vdb_penalty_help(struct vdb_spin *spin, struct task_struct *task)
{
	help(spin, task, false);
	return VDB_HELP_YIELD;
}

/**
 * vdb_penalty_series_help - the same, by the letter of the series
 * @spin: with its target
 * @task: the target's thread
 *
 * Context: as vdb_penalty_help().
 * Return: what is left to do: to yield.
 */
enum vdb_help vdb_penalty_series_help(struct vdb_spin *spin, struct task_struct *task)
{
	help(spin, task, true);
	return VDB_HELP_YIELD;
}
