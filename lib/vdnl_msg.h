/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The protocol of vcpu_deboost as plain structs, and the way between those
 * and bytes. No socket, no allocation, no logging.
 *
 * Every struct carries a mask @have: bit n says that attribute n (of the
 * enum of its nest) was in the message, or shall be put in. A field whose
 * bit is clear is 0 after decoding.
 *
 * Strings come from the kernel, but some of them (comm) from whoever started
 * the VMM: they are bounded and NUL-terminated here, not made printable. Use
 * vmname_sanitize() before showing one.
 */
#ifndef VD_LIB_VDNL_MSG_H
#define VD_LIB_VDNL_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vcpu_deboost.h>

/* The bit of attribute n in a @have or @overrides mask. */
#define VD_BIT(n) (UINT64_C(1) << (n))

/* Room for the texts of the module; longer ones are cut. */
#define VD_VERSION_SIZE 64
#define VD_REASON_SIZE	256
#define VD_NAME_SIZE	64
#define VD_SYMBOL_SIZE	128
#define VD_COMM_SIZE	32

/* Room for the attributes of any message this library builds. */
#define VD_MSG_MAX 4096

/**
 * struct vd_trip - why the breaker has stopped the module (VCPU_DEBOOST_INFO_A_TRIP)
 * @have: bits VCPU_DEBOOST_TRIP_A_*
 * @kind: enum vcpu_deboost_trip
 * @reason: a sentence; holds the comm of a VMM
 * @value: what was seen, in the unit of the budget
 * @budget: what was allowed
 * @boottime_ns: when, CLOCK_BOOTTIME
 */
struct vd_trip {
	uint64_t have;
	uint32_t kind;
	char reason[VD_REASON_SIZE];
	uint64_t value;
	uint64_t budget;
	uint64_t boottime_ns;
};

/**
 * struct vd_info - the module as a whole (VCPU_DEBOOST_A_INFO)
 * @have: bits VCPU_DEBOOST_INFO_A_*
 * @version: of the module
 * @abi: VCPU_DEBOOST_ABI of the module
 * @armed: 1 when the hooks are armed
 * @reason: why they are not, empty when they are
 * @nr_vms: VMs tracked now
 * @vms_seen: VMs since the module was loaded
 * @vms_refused: VMs that could not be tracked
 * @grace_ms: heartbeat grace in ms, 0 when nobody sends a heartbeat
 * @grace_left_ms: ms until the module falls back to observing
 * @fallbacks: heartbeats that stopped
 * @trips: of the breaker since the module was loaded
 * @trip: the one that has stopped the module; its kind is 0 without
 */
struct vd_info {
	uint64_t have;
	char version[VD_VERSION_SIZE];
	uint32_t abi;
	uint32_t armed;
	char reason[VD_REASON_SIZE];
	uint32_t nr_vms;
	uint64_t vms_seen;
	uint64_t vms_refused;
	uint32_t grace_ms;
	uint32_t grace_left_ms;
	uint64_t fallbacks;
	uint64_t trips;
	struct vd_trip trip;
};

/**
 * struct vd_hook - one row of the module's hook table (VCPU_DEBOOST_A_HOOK)
 * @have: bits VCPU_DEBOOST_HOOK_A_*
 * @name: of the row
 * @symbol: function or tracepoint it attaches to
 * @kind: enum vcpu_deboost_hook_kind
 * @required: 1 when the module arms nothing without it
 * @state: enum vcpu_deboost_hook_state
 * @reason: why it was refused, else empty
 */
struct vd_hook {
	uint64_t have;
	char name[VD_NAME_SIZE];
	char symbol[VD_SYMBOL_SIZE];
	uint32_t kind;
	uint32_t required;
	uint32_t state;
	char reason[VD_REASON_SIZE];
};

/**
 * struct vd_tuning - the knobs, global or of one VM (VCPU_DEBOOST_A_TUNING)
 * @have: bits VCPU_DEBOOST_TUNING_A_*; in a request, the knobs to change
 * @overrides: reply for a VM: bits of the knobs that are its own
 * @mode: enum vcpu_deboost_mode
 * @ipi_tracking: 0 or 1
 * @window_ns: VCPU_DEBOOST_WINDOW_MIN_NS..VCPU_DEBOOST_WINDOW_MAX_NS
 * @order: enum vcpu_deboost_order
 * @slots: 1..VCPU_DEBOOST_SLOTS_MAX
 * @eoi_clear: enum vcpu_deboost_eoi_clear
 * @relaxed_boost: 0 or 1
 * @chain: 0 or 1
 * @sched: enum vcpu_deboost_sched
 * @budget_hook_ns: VCPU_DEBOOST_BUDGET_HOOK_MIN_NS..MAX_NS, of each CPU's second
 * @budget_boosts: 1..VCPU_DEBOOST_BUDGET_BOOSTS_MAX, yields of a VM in a second
 * @budget_failed: 1..100, percent of those that may fail
 * @budget_wait_ns: VCPU_DEBOOST_BUDGET_WAIT_MIN_NS..MAX_NS
 *
 * The budgets are the host's; a VM has none of its own.
 */
