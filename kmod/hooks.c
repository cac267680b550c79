// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hook table: resolve against the running kernel, arm all or nothing,
 * follow the kvm module as it comes and goes.
 */
#include <linux/module.h>

#include "breaker.h"
#include "btf.h"
#include "clock.h"
#include "fair.h"
#include "fields.h"
#include "hooks.h"
#include "vdb.h"

#define TRACEPOINT(n, sym, sig, req, fn)                                                  \
	{                                                                                 \
		.name = n, .symbol = sym, .signature = sig, .required = req, .probe = fn, \
		.kind = VCPU_DEBOOST_HOOK_KIND_TRACEPOINT                                 \
	}
#define FUNCTION(n, sym, sig, k, req, fn)                                                 \
	{                                                                                 \
		.name = n, .symbol = sym, .signature = sig, .required = req, .entry = fn, \
		.kind = VCPU_DEBOOST_HOOK_KIND_##k                                        \
	}

/* The functions that are called most come first: their entries find their rows at once. */
struct vdb_hook vdb_hooks[] = {
	FUNCTION("spin", "kvm_vcpu_on_spin", "kvm_vcpu*,1", REDIRECT, true, vdb_entry_spin),
	/* Without it nobody knows what came of a yield, and the breaker sees nobody starve. */
	FUNCTION("load", "kvm_arch_vcpu_load", "kvm_vcpu*,4", FTRACE, true, vdb_entry_load),
	/* Without it nobody knows whom KVM would have chosen. */
	FUNCTION("yield", "kvm_vcpu_yield_to", "kvm_vcpu*", FTRACE, false, vdb_entry_yield),
	/* Without it a wait for a vCPU that was reset ends with the window. */
	FUNCTION("reset", "kvm_vcpu_reset", "kvm_vcpu*,1", FTRACE, false, vdb_entry_reset),
	FUNCTION("vcpu_create", "kvm_arch_vcpu_postcreate", "kvm_vcpu*", FTRACE, true,
		 vdb_entry_vcpu_create),
	FUNCTION("vm_destroy", "kvm_arch_pre_destroy_vm", "kvm*", FTRACE, true,
		 vdb_entry_vm_destroy),
	TRACEPOINT("ipi_send", "kvm_apic_ipi", "4,4", true, vdb_ipi_send),
	TRACEPOINT("ipi_accept", "kvm_apic_accept_irq", "4,2,2,1", true, vdb_ipi_accept),
	/* Without these, IPIs by those ways are not seen. */
	TRACEPOINT("ipi_pv", "kvm_hypercall", "8,8,8,8,8", false, vdb_ipi_hypercall),
	TRACEPOINT("ipi_hyperv", "kvm_hv_send_ipi", "4,8", false, vdb_ipi_hyperv),
	TRACEPOINT("ipi_hyperv_ex", "kvm_hv_send_ipi_ex", "4,8,8", false, vdb_ipi_hyperv_ex),
	TRACEPOINT("ipi_avic", "kvm_avic_incomplete_ipi", "4,4,4,4,4", false, vdb_ipi_avic),
	/* Without it a pair lives as long as the window: worse, not wrong. */
	TRACEPOINT("eoi", "kvm_eoi", "kvm_lapic*,4", false, vdb_ipi_eoi),
};
const unsigned int vdb_nr_hooks = ARRAY_SIZE(vdb_hooks);

DEFINE_STATIC_CALL_RET0(vdb_running_vcpu, vdb_running_vcpu_proto);

static const char switched_off[] = "the mode is off";
static const char not_loaded[] = "the module kvm is not loaded";

/* Functions and data that are used, not hooked. */
static int resolve_used(const struct vdb_btf *btf, char *reason, size_t size)
{
	unsigned long running = vdb_kvm_symbol("kvm_get_running_vcpu");
	unsigned long yield_to = vdb_kvm_symbol("kvm_vcpu_yield_to");
	char signature[48];
	int ret;

	if (!running || !yield_to) {
		snprintf(reason, size, "this kernel has no %s()",
			 running ? "kvm_vcpu_yield_to" : "kvm_get_running_vcpu");
		return -EOPNOTSUPP;
	}
	ret = vdb_btf_func_signature(btf, "kvm_vcpu_yield_to", signature, sizeof(signature));
	if (ret || strcmp(signature, "kvm_vcpu*")) {
		snprintf(reason, size, "kvm_vcpu_yield_to() takes (%s) here",
			 ret ? "?" : signature);
		return -EOPNOTSUPP;
	}
	ret = vdb_fields_load(btf, reason, size);
	if (ret)
		return ret;
	static_call_update(vdb_running_vcpu, (typeof(&vdb_running_vcpu_proto))running);
	vdb_ftrace_set_yield_to(yield_to);
	vdb_order_resolve();
	vdb_fair_resolve(btf);
	return vdb_vms_resolve(reason, size);
}

