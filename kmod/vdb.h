/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vcpu_deboost: shared declarations. One context, struct vdb; one section per
 * file, in the order in which an event passes through them.
 */
#ifndef VDB_H
#define VDB_H

#include <linux/bitops.h>
#include <linux/hashtable.h>
#include <linux/idr.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/tracepoint-defs.h>
#include <linux/types.h>
#include <linux/vcpu_deboost.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "compat/compat.h"
#include "age.h"
#include "breaker_judge.h"
#include "hist.h"
#include "pair.h"
#include "sched.h"
#include "sched_math.h"

/* KVM's own structs are opaque: fields are read through fields.h only. */
struct kvm;
struct kvm_lapic;
struct kvm_vcpu;

struct nlattr;
struct sk_buff;

#define VDB_VERSION "0.1.0"

/*
 * vCPUs of a VM that can be tracked. A VM with more is counted as refused and
 * left to stock KVM. Bounds struct vdb_vcpu to 256 bytes.
 */
#define VDB_MAX_VCPUS 256
static_assert(!(VDB_MAX_VCPUS & (VDB_MAX_VCPUS - 1)));

/**
 * struct vdb_tuning - the knobs, in the units of the uAPI
 * @window_ns: age up to which an IPI without answer counts, see WINDOW_*_NS
 * @mode: enum vcpu_deboost_mode
 * @ipi_tracking: 0 or 1
 * @order: enum vcpu_deboost_order
 * @slots: receivers that a sender is remembered to wait for, 1..SLOTS_MAX
 * @eoi_clear: enum vcpu_deboost_eoi_clear
 * @relaxed_boost: 0 or 1
 * @chain: 0 or 1
 * @sched: enum vcpu_deboost_sched
 * @budget_hook_ns: see breaker.h for the budgets, of which a VM has none of its own
 * @budget_boosts: yields of a VM in a second
 * @budget_failed: percent of those
 * @budget_wait_ns: of a vCPU beside boosted ones
 *
 * Read without a lock, field by field; a reader may see half of a change.
 */
struct vdb_tuning {
	u64 window_ns;
	u32 mode;
	u32 ipi_tracking;
	u32 order;
	u32 slots;
	u32 eoi_clear;
	u32 relaxed_boost;
	u32 chain;
	u32 sched;
	u64 budget_hook_ns;
	u32 budget_boosts;
	u32 budget_failed;
	u64 budget_wait_ns;
};

/**
 * enum vdb_counter - index into struct vdb_counters, by uAPI attribute
 */
enum vdb_counter {
	VDB_C_FIRST = VCPU_DEBOOST_STATS_A_IPIS,
	VDB_C_LAST = VCPU_DEBOOST_STATS_A_RUN_NS,
	VDB_NR_COUNTERS = VDB_C_LAST - VDB_C_FIRST + 1
};

/**
 * struct vdb_counters - of one VM on one CPU
 * @count: by attribute, minus VDB_C_FIRST
 * @answer: histogram of the time from an IPI to its EOI
 * @run: histogram of the time from a yield to its target's run
 * @balance: service that the VM is ahead of its share here, by sched=transfer
 * @settled_ns: when @balance was brought up to date
 * @rest: of divisions, see vdb_charge()
 */
struct vdb_counters {
	u64 count[VDB_NR_COUNTERS];
	u64 answer[VCPU_DEBOOST_HIST_BUCKETS];
	u64 run[VCPU_DEBOOST_HIST_BUCKETS];
	s64 balance;
	u64 settled_ns;
	u64 rest;
};