struct vd_tuning {
	uint64_t have;
	uint32_t overrides;
	uint32_t mode;
	uint32_t ipi_tracking;
	uint64_t window_ns;
	uint32_t order;
	uint32_t slots;
	uint32_t eoi_clear;
	uint32_t relaxed_boost;
	uint32_t chain;
	uint32_t sched;
	uint64_t budget_hook_ns;
	uint32_t budget_boosts;
	uint32_t budget_failed;
	uint64_t budget_wait_ns;
};

/**
 * struct vd_vm - who a VM is (VCPU_DEBOOST_A_VM)
 * @have: bits VCPU_DEBOOST_VM_A_*
 * @id: handed out by the module, never reused while it is loaded
 * @tgid: the VMM's process
 * @nr_vcpus: vCPUs seen
 * @start_boottime_ns: start of that process, ns since boot
 * @comm: of that process; chosen by whoever started it
 * @visibility: enum vcpu_deboost_visibility
 * @visibility_reason: why it is not full, if it is not
 */
struct vd_vm {
	uint64_t have;
	uint32_t id;
	uint32_t tgid;
	uint32_t nr_vcpus;
	uint64_t start_boottime_ns;
	char comm[VD_COMM_SIZE];
	uint32_t visibility;
	char visibility_reason[VD_REASON_SIZE];
};

/**
 * struct vd_stats - counters of one VM since it was first seen
 * (VCPU_DEBOOST_A_STATS); lib/counter.h says what each one means
 * @have: bits VCPU_DEBOOST_STATS_A_*
 * @answer_ns: sum over @answer_hist, in ns
 * @answer_hist: bucket i counts answers of 2^i <= ns < 2^(i+1)
 * @run_ns: sum over @run_hist, in ns
 * @run_hist: bucket i counts times from a yield to its target's run
 * @spin_window_ns: learned: time on a CPU until a spin is caught
 */
struct vd_stats {
	uint64_t have;
	uint64_t ipis;
	uint64_t ipis_shorthand;
	uint64_t ipis_multicast;
	uint64_t ipis_pv;
	uint64_t ipis_hyperv;
	uint64_t ipis_avic;
	uint64_t ipis_self;
	uint64_t ipis_other;
	uint64_t recorded;
	uint64_t cleared;
	uint64_t overwritten;
	uint64_t unrecorded;
	uint64_t expired;
	uint64_t forgotten;
	uint64_t eois;
	uint64_t spin_exits;
	uint64_t receiver_found;
	uint64_t receiver_running;
	uint64_t receiver_blocked;
	uint64_t would_boost;
	uint64_t boosted;
	uint64_t boosted_chain;
	uint64_t would_order;
	uint64_t boosted_pending;
	uint64_t boosted_in_kernel;
	uint64_t boosted_relaxed;
	uint64_t boosted_at_work;
	uint64_t boosted_oldest;
	uint64_t redundant;
	uint64_t fell_through;
	uint64_t ran;
	uint64_t failed;
	uint64_t stock_same;
	uint64_t stock_other;
	uint64_t stock_none;
	uint64_t answer_ns;
	uint64_t run_ns;
	uint64_t answer_hist[VCPU_DEBOOST_HIST_BUCKETS];
	uint64_t run_hist[VCPU_DEBOOST_HIST_BUCKETS];
	uint64_t spin_window_ns;
};

/**
 * struct vd_msg - the attributes of one message, whichever it carries
 * @have: bits VCPU_DEBOOST_A_*
 * @vm_id: VM the message is about; without it, about the host
 * @grace_ms: heartbeat grace, ms, 0..VCPU_DEBOOST_GRACE_MAX_MS
 * @cause: enum vcpu_deboost_cause
 */
struct vd_msg {
	uint64_t have;
	uint32_t vm_id;
	uint32_t grace_ms;
	uint32_t cause;
	struct vd_info info;
	struct vd_hook hook;
	struct vd_tuning tuning;
	struct vd_vm vm;
	struct vd_stats stats;
};

/**
 * vd_msg_decode() - attribute bytes to structs
 * @bytes: what follows the genlmsghdr, any alignment
 * @len: bytes at @bytes
 * @ret_msg: the message; untouched on failure
 *
 * Attributes it does not know are passed over, so an older tool reads a newer
 * module; for the same reason numbers are not checked against their enum. A
 * known attribute of a wrong size, or one that reaches beyond the end, makes
 * the whole message bad. Of an attribute given twice the last one counts.
 *
 * Return: 0, or -EBADMSG.
 */
int vd_msg_decode(const void *bytes, size_t len, struct vd_msg *ret_msg);

/**
 * vd_msg_encode() - structs to attribute bytes
 * @msg: what @have names is written, in the order of the attribute numbers
 * @buf: any alignment; VD_MSG_MAX bytes always suffice
 * @size: bytes at @buf
 *
 * Return: bytes written, or -EMSGSIZE.
 */
int vd_msg_encode(const struct vd_msg *msg, void *buf, size_t size);

/*
 * Names of the numbers in a message, for people: "observe", "tracepoint",
 * "refused", "heartbeat", "boost_rate". Never NULL; "unknown" for a number from a newer ABI.
 */
const char *vd_mode_name(uint32_t mode);
const char *vd_hook_kind_name(uint32_t kind);
const char *vd_hook_state_name(uint32_t state);
const char *vd_cause_name(uint32_t cause);
const char *vd_visibility_name(uint32_t visibility);
const char *vd_trip_name(uint32_t kind);

#endif /* VD_LIB_VDNL_MSG_H */
