// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoint hooks. KVM's tracepoints are not exported: they are found by
 * walking those of the kvm module (or of the kernel, where KVM is built in).
 */
#include <linux/module.h>

#include "hooks.h"

/* What a walk found: the module that owns the tracepoints, pinned. */
static struct module *owner;
static bool walking;

static void match(struct tracepoint *tp, void *unused)
{
	struct vdb_hook *hook;

	vdb_for_each_hook(hook) {
		if (vdb_hook_is_tracepoint(hook) && !strcmp(hook->symbol, tp->name))
			hook->tp = tp;
	}
}

static int walk_module(struct notifier_block *nb, unsigned long action, void *data)
{
	struct tp_module *tp_mod = data;
	struct module *mod = tp_mod->mod;
	unsigned int i;

	if (!walking || action != MODULE_STATE_COMING || strcmp(mod->name, "kvm"))
		return NOTIFY_DONE;
	if (owner || !try_module_get(mod))
		return NOTIFY_DONE;
	owner = mod;
	for (i = 0; i < mod->num_tracepoints; i++)
		match(tracepoint_ptr_deref(&mod->tracepoints_ptrs[i]), NULL);
	return NOTIFY_DONE;
}

/**
 * vdb_tracepoints_find - fill @tp of each row
 *
 * Registering the notifier replays every loaded module, which is all that is
 * wanted; it is gone again on return. The kvm module is pinned, so that it
 * cannot go while the caller hooks it.
 *
 * Context: process, under vdb.lock.
 * Return: the module to put, or NULL if KVM is built in or not there.
 */
struct module *vdb_tracepoints_find(void)
{
	static struct notifier_block nb = { .notifier_call = walk_module };
	struct vdb_hook *hook;

	vdb_for_each_hook(hook)
		hook->tp = NULL;
	owner = NULL;
	walking = true;
	if (!register_tracepoint_module_notifier(&nb)) {
		walking = false;
		unregister_tracepoint_module_notifier(&nb);
	}
	if (!owner)
		for_each_kernel_tracepoint(match, NULL);
	return owner;
}

/**
 * vdb_tracepoint_arm - attach a probe
 * @hook: row of kind TRACEPOINT
 *
 * Return: 0, -ENOENT if the tracepoint was not found, or another error.
 */
int vdb_tracepoint_arm(struct vdb_hook *hook)
{
	return hook->tp ? tracepoint_probe_register(hook->tp, hook->probe, NULL) : -ENOENT;
}

/**
 * vdb_tracepoint_disarm - detach it
 * @hook: armed
 *
 * A probe may still run on another CPU until the caller has called
 * tracepoint_synchronize_unregister().
 */
void vdb_tracepoint_disarm(struct vdb_hook *hook)
{
	tracepoint_probe_unregister(hook->tp, hook->probe, NULL);
}
