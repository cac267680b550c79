// SPDX-License-Identifier: GPL-2.0-only
/* See breaker.h. The arithmetic is in breaker_judge.c, the look at waits in starve.c. */
#include <linux/capability.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/timekeeping.h>

#include "breaker.h"
#include "hooks.h"
#include "message.h"
#include "trace.h"

/* Begins at 1: the first call is timed. */
DEFINE_PER_CPU(s32, vdb_hook_until_timed) = 1;

static DEFINE_PER_CPU(struct vdb_meter, hook_time);

/**
 * struct trip - what is known of the last trip
 * @value: what was seen
 * @budget: what was allowed
 * @boottime_ns: when
 * @what: of an inconsistency
 * @vm: id of the VM, 0 for none
 * @tgid: of its VMM
 * @comm: of its VMM
 * @cpu: where it was noticed
 * @settled: hooks are out and user space was told; under vdb.lock
 * @reason: a sentence, once it is settled; under vdb.lock
 *
 * Written by who has claimed it, before vdb.tripped is set.
 */
static struct trip {
	u64 value;
	u64 budget;
	u64 boottime_ns;
	const char *what;
	u32 vm;
	pid_t tgid;
	char comm[TASK_COMM_LEN];
	int cpu;
	bool settled;
	char reason[200];
} trip;

/* 1 from the moment that somebody trips until it is cleared: @trip has an owner. */
static int claimed;

static atomic64_t trips;
static bool started;

/* "VM 3 (qemu, process 4711)" */
static const char *vm_text(char *buf, size_t size)
{
	snprintf(buf, size, "VM %u (%s, process %d)", trip.vm, trip.comm, trip.tgid);
	return buf;
}

static void say_hook_time(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size,
		 "hook time: CPU %d spent %llu us of a second in hooks, budget_hook is %llu us",
		 trip.cpu, div_u64(trip.value, NSEC_PER_USEC), div_u64(trip.budget, NSEC_PER_USEC));
}

static void say_boost_rate(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size, "boost rate: %s yielded %llu times in a second, budget_boosts is %llu",
		 vm, trip.value, trip.budget);
}

static void say_failed_yields(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size,
		 "failed yields: %llu %% of the yields of %s in a second, budget_failed is %llu %%",
		 trip.value, vm, trip.budget);
}

static void say_starvation(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size,
		 "starvation: a vCPU of %s has waited %llu us for a CPU that boosted ones got, "
		 "budget_wait is %llu us",
		 vm, div_u64(trip.value, NSEC_PER_USEC), div_u64(trip.budget, NSEC_PER_USEC));
}

static void say_inconsistency(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size, "inconsistency: %s%s%s", trip.what, trip.vm ? ", " : "",
		 trip.vm ? vm : "");
}

static void say_switch(char *buf, size_t size, const char *vm)
{
	snprintf(buf, size, "switch: parameter off of the module was set");
}

static void (*const say[])(char *buf, size_t size, const char *vm) = {
	[VCPU_DEBOOST_TRIP_HOOK_TIME] = say_hook_time,
	[VCPU_DEBOOST_TRIP_BOOST_RATE] = say_boost_rate,
	[VCPU_DEBOOST_TRIP_FAILED_YIELDS] = say_failed_yields,
	[VCPU_DEBOOST_TRIP_STARVATION] = say_starvation,
	[VCPU_DEBOOST_TRIP_INCONSISTENCY] = say_inconsistency,
	[VCPU_DEBOOST_TRIP_SWITCH] = say_switch,
};

/* The slow half of a trip. */
static void settle(void)
{
	char vm[64];

	lockdep_assert_held(&vdb.lock);
	if (!vdb.tripped || trip.settled)
		return;
	say[vdb.tripped](trip.reason, sizeof(trip.reason), vm_text(vm, sizeof(vm)));
	trip.settled = true;
	vdb.tuning.mode = VCPU_DEBOOST_MODE_OFF;
	vdb_hooks_disarm();
	vdb.reason = trip.reason;
	pr_warn("%s; off until `vdctl trip clear`\n", trip.reason);
	vdb_notify_trip();
	vdb_notify_tuning(NULL, VCPU_DEBOOST_CAUSE_TRIP);
}

static void settle_tripped(struct work_struct *work)
{
	mutex_lock(&vdb.lock);
	settle();
	mutex_unlock(&vdb.lock);
}

static DECLARE_WORK(settle_work, settle_tripped);

/* Waking a worker takes a run-queue lock, which who trips may hold. */
static void kicked(struct irq_work *work)
{
	queue_work(system_highpri_wq, &settle_work);
}

