/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink protocol of the vcpu_deboost module.
 *
 * docs/netlink/vcpu_deboost.yaml is the same protocol in the kernel's
 * netlink-spec format; tests/unit/test_protocol.py proves that the two agree
 * and tests/lab/netlink.sh that the running kernel's policy does too.
 *
 * Conventions:
 *
 *  - Every time is in nanoseconds unless its name ends otherwise.
 *  - Every request is validated strictly: an attribute that the command does
 *    not know, or a value out of range, is refused with an extack message.
 *  - Setters (TUNING_SET, TUNING_RESET, HEARTBEAT, TRIP_CLEAR) need CAP_NET_ADMIN
 *    and CAP_SYS_ADMIN in the initial user namespace. Getters need nothing.
 *    Joining the "events" group needs CAP_NET_ADMIN.
 *  - The family exists in the initial network namespace only.
 *  - A VM is named by an id that the module hands out and never uses twice
 *    while it is loaded.
 */
#ifndef _UAPI_LINUX_VCPU_DEBOOST_H
#define _UAPI_LINUX_VCPU_DEBOOST_H

#define VCPU_DEBOOST_FAMILY_NAME	"vcpu_deboost"
#define VCPU_DEBOOST_FAMILY_VERSION	1
#define VCPU_DEBOOST_MCGRP_EVENTS	"events"

/* Raised when an existing attribute changes its meaning; new ones do not. */
#define VCPU_DEBOOST_ABI		1

/* Range and default of the recency window. */
#define VCPU_DEBOOST_WINDOW_MIN_NS	100000ULL	/* 100 us */
#define VCPU_DEBOOST_WINDOW_MAX_NS	1000000000ULL	/* 1 s */
#define VCPU_DEBOOST_WINDOW_DEFAULT_NS	50000000ULL	/* 50 ms, as the series */

/* Receivers that a sender is remembered to wait for, at most. */
#define VCPU_DEBOOST_SLOTS_MAX		8U

/*
 * Ranges and defaults of the breaker's budgets. The largest of the hook time and of
 * the share of failed yields cannot be overdrawn: that budget is off then.
 */
#define VCPU_DEBOOST_BUDGET_HOOK_MIN_NS		1000ULL		/* 1 us of each second */
#define VCPU_DEBOOST_BUDGET_HOOK_MAX_NS		1000000000ULL	/* 1 s */
#define VCPU_DEBOOST_BUDGET_HOOK_DEFAULT_NS	250000000ULL	/* 250 ms */
#define VCPU_DEBOOST_BUDGET_BOOSTS_MAX		4000000000U
#define VCPU_DEBOOST_BUDGET_BOOSTS_DEFAULT	1000000U
#define VCPU_DEBOOST_BUDGET_FAILED_MAX		100U
#define VCPU_DEBOOST_BUDGET_FAILED_DEFAULT	100U
#define VCPU_DEBOOST_BUDGET_WAIT_MIN_NS		200000000ULL	/* 200 ms */
#define VCPU_DEBOOST_BUDGET_WAIT_MAX_NS		3600000000000ULL /* 1 h */
#define VCPU_DEBOOST_BUDGET_WAIT_DEFAULT_NS	5000000000ULL	/* 5 s */

/* Range of the heartbeat grace; 0 ends the heartbeat. */
#define VCPU_DEBOOST_GRACE_MAX_MS	3600000U	/* 1 h */

/*
 * Histograms: bucket i counts values v with 2^i <= v < 2^(i+1) ns. Bucket 0
 * also counts 0, the last bucket everything above.
 */
#define VCPU_DEBOOST_HIST_BUCKETS	32

enum vcpu_deboost_mode {
	VCPU_DEBOOST_MODE_OFF,		/* no hook is armed (global) */
	VCPU_DEBOOST_MODE_OBSERVE,	/* count, and say what would be done */
	VCPU_DEBOOST_MODE_ACTIVE,	/* act */
	__VCPU_DEBOOST_MODE_MAX
};
#define VCPU_DEBOOST_MODE_MAX (__VCPU_DEBOOST_MODE_MAX - 1)

/* Whom a vCPU yields to that spins and waits for no IPI, thus for a lock. */
enum vcpu_deboost_order {
	VCPU_DEBOOST_ORDER_STOCK,	/* KVM's own round robin */
	VCPU_DEBOOST_ORDER_TIERS,	/* interrupt pending, in kernel, anybody */
	VCPU_DEBOOST_ORDER_AGE,		/* preempted at work, then longest waiting */
	__VCPU_DEBOOST_ORDER_MAX
};
#define VCPU_DEBOOST_ORDER_MAX (__VCPU_DEBOOST_ORDER_MAX - 1)

