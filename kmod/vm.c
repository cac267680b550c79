// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual machines: the only file that allocates or frees a struct vdb_vm.
 *
 * A VM is seen first when it gets a vCPU (a hook) or when hooks are armed and
 * it is there already (a scan of KVM's own list), and is forgotten when KVM
 * starts to destroy it. Readers are in hooks and hold nothing but RCU.
 */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "breaker.h"
#include "fields.h"
#include "vdb.h"

/* KVM's list of VMs and its lock, valid while hooks are armed. */
static struct list_head *list_of_vms;
static struct mutex *list_lock;

/* A hook must not sleep; if memory is short the scan tries again later. */
#define GFP_HOOK (GFP_NOWAIT | __GFP_NOWARN)

/**
 * struct owner - the process a VM belongs to
 */
struct owner {
	pid_t tgid;
	u64 start_boottime_ns;
	char comm[TASK_COMM_LEN];
};

static void owner_of(struct task_struct *task, struct owner *ret)
{
	struct task_struct *leader = task->group_leader;

	ret->tgid = task_tgid_nr(task);
	ret->start_boottime_ns = leader->start_boottime;
	get_task_comm(ret->comm, leader);
}

/**
 * vdb_vm_of - find a VM in a hook
 * @kvm: the key
 *
 * Context: preemption off or rcu_read_lock().
 * Return: the VM, valid as long as that context; NULL if it is not tracked.
 */
struct vdb_vm *vdb_vm_of(const struct kvm *kvm)
{
	struct vdb_vm *vm;

	hash_for_each_possible_rcu(vdb.by_kvm, vm, node, (unsigned long)kvm,
				   lockdep_is_held(&vdb.vms_lock)) {
		if (vm->kvm == kvm)
			return vm;
	}
	return NULL;
}

/**
 * vdb_vm_by_id - find a VM for user space
 * @id: as handed out
 *
 * Context: rcu_read_lock().
 * Return: the VM, valid as long as that context; NULL if it is gone.
 */
struct vdb_vm *vdb_vm_by_id(u32 id)
{
	return id <= INT_MAX ? idr_find(&vdb.ids, id) : NULL;
}

static void vm_free(struct vdb_vm *vm)
{
	unsigned int i;

	if (!vm)
		return;
	for (i = 0; i < VDB_MAX_VCPUS; i++)
		kfree(rcu_access_pointer(vm->vcpu[i]));
	xa_destroy(&vm->by_id);
	free_percpu(vm->counters);
	kfree(vm);
}

static struct vdb_vm *vm_alloc(gfp_t gfp)
{
	struct vdb_vm *vm = kzalloc(sizeof(*vm), gfp);

	if (!vm)
		return NULL;
	vm->counters = alloc_percpu_gfp(struct vdb_counters, gfp);
	if (!vm->counters) {
		kfree(vm);
		return NULL;
	}
	xa_init(&vm->by_id);
	INIT_LIST_HEAD(&vm->list);
	return vm;
}

static void vm_name(struct vdb_vm *vm, struct kvm *kvm, const struct owner *owner)
{
	vm->kvm = kvm;
	vm->tgid = owner->tgid;
	vm->start_boottime_ns = owner->start_boottime_ns;
	memcpy(vm->comm, owner->comm, sizeof(vm->comm));
}

/* What CPUs remember of their vCPUs is void: see loaded.h. */
static void changed(void)
{
	atomic64_inc(&vdb.generation);
}

/*
 * The id is reserved first and published last: a reader of the IDR sees a VM
 * that is complete. Return: false if memory was short; @vm is the caller's then.
 */
static bool vm_insert(struct vdb_vm *vm, struct kvm *kvm, const struct owner *owner, gfp_t gfp)
{
	int id;

	lockdep_assert_held(&vdb.vms_lock);
	id = vm ? idr_alloc(&vdb.ids, NULL, vdb.next_id, 0, gfp) : -ENOMEM;
	if (id < 0)
		return false;
	vm_name(vm, kvm, owner);
	vm->id = id;
	vdb.next_id = id + 1;
	vdb_tuning_inherit(vm);
	hash_add_rcu(vdb.by_kvm, &vm->node, (unsigned long)vm->kvm);
	idr_replace(&vdb.ids, vm, id);
	list_add_tail(&vm->list, &vdb.fresh);
	vdb.nr_vms++;
	changed();
	atomic64_inc(&vdb.vms_seen);
	schedule_work(&vdb.vm_work);
	return true;
}

static void refuse(struct vdb_vm *vm)
{
	if (!vm->refused)
		atomic64_inc(&vdb.vms_refused);
	WRITE_ONCE(vm->refused, true);
	changed();
}

/* Return: false if memory was short. */
static bool vcpu_insert(struct vdb_vm *vm, u32 idx, u32 id, gfp_t gfp)
{
	struct vdb_vcpu *vcpu;

	if (vdb_vcpu_by_idx(vm, idx))
		return true;
	if (idx >= VDB_MAX_VCPUS) {
		refuse(vm);
		return true;
	}
	vcpu = kzalloc(sizeof(*vcpu), gfp);
	if (!vcpu)
		return false;
	vcpu->idx = idx;
	vcpu->id = id;
	if (id != idx && xa_is_err(xa_store(&vm->by_id, id, vcpu, gfp))) {
		kfree(vcpu);
		return false;
	}
	rcu_assign_pointer(vm->vcpu[idx], vcpu);
	WRITE_ONCE(vm->nr_vcpus, vm->nr_vcpus + 1);
	/* Before the vCPU can send anything. */
	WRITE_ONCE(vm->from_words, max(vm->from_words, idx / BITS_PER_LONG + 1));
	vdb_tuning_digest(vm);
	return true;
}

static bool add_vcpu(struct vdb_vm *vm, struct kvm_vcpu *vcpu, gfp_t gfp)
{
	return vcpu_insert(vm, vdb_field(vcpu, VDB_F_VCPU_IDX, int),
			   vdb_field(vcpu, VDB_F_VCPU_ID, int), gfp);
}

/**
 * vdb_vm_add_vcpu - a vCPU was created
 * @vcpu: complete
 *
 * Context: hook in the VMM's thread, preemption off.
 */
void vdb_vm_add_vcpu(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = vdb_field(vcpu, VDB_F_VCPU_KVM, struct kvm *);
	struct vdb_vm *vm, *spare = NULL;
	struct owner owner;
	bool done;

	spin_lock(&vdb.vms_lock);
	vm = vdb_vm_of(kvm);
	if (!vm) {
		owner_of(current, &owner);
		spare = vm_alloc(GFP_HOOK);
		if (vm_insert(spare, kvm, &owner, GFP_HOOK))
			swap(vm, spare);
	}
	done = vm && add_vcpu(vm, vcpu, GFP_HOOK);
	spin_unlock(&vdb.vms_lock);
	vm_free(spare);
	if (!done)
		schedule_work(&vdb.scan_work);
}

static void vm_remove(struct vdb_vm *vm)
{
	lockdep_assert_held(&vdb.vms_lock);
	hash_del_rcu(&vm->node);
	idr_remove(&vdb.ids, vm->id);
	list_move_tail(&vm->list, &vdb.gone);
	if (vdb_is_sane(vdb.nr_vms, vm, "a VM goes that was never counted"))
		vdb.nr_vms--;
	changed();
	schedule_work(&vdb.vm_work);
}

/**
 * vdb_vm_remove - a VM is being destroyed
 * @kvm: its key, no vCPU of which runs any more
 *
 * Context: hook, preemption off.
 */
void vdb_vm_remove(struct kvm *kvm)
{
	struct vdb_vm *vm;

	spin_lock(&vdb.vms_lock);
	vm = vdb_vm_of(kvm);
	if (vm)
		vm_remove(vm);
	spin_unlock(&vdb.vms_lock);
}

/* Only the worker frees, so a VM it has taken off a list stays. */
static struct vdb_vm *take_fresh(void)
{
	struct vdb_vm *vm;

	spin_lock(&vdb.vms_lock);
	vm = list_first_entry_or_null(&vdb.fresh, struct vdb_vm, list);
	if (vm) {
		list_del_init(&vm->list);
		vm->announced = true;
	}
	spin_unlock(&vdb.vms_lock);
	return vm;
}

static void announce_and_free(struct work_struct *work)
{
	struct vdb_vm *vm, *next;
	LIST_HEAD(gone);

	while ((vm = take_fresh()))
		vdb_notify_vm(VCPU_DEBOOST_CMD_VM_NEW_NTF, vm);

	spin_lock(&vdb.vms_lock);
	list_splice_init(&vdb.gone, &gone);
	spin_unlock(&vdb.vms_lock);
	if (list_empty(&gone))
		return;
	list_for_each_entry(vm, &gone, list) {
		if (vm->announced)
			vdb_notify_vm(VCPU_DEBOOST_CMD_VM_GONE_NTF, vm);
	}
	synchronize_rcu();
	list_for_each_entry_safe(vm, next, &gone, list) vm_free(vm);
}

static void owner_by_pid(pid_t nr, struct owner *ret)
{
	struct task_struct *task;
	struct pid *pid;

	*ret = (struct owner){};
	pid = find_get_pid(nr);
	task = get_pid_task(pid, PIDTYPE_PID);
	if (task) {
		owner_of(task, ret);
		put_task_struct(task);
	}
	put_pid(pid);
}

/* Take the VM in with the first of @spares. Return: the VM, or NULL. */
static struct vdb_vm *adopt(struct kvm *kvm, struct list_head *spares)
{
	struct vdb_vm *vm = list_first_entry_or_null(spares, struct vdb_vm, list);
	struct owner owner;

	if (!vm)
		return NULL;
	list_del_init(&vm->list);
	owner_by_pid(vdb_field(kvm, VDB_F_KVM_USERSPACE_PID, pid_t), &owner);
	if (vm_insert(vm, kvm, &owner, GFP_ATOMIC))
		return vm;
	list_add(&vm->list, spares);
	return NULL;
}

/* Return: false if there was no memory for the VM. */
static bool scan_vm(struct kvm *kvm, struct list_head *spares)
{
	struct xarray *vcpus = vdb_field_ptr(kvm, VDB_F_KVM_VCPU_ARRAY, struct xarray);
	int online = atomic_read(vdb_field_ptr(kvm, VDB_F_KVM_ONLINE_VCPUS, atomic_t));
	struct vdb_vm *vm;
	bool done = true;
	int idx;

	if (!online)
		return true;
	spin_lock(&vdb.vms_lock);
	vm = vdb_vm_of(kvm) ?: adopt(kvm, spares);
	for (idx = 0; vm && idx < online && done; idx++) {
		struct kvm_vcpu *vcpu = xa_load(vcpus, idx);

		done = !vcpu || add_vcpu(vm, vcpu, GFP_ATOMIC);
	}
	if (vm && !done)
		refuse(vm);
	spin_unlock(&vdb.vms_lock);
	return vm;
}

/*
 * KVM takes a VM off its list, under its lock, before it destroys it. Return:
 * VMs that were left out.
 */
static unsigned int scan_once(struct list_head *spares)
{
	unsigned int left_out = 0;
	struct list_head *pos;

	mutex_lock(list_lock);
	list_for_each(pos, list_of_vms)
	{
		struct kvm *kvm;

		kvm = (struct kvm *)((char *)pos - vdb_field_offset[VDB_F_KVM_VM_LIST]);
		left_out += !scan_vm(kvm, spares);
	}
	mutex_unlock(list_lock);
	return left_out;
}

static void get_spares(struct list_head *spares, unsigned int n)
{
	struct vdb_vm *vm;

	for (; n && (vm = vm_alloc(GFP_KERNEL)); n--)
		list_add(&vm->list, spares);
}

/*
 * Memory is got between two looks, not under KVM's lock: reclaim may run KVM's
 * shrinker, which takes that lock. VMs that came meanwhile have told a hook.
 */
static void scan(struct work_struct *work)
{
	struct vdb_vm *vm, *next;
	unsigned int left_out;
	LIST_HEAD(spares);

	left_out = scan_once(&spares);
	if (left_out) {
		get_spares(&spares, left_out);
		left_out = scan_once(&spares);
		atomic64_add(left_out, &vdb.vms_refused);
	}
	list_for_each_entry_safe(vm, next, &spares, list) vm_free(vm);
}

/**
 * vdb_vms_resolve - find KVM's list of VMs
 * @reason: filled with a sentence on failure
 * @size: bytes of @reason
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int vdb_vms_resolve(char *reason, size_t size)
{
	list_of_vms = (struct list_head *)vdb_kvm_symbol("vm_list");
	list_lock = (struct mutex *)vdb_kvm_symbol("kvm_lock");
	if (list_of_vms && list_lock)
		return 0;
	snprintf(reason, size, "this kernel has no %s", list_lock ? "vm_list" : "kvm_lock");
	return -EOPNOTSUPP;
}

/**
 * vdb_vms_scan - find the VMs that no hook has seen
 *
 * Runs on a worker, which is in the initial PID namespace; waits for it.
 *
 * Context: process, hooks armed, under vdb.lock.
 */
void vdb_vms_scan(void)
{
	schedule_work(&vdb.scan_work);
	flush_work(&vdb.scan_work);
}

/**
 * vdb_vms_drop_all - forget every VM; each one's end is announced
 *
 * Context: process, hooks disarmed, under vdb.lock.
 */
void vdb_vms_drop_all(void)
{
	struct hlist_node *tmp;
	struct vdb_vm *vm;
	int bucket;

	cancel_work_sync(&vdb.scan_work);
	spin_lock(&vdb.vms_lock);
	hash_for_each_safe(vdb.by_kvm, bucket, tmp, vm, node)
		vm_remove(vm);
	spin_unlock(&vdb.vms_lock);
}

/**
 * vdb_vms_init - before anything else
 */
void vdb_vms_init(void)
{
	spin_lock_init(&vdb.vms_lock);
	hash_init(vdb.by_kvm);
	idr_init(&vdb.ids);
	vdb.next_id = 1;
	atomic64_set(&vdb.generation, 1);
	INIT_LIST_HEAD(&vdb.fresh);
	INIT_LIST_HEAD(&vdb.gone);
	INIT_WORK(&vdb.vm_work, announce_and_free);
	INIT_WORK(&vdb.scan_work, scan);
}

/**
 * vdb_vms_exit - after vdb_hooks_exit(): free what is left
 */
void vdb_vms_exit(void)
{
	flush_work(&vdb.vm_work);
	idr_destroy(&vdb.ids);
}
