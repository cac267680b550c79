// SPDX-License-Identifier: GPL-2.0-only
/* All return 0, or -EMSGSIZE if the message is full; then it is left as it was. */
#include <net/netlink.h>

#include "breaker.h"
#include "message.h"

static int end(struct sk_buff *skb, struct nlattr *nest, int failed)
{
	if (failed) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

#define PUT64(skb, space, name, value) \
	nla_put_u64_64bit(skb, VCPU_DEBOOST_##space##_A_##name, value, VCPU_DEBOOST_##space##_A_PAD)
#define PUT32(skb, space, name, value) nla_put_u32(skb, VCPU_DEBOOST_##space##_A_##name, value)
#define PUTS(skb, space, name, value)  nla_put_string(skb, VCPU_DEBOOST_##space##_A_##name, value)

/**
 * vdb_put_info - the module's state
 * @skb: message
 *
 * Context: under vdb.lock.
 */
int vdb_put_info(struct sk_buff *skb)
{
	struct nlattr *nest = nla_nest_start(skb, VCPU_DEBOOST_A_INFO);
	const char *reason = vdb_breaker_reason() ?: vdb.reason;
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = PUTS(skb, INFO, VERSION, VDB_VERSION) || PUT32(skb, INFO, ABI, VCPU_DEBOOST_ABI) ||
		 PUT32(skb, INFO, ARMED, vdb.armed) ||
		 (reason && PUTS(skb, INFO, REASON, reason)) ||
		 PUT32(skb, INFO, NR_VMS, READ_ONCE(vdb.nr_vms)) ||
		 PUT64(skb, INFO, VMS_SEEN, atomic64_read(&vdb.vms_seen)) ||
		 PUT64(skb, INFO, VMS_REFUSED, atomic64_read(&vdb.vms_refused)) ||
		 PUT32(skb, INFO, GRACE_MS, vdb.grace_ms) ||
		 PUT32(skb, INFO, GRACE_LEFT_MS, vdb_heartbeat_left_ms()) ||
		 PUT64(skb, INFO, FALLBACKS, vdb.fallbacks) || vdb_breaker_put(skb);
	return end(skb, nest, failed);
}

/**
 * vdb_put_hook - a row of the hook table
 * @skb: message
 * @hook: row
 *
 * Context: under vdb.lock.
 */
int vdb_put_hook(struct sk_buff *skb, const struct vdb_hook *hook)
{
	struct nlattr *nest = nla_nest_start(skb, VCPU_DEBOOST_A_HOOK);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = PUTS(skb, HOOK, NAME, hook->name) || PUTS(skb, HOOK, SYMBOL, hook->symbol) ||
		 PUT32(skb, HOOK, KIND, hook->kind) || PUT32(skb, HOOK, REQUIRED, hook->required) ||
		 PUT32(skb, HOOK, STATE, hook->state) ||
		 (hook->state == VCPU_DEBOOST_HOOK_STATE_REFUSED &&
		  PUTS(skb, HOOK, REASON, hook->reason));
	return end(skb, nest, failed);
}

/**
 * vdb_put_tuning - a set of knobs
 * @skb: message
 * @tuning: effective values
 * @overrides: those that are the VM's own, 0 for the global set
 */
int vdb_put_tuning(struct sk_buff *skb, const struct vdb_tuning *tuning, u32 overrides)
{
	struct nlattr *nest = nla_nest_start(skb, VCPU_DEBOOST_A_TUNING);
	int failed;

	if (!nest)
		return -EMSGSIZE;
	failed = PUT32(skb, TUNING, OVERRIDES, overrides) || vdb_tuning_put(skb, tuning);
	return end(skb, nest, failed);
}

/**
 * vdb_put_vm - who a VM is
 * @skb: message
 * @vm: the VM
 * @sum: its counters
 *
 * Context: rcu_read_lock(), or the worker that frees VMs.
 */
int vdb_put_vm(struct sk_buff *skb, const struct vdb_vm *vm, const struct vdb_counters *sum)
{
	struct nlattr *nest = nla_nest_start(skb, VCPU_DEBOOST_A_VM);
	const char *reason;
	int failed;
	u32 sight;

	if (!nest)
		return -EMSGSIZE;
	rcu_read_lock();
	sight = vdb_sight(vm, sum, &reason);
	rcu_read_unlock();
	failed = PUT32(skb, VM, ID, vm->id) || PUT32(skb, VM, TGID, vm->tgid) ||
		 PUT64(skb, VM, START_BOOTTIME_NS, vm->start_boottime_ns) ||
		 PUT32(skb, VM, NR_VCPUS, READ_ONCE(vm->nr_vcpus)) ||
		 PUTS(skb, VM, COMM, vm->comm) || PUT32(skb, VM, VISIBILITY, sight) ||
		 (reason && PUTS(skb, VM, VISIBILITY_REASON, reason));
	return end(skb, nest, failed);
}

/**
 * vdb_put_stats - a VM's counters
 * @skb: message
 * @vm: the VM
 * @sum: its counters
 *
 * Context: rcu_read_lock().
 */
int vdb_put_stats(struct sk_buff *skb, const struct vdb_vm *vm, const struct vdb_counters *sum)
{
	struct nlattr *nest = nla_nest_start(skb, VCPU_DEBOOST_A_STATS);
	int failed = 0;
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < VDB_NR_COUNTERS && !failed; i++)
		failed = nla_put_u64_64bit(skb, VDB_C_FIRST + i, sum->count[i],
					   VCPU_DEBOOST_STATS_A_PAD);
	failed = failed ||
		 nla_put(skb, VCPU_DEBOOST_STATS_A_ANSWER_HIST, sizeof(sum->answer), sum->answer) ||
		 nla_put(skb, VCPU_DEBOOST_STATS_A_RUN_HIST, sizeof(sum->run), sum->run) ||
		 PUT64(skb, STATS, SPIN_WINDOW_NS, READ_ONCE(vm->spin_window_ns));
	return end(skb, nest, failed);
}