/* Which pairs an EOI ends. */
enum vcpu_deboost_eoi_clear {
	VCPU_DEBOOST_EOI_CLEAR_VECTOR,	/* those with this receiver and vector */
	VCPU_DEBOOST_EOI_CLEAR_SERIES,	/* as the series' v1: any vector, and own */
	__VCPU_DEBOOST_EOI_CLEAR_MAX
};
#define VCPU_DEBOOST_EOI_CLEAR_MAX (__VCPU_DEBOOST_EOI_CLEAR_MAX - 1)

/* How the scheduler is made to run the vCPU that was chosen. */
enum vcpu_deboost_sched {
	VCPU_DEBOOST_SCHED_NONE,	/* as KVM's own yield does */
	VCPU_DEBOOST_SCHED_LOAN,	/* lend it lag until it has answered */
	VCPU_DEBOOST_SCHED_PENALTY,	/* the series: the one that yields is moved back */
	VCPU_DEBOOST_SCHED_PENALTY_SERIES, /* the same, to the letter */
	VCPU_DEBOOST_SCHED_CREDIT,	/* the series' v3: it is given lag */
	VCPU_DEBOOST_SCHED_TRANSFER,	/* it is given lag, the one that yields pays */
	__VCPU_DEBOOST_SCHED_MAX
};
#define VCPU_DEBOOST_SCHED_MAX (__VCPU_DEBOOST_SCHED_MAX - 1)

/* How much of a VM's waiting the module can see. */
enum vcpu_deboost_visibility {
	VCPU_DEBOOST_VISIBILITY_NONE,
	VCPU_DEBOOST_VISIBILITY_PARTIAL,
	VCPU_DEBOOST_VISIBILITY_FULL,
	__VCPU_DEBOOST_VISIBILITY_MAX
};
#define VCPU_DEBOOST_VISIBILITY_MAX (__VCPU_DEBOOST_VISIBILITY_MAX - 1)

enum vcpu_deboost_hook_kind {
	VCPU_DEBOOST_HOOK_KIND_TRACEPOINT,
	VCPU_DEBOOST_HOOK_KIND_FTRACE,		/* function entry */
	VCPU_DEBOOST_HOOK_KIND_REDIRECT,	/* function entry, may redirect */
};

enum vcpu_deboost_hook_state {
	VCPU_DEBOOST_HOOK_STATE_IDLE,		/* resolved, not armed */
	VCPU_DEBOOST_HOOK_STATE_ARMED,
	VCPU_DEBOOST_HOOK_STATE_REFUSED,	/* see HOOK_A_REASON */
};

/* Why a tuning change event was sent. */
enum vcpu_deboost_cause {
	VCPU_DEBOOST_CAUSE_REQUEST,	/* somebody asked over netlink */
	VCPU_DEBOOST_CAUSE_HEARTBEAT,	/* the heartbeat stopped: observing */
	VCPU_DEBOOST_CAUSE_TRIP,	/* the breaker has tripped: off */
};

/* Why the breaker has tripped. */
enum vcpu_deboost_trip {
	VCPU_DEBOOST_TRIP_NONE,
	VCPU_DEBOOST_TRIP_HOOK_TIME,	/* BUDGET_HOOK_NS */
	VCPU_DEBOOST_TRIP_BOOST_RATE,	/* BUDGET_BOOSTS */
	VCPU_DEBOOST_TRIP_FAILED_YIELDS, /* BUDGET_FAILED */
	VCPU_DEBOOST_TRIP_STARVATION,	/* BUDGET_WAIT_NS */
	VCPU_DEBOOST_TRIP_INCONSISTENCY, /* what must not be was seen */
	VCPU_DEBOOST_TRIP_SWITCH,	/* the module's parameter "off" */
	__VCPU_DEBOOST_TRIP_MAX
};
#define VCPU_DEBOOST_TRIP_MAX (__VCPU_DEBOOST_TRIP_MAX - 1)

