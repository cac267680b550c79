// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events. They are hints to look: one that cannot be sent, for want of memory
 * or of a listener, is dropped, and listeners that lost one resync by a dump.
 */
#include <net/genetlink.h>

#include "message.h"

#define GROUP_EVENTS 0

/**
 * vdb_notify_vm - a VM came or went
 * @cmd: VM_NEW_NTF or VM_GONE_NTF
 * @vm: the VM
 *
 * Context: the worker that frees VMs; may sleep.
 */
void vdb_notify_vm(u8 cmd, const struct vdb_vm *vm)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *hdr = skb ? genlmsg_put(skb, 0, 0, &vdb_family, 0, cmd) : NULL;
	struct vdb_counters sum;

	vdb_stats_sum(vm, &sum);
	if (!hdr || vdb_put_vm(skb, vm, &sum)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&vdb_family, skb, 0, GROUP_EVENTS, GFP_KERNEL);
}

/**
 * vdb_notify_trip - the breaker has tripped, or was cleared
 *
 * Context: process, under vdb.lock.
 */
void vdb_notify_trip(void)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	void *hdr = NULL;

	if (skb)
		hdr = genlmsg_put(skb, 0, 0, &vdb_family, 0, VCPU_DEBOOST_CMD_TRIP_NTF);
	if (!hdr || vdb_put_info(skb)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&vdb_family, skb, 0, GROUP_EVENTS, GFP_KERNEL);
}

/**
 * vdb_notify_tuning - knobs have changed
 * @vm: of this VM, or NULL for the global set
 * @cause: enum vcpu_deboost_cause
 *
 * Context: process; under rcu_read_lock() if @vm is given.
 */
void vdb_notify_tuning(const struct vdb_vm *vm, u32 cause)
{
	const struct vdb_tuning *tuning = vm ? &vm->tuning : &vdb.tuning;
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	void *hdr = NULL;

	if (skb)
		hdr = genlmsg_put(skb, 0, 0, &vdb_family, 0, VCPU_DEBOOST_CMD_TUNING_NTF);
	if (!hdr || (vm && nla_put_u32(skb, VCPU_DEBOOST_A_VM_ID, vm->id)) ||
	    vdb_put_tuning(skb, tuning, vm ? vm->overrides : 0) ||
	    nla_put_u32(skb, VCPU_DEBOOST_A_CAUSE, cause)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&vdb_family, skb, 0, GROUP_EVENTS, GFP_ATOMIC);
}
