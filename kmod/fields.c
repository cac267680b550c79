// SPDX-License-Identifier: GPL-2.0-only
/* Offsets of KVM's fields; see fields.h for why they are read at load. */
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "btf.h"
#include "fields.h"
#include "vdb.h"

/* Far more than any kernel has (5 MiB today): a bound, not an estimate. */
#define BTF_MAX_BYTES (64 << 20)

/* Megabytes may not be there; we say so ourselves, in one line. */
#define GFP_QUIET (GFP_KERNEL | __GFP_NOWARN)

/* The field is only pointed to. */
#define ANY_SIZE 0

u32 vdb_field_offset[VDB_NR_FIELDS] __read_mostly;

static const struct {
	const char *object;
	const char *path;
	u32 size;
	bool optional; /* only what needs it goes without */
} fields[VDB_NR_FIELDS] = {
	[VDB_F_KVM_VCPU_ARRAY] = { "kvm", "vcpu_array", sizeof(struct xarray) },
	[VDB_F_KVM_ONLINE_VCPUS] = { "kvm", "online_vcpus", sizeof(atomic_t) },
	[VDB_F_KVM_VM_LIST] = { "kvm", "vm_list", sizeof(struct list_head) },
	[VDB_F_KVM_USERSPACE_PID] = { "kvm", "userspace_pid", sizeof(pid_t) },
	[VDB_F_VCPU_KVM] = { "kvm_vcpu", "kvm", sizeof(void *) },
	[VDB_F_VCPU_ID] = { "kvm_vcpu", "vcpu_id", sizeof(int) },
	[VDB_F_VCPU_IDX] = { "kvm_vcpu", "vcpu_idx", sizeof(int) },
	[VDB_F_VCPU_READY] = { "kvm_vcpu", "ready", sizeof(bool) },
	[VDB_F_VCPU_PID] = { "kvm_vcpu", "pid", sizeof(void *) },
	[VDB_F_VCPU_PID_LOCK] = { "kvm_vcpu", "pid_lock", sizeof(rwlock_t), true },
	[VDB_F_VCPU_PREEMPTED] = { "kvm_vcpu", "preempted", sizeof(bool) },
	[VDB_F_VCPU_PREEMPTED_IN_KERNEL] = { "kvm_vcpu", "arch.preempted_in_kernel", sizeof(bool),
					     true },
	[VDB_F_VCPU_APIC] = { "kvm_vcpu", "arch.apic", sizeof(void *), true },
	[VDB_F_LAPIC_VCPU] = { "kvm_lapic", "vcpu", sizeof(void *) },
	[VDB_F_LAPIC_REGS] = { "kvm_lapic", "regs", sizeof(void *), true },
	[VDB_F_LAPIC_IRR_PENDING] = { "kvm_lapic", "irr_pending", sizeof(bool), true },
	[VDB_F_LAPIC_APICV] = { "kvm_lapic", "apicv_active", sizeof(bool), true },
	/* The scheduler's, see fair.c. */
	[VDB_F_TASK_SE] = { "task_struct", "se", ANY_SIZE, true },
	[VDB_F_TASK_GROUP] = { "task_struct", "sched_task_group", sizeof(void *), true },
	[VDB_F_SE_ON_RQ] = { "sched_entity", "on_rq", sizeof(u8), true },
	[VDB_F_SE_ON_RQ_INT] = { "sched_entity", "on_rq", sizeof(int), true },
	[VDB_F_SE_DELAYED] = { "sched_entity", "sched_delayed", sizeof(u8), true },
	[VDB_F_SE_VRUNTIME] = { "sched_entity", "vruntime", sizeof(u64), true },
	[VDB_F_SE_DEADLINE] = { "sched_entity", "deadline", sizeof(u64), true },
	[VDB_F_SE_VLAG] = { "sched_entity", "vlag", sizeof(s64), true },
	[VDB_F_SE_WEIGHT] = { "sched_entity", "load.weight", sizeof(long), true },
	[VDB_F_SE_H_WEIGHT] = { "sched_entity", "h_load.weight", sizeof(long), true },
	[VDB_F_SE_RUN_NODE] = { "sched_entity", "run_node", sizeof(struct rb_node), true },
	[VDB_F_SE_PARENT] = { "sched_entity", "parent", sizeof(void *), true },
	[VDB_F_SE_CFS_RQ] = { "sched_entity", "cfs_rq", sizeof(void *), true },
	[VDB_F_CFS_CURR] = { "cfs_rq", "curr", sizeof(void *), true },
	[VDB_F_CFS_NEXT] = { "cfs_rq", "next", sizeof(void *), true },
	[VDB_F_CFS_RQ] = { "cfs_rq", "rq", sizeof(void *), true },
	[VDB_F_CFS_TREE] = { "cfs_rq", "tasks_timeline", sizeof(struct rb_root_cached), true },
	[VDB_F_CFS_THROTTLE_COUNT] = { "cfs_rq", "throttle_count", sizeof(int), true },
	[VDB_F_CFS_IDLE] = { "cfs_rq", "idle", sizeof(int), true },
	/* Until v6.13 and since then. */
	[VDB_F_CFS_NR_RUNNING] = { "cfs_rq", "nr_running", sizeof(int), true },
	[VDB_F_CFS_NR_QUEUED] = { "cfs_rq", "nr_queued", sizeof(int), true },
	[VDB_F_CFS_H_NR_QUEUED] = { "cfs_rq", "h_nr_queued", sizeof(int), true },
	[VDB_F_RQ_CURR] = { "rq", "curr", sizeof(void *), true },
	[VDB_F_RQ_CFS] = { "rq", "cfs", ANY_SIZE, true },
};

