/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel is hooked: one row a hook, see the table in hooks.c and the
 * entry of each in docs/SAFETY.md.
 */
#ifndef VDB_HOOKS_H
#define VDB_HOOKS_H

#include <linux/ftrace.h>
#include <linux/static_call.h>
#include <linux/tracepoint.h>
#include <linux/vcpu_deboost.h>

struct kvm_vcpu;

/**
 * struct vdb_hook - a row
 * @name: for people
 * @symbol: function, or tracepoint
 * @signature: what BTF must say of its parameters, see btf.h
 * @kind: backend
 * @required: all required rows are armed, or none is
 * @probe: of a tracepoint
 * @entry: of a function
 * @address: of a function, while resolved
 * @state: idle, armed, refused; under vdb.lock
 * @reason: why refused
 * @tp: the tracepoint, while resolved
 */
struct vdb_hook {
	const char *name;
	const char *symbol;
	const char *signature;
	enum vcpu_deboost_hook_kind kind;
	bool required;
	void *probe;
	void (*entry)(struct pt_regs *regs);
	unsigned long address;

	enum vcpu_deboost_hook_state state;
	char reason[96];
	struct tracepoint *tp;
};

extern struct vdb_hook vdb_hooks[];
extern const unsigned int vdb_nr_hooks;

static inline bool vdb_hook_is_tracepoint(const struct vdb_hook *hook)
{
	return hook->kind == VCPU_DEBOOST_HOOK_KIND_TRACEPOINT;
}

/* A function that was found to be what is expected, and is hooked with the others. */
static inline bool vdb_hook_is_armable(const struct vdb_hook *hook)
{
	return !vdb_hook_is_tracepoint(hook) && hook->state != VCPU_DEBOOST_HOOK_STATE_REFUSED;
}

#define vdb_for_each_hook(h) for (h = vdb_hooks; h < vdb_hooks + vdb_nr_hooks; h++)

/* KVM's record of the vCPU that is loaded on this CPU; NULL while disarmed. */
struct kvm_vcpu *vdb_running_vcpu_proto(void);
DECLARE_STATIC_CALL(vdb_running_vcpu, vdb_running_vcpu_proto);

/* hooks.c; under vdb.lock */
int vdb_hooks_arm(void);
void vdb_hooks_disarm(void);
void vdb_hooks_say_off(void);
int vdb_hooks_init(void);
void vdb_hooks_exit(void);

/* hook_tracepoint.c */
struct module;
struct module *vdb_tracepoints_find(void);
int vdb_tracepoint_arm(struct vdb_hook *hook);
void vdb_tracepoint_disarm(struct vdb_hook *hook);

/* hook_ftrace.c */
void vdb_entry_spin(struct pt_regs *regs);
void vdb_entry_load(struct pt_regs *regs);
void vdb_entry_yield(struct pt_regs *regs);
void vdb_entry_reset(struct pt_regs *regs);
void vdb_entry_vcpu_create(struct pt_regs *regs);
void vdb_entry_vm_destroy(struct pt_regs *regs);

bool vdb_ftrace_find(struct vdb_hook *hook);
int vdb_ftrace_arm(struct vdb_hook **ret_culprit);
void vdb_ftrace_disarm(void);
void vdb_ftrace_free(void);
void vdb_ftrace_set_yield_to(unsigned long address);

#endif /* VDB_HOOKS_H */
