// SPDX-License-Identifier: GPL-2.0-only
/* The ladder: up in init, down in exit. */
#define CREATE_TRACE_POINTS
#include "trace.h"

#include <linux/module.h>

#include "breaker.h"
#include "hooks.h"
#include "vdb.h"

struct vdb vdb;

static char *mode = "observe";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "mode at load: off, observe (default) or active");

static const char *const modes[] = {
	[VCPU_DEBOOST_MODE_OFF] = "off",
	[VCPU_DEBOOST_MODE_OBSERVE] = "observe",
	[VCPU_DEBOOST_MODE_ACTIVE] = "active",
};

static int __init vdb_init(void)
{
	int m = match_string(modes, ARRAY_SIZE(modes), mode);
	int ret;

	if (m < 0) {
		pr_err("mode=%s is not one of off, observe, active\n", mode);
		return -EINVAL;
	}
	mutex_init(&vdb.lock);
	vdb_vms_init();
	vdb_loans_init();
	vdb_tuning_init(m);
	vdb_heartbeat_init();
	ret = vdb_symbols_init();
	if (ret)
		return ret;
	ret = vdb_netlink_init();
	if (ret)
		return ret;
	vdb_breaker_init();
	ret = vdb_hooks_init();
	if (ret) {
		/* Between the two somebody may have sent a heartbeat. */
		cancel_delayed_work_sync(&vdb.heartbeat_work);
		vdb.closing = true;
		vdb_breaker_exit();
		vdb_netlink_exit();
		vdb_vms_exit();
	}
	return ret;
}

/*
 * The hooks go first, and stay gone: vdb.closing refuses whoever still asks over
 * netlink. The family goes after the last event of the worker.
 */
static void __exit vdb_exit(void)
{
	vdb_hooks_exit();
	vdb_breaker_exit();
	cancel_delayed_work_sync(&vdb.heartbeat_work);
	flush_work(&vdb.vm_work);
	vdb_netlink_exit();
	vdb_vms_exit();
}

module_init(vdb_init);
module_exit(vdb_exit);

MODULE_DESCRIPTION("Directed yield that knows who waits for whom, for oversubscribed KVM hosts");
MODULE_LICENSE("GPL");
MODULE_VERSION(VDB_VERSION);
/* No MODULE_ALIAS_GENL_FAMILY: anybody who asks for the family would load the module. */