/* A hook is only set on a function whose parameters are those expected. */
static int check_signature(struct vdb_hook *hook, const struct vdb_btf *btf)
{
	bool tp = vdb_hook_is_tracepoint(hook);
	char found[48];
	int ret;

	ret = (tp ? vdb_btf_tracepoint_signature : vdb_btf_func_signature)(btf, hook->symbol, found,
									   sizeof(found));
	if (!ret && !strcmp(found, hook->signature))
		return 0;
	if (ret)
		snprintf(hook->reason, sizeof(hook->reason), "%s is not in this kernel's types",
			 hook->symbol);
	else
		snprintf(hook->reason, sizeof(hook->reason), "%s takes (%s) here, not (%s)",
			 hook->symbol, found, hook->signature);
	return -EOPNOTSUPP;
}

static void refused(struct vdb_hook *hook, int error)
{
	hook->state = VCPU_DEBOOST_HOOK_STATE_REFUSED;
	if (hook->reason[0])
		return;
	if (error == -EBUSY)
		snprintf(hook->reason, sizeof(hook->reason),
			 "%s() cannot be redirected: live-patched, or kernel.ftrace_enabled=0",
			 hook->symbol);
	else
		snprintf(hook->reason, sizeof(hook->reason), "cannot hook %s (error %d)",
			 hook->symbol, error);
}

static void disarm_all(void)
{
	bool functions = false;
	struct vdb_hook *hook;

	vdb_for_each_hook(hook) {
		if (hook->state != VCPU_DEBOOST_HOOK_STATE_ARMED)
			continue;
		if (vdb_hook_is_tracepoint(hook))
			vdb_tracepoint_disarm(hook);
		else
			functions = true;
		hook->state = VCPU_DEBOOST_HOOK_STATE_IDLE;
	}
	if (functions)
		vdb_ftrace_disarm();
	tracepoint_synchronize_unregister();
	vdb_loans_settle();
	static_call_update(vdb_running_vcpu, (void *)__static_call_return0);
}

/* Required and refused: none is armed then, and the module says why. */
static int give_up(const struct vdb_hook *hook, int error)
{
	snprintf(vdb.reason_buf, sizeof(vdb.reason_buf), "hook %s: %s", hook->name, hook->reason);
	disarm_all();
	return error == -EBUSY ? -EBUSY : -EOPNOTSUPP;
}

/* Tracepoints one by one; functions are only checked here. */
static int arm_row(struct vdb_hook *hook, const struct vdb_btf *btf)
{
	int ret = check_signature(hook, btf);

	if (!ret && vdb_hook_is_tracepoint(hook)) {
		ret = vdb_tracepoint_arm(hook);
		if (!ret)
			hook->state = VCPU_DEBOOST_HOOK_STATE_ARMED;
	} else if (!ret && !vdb_ftrace_find(hook)) {
		ret = -ENOENT;
	}
	if (!ret)
		return 0;
	refused(hook, ret);
	pr_notice("hook %s: %s\n", hook->name, hook->reason);
	return hook->required ? give_up(hook, ret) : 0;
}

static int arm_all(const struct vdb_btf *btf)
{
	struct vdb_hook *hook;
	int ret = 0;

	vdb_for_each_hook(hook) {
		hook->state = VCPU_DEBOOST_HOOK_STATE_IDLE;
		hook->reason[0] = '\0';
	}
	vdb_for_each_hook(hook) {
		ret = arm_row(hook, btf);
		if (ret)
			return ret;
	}
	ret = vdb_ftrace_arm(&hook);
	if (ret) {
		refused(hook, ret);
		return give_up(hook, ret);
	}
	vdb_for_each_hook(hook) {
		if (vdb_hook_is_armable(hook))
			hook->state = VCPU_DEBOOST_HOOK_STATE_ARMED;
	}
	return 0;
}

/**
 * vdb_hooks_arm - hook KVM, and look for the VMs that are already there
 *
 * Context: process, under vdb.lock.
 * Return: 0 (also if armed already), -ENODEV if kvm is not loaded, -EBUSY if a
 * function is redirected by somebody else, ftrace is off or the breaker has tripped, -ESHUTDOWN if
 * the module goes,
 * -EOPNOTSUPP if this kernel is not understood, -ENOMEM. On an error nothing is
 * hooked and vdb.reason says why.
 */