static DEFINE_IRQ_WORK(kick, kicked);

static bool trip_with(u32 kind, const struct vdb_vm *vm, const char *what, u64 value, u64 budget)
{
	if (READ_ONCE(claimed) || cmpxchg(&claimed, 0, 1))
		return false;
	atomic64_inc(&trips);
	trip.value = value;
	trip.budget = budget;
	trip.boottime_ns = ktime_get_boot_fast_ns();
	trip.what = what;
	trip.cpu = raw_smp_processor_id();
	trip.vm = vm ? vm->id : 0;
	trip.tgid = vm ? vm->tgid : 0;
	memcpy(trip.comm, vm ? vm->comm : "", vm ? sizeof(trip.comm) : 1);
	smp_store_release(&vdb.tripped, kind);
	/* After it: who looks a vCPU up for this generation sees the trip. */
	smp_mb__before_atomic();
	atomic64_inc(&vdb.generation);
	trace_vcpu_deboost_trip(kind, trip.vm, value, budget);
	return true;
}

/**
 * vdb_breaker_trip - back to stock
 * @kind: enum vcpu_deboost_trip, why
 * @vm: whose doing it is, or NULL
 * @value: what was seen
 * @budget: what is allowed, in the same unit
 *
 * Of several trips the first one counts.
 *
 * Context: any, run-queue locks and NMI included; RCU reader if @vm is given.
 */
void vdb_breaker_trip(u32 kind, const struct vdb_vm *vm, u64 value, u64 budget)
{
	if (trip_with(kind, vm, NULL, value, budget))
		irq_work_queue(&kick);
}

/**
 * vdb_breaker_inconsistent - something was seen that must not be
 * @vm: which it is about, or NULL
 * @what: a clause without a final period, a literal
 *
 * Context: as vdb_breaker_trip().
 */
void vdb_breaker_inconsistent(const struct vdb_vm *vm, const char *what)
{
	if (trip_with(VCPU_DEBOOST_TRIP_INCONSISTENCY, vm, what, 0, 0))
		irq_work_queue(&kick);
}

/**
 * vdb_breaker_reason - why the module is stopped
 *
 * Context: under vdb.lock.
 * Return: a sentence, or NULL if it is not.
 */
const char *vdb_breaker_reason(void)
{
	lockdep_assert_held(&vdb.lock);
	settle();
	return vdb.tripped ? trip.reason : NULL;
}

/**
 * vdb_breaker_clear - forget the trip; the mode stays off
 *
 * Context: process, under vdb.lock.
 */
void vdb_breaker_clear(void)
{
	lockdep_assert_held(&vdb.lock);
	if (!vdb.tripped)
		return;
	settle();
	trip.settled = false;
	vdb_hooks_say_off();
	WRITE_ONCE(vdb.tripped, VCPU_DEBOOST_TRIP_NONE);
	smp_store_release(&claimed, 0);
	pr_notice("the trip was cleared; the mode is off\n");
	vdb_notify_trip();
}

/**
 * vdb_breaker_put - the trip, if there is one, and how many there were
 * @skb: message, inside of the INFO nest
 *
 * Context: under vdb.lock.
 * Return: 0 or -EMSGSIZE; the caller drops its nest then.
 */