enum vcpu_deboost_cmd {
	VCPU_DEBOOST_CMD_UNSPEC,
	VCPU_DEBOOST_CMD_INFO_GET,	/* do */
	VCPU_DEBOOST_CMD_HOOK_GET,	/* dump */
	VCPU_DEBOOST_CMD_TUNING_GET,	/* do: global, or of VM_ID */
	VCPU_DEBOOST_CMD_TUNING_SET,	/* do: global, or of VM_ID */
	VCPU_DEBOOST_CMD_TUNING_RESET,	/* do: drop overrides of VM_ID */
	VCPU_DEBOOST_CMD_VM_GET,	/* do: VM_ID; dump: all */
	VCPU_DEBOOST_CMD_STATS_GET,	/* do: VM_ID; dump: all */
	VCPU_DEBOOST_CMD_HEARTBEAT,	/* do */
	VCPU_DEBOOST_CMD_VM_NEW_NTF,
	VCPU_DEBOOST_CMD_VM_GONE_NTF,
	VCPU_DEBOOST_CMD_TUNING_NTF,
	VCPU_DEBOOST_CMD_TRIP_CLEAR,	/* do: the breaker, after it has tripped */
	VCPU_DEBOOST_CMD_TRIP_NTF,
	__VCPU_DEBOOST_CMD_MAX
};
#define VCPU_DEBOOST_CMD_MAX (__VCPU_DEBOOST_CMD_MAX - 1)

/* Top level attributes of every message. */
enum vcpu_deboost_attr {
	VCPU_DEBOOST_A_UNSPEC,
	VCPU_DEBOOST_A_PAD,
	VCPU_DEBOOST_A_VM_ID,		/* u32 */
	VCPU_DEBOOST_A_INFO,		/* nest, VCPU_DEBOOST_INFO_A_* */
	VCPU_DEBOOST_A_HOOK,		/* nest, VCPU_DEBOOST_HOOK_A_* */
	VCPU_DEBOOST_A_TUNING,		/* nest, VCPU_DEBOOST_TUNING_A_* */
	VCPU_DEBOOST_A_VM,		/* nest, VCPU_DEBOOST_VM_A_* */
	VCPU_DEBOOST_A_STATS,		/* nest, VCPU_DEBOOST_STATS_A_* */
	VCPU_DEBOOST_A_GRACE_MS,	/* u32, HEARTBEAT: 0 ends it */
	VCPU_DEBOOST_A_CAUSE,		/* u32, enum vcpu_deboost_cause */
	__VCPU_DEBOOST_A_MAX
};
#define VCPU_DEBOOST_A_MAX (__VCPU_DEBOOST_A_MAX - 1)

enum vcpu_deboost_info_attr {
	VCPU_DEBOOST_INFO_A_UNSPEC,
	VCPU_DEBOOST_INFO_A_PAD,
	VCPU_DEBOOST_INFO_A_VERSION,		/* string, of the module */
	VCPU_DEBOOST_INFO_A_ABI,		/* u32 */
	VCPU_DEBOOST_INFO_A_ARMED,		/* u32, 1: hooks are armed */
	VCPU_DEBOOST_INFO_A_REASON,		/* string, why not, if not */
	VCPU_DEBOOST_INFO_A_NR_VMS,		/* u32, VMs tracked now */
	VCPU_DEBOOST_INFO_A_VMS_SEEN,		/* u64, since load */
	VCPU_DEBOOST_INFO_A_VMS_REFUSED,	/* u64, could not be tracked */
	VCPU_DEBOOST_INFO_A_GRACE_MS,		/* u32, 0: no heartbeat */
	VCPU_DEBOOST_INFO_A_GRACE_LEFT_MS,	/* u32 */
	VCPU_DEBOOST_INFO_A_FALLBACKS,		/* u64, heartbeats that stopped */
	VCPU_DEBOOST_INFO_A_TRIPS,		/* u64, of the breaker since load */
	VCPU_DEBOOST_INFO_A_TRIP,		/* nest, VCPU_DEBOOST_TRIP_A_* */
	__VCPU_DEBOOST_INFO_A_MAX
};
#define VCPU_DEBOOST_INFO_A_MAX (__VCPU_DEBOOST_INFO_A_MAX - 1)

/*
 * The trip that has stopped the module; only until TRIP_CLEAR. Till then no hook is
 * armed, the mode is OFF, and any other is refused.
 */
enum vcpu_deboost_trip_attr {
	VCPU_DEBOOST_TRIP_A_UNSPEC,
	VCPU_DEBOOST_TRIP_A_PAD,
	VCPU_DEBOOST_TRIP_A_KIND,	/* u32, enum vcpu_deboost_trip */
	VCPU_DEBOOST_TRIP_A_REASON,	/* string, a sentence */
	VCPU_DEBOOST_TRIP_A_VALUE,	/* u64, what was seen, as the budget */
	VCPU_DEBOOST_TRIP_A_BUDGET,	/* u64, what was allowed */
	VCPU_DEBOOST_TRIP_A_BOOTTIME_NS, /* u64, when, CLOCK_BOOTTIME */
	__VCPU_DEBOOST_TRIP_A_MAX
};
#define VCPU_DEBOOST_TRIP_A_MAX (__VCPU_DEBOOST_TRIP_A_MAX - 1)

