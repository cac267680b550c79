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
#include "breaker.h"
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

/**
 * vdb_entry_spin - kvm_vcpu_on_spin(me, in_kernel) becomes kvm_vcpu_yield_to(target)
 * @regs: as at the function's entry
 */
void vdb_entry_spin(struct pt_regs *regs)
{
	struct kvm_vcpu *target;

	target = vdb_on_spin((struct kvm_vcpu *)regs->di, (bool)regs->si);
	if (!target)
		return;
	regs->di = (unsigned long)target;
	regs->ip = yield_to_address;
}

/**
 * vdb_entry_load - kvm_arch_vcpu_load(vcpu, cpu): a vCPU gets a CPU
 * @regs: as at the function's entry
 */
void vdb_entry_load(struct pt_regs *regs)
{
	vdb_vcpu_load((struct kvm_vcpu *)regs->di);
}

/**
 * vdb_entry_yield - kvm_vcpu_yield_to(target): KVM has chosen, or we have
 * @regs: as at the function's entry
 */
void vdb_entry_yield(struct pt_regs *regs)
{
	vdb_yield_stock((struct kvm_vcpu *)regs->di);
}

/**
 * vdb_entry_reset - kvm_vcpu_reset(vcpu, init)
 * @regs: as at the function's entry
 */
void vdb_entry_reset(struct pt_regs *regs)
{
	vdb_vcpu_reset((struct kvm_vcpu *)regs->di);
}

/**
 * vdb_entry_vcpu_create - kvm_arch_vcpu_postcreate(vcpu): complete, and in its VM's array
 * @regs: as at the function's entry
 */
void vdb_entry_vcpu_create(struct pt_regs *regs)
{
	vdb_vm_add_vcpu((struct kvm_vcpu *)regs->di);
}

/**
 * vdb_entry_vm_destroy - kvm_arch_pre_destroy_vm(kvm): off vm_list, no vCPU runs any more
 * @regs: as at the function's entry
 */
void vdb_entry_vm_destroy(struct pt_regs *regs)
{
	vdb_vm_remove((struct kvm *)regs->di);
}

/* A function's hook is at its entry, behind an ENDBR where there is one. */
#define ENTRY_BYTES 16

static void entry(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op,
		  struct ftrace_regs *fregs)
{
	struct vdb_hook *hook;
	u64 begun_ns;

	vdb_for_each_hook(hook) {
		if (ip - hook->address >= ENTRY_BYTES)
			continue;
		/* Unlike a tracepoint, ftrace calls with preemption on, on every kernel. */
		preempt_disable_notrace();
		begun_ns = vdb_hook_begin();
		hook->entry(vdb_ftrace_regs(fregs));
		vdb_hook_end(begun_ns);
		preempt_enable_notrace();
		return;
	}
}

/*
 * One for all functions: taking it out waits for every task once, not once for
 * each. IPMODIFY: a function has only one such user, so a live patch of one of
 * them refuses us, and we refuse a live patch.
 *
 * The parameters and the address to go on at are all that is used, so that the
 * other registers need not be saved: as live patches do. Nor does ftrace have to
 * guard against recursion (FL_RECURSION, about 60 instructions a call): what the
 * callbacks call is none of the hooked functions, no interrupt calls one, and
 * with preemption off no other task does.
 *
 * PERMANENT, as live patches are: kernel.ftrace_enabled=0 would silence these hooks and
 * leave the tracepoints, so that nobody were told of a VM's end. It is refused while they
 * are armed, and they are refused where it is 0.
 */
static struct ftrace_ops ops = {
	.func = entry,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/* Which function is it that cannot be hooked? Try each alone. */
static struct vdb_hook *find_culprit(int *ret)
{
	struct vdb_hook *hook, *last = NULL;
	int r;

	vdb_for_each_hook(hook) {
		if (!vdb_hook_is_armable(hook))
			continue;
		last = hook;
		r = ftrace_set_filter_ip(&ops, hook->address, 0, 1);
		r = r ?: register_ftrace_function(&ops);
		if (r) {
			*ret = r;
			return hook;
		}
		unregister_ftrace_function(&ops);
	}
	return last;
}

/**
 * vdb_ftrace_find - look a function up
 * @hook: row of a function; its address is filled
 *
 * Return: true if there is one.
 */
bool vdb_ftrace_find(struct vdb_hook *hook)
{
	hook->address = vdb_kvm_symbol(hook->symbol);
	return hook->address;
}

/**
 * vdb_ftrace_arm - hook the entries of all functions that were found, or of none
 * @ret_culprit: on failure, the row that is to blame
 *
 * Context: process, may sleep.
 * Return: 0, -ENOENT if a function is missing, -EBUSY if another user redirects
 * one or ftrace is switched off, or another error.
 */
int vdb_ftrace_arm(struct vdb_hook **ret_culprit)
{
	struct vdb_hook *hook;
	int reset = 1;
	int ret;

	vdb_for_each_hook(hook) {
		if (!vdb_hook_is_armable(hook))
			continue;
		*ret_culprit = hook;
		ret = ftrace_set_filter_ip(&ops, hook->address, 0, reset);
		if (ret)
			return ret;
		reset = 0;
	}
	ret = register_ftrace_function(&ops);
	if (ret)
		*ret_culprit = find_culprit(&ret);
	return ret;
}

/**
 * vdb_ftrace_disarm - take them out
 *
 * Returns when no CPU is in the callback or its trampoline any more. The filter
 * stays, because ftrace_free_filter() leaves a pointer to freed memory behind
 * which the next arming would use; arming replaces it.
 */
void vdb_ftrace_disarm(void)
{
	unregister_ftrace_function(&ops);
}

/**
 * vdb_ftrace_free - free what arming has left; there is no arming after it
 */
void vdb_ftrace_free(void)
{
	ftrace_free_filter(&ops);
}