int vdb_breaker_put(struct sk_buff *skb)
{
	struct nlattr *nest;
	int ret;

	ret = nla_put_u64_64bit(skb, VCPU_DEBOOST_INFO_A_TRIPS, atomic64_read(&trips),
				VCPU_DEBOOST_INFO_A_PAD);
	if (ret || !vdb_breaker_reason())
		return ret;
	nest = nla_nest_start(skb, VCPU_DEBOOST_INFO_A_TRIP);
	if (!nest || nla_put_u32(skb, VCPU_DEBOOST_TRIP_A_KIND, vdb.tripped) ||
	    nla_put_string(skb, VCPU_DEBOOST_TRIP_A_REASON, trip.reason) ||
	    nla_put_u64_64bit(skb, VCPU_DEBOOST_TRIP_A_VALUE, trip.value,
			      VCPU_DEBOOST_TRIP_A_PAD) ||
	    nla_put_u64_64bit(skb, VCPU_DEBOOST_TRIP_A_BUDGET, trip.budget,
			      VCPU_DEBOOST_TRIP_A_PAD) ||
	    nla_put_u64_64bit(skb, VCPU_DEBOOST_TRIP_A_BOOTTIME_NS, trip.boottime_ns,
			      VCPU_DEBOOST_TRIP_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * vdb_breaker_hook_took - a call of a hook was timed
 * @took_ns: its time
 *
 * Context: hook, any context, preemption off.
 */
void vdb_breaker_hook_took(u64 took_ns)
{
	u64 budget_ns = READ_ONCE(vdb.tuning.budget_hook_ns);
	u32 spent_ns = vdb_meter_add(this_cpu_ptr(&hook_time), vdb_clock_ns(),
				     vdb_hook_charge(took_ns, budget_ns));

	if (unlikely(spent_ns >= budget_ns) && budget_ns < VCPU_DEBOOST_BUDGET_HOOK_MAX_NS)
		vdb_breaker_trip(VCPU_DEBOOST_TRIP_HOOK_TIME, NULL, spent_ns, budget_ns);
}

/**
 * vdb_breaker_yield - a vCPU is about to yield by our choice
 * @vm: its VM
 * @now_ns: time now
 *
 * Context: hook, preemption off.
 */
void vdb_breaker_yield(struct vdb_vm *vm, u64 now_ns)
{
	u32 begun = vdb_meter_add(&vm->begun, now_ns, 1);
	u32 budget = READ_ONCE(vdb.tuning.budget_boosts);

	if (unlikely(begun > budget))
		vdb_breaker_trip(VCPU_DEBOOST_TRIP_BOOST_RATE, vm, begun, budget);
}

/**
 * vdb_breaker_failed - what came of a yield: nothing
 * @vm: its VM
 * @now_ns: time now
 *
 * Context: hook, preemption off.
 */
void vdb_breaker_failed(struct vdb_vm *vm, u64 now_ns)
{
	u32 failed = vdb_meter_add(&vm->failed, now_ns, 1);
	u32 begun = vdb_meter_read(&vm->begun, now_ns);
	u32 percent = READ_ONCE(vdb.tuning.budget_failed);

	if (unlikely(vdb_fails_too_often(failed, begun, percent)))
		vdb_breaker_trip(VCPU_DEBOOST_TRIP_FAILED_YIELDS, vm,
				 div_u64((u64)failed * 100, begun), percent);
}

/*
 * The switch for the hand that has nothing but a shell: the same as a trip, so that
 * no daemon turns it on again. On the kernel's command line: vcpu_deboost.off=1.
 */
static int set_off(const char *val, const struct kernel_param *kp)
{
	bool off = true;
	int ret = val ? kstrtobool(val, &off) : 0;

	if (ret)
		return ret;
	if (!READ_ONCE(started)) {
		claimed = off;
		vdb.tripped = off ? VCPU_DEBOOST_TRIP_SWITCH : VCPU_DEBOOST_TRIP_NONE;
		return 0;
	}
	/* As the other setters: to be the host's uid 0, as in some containers, is not enough. */
	if (!capable(CAP_NET_ADMIN) || !capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&vdb.lock);
	if (vdb.closing) {
		ret = -ESHUTDOWN;
	} else if (off) {
		trip_with(VCPU_DEBOOST_TRIP_SWITCH, NULL, NULL, 0, 0);
		settle();
	} else if (vdb.tripped == VCPU_DEBOOST_TRIP_SWITCH) {
		vdb_breaker_clear();
	} else if (vdb.tripped) {
		ret = -EBUSY;
	}
	mutex_unlock(&vdb.lock);
	return ret;
}

static int get_off(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%c\n", READ_ONCE(vdb.tripped) ? 'Y' : 'N');
}

static const struct kernel_param_ops off_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_off,
	.get = get_off,
};

module_param_cb(off, &off_ops, NULL, 0644);
MODULE_PARM_DESC(off, "1: back to stock at once, and stay so until 0 or `vdctl trip clear`");

/**
 * vdb_breaker_init - before any hook is armed
 *
 * Context: process; vdb.lock, the tuning and the netlink family are there.
 */
void vdb_breaker_init(void)
{
	mutex_lock(&vdb.lock);
	WRITE_ONCE(started, true);
	if (vdb.tripped) {
		atomic64_inc(&trips);
		trip.boottime_ns = ktime_get_boot_fast_ns();
		settle();
	}
	mutex_unlock(&vdb.lock);
}

/**
 * vdb_breaker_start - hooks are about to be armed: what was metered is history
 *
 * Context: process, under vdb.lock, no hook armed.
 */
void vdb_breaker_start(void)
{
	int cpu;

	for_each_possible_cpu(cpu) per_cpu(hook_time, cpu).word = 0;
}

/**
 * vdb_breaker_exit - no hook is armed any more, and none will be
 */
void vdb_breaker_exit(void)
{
	irq_work_sync(&kick);
	cancel_work_sync(&settle_work);
}