enum vcpu_deboost_hook_attr {
	VCPU_DEBOOST_HOOK_A_UNSPEC,
	VCPU_DEBOOST_HOOK_A_NAME,	/* string */
	VCPU_DEBOOST_HOOK_A_SYMBOL,	/* string, function or tracepoint */
	VCPU_DEBOOST_HOOK_A_KIND,	/* u32, enum vcpu_deboost_hook_kind */
	VCPU_DEBOOST_HOOK_A_REQUIRED,	/* u32, 1: all or nothing */
	VCPU_DEBOOST_HOOK_A_STATE,	/* u32, enum vcpu_deboost_hook_state */
	VCPU_DEBOOST_HOOK_A_REASON,	/* string, only when refused */
	__VCPU_DEBOOST_HOOK_A_MAX
};
#define VCPU_DEBOOST_HOOK_A_MAX (__VCPU_DEBOOST_HOOK_A_MAX - 1)

/*
 * The knobs. In a TUNING_SET only those given change. In a reply for a VM
 * every knob carries its effective value, and bit n of OVERRIDES says that
 * attribute n is the VM's own and not the global one.
 *
 * A global mode of OFF disarms every hook and forgets every VM with its
 * overrides, whatever these say.
 *
 * The budgets are the host's and no VM's. One that is overdrawn trips the
 * breaker, see VCPU_DEBOOST_TRIP_A_*.
 */
enum vcpu_deboost_tuning_attr {
	VCPU_DEBOOST_TUNING_A_UNSPEC,
	VCPU_DEBOOST_TUNING_A_PAD,
	VCPU_DEBOOST_TUNING_A_OVERRIDES,	/* u32, reply only */
	VCPU_DEBOOST_TUNING_A_MODE,		/* u32, enum vcpu_deboost_mode */
	VCPU_DEBOOST_TUNING_A_IPI_TRACKING,	/* u32, 0 or 1 */
	VCPU_DEBOOST_TUNING_A_WINDOW_NS,	/* u64, WINDOW_MIN..MAX_NS */
	VCPU_DEBOOST_TUNING_A_ORDER,		/* u32, enum vcpu_deboost_order */
	VCPU_DEBOOST_TUNING_A_SLOTS,		/* u32, 1..SLOTS_MAX */
	VCPU_DEBOOST_TUNING_A_EOI_CLEAR,	/* u32, enum vcpu_deboost_eoi_clear */
	VCPU_DEBOOST_TUNING_A_RELAXED_BOOST,	/* u32, 0 or 1 */
	VCPU_DEBOOST_TUNING_A_CHAIN,		/* u32, 0 or 1 */
	VCPU_DEBOOST_TUNING_A_SCHED,		/* u32, enum vcpu_deboost_sched */
	VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS,	/* u64, in hooks, of each CPU's second */
	VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS,	/* u32, yields of a VM in a second */
	VCPU_DEBOOST_TUNING_A_BUDGET_FAILED,	/* u32, percent of those that may fail */
	VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS,	/* u64, of a vCPU beside boosted ones */
	__VCPU_DEBOOST_TUNING_A_MAX
};
#define VCPU_DEBOOST_TUNING_A_MAX (__VCPU_DEBOOST_TUNING_A_MAX - 1)

enum vcpu_deboost_vm_attr {
	VCPU_DEBOOST_VM_A_UNSPEC,
	VCPU_DEBOOST_VM_A_PAD,
	VCPU_DEBOOST_VM_A_ID,			/* u32 */
	VCPU_DEBOOST_VM_A_TGID,			/* u32, the VMM's process */
	VCPU_DEBOOST_VM_A_START_BOOTTIME_NS,	/* u64, of that process */
	VCPU_DEBOOST_VM_A_NR_VCPUS,		/* u32 */
	VCPU_DEBOOST_VM_A_COMM,			/* string, of that process */
	VCPU_DEBOOST_VM_A_VISIBILITY,		/* u32, enum vcpu_deboost_visibility */
	VCPU_DEBOOST_VM_A_VISIBILITY_REASON,	/* string, why not full, if not */
	__VCPU_DEBOOST_VM_A_MAX
};
#define VCPU_DEBOOST_VM_A_MAX (__VCPU_DEBOOST_VM_A_MAX - 1)

