/* SPDX-License-Identifier: GPL-2.0-only */
/* One event for each decision: who, whom, why, how long it had waited. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vcpu_deboost

#if !defined(VDB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VDB_TRACE_H

#include <linux/tracepoint.h>
#include <linux/vcpu_deboost.h>

#ifndef VDB_ACT
#define VDB_ACT
/* What is done about a choice. */
enum vdb_act {
	VDB_ACT_YIELD,
	VDB_ACT_SPIN_ON, /* the target is about to run anyway */
	VDB_ACT_WOULD, /* observing */
};

/* What became of a loan. */
enum vdb_loan_act {
	VDB_LOAN_LENT,
	VDB_LOAN_PAID,
	VDB_LOAN_REFUSED, /* vtime is the error */
	VDB_LOAN_WRITTEN_OFF, /* by a group that the borrower has left */
};
#endif

DECLARE_EVENT_CLASS(
	vcpu_deboost_pair, TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	TP_ARGS(vm, sender, receiver, vector, age_ns),
	TP_STRUCT__entry(__field(u32, vm) __field(u16, sender) __field(u16, receiver)
				 __field(u8, vector) __field(u64, age_ns)),
	TP_fast_assign(__entry->vm = vm; __entry->sender = sender; __entry->receiver = receiver;
		       __entry->vector = vector; __entry->age_ns = age_ns;),
	TP_printk("vm=%u sender=%u receiver=%u vector=%#x age_ns=%llu", __entry->vm,
		  __entry->sender, __entry->receiver, __entry->vector, __entry->age_ns));

/* A vCPU sent an IPI to another, and may wait for it. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_record,
	     TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	     TP_ARGS(vm, sender, receiver, vector, age_ns));

/* The receiver's EOI ended the pair. */
DEFINE_EVENT(vcpu_deboost_pair, vcpu_deboost_clear,
	     TP_PROTO(u32 vm, u16 sender, u16 receiver, u8 vector, u64 age_ns),
	     TP_ARGS(vm, sender, receiver, vector, age_ns));

/* A vCPU spins: whom it yields to, why, or what was done instead. */
TRACE_EVENT(vcpu_deboost_choose,
	    TP_PROTO(u32 vm, u16 spinner, u16 target, u32 why, u32 act, u8 vector, u64 waited_ns),
	    TP_ARGS(vm, spinner, target, why, act, vector, waited_ns),
	    TP_STRUCT__entry(__field(u32, vm) __field(u16, spinner) __field(u16, target)
				     __field(u32, why) __field(u32, act) __field(u8, vector)
					     __field(u64, waited_ns)),
	    TP_fast_assign(__entry->vm = vm; __entry->spinner = spinner; __entry->target = target;
			   __entry->why = why; __entry->act = act; __entry->vector = vector;
			   __entry->waited_ns = waited_ns;),
	    TP_printk("vm=%u spinner=%u target=%u why=%s act=%s vector=%#x waited_ns=%llu",
		      __entry->vm, __entry->spinner, __entry->target,
		      __print_symbolic(__entry->why, { VCPU_DEBOOST_STATS_A_BOOSTED, "receiver" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_CHAIN, "chain" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_PENDING, "pending" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_IN_KERNEL, "in-kernel" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_RELAXED, "relaxed" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_AT_WORK, "at-work" },
				       { VCPU_DEBOOST_STATS_A_BOOSTED_OLDEST, "oldest" }),
		      __print_symbolic(__entry->act, { VDB_ACT_YIELD, "yield" },
				       { VDB_ACT_SPIN_ON, "spin-on" }, { VDB_ACT_WOULD, "would" }),
		      __entry->vector, __entry->waited_ns));

/* A vCPU was caught spinning: what it ran since the last time, against the learned window. */
TRACE_EVENT(vcpu_deboost_spin,
	    TP_PROTO(u32 vm, u16 vcpu, u64 ran_since_ns, u64 spin_window_ns, u64 waits_ns),
	    TP_ARGS(vm, vcpu, ran_since_ns, spin_window_ns, waits_ns),
	    TP_STRUCT__entry(__field(u32, vm) __field(u16, vcpu) __field(u64, ran_since_ns)
				     __field(u64, spin_window_ns) __field(u64, waits_ns)),
	    TP_fast_assign(__entry->vm = vm; __entry->vcpu = vcpu;
			   __entry->ran_since_ns = ran_since_ns;
			   __entry->spin_window_ns = spin_window_ns; __entry->waits_ns = waits_ns;),
	    TP_printk("vm=%u vcpu=%u ran_since_ns=%llu spin_window_ns=%llu waits_ns=%llu",
		      __entry->vm, __entry->vcpu, __entry->ran_since_ns, __entry->spin_window_ns,
		      __entry->waits_ns));