/**
 * struct vdb_vcpu - what is remembered of a vCPU, by index and never by pointer
 * @pairs: receivers this vCPU waits for; see pair.h for who writes
 * @from: bit n: vCPU n may hold a pair with this one as receiver
 * @age: of the wait it is in; its own thread writes, siblings read
 * @spin_ns: when it was last caught spinning
 * @boosted_ns: when somebody yielded to it, 0 once it has run
 * @yield_ns: when it yielded itself, to @yield_to
 * @loaded_ns: when it got the CPU it has, or had last
 * @yield_to: index + 1 of the vCPU, until the outcome is known
 * @would: observing: index + 1 of the one we would have chosen, until KVM has
 * @sending: vector + 1 of the IPI that is being delivered, 0 if none; this and
 *	the two @sent_ only the vCPU's own thread reads and writes
 * @sent_to: receivers the IPI has reached so far
 * @sent_how: enum vdb_ipi_kind
 * @loan: a loan was given to it, on CPU + 1; 0 when its end has been seen
 * @donated: service it gave to siblings, less what it got from them; sched=transfer
 * @spun: it was caught spinning for an IPI that has no answer yet
 * @answered: it has its last answer, and has not run since
 * @answered_ns: when its last answer came, of one that it had spun for
 * @answerer: index + 1 of who gave that, until it is clear that it is not waited for
 * @asked_ns: when it yielded to that one since, 0 if it has not
 * @seen: enum vdb_seen bits, sampled when the vCPU is loaded
 * @cpu: the only one it may run on + 1, 0 if there are several
 * @tid: of its thread, 0 until it has got a CPU
 * @wait: the wait it is in, as starve.c saw it first; nobody else uses it
 * @idx: index in the VM, stable
 * @id: APIC id
 */
struct vdb_vcpu {
	struct vdb_pairs pairs;
	unsigned long from[BITS_TO_LONGS(VDB_MAX_VCPUS)];
	struct vdb_age age;
	u64 spin_ns;
	u64 boosted_ns;
	u64 yield_ns;
	u64 loaded_ns;
	u64 answered_ns;
	u64 asked_ns;
	u16 yield_to;
	u16 would;
	u16 sending;
	u16 sent_to;
	u16 sent_how;
	u16 answerer;
	u16 idx;
	u32 cpu;
	u32 id;
	u32 loan;
	pid_t tid;
	struct vdb_wait wait;
	atomic64_t donated;
	bool spun;
	bool answered;
	u8 seen;
};

static_assert(sizeof(struct vdb_vcpu) <= 256);

/* Its IPIs are tracked. */
#define VDB_TRACKS_IPIS BIT(0)
/* And the clock is the counter: the usual case of an acceptance needs no more. */
#define VDB_TRACKS_ACCEPT_PLAIN BIT(1)
/* And an EOI ends its own wait, and all senders fit in one word: that of an EOI. */
#define VDB_TRACKS_EOI_PLAIN BIT(2)

/**
 * struct vdb_vm - a VM, from its first vCPU to kvm_arch_pre_destroy_vm()
 * @node: in vdb.by_kvm, RCU
 * @kvm: the key, never followed outside of a vCPU's own context
 * @id: handed out once, never again
 * @tgid: of the VMM
 * @start_boottime_ns: of the VMM, as in /proc/PID/stat
 * @comm: of the VMM
 * @nr_vcpus: tracked
 * @refused: more vCPUs than VDB_MAX_VCPUS, or no memory: stock behaviour
 * @own: this VM's overrides, those in @overrides; under vdb.lock
 * @overrides: bit n: attribute VCPU_DEBOOST_TUNING_A_n is the VM's own
 * @tuning: effective
 * @tracks: what the hooks of an IPI must know of it, in one word: VDB_TRACKS_*
 * @from_words: words of vdb_vcpu.from that its vCPUs need
 * @spin_window_ns: learned: time on a CPU until a spin is caught
 * @lock_spins: part of its spins that no IPI explains, of VDB_SPINS_ALL
 * @progress_ns: when a vCPU was last seen to have worked between two spins
 * @last_idx: vCPU that was chosen last by age, where the next search begins
 * @vcpu: by index, RCU
 * @by_id: those whose APIC id is not their index
 * @counters: per CPU
 * @begun: yields of the last second
 * @failed: of those
 * @list: in vdb.fresh or vdb.gone until the worker has told user space
 * @announced: an event VM_NEW was sent
 */
struct vdb_vm {
	struct hlist_node node;
	struct kvm *kvm;
	u32 id;
	pid_t tgid;
	u64 start_boottime_ns;
	char comm[TASK_COMM_LEN];
	u32 nr_vcpus;
	bool refused;
	bool announced;
	struct vdb_tuning own;
	u32 overrides;
	struct vdb_tuning tuning;
	u32 tracks;
	u32 from_words;
	u64 spin_window_ns;
	u32 lock_spins;
	u64 progress_ns;
	u32 last_idx;
	struct vdb_vcpu __rcu *vcpu[VDB_MAX_VCPUS];
	struct xarray by_id;
	struct vdb_counters __percpu *counters;
	struct vdb_meter begun;
	struct vdb_meter failed;
	struct list_head list;
};

