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

#endif /* VDB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