struct vdb_kernel_btf {
	struct {
		void *data;
		u32 *index;
		struct vdb_btf btf;
	} vmlinux, kvm;
};

/*
 * As PID 1 sees it: hooks are armed by workers too, whose root is an empty file
 * system since v7.0, and from within containers.
 */
static struct file *open_as_init(const char *path)
{
	struct task_struct *init = init_pid_ns.child_reaper;
	struct path root = {};
	struct file *file;

	task_lock(init);
	if (init->fs)
		get_fs_root(init->fs, &root);
	task_unlock(init);
	if (!root.dentry)
		return ERR_PTR(-ENOENT);
	file = file_open_root(&root, path, O_RDONLY, 0);
	path_put(&root);
	return file;
}

/*
 * Through sysfs: a module's BTF has no other home that a module can reach
 * without knowing the layout of struct btf.
 */
static void *read_file(const char *path, size_t *ret_len)
{
	struct file *file = open_as_init(path);
	loff_t pos = 0;
	loff_t size;
	void *data;
	ssize_t n;

	if (IS_ERR(file))
		return ERR_CAST(file);
	size = i_size_read(file_inode(file));
	if (size <= 0 || size > BTF_MAX_BYTES) {
		data = ERR_PTR(-EFBIG);
		goto out;
	}
	data = kvmalloc(size, GFP_QUIET);
	if (!data) {
		data = ERR_PTR(-ENOMEM);
		goto out;
	}
	while (pos < size) {
		n = kernel_read(file, data + pos, size - pos, &pos);
		if (n <= 0) {
			kvfree(data);
			data = ERR_PTR(n ?: -EIO);
			goto out;
		}
	}
	*ret_len = size;
out:
	filp_close(file, NULL);
	return data;
}

static int open_one(const char *path, const struct vdb_btf *base, void **data, u32 **index,
		    struct vdb_btf *btf)
{
	size_t len;
	int ret;

	*data = read_file(path, &len);
	if (IS_ERR(*data)) {
		ret = PTR_ERR(*data);
		*data = NULL;
		return ret;
	}
	ret = vdb_btf_open(btf, *data, len, base);
	if (ret)
		return ret;
	*index = kvmalloc_array(btf->nr, sizeof(**index), GFP_QUIET);
	if (!*index)
		return -ENOMEM;
	vdb_btf_index(btf, *index);
	return 0;
}

/**
 * vdb_kernel_btf_open - read the BTF of the kernel and of kvm
 * @reason: filled with a sentence on failure
 * @size: bytes of @reason
 *
 * Context: process, may sleep; about 6 MiB are allocated until close.
 * Return: the BTF, or an error pointer.
 */
struct vdb_kernel_btf *vdb_kernel_btf_open(char *reason, size_t size)
{
	static const char vmlinux[] = "/sys/kernel/btf/vmlinux";
	static const char kvm[] = "/sys/kernel/btf/kvm";
	struct vdb_kernel_btf *k = kzalloc(sizeof(*k), GFP_KERNEL);
	const char *path = vmlinux;
	int ret = -ENOMEM;

	if (k)
		ret = open_one(path, NULL, &k->vmlinux.data, &k->vmlinux.index, &k->vmlinux.btf);
	if (!ret) {
		path = kvm;
		ret = open_one(path, &k->vmlinux.btf, &k->kvm.data, &k->kvm.index, &k->kvm.btf);
	}
	if (!ret)
		return k;
	snprintf(reason, size, "cannot use %s (error %d): type information is needed", path, ret);
	vdb_kernel_btf_close(k);
	return ERR_PTR(ret);
}

/**
 * vdb_kernel_btf - the view of kvm's types, with the kernel's below
 * @kbtf: opened
 *
 * Return: valid until @kbtf is closed.
 */
const struct vdb_btf *vdb_kernel_btf(const struct vdb_kernel_btf *kbtf)
{
	return &kbtf->kvm.btf;
}

/**
 * vdb_kernel_btf_close - free it
 * @k: or NULL
 */
void vdb_kernel_btf_close(struct vdb_kernel_btf *k)
{
	if (!k)
		return;
	kvfree(k->kvm.index);
	kvfree(k->kvm.data);
	kvfree(k->vmlinux.index);
	kvfree(k->vmlinux.data);
	kfree(k);
}

/**
 * vdb_fields_load - look every field up
 * @btf: of kvm
 * @reason: filled with a sentence on failure
 * @size: bytes of @reason
 *
 * Return: 0, or -EOPNOTSUPP if one that is not optional is missing or has another
 * size.
 */
int vdb_fields_load(const struct vdb_btf *btf, char *reason, size_t size)
{
	struct vdb_btf_member m;
	unsigned int i;
	int ret;

	for (i = 0; i < VDB_NR_FIELDS; i++) {
		ret = vdb_btf_member(btf, fields[i].object, fields[i].path, &m);
		if (!ret && (m.size == fields[i].size || fields[i].size == ANY_SIZE)) {
			vdb_field_offset[i] = m.offset;
			continue;
		}
		vdb_field_offset[i] = VDB_NO_FIELD;
		if (fields[i].optional)
			continue;
		if (ret)
			snprintf(reason, size, "this kernel has no %s.%s", fields[i].object,
				 fields[i].path);
		else
			snprintf(reason, size, "%s.%s has %u bytes here, not %u", fields[i].object,
				 fields[i].path, m.size, fields[i].size);
		return -EOPNOTSUPP;
	}
	return 0;
}