/**
 * struct vdb - the module's context
 * @lock: control plane: tuning, arming, heartbeat. May sleep.
 * @vms_lock: insertion and removal of VMs and vCPUs. Taken by hooks: process
 *	context, no interrupt takes it. Inside @lock.
 * @tuning: global
 * @armed: every required hook is armed
 * @closing: the module is being unloaded: nothing is armed any more
 * @reason: why not, if not; points to a static or to @reason_buf
 * @by_kvm: VMs by their struct kvm, RCU
 * @ids: VMs by id, RCU
 * @next_id: the next VM's
 * @nr_vms: VMs tracked now
 * @generation: grows with every VM that comes or goes, and with a trip; never 0
 * @tripped: enum vcpu_deboost_trip: no hook does anything any more; see breaker.h
 * @vms_seen: since load
 * @vms_refused: since load
 * @fresh: VMs to announce, under @vms_lock
 * @gone: VMs to free, under @vms_lock
 * @vm_work: announces and frees
 * @scan_work: finds the VMs that no hook has seen
 * @grace_ms: of the heartbeat, 0: none
 * @grace_end: jiffies
 * @fallbacks: heartbeats that stopped
 * @heartbeat_work: runs when the heartbeat stops
 */
struct vdb {
	struct mutex lock;
	spinlock_t vms_lock;

	struct vdb_tuning tuning;
	bool armed;
	bool closing;
	const char *reason;
	char reason_buf[160];

	DECLARE_HASHTABLE(by_kvm, 8);
	struct idr ids;
	u32 next_id;
	u32 nr_vms;
	atomic64_t generation;
	u32 tripped;
	atomic64_t vms_seen;
	atomic64_t vms_refused;
	struct list_head fresh;
	struct list_head gone;
	struct work_struct vm_work;
	struct work_struct scan_work;

	u32 grace_ms;
	unsigned long grace_end;
	u64 fallbacks;
	struct delayed_work heartbeat_work;
};

extern struct vdb vdb;

/* symbols.c */
int vdb_symbols_init(void);
unsigned long vdb_kvm_symbol(const char *name);

/**
 * vdb_vcpu_by_idx - find a vCPU by its index
 * @vm: its VM
 * @idx: index
 *
 * Context: as vdb_vm_of().
 * Return: the vCPU, NULL if it is not tracked.
 */
static inline struct vdb_vcpu *vdb_vcpu_by_idx(struct vdb_vm *vm, u32 idx)
{
	if (idx >= VDB_MAX_VCPUS)
		return NULL;
	/* The mask says it to UBSAN, whose call would cost the hooks their registers. */
	return rcu_dereference_check(vm->vcpu[idx & (VDB_MAX_VCPUS - 1)],
				     lockdep_is_held(&vdb.vms_lock));
}

/**
 * vdb_vcpu_by_id - find a vCPU by its APIC id
 * @vm: its VM
 * @id: APIC id; most VMMs give a vCPU its index as id
 *
 * Context: as vdb_vm_of().
 * Return: the vCPU, NULL if it is not tracked.
 */
static inline struct vdb_vcpu *vdb_vcpu_by_id(struct vdb_vm *vm, u32 id)
{
	struct vdb_vcpu *vcpu = vdb_vcpu_by_idx(vm, id);

	return likely(vcpu && vcpu->id == id) ? vcpu : xa_load(&vm->by_id, id);
}

/**
 * vdb_sender_from - go through those that may hold a pair with a vCPU as receiver
 * @me: the vCPU
 * @idx: index to begin at
 *
 * Other CPUs set and clear bits meanwhile: each word is read once. for_each_set_bit() reads
 * plainly, where the compiler may look twice, and KCSAN reports it.
 *
 * Return: the first index that is not below @idx; VDB_MAX_VCPUS if there is none.
 */
static inline unsigned int vdb_sender_from(const struct vdb_vcpu *me, unsigned int idx)
{
	while (idx < VDB_MAX_VCPUS) {
		unsigned long bits = READ_ONCE(me->from[idx / BITS_PER_LONG]);

		bits >>= idx % BITS_PER_LONG;
		if (bits)
			return idx + __ffs(bits);
		idx = (idx / BITS_PER_LONG + 1) * BITS_PER_LONG;
	}
	return VDB_MAX_VCPUS;
}

