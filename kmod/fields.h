/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields of KVM's structs, by offsets read from the running kernel's BTF.
 *
 * linux/kvm_host.h is not used although it is public: distributions change
 * struct kvm and struct kvm_vcpu in updates that keep the kernel's release
 * string, and a module built before such an update still loads after it.
 */
#ifndef VDB_FIELDS_H
#define VDB_FIELDS_H

#include <linux/types.h>

enum vdb_field {
	VDB_F_KVM_VCPU_ARRAY,
	VDB_F_KVM_ONLINE_VCPUS,
	VDB_F_KVM_VM_LIST,
	VDB_F_KVM_USERSPACE_PID,
	VDB_F_VCPU_KVM,
	VDB_F_VCPU_ID,
	VDB_F_VCPU_IDX,
	VDB_F_VCPU_READY,
	VDB_F_VCPU_PID,
	VDB_F_VCPU_PID_LOCK,
	VDB_F_VCPU_PREEMPTED,
	VDB_F_VCPU_PREEMPTED_IN_KERNEL,
	VDB_F_VCPU_APIC,
	VDB_F_LAPIC_VCPU,
	VDB_F_LAPIC_REGS,
	VDB_F_LAPIC_IRR_PENDING,
	VDB_F_LAPIC_APICV,
	VDB_F_TASK_SE,
	VDB_F_TASK_GROUP,
	VDB_F_SE_ON_RQ,
	VDB_F_SE_ON_RQ_INT,
	VDB_F_SE_DELAYED,
	VDB_F_SE_VRUNTIME,
	VDB_F_SE_DEADLINE,
	VDB_F_SE_VLAG,
	VDB_F_SE_WEIGHT,
	VDB_F_SE_H_WEIGHT,
	VDB_F_SE_RUN_NODE,
	VDB_F_SE_PARENT,
	VDB_F_SE_CFS_RQ,
	VDB_F_CFS_CURR,
	VDB_F_CFS_NEXT,
	VDB_F_CFS_RQ,
	VDB_F_CFS_TREE,
	VDB_F_CFS_THROTTLE_COUNT,
	VDB_F_CFS_IDLE,
	VDB_F_CFS_NR_RUNNING,
	VDB_F_CFS_NR_QUEUED,
	VDB_F_CFS_H_NR_QUEUED,
	VDB_F_RQ_CURR,
	VDB_F_RQ_CFS,
	VDB_NR_FIELDS
};

extern u32 vdb_field_offset[VDB_NR_FIELDS];

/* The offset of an optional field that this kernel has not. */
#define VDB_NO_FIELD U32_MAX

#define vdb_has_field(field) (vdb_field_offset[field] != VDB_NO_FIELD)

/* The address of a field; vdb_fields_load() has checked its size. */
#define vdb_field_ptr(object, field, type) \
	((type *)((const char *)(object) + vdb_field_offset[field]))

#define vdb_field(object, field, type) READ_ONCE(*vdb_field_ptr(object, field, type))

struct vdb_btf;

int vdb_fields_load(const struct vdb_btf *btf, char *reason, size_t size);

/* The kernel's and KVM's BTF, in memory only while hooks are resolved. */
struct vdb_kernel_btf;

struct vdb_kernel_btf *vdb_kernel_btf_open(char *reason, size_t size);
const struct vdb_btf *vdb_kernel_btf(const struct vdb_kernel_btf *kbtf);
void vdb_kernel_btf_close(struct vdb_kernel_btf *kbtf);

#endif /* VDB_FIELDS_H */