/* Virtual time that a receiver was lent, or that it gave back. */
TRACE_EVENT(vcpu_deboost_loan, TP_PROTO(u32 vm, u16 borrower, u32 act, u64 vtime),
	    TP_ARGS(vm, borrower, act, vtime),
	    TP_STRUCT__entry(__field(u32, vm) __field(u16, borrower) __field(u32, act)
				     __field(u64, vtime)),
	    TP_fast_assign(__entry->vm = vm; __entry->borrower = borrower; __entry->act = act;
			   __entry->vtime = vtime;),
	    TP_printk("vm=%u borrower=%u act=%s vtime=%llu", __entry->vm, __entry->borrower,
		      __print_symbolic(__entry->act, { VDB_LOAN_LENT, "lent" },
				       { VDB_LOAN_PAID, "paid" }, { VDB_LOAN_REFUSED, "refused" },
				       { VDB_LOAN_WRITTEN_OFF, "written-off" }),
		      __entry->vtime));

DECLARE_EVENT_CLASS(vcpu_deboost_moved, TP_PROTO(u32 vm, u16 from, u16 to, int error, u64 vtime),
		    TP_ARGS(vm, from, to, error, vtime),
		    TP_STRUCT__entry(__field(u32, vm) __field(u16, from) __field(u16, to)
					     __field(int, error) __field(u64, vtime)),
		    TP_fast_assign(__entry->vm = vm; __entry->from = from; __entry->to = to;
				   __entry->error = error; __entry->vtime = vtime;),
		    TP_printk("vm=%u from=%u to=%u error=%d vtime=%llu", __entry->vm, __entry->from,
			      __entry->to, __entry->error, __entry->vtime));

/* By how much the one that yields was moved back. */
DEFINE_EVENT(vcpu_deboost_moved, vcpu_deboost_penalty,
	     TP_PROTO(u32 vm, u16 from, u16 to, int error, u64 vtime),
	     TP_ARGS(vm, from, to, error, vtime));

/* By how much its target was moved forward, on all levels. */
DEFINE_EVENT(vcpu_deboost_moved, vcpu_deboost_credit,
	     TP_PROTO(u32 vm, u16 from, u16 to, int error, u64 vtime),
	     TP_ARGS(vm, from, to, error, vtime));

/* Service that moved from one vCPU to another. */
TRACE_EVENT(vcpu_deboost_transfer,
	    TP_PROTO(u32 vm, u16 from, u16 to, int error, s64 moved, s64 paid),
	    TP_ARGS(vm, from, to, error, moved, paid),
	    TP_STRUCT__entry(__field(u32, vm) __field(u16, from) __field(u16, to)
				     __field(int, error) __field(s64, moved) __field(s64, paid)),
	    TP_fast_assign(__entry->vm = vm; __entry->from = from; __entry->to = to;
			   __entry->error = error; __entry->moved = moved; __entry->paid = paid;),
	    TP_printk("vm=%u from=%u to=%u error=%d moved=%lld paid=%lld", __entry->vm,
		      __entry->from, __entry->to, __entry->error, __entry->moved, __entry->paid));

/* The breaker: from here on no hook does anything. */
TRACE_EVENT(vcpu_deboost_trip, TP_PROTO(u32 kind, u32 vm, u64 value, u64 budget),
	    TP_ARGS(kind, vm, value, budget),
	    TP_STRUCT__entry(__field(u32, kind) __field(u32, vm) __field(u64, value)
				     __field(u64, budget)),
	    TP_fast_assign(__entry->kind = kind; __entry->vm = vm; __entry->value = value;
			   __entry->budget = budget;),
	    TP_printk("kind=%s vm=%u value=%llu budget=%llu",
		      __print_symbolic(__entry->kind, { VCPU_DEBOOST_TRIP_HOOK_TIME, "hook-time" },
				       { VCPU_DEBOOST_TRIP_BOOST_RATE, "boost-rate" },
				       { VCPU_DEBOOST_TRIP_FAILED_YIELDS, "failed-yields" },
				       { VCPU_DEBOOST_TRIP_STARVATION, "starvation" },
				       { VCPU_DEBOOST_TRIP_INCONSISTENCY, "inconsistency" },
				       { VCPU_DEBOOST_TRIP_SWITCH, "switch" }),
		      __entry->vm, __entry->value, __entry->budget));

#endif /* VDB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