/* vm.c */
struct vdb_vm *vdb_vm_of(const struct kvm *kvm);
struct vdb_vm *vdb_vm_by_id(u32 id);
void vdb_vm_add_vcpu(struct kvm_vcpu *vcpu);
void vdb_vm_remove(struct kvm *kvm);
int vdb_vms_resolve(char *reason, size_t size);
void vdb_vms_scan(void);
void vdb_vms_drop_all(void);
void vdb_vms_init(void);
void vdb_vms_exit(void);

/* tuning.c; all but vdb_tuning_digest() and vdb_tuning_inherit() under vdb.lock */
void vdb_tuning_init(u32 mode);
void vdb_tuning_digest(struct vdb_vm *vm);
void vdb_tuning_inherit(struct vdb_vm *vm);
int vdb_tuning_set(const struct vdb_tuning *tuning, u32 given);
void vdb_tuning_override(struct vdb_vm *vm, const struct vdb_tuning *tuning, u32 given);
void vdb_tuning_reset(struct vdb_vm *vm);
bool vdb_tuning_demote(void);
u32 vdb_tuning_parse(struct nlattr *const *tb, struct vdb_tuning *ret);
int vdb_tuning_put(struct sk_buff *skb, const struct vdb_tuning *tuning);

/* ipi.c */
enum vdb_ipi_kind {
	VDB_IPI_UNICAST, /* or multicast, which shows at the second receiver */
	VDB_IPI_SHORTHAND,
	VDB_IPI_PV,
	VDB_IPI_HYPERV,
};

void vdb_ipi_begin(u32 icr_low, enum vdb_ipi_kind how);
void vdb_ipi_record(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *receiver, u8 vector);
void vdb_ipi_send(void *data, u32 icr_low, u32 dest_id);
void vdb_ipi_accept(void *data, u32 apic_id, u16 delivery_mode, u16 trigger_mode, u8 vector);

/* ipi_kinds.c */
void vdb_ipi_hypercall(void *data, unsigned long nr, unsigned long a0, unsigned long a1,
		       unsigned long a2, unsigned long a3);
void vdb_ipi_hyperv(void *data, u32 vector, u64 mask);
void vdb_ipi_hyperv_ex(void *data, u32 vector, u64 format, u64 banks);
void vdb_ipi_avic(void *data, u32 vcpu, u32 icr_high, u32 icr_low, u32 id, u32 index);

/* eoi.c */
void vdb_ipi_eoi(void *data, struct kvm_lapic *apic, int vector);
void vdb_vcpu_reset(struct kvm_vcpu *vcpu);
void vdb_sender_misled(struct vdb_vcpu *me, unsigned int idx, const struct vdb_vcpu *sender);
void vdb_forget_all(struct vdb_vm *vm);

/* candidate.c */
enum vdb_candidate {
	VDB_CANDIDATE_READY,
	VDB_CANDIDATE_RUNNING,
	VDB_CANDIDATE_BLOCKED,
};

struct kvm_vcpu *vdb_kvm_vcpu_at(const struct kvm *kvm, unsigned int idx);
struct task_struct *vdb_thread_of(const struct vdb_vm *vm, const struct vdb_vcpu *vcpu);
struct task_struct *vdb_vcpu_task(const struct kvm_vcpu *vcpu);
bool vdb_is_throttled(const struct task_struct *task);
enum vdb_candidate vdb_candidate(const struct kvm_vcpu *vcpu, u64 *ret_ran_ns);
bool vdb_interrupt_pending(const struct kvm_vcpu *vcpu);

/**
 * struct vdb_spin - a vCPU spins: what the search for a target knows
 * @kvm: the VM in KVM
 * @vm: ours
 * @me: the spinning vCPU
 * @now_ns: when
 * @in_kernel: it spins in its guest's kernel
 * @target: chosen, or NULL
 * @target_vcpu: the same in KVM
 * @near: without a target: a receiver that runs, and will have answered in a moment
 * @why: the counter VCPU_DEBOOST_STATS_A_* of the reason
 * @waited_ns: how long @me has waited for it, if known
 * @vector: of the IPI it has not answered, if any
 * @nr_waits: IPIs of @me without an answer
 */
