// SPDX-License-Identifier: GPL-2.0-only
/*
 * The budget of waits: a vCPU that is queued for a CPU and does not get it, while
 * boosted ones do.
 *
 * What shows: the threads of tracked vCPUs, by what the scheduler counts for each
 * task anyway; no hook has to pay for it. What does not: other processes. They
 * have to rely on what a boost is made of, see docs/SAFETY.md.
 */
#include <linux/sched/clock.h>
#include <linux/workqueue.h>

#include "breaker.h"

/*
 * Between two looks. A wait is known from the first look at it, so one that lasts is
 * noticed up to two of these late, and a short one not at all: the least budget is two.
 */
#define LOOK_MS 100

/* Boosted vCPUs that got this CPU. */
DEFINE_PER_CPU(u32, vdb_boosted_runs);

static u32 runs_before;

#ifdef CONFIG_SCHED_INFO

/**
 * vdb_starve_missing - what this kernel lacks to see waits
 *
 * Return: a sentence, or NULL.
 */
const char *vdb_starve_missing(void)
{
	return NULL;
}

/* Queued as an ordinary task: others are meant to wait, or do so for a limit's sake. */
static bool is_ordinary(struct task_struct *task)
{
	return task_is_running(task) && !READ_ONCE(task->on_cpu) &&
	       (task->policy == SCHED_NORMAL || task->policy == SCHED_BATCH) &&
	       task->static_prio <= DEFAULT_PRIO && !vdb_is_throttled(task);
}

static void wait_of(struct task_struct *task, struct vdb_wait *ret)
{
	unsigned int cpu = task_cpu(task);
	u64 queued_at_ns = READ_ONCE(task->sched_info.last_queued);
	u64 now_ns = local_clock();

	*ret = (struct vdb_wait){
		.queued_ns = READ_ONCE(task->sched_info.run_delay),
		.runs = READ_ONCE(task->sched_info.pcount),
		.boosts = READ_ONCE(per_cpu(vdb_boosted_runs, cpu)),
		.cpu = cpu,
		.counts = queued_at_ns && is_ordinary(task),
	};
	if (queued_at_ns && now_ns > queued_at_ns)
		ret->queued_ns += now_ns - queued_at_ns;
}

static void look_at(struct vdb_vm *vm, struct vdb_vcpu *vcpu)
{
	u64 budget_ns = READ_ONCE(vdb.tuning.budget_wait_ns);
	struct task_struct *task = vdb_thread_of(vm, vcpu);
	struct vdb_wait now;
	u64 waited_ns;

	if (!task)
		return;
	wait_of(task, &now);
	waited_ns = vdb_wait_look(&vcpu->wait, &now);
	if (waited_ns > budget_ns)
		vdb_breaker_trip(VCPU_DEBOOST_TRIP_STARVATION, vm, waited_ns, budget_ns);
}

#else

const char *vdb_starve_missing(void)
{
	return "this kernel does not count waits (CONFIG_SCHED_INFO): budget_wait cannot be set";
}

static void look_at(struct vdb_vm *vm, struct vdb_vcpu *vcpu)
{
}

#endif

static void look_at_all(void)
{
	struct vdb_vm *vm;
	int bucket;
	u32 idx;

	rcu_read_lock();
	hash_for_each_rcu(vdb.by_kvm, bucket, vm, node)
	{
		for (idx = 0; idx < VDB_MAX_VCPUS; idx++) {
			struct vdb_vcpu *vcpu = rcu_dereference(vm->vcpu[idx]);

			if (vcpu)
				look_at(vm, vcpu);
		}
	}
	rcu_read_unlock();
}

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look);

static void look(struct work_struct *work)
{
	u32 runs = 0;
	int cpu;

	for_each_possible_cpu(cpu) runs += READ_ONCE(per_cpu(vdb_boosted_runs, cpu));
	/* Nobody is boosted, so nobody waits because of that. */
	if (runs != runs_before)
		look_at_all();
	runs_before = runs;
	schedule_delayed_work(&look_work, msecs_to_jiffies(LOOK_MS));
}

/**
 * vdb_starve_start - hooks are armed: look at the waits of vCPUs
 *
 * Context: process, under vdb.lock.
 */
void vdb_starve_start(void)
{
	schedule_delayed_work(&look_work, msecs_to_jiffies(LOOK_MS));
}

/**
 * vdb_starve_stop - hooks are out
 *
 * Context: process, under vdb.lock.
 */
void vdb_starve_stop(void)
{
	cancel_delayed_work_sync(&look_work);
}
