// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function entry hooks.
 *
 * A callback runs with preemption off and returns at once: no task ever sleeps
 * with a frame of this module on its stack. To yield to a chosen vCPU it does
 * not call anything; it makes the hooked function continue as another function
 * of KVM, by changing the address that the trampoline returns to. That is why
 * the module can be unloaded while vCPUs spin and yield.
 */
#include "fields.h"
#include "hooks.h"
#include "vdb.h"

static unsigned long yield_to_address __read_mostly;

/**
 * vdb_ftrace_set_yield_to - where kvm_vcpu_on_spin() is sent
 * @address: of kvm_vcpu_yield_to(), whose parameter is the vCPU to run
 */
void vdb_ftrace_set_yield_to(unsigned long address)
{
	yield_to_address = address;
}

/* kvm_vcpu_on_spin(me, in_kernel) becomes kvm_vcpu_yield_to(target). */
static void on_spin(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
		    struct ftrace_regs *fregs)
{
	struct pt_regs *regs = ftrace_get_regs(fregs);
	struct kvm_vcpu *target;

	target = vdb_on_spin((struct kvm_vcpu *)regs->di, (bool)regs->si);
	if (!target)
		return;
	regs->di = (unsigned long)target;
	regs->ip = yield_to_address;
}

/* kvm_arch_vcpu_postcreate(vcpu): the vCPU is complete and in its VM's array. */
static void on_vcpu_create(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			   struct ftrace_regs *fregs)
{
	vdb_vm_add_vcpu((struct kvm_vcpu *)ftrace_get_regs(fregs)->di);
}

/* kvm_arch_pre_destroy_vm(kvm): off vm_list, no vCPU runs any more. */
static void on_vm_destroy(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
			  struct ftrace_regs *fregs)
{
	vdb_vm_remove((struct kvm *)ftrace_get_regs(fregs)->di);
}

#define OPS_FLAGS (FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION)

/* IPMODIFY: only one of these per function, so a livepatch there refuses us. */
struct ftrace_ops vdb_on_spin_ops = {
	.func = on_spin,
	.flags = OPS_FLAGS | FTRACE_OPS_FL_IPMODIFY,
};

struct ftrace_ops vdb_vcpu_create_ops = { .func = on_vcpu_create, .flags = OPS_FLAGS };
struct ftrace_ops vdb_vm_destroy_ops = { .func = on_vm_destroy, .flags = OPS_FLAGS };

/**
 * vdb_ftrace_arm - hook a function's entry
 * @hook: row of kind FTRACE or REDIRECT
 *
 * Context: process, may sleep.
 * Return: 0, -EBUSY if another user redirects the function, or another error.
 */
int vdb_ftrace_arm(struct vdb_hook *hook)
{
	unsigned long address = vdb_kvm_symbol(hook->symbol);
	int ret;

	if (!address)
		return -ENOENT;
	ret = ftrace_set_filter_ip(hook->ops, address, 0, 1);
	return ret ?: register_ftrace_function(hook->ops);
}

/**
 * vdb_ftrace_disarm - take the hook out
 * @hook: armed
 *
 * Returns when no CPU is in the callback or its trampoline any more. The filter
 * stays, because ftrace_free_filter() leaves a pointer to freed memory behind
 * which the next arming would use; arming replaces it.
 */
void vdb_ftrace_disarm(struct vdb_hook *hook)
{
	unregister_ftrace_function(hook->ops);
}

/**
 * vdb_ftrace_free - free what arming has left
 * @hook: disarmed, never to be armed again
 */
void vdb_ftrace_free(struct vdb_hook *hook)
{
	ftrace_free_filter(hook->ops);
}
