/* SPDX-License-Identifier: GPL-2.0-only */
/* One event for each decision: who, whom, why, how long it had waited. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vcpu_deboost

#if !defined(VDB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VDB_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(vcpu_deboost_pair,
	TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u16, sender)
		__field(u16, receiver)
		__field(u8, vector)
		__field(u64, age_ns)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->sender = sender;
		__entry->receiver = receiver;
		__entry->vector = vector;
		__entry->age_ns = age_ns;
	),
	TP_printk("vm=%u sender=%u receiver=%u vector=%#x age_ns=%llu", __entry->vm,
		  __entry->sender, __entry->receiver, __entry->vector, __entry->age_ns)
);

/* A vCPU sent an IPI to another, and may wait for it. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_record,
	TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns)
);

/* The receiver's EOI ended the pair. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_clear,
	TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns)
);

/* Active: the sender spins, and yields to the receiver. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_boost,
	TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns)
);

/* Observing: it would have. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_would_boost,
	TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns)
);

/* Active: the sender spins for a lock, and yields to the one it most likely waits for. */
TRACE_EVENT(vcpu_deboost_order,
	TP_PROTO(u32 vm, u16 spinner, u16 target, bool at_work, u64 spin_window_ns),
	TP_ARGS(vm, spinner, target, at_work, spin_window_ns),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u16, spinner)
		__field(u16, target)
		__field(bool, at_work)
		__field(u64, spin_window_ns)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->spinner = spinner;
		__entry->target = target;
		__entry->at_work = at_work;
		__entry->spin_window_ns = spin_window_ns;
	),
	TP_printk("vm=%u spinner=%u target=%u why=%s spin_window_ns=%llu", __entry->vm,
		  __entry->spinner, __entry->target, __entry->at_work ? "at-work" : "oldest",
		  __entry->spin_window_ns)
);

/* A vCPU was caught spinning: what it ran since the last time, against the learned window. */
TRACE_EVENT(vcpu_deboost_spin,
	TP_PROTO(u32 vm, u16 vcpu, u64 ran_since_ns, u64 spin_window_ns, u64 waits_ns),
	TP_ARGS(vm, vcpu, ran_since_ns, spin_window_ns, waits_ns),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u16, vcpu)
		__field(u64, ran_since_ns)
		__field(u64, spin_window_ns)
		__field(u64, waits_ns)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->ran_since_ns = ran_since_ns;
		__entry->spin_window_ns = spin_window_ns;
		__entry->waits_ns = waits_ns;
	),
	TP_printk("vm=%u vcpu=%u ran_since_ns=%llu spin_window_ns=%llu waits_ns=%llu", __entry->vm,
		  __entry->vcpu, __entry->ran_since_ns, __entry->spin_window_ns, __entry->waits_ns)
);

#endif /* VDB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
