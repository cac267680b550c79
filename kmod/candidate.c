// SPDX-License-Identifier: GPL-2.0-only
/* Whether a vCPU could use a CPU that is given to it. */
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/xarray.h>

#include "fields.h"
#include "vdb.h"

/* task_struct.on_rq of a queued task: TASK_ON_RQ_QUEUED, private to the scheduler. */
#define ON_RQ_QUEUED 1

/**
 * vdb_kvm_vcpu_at - a vCPU by its index
 * @kvm: VM of the vCPU whose thread asks
 * @idx: index
 *
 * No pointer is kept from one event to the next: it is looked up each time.
 *
 * Return: the vCPU, valid in this hook; NULL if there is none.
 */
struct kvm_vcpu *vdb_kvm_vcpu_at(const struct kvm *kvm, unsigned int idx)
{
	if (idx >= atomic_read(vdb_field_ptr(kvm, VDB_F_KVM_ONLINE_VCPUS, atomic_t)))
		return NULL;
	return xa_load(vdb_field_ptr(kvm, VDB_F_KVM_VCPU_ARRAY, struct xarray), idx);
}

static struct task_struct *task_of(const struct kvm_vcpu *vcpu)
{
	struct pid __rcu *pid = vdb_field(vcpu, VDB_F_VCPU_PID, struct pid __rcu *);

	return pid_task(rcu_dereference(pid), PIDTYPE_PID);
}

/**
 * vdb_vcpu_task - the thread that runs a vCPU
 * @vcpu: vCPU
 *
 * In newer kernels another thread that comes to run the vCPU frees the number of the one
 * before under pid_lock, and RCU does not keep it.
 *
 * Context: rcu_read_lock().
 * Return: the task, valid as long; NULL if it has none, or is just getting another.
 */
struct task_struct *vdb_vcpu_task(const struct kvm_vcpu *vcpu)
{
	struct task_struct *task;
	rwlock_t *lock;

	if (!vdb_has_field(VDB_F_VCPU_PID_LOCK))
		return task_of(vcpu);
	lock = vdb_field_ptr(vcpu, VDB_F_VCPU_PID_LOCK, rwlock_t);
	if (!read_trylock(lock))
		return NULL;
	task = task_of(vcpu);
	read_unlock(lock);
	return task;
}

/**
 * vdb_thread_of - the thread that runs a vCPU, without KVM's pointers
 * @vm: the VM
 * @vcpu: one of its vCPUs
 *
 * For timers and work, which may not follow them.
 *
 * Context: any, rcu_read_lock().
 * Return: the task; NULL if it has none yet, or if its number is another's by now.
 */
struct task_struct *vdb_thread_of(const struct vdb_vm *vm, const struct vdb_vcpu *vcpu)
{
	pid_t tid = READ_ONCE(vcpu->tid);
	struct task_struct *task;

	task = tid ? pid_task(find_pid_ns(tid, &init_pid_ns), PIDTYPE_PID) : NULL;
	return task && task->tgid == vm->tgid ? task : NULL;
}

/**
 * vdb_is_throttled - whether a queued task's group has used up its quota (cpu.max)
 * @task: queued, as the scheduler's core sees it
 *
 * yield_to() would do nothing for it, and its wait is meant. Where the fields are not
 * known nobody is throttled. RCU keeps the group, whatever the task is moved to meanwhile.
 *
 * Context: any, rcu_read_lock().
 */
bool vdb_is_throttled(const struct task_struct *task)
{
	const void *se, *queue;

	if (!vdb_has_field(VDB_F_TASK_SE) || !vdb_has_field(VDB_F_SE_CFS_RQ) ||
	    !vdb_has_field(VDB_F_CFS_THROTTLE_COUNT))
		return false;
	se = vdb_field_ptr(task, VDB_F_TASK_SE, void);
	/* Since v6.18 a throttled task is taken off its queue and counts as queued still. */
	if (vdb_has_field(VDB_F_SE_ON_RQ) && !vdb_field(se, VDB_F_SE_ON_RQ, u8))
		return true;
	queue = vdb_field(se, VDB_F_SE_CFS_RQ, void *);
	return queue && vdb_field(queue, VDB_F_CFS_THROTTLE_COUNT, int);
}

/**
 * vdb_candidate - whether yield_to() would run a vCPU
 * @vcpu: candidate
 * @ret_ran_ns: if not NULL, set for a READY one: time it has been on a CPU in
 *	its life, exact because it is off the CPU
 *
 * The tests that KVM and the scheduler make on the way, made early, so that a
 * yield that must fail is not begun and KVM selects instead. All are hints that
 * may be stale by the time they are used.
 *
 * Context: a vCPU's thread of the same VM, preemption off, rcu_read_lock().
 */
enum vdb_candidate vdb_candidate(const struct kvm_vcpu *vcpu, u64 *ret_ran_ns)
{
	enum vdb_candidate candidate = VDB_CANDIDATE_BLOCKED;
	struct task_struct *task = vdb_vcpu_task(vcpu);

	if (!task)
		return candidate;
	if (READ_ONCE(task->on_cpu)) {
		candidate = VDB_CANDIDATE_RUNNING;
	} else if (vdb_field(vcpu, VDB_F_VCPU_READY, bool) && task_is_running(task) &&
		   READ_ONCE(task->on_rq) == ON_RQ_QUEUED &&
		   task->sched_class == current->sched_class && !vdb_is_throttled(task)) {
		candidate = VDB_CANDIDATE_READY;
		if (ret_ran_ns)
			*ret_ran_ns = READ_ONCE(task->se.sum_exec_runtime);
	}
	return candidate;
}

/* Interrupt request register: 8 words of 32 vectors, 16 bytes apart; SDM volume 3, 11.4.1. */
#define APIC_IRR	0x200
#define APIC_IRR_WORDS	8
#define APIC_IRR_STRIDE 0x10

/**
 * vdb_interrupt_pending - whether a vCPU has an interrupt to handle
 * @vcpu: candidate
 *
 * Its local APIC knows, unless APICv delivers interrupts without KVM. KVM's own
 * flag irr_pending is set long before and cleared long after, so it only spares
 * the look at the register.
 *
 * Context: a vCPU's thread of the same VM.
 */
bool vdb_interrupt_pending(const struct kvm_vcpu *vcpu)
{
	const void *apic, *regs;
	unsigned int i;

	if (!vdb_has_field(VDB_F_VCPU_APIC) || !vdb_has_field(VDB_F_LAPIC_IRR_PENDING) ||
	    !vdb_has_field(VDB_F_LAPIC_APICV) || !vdb_has_field(VDB_F_LAPIC_REGS))
		return false;
	apic = vdb_field(vcpu, VDB_F_VCPU_APIC, void *);
	if (!apic || vdb_field(apic, VDB_F_LAPIC_APICV, bool) ||
	    !vdb_field(apic, VDB_F_LAPIC_IRR_PENDING, bool))
		return false;
	regs = vdb_field(apic, VDB_F_LAPIC_REGS, void *);
	for (i = 0; i < APIC_IRR_WORDS; i++) {
		if (READ_ONCE(*(const u32 *)(regs + APIC_IRR + i * APIC_IRR_STRIDE)))
			return true;
	}
	return false;
}