struct vdb_spin {
	const struct kvm *kvm;
	struct vdb_vm *vm;
	struct vdb_vcpu *me;
	u64 now_ns;
	bool in_kernel;
	struct vdb_vcpu *target;
	struct kvm_vcpu *target_vcpu;
	struct vdb_vcpu *near;
	unsigned int why;
	u64 waited_ns;
	u8 vector;
	u8 nr_waits;
};

/* receiver.c */
unsigned int vdb_receivers(struct vdb_vm *vm, struct vdb_vcpu *vcpu, u64 now_ns,
			   struct vdb_pair waiting[VDB_PAIRS]);
bool vdb_receiver_choose(struct vdb_spin *spin);
bool vdb_receiver_finish(struct vdb_spin *spin);

/* order.c */
const char *vdb_order_missing(u32 order);
void vdb_order_resolve(void);
void vdb_order_spin(struct vdb_vm *vm, struct vdb_vcpu *me, u64 now_ns);
bool vdb_order_choose(struct vdb_spin *spin);

/* sched.c */
const char *vdb_sched_missing(u32 sched);
enum vdb_help vdb_sched_help(struct vdb_spin *spin);
void vdb_sched_answered(struct vdb_vm *vm, struct vdb_vcpu *me, struct vdb_vcpu *sender);

/* loan.c */
void vdb_loans_init(void);
void vdb_loans_settle(void);
void vdb_loan_answered(const struct vdb_vm *vm, struct vdb_vcpu *me);
void vdb_loan_spun(const struct vdb_vm *vm, struct vdb_vcpu *me);

/* select.c */
struct kvm_vcpu *vdb_on_spin(struct kvm_vcpu *vcpu, bool in_kernel);

/* yield.c */
bool vdb_yield_redundant(const struct vdb_vcpu *target, u64 now_ns);
void vdb_yield_mark(struct vdb_vm *vm, struct vdb_vcpu *target, u64 now_ns);
void vdb_yield_unmark(struct vdb_vcpu *target, u64 now_ns);
void vdb_yield_begin(struct vdb_spin *spin);
void vdb_yield_settle(struct vdb_vm *vm, struct vdb_vcpu *me, u64 now_ns);
void vdb_yield_stock(struct kvm_vcpu *target);
void vdb_vcpu_load(struct kvm_vcpu *vcpu);

/* sight.c */
void vdb_sight_sample(struct vdb_vcpu *me, const struct kvm_vcpu *vcpu);
u32 vdb_sight(const struct vdb_vm *vm, const struct vdb_counters *sum, const char **ret_reason);

/* stats.c */
void vdb_stats_sum(const struct vdb_vm *vm, struct vdb_counters *ret);
void vdb_ran(struct vdb_vm *vm, u64 age_ns);

static inline void vdb_count(struct vdb_vm *vm, unsigned int attr)
{
	this_cpu_inc(vm->counters->count[attr - VDB_C_FIRST]);
}

static inline void vdb_count_add(struct vdb_vm *vm, unsigned int attr, u64 n)
{
	this_cpu_add(vm->counters->count[attr - VDB_C_FIRST], n);
}

/* One more of @ns in a histogram of a VM's counters: a pointer, which UBSAN need not look into. */
static inline void vdb_count_time(u64 __percpu *hist, u64 ns)
{
	this_cpu_inc(hist[vdb_hist_bucket(ns, VCPU_DEBOOST_HIST_BUCKETS)]);
}

/* starve.c */
DECLARE_PER_CPU(u32, vdb_boosted_runs);
void vdb_starve_start(void);
void vdb_starve_stop(void);
const char *vdb_starve_missing(void);

/* heartbeat.c */
void vdb_heartbeat_init(void);
void vdb_heartbeat_set(u32 grace_ms);
u32 vdb_heartbeat_left_ms(void);

/* netlink.c */
int vdb_netlink_init(void);
void vdb_netlink_exit(void);

/* notify.c */
void vdb_notify_vm(u8 cmd, const struct vdb_vm *vm);
void vdb_notify_tuning(const struct vdb_vm *vm, u32 cause);
void vdb_notify_trip(void);

#endif /* VDB_H */