int vdb_hooks_arm(void)
{
	struct vdb_kernel_btf *kbtf;
	struct module *kvm;
	int ret;

	lockdep_assert_held(&vdb.lock);
	if (vdb.armed)
		return 0;
	if (vdb.closing) {
		vdb.reason = "the module is being unloaded";
		return -ESHUTDOWN;
	}
	if (vdb_breaker_reason()) {
		vdb.reason = vdb_breaker_reason();
		return -EBUSY;
	}
	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		vdb.reason = "this is a PREEMPT_RT kernel: its locks sleep where hooks may not";
		return -EOPNOTSUPP;
	}
	kvm = vdb_tracepoints_find();
	if (!kvm && !vdb_kvm_symbol("kvm_vcpu_on_spin")) {
		vdb.reason = not_loaded;
		return -ENODEV;
	}
	vdb_clock_init();
	vdb_breaker_start();
	vdb.reason = vdb.reason_buf;
	kbtf = vdb_kernel_btf_open(vdb.reason_buf, sizeof(vdb.reason_buf));
	ret = PTR_ERR_OR_ZERO(kbtf);
	if (!ret) {
		ret = resolve_used(vdb_kernel_btf(kbtf), vdb.reason_buf, sizeof(vdb.reason_buf));
		if (!ret)
			ret = arm_all(vdb_kernel_btf(kbtf));
		vdb_kernel_btf_close(kbtf);
	}
	if (!ret) {
		vdb.armed = true;
		vdb.reason = NULL;
		vdb_starve_start();
		vdb_vms_scan();
	} else {
		vdb_vms_drop_all();
		pr_notice("not armed: %s\n", vdb.reason);
	}
	module_put(kvm);
	return ret;
}

/**
 * vdb_hooks_disarm - take every hook out and forget every VM
 *
 * On return KVM is stock: no probe, no trampoline, no CPU in our text.
 *
 * Context: process, under vdb.lock.
 */
void vdb_hooks_disarm(void)
{
	lockdep_assert_held(&vdb.lock);
	if (!vdb.armed)
		return;
	disarm_all();
	vdb_starve_stop();
	vdb.armed = false;
	vdb.reason = switched_off;
	vdb_vms_drop_all();
}

/**
 * vdb_hooks_say_off - nothing keeps the hooks from being armed but the mode
 *
 * Context: under vdb.lock, hooks disarmed.
 */
void vdb_hooks_say_off(void)
{
	vdb.reason = switched_off;
}

static void attach(struct work_struct *work)
{
	mutex_lock(&vdb.lock);
	if (vdb.tuning.mode != VCPU_DEBOOST_MODE_OFF)
		vdb_hooks_arm();
	else if (vdb.reason == not_loaded)
		vdb_hooks_say_off();
	mutex_unlock(&vdb.lock);
}

static DECLARE_WORK(attach_work, attach);

static int kvm_comes_and_goes(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *mod = data;

	if (strcmp(mod->name, "kvm"))
		return NOTIFY_DONE;
	if (action == MODULE_STATE_LIVE) {
		schedule_work(&attach_work);
	} else if (action == MODULE_STATE_GOING) {
		mutex_lock(&vdb.lock);
		vdb_hooks_disarm();
		vdb.reason = not_loaded;
		mutex_unlock(&vdb.lock);
	}
	return NOTIFY_DONE;
}

/* Before the tracepoint core, which warns of probes left on a going module. */
static struct notifier_block kvm_nb = {
	.notifier_call = kvm_comes_and_goes,
	.priority = 1,
};

/**
 * vdb_hooks_init - arm if the mode says so, and follow the kvm module
 *
 * A kernel that cannot be hooked is not an error: the module stays, says why
 * over netlink, and does nothing.
 *
 * Return: 0, or an error of the notifier chain.
 */
int vdb_hooks_init(void)
{
	int ret = register_module_notifier(&kvm_nb);

	if (ret)
		return ret;
	vdb.reason = switched_off;
	attach(NULL);
	return 0;
}

/**
 * vdb_hooks_exit - disarm for good
 */
void vdb_hooks_exit(void)
{
	unregister_module_notifier(&kvm_nb);
	cancel_work_sync(&attach_work);
	mutex_lock(&vdb.lock);
	vdb.closing = true;
	vdb_hooks_disarm();
	mutex_unlock(&vdb.lock);
	vdb_ftrace_free();
}