/* Counters since the VM was first seen, all u64 but the histograms. */
enum vcpu_deboost_stats_attr {
	VCPU_DEBOOST_STATS_A_UNSPEC,
	VCPU_DEBOOST_STATS_A_PAD,
	VCPU_DEBOOST_STATS_A_IPIS,		/* commands to send an IPI, by any way */
	VCPU_DEBOOST_STATS_A_IPIS_SHORTHAND,	/* ... to all, or to all but oneself */
	VCPU_DEBOOST_STATS_A_IPIS_MULTICAST,	/* ... to more than one, by destination */
	VCPU_DEBOOST_STATS_A_IPIS_PV,		/* ... by KVM's hypercall */
	VCPU_DEBOOST_STATS_A_IPIS_HYPERV,	/* ... by Hyper-V's hypercalls */
	VCPU_DEBOOST_STATS_A_IPIS_AVIC,		/* ... that AVIC left to KVM */
	VCPU_DEBOOST_STATS_A_IPIS_SELF,		/* ... to oneself */
	VCPU_DEBOOST_STATS_A_IPIS_OTHER,	/* ... INIT, SIPI, NMI, lowest priority */
	VCPU_DEBOOST_STATS_A_RECORDED,		/* pairs sender-receiver */
	VCPU_DEBOOST_STATS_A_CLEARED,		/* pairs ended by a matching EOI */
	VCPU_DEBOOST_STATS_A_OVERWRITTEN,	/* pairs pushed out or renewed */
	VCPU_DEBOOST_STATS_A_UNRECORDED,	/* receivers beyond the set of one send */
	VCPU_DEBOOST_STATS_A_EXPIRED,		/* pairs found out of the window */
	VCPU_DEBOOST_STATS_A_FORGOTTEN,		/* pairs dropped by a reset or a change */
	VCPU_DEBOOST_STATS_A_EOIS,		/* EOIs seen */
	VCPU_DEBOOST_STATS_A_SPIN_EXITS,	/* calls of kvm_vcpu_on_spin() */
	VCPU_DEBOOST_STATS_A_RECEIVER_FOUND,	/* ... with a pair in the window */
	VCPU_DEBOOST_STATS_A_RECEIVER_RUNNING,	/* ... but every one runs */
	VCPU_DEBOOST_STATS_A_RECEIVER_BLOCKED,	/* ... but none can be run */
	VCPU_DEBOOST_STATS_A_WOULD_BOOST,	/* observe: a receiver was ready */
	VCPU_DEBOOST_STATS_A_BOOSTED,		/* active: yielded to a receiver */
	VCPU_DEBOOST_STATS_A_BOOSTED_CHAIN,	/* active: ... to whom the receiver waits for */
	VCPU_DEBOOST_STATS_A_WOULD_ORDER,	/* observe: chosen by the order */
	VCPU_DEBOOST_STATS_A_BOOSTED_PENDING,	/* active: to one with one pending */
	VCPU_DEBOOST_STATS_A_BOOSTED_IN_KERNEL,	/* active: to one preempted in its kernel */
	VCPU_DEBOOST_STATS_A_BOOSTED_RELAXED,	/* active: to one preempted anywhere */
	VCPU_DEBOOST_STATS_A_BOOSTED_AT_WORK,	/* active: to one preempted at work */
	VCPU_DEBOOST_STATS_A_BOOSTED_OLDEST,	/* active: to the longest waiting */
	VCPU_DEBOOST_STATS_A_REDUNDANT,		/* active: about to run anyway */
	VCPU_DEBOOST_STATS_A_FELL_THROUGH,	/* left to KVM's own selection */
	VCPU_DEBOOST_STATS_A_RAN,		/* yields whose target ran */
	VCPU_DEBOOST_STATS_A_FAILED,		/* ... whose yielder spun again before */
	VCPU_DEBOOST_STATS_A_STOCK_SAME,	/* observe: KVM chose the same vCPU */
	VCPU_DEBOOST_STATS_A_STOCK_OTHER,	/* observe: KVM chose another */
	VCPU_DEBOOST_STATS_A_STOCK_NONE,	/* observe: KVM chose nobody */
	VCPU_DEBOOST_STATS_A_ANSWER_NS,		/* sum over ANSWER_HIST */
	VCPU_DEBOOST_STATS_A_RUN_NS,		/* sum over RUN_HIST */
	VCPU_DEBOOST_STATS_A_ANSWER_HIST,	/* binary, from an IPI to its EOI */
	VCPU_DEBOOST_STATS_A_RUN_HIST,		/* binary, yield to run */
	VCPU_DEBOOST_STATS_A_SPIN_WINDOW_NS,	/* learned time to catch a spin */
	__VCPU_DEBOOST_STATS_A_MAX
};
#define VCPU_DEBOOST_STATS_A_MAX (__VCPU_DEBOOST_STATS_A_MAX - 1)

#endif /* _UAPI_LINUX_VCPU_DEBOOST_H */
