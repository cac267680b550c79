// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's sign of life. While it beats, the module acts on its word; when
 * it stops, for a crash or a kill -9, the module goes on for the grace and then
 * only observes. Nobody who never beat is waited for: vdctl alone may activate.
 */
#include <linux/jiffies.h>

#include "vdb.h"

static void stopped(struct work_struct *work)
{
	bool demoted;

	mutex_lock(&vdb.lock);
	if (!vdb.grace_ms || time_before(jiffies, vdb.grace_end)) {
		mutex_unlock(&vdb.lock);
		return;
	}
	vdb.grace_ms = 0;
	vdb.fallbacks++;
	demoted = vdb_tuning_demote();
	mutex_unlock(&vdb.lock);
	pr_notice("no heartbeat for the grace time: %s\n",
		  demoted ? "only observing now" : "nothing was active");
	vdb_notify_tuning(NULL, VCPU_DEBOOST_CAUSE_HEARTBEAT);
}

/**
 * vdb_heartbeat_init - before netlink
 */
void vdb_heartbeat_init(void)
{
	INIT_DELAYED_WORK(&vdb.heartbeat_work, stopped);
}

/**
 * vdb_heartbeat_set - a heartbeat
 * @grace_ms: fall back after so long without another; 0 ends the heartbeat
 *
 * Context: process, under vdb.lock.
 */
void vdb_heartbeat_set(u32 grace_ms)
{
	unsigned long grace = msecs_to_jiffies(grace_ms);

	lockdep_assert_held(&vdb.lock);
	if (vdb.closing)
		return;
	vdb.grace_ms = grace_ms;
	vdb.grace_end = jiffies + grace;
	cancel_delayed_work(&vdb.heartbeat_work);
	if (grace_ms)
		schedule_delayed_work(&vdb.heartbeat_work, grace);
}

/**
 * vdb_heartbeat_left_ms - time to the fallback
 *
 * Context: process, under vdb.lock.
 * Return: milliseconds, 0 if there is no heartbeat.
 */
u32 vdb_heartbeat_left_ms(void)
{
	if (!vdb.grace_ms || time_after(jiffies, vdb.grace_end))
		return 0;
	return jiffies_to_msecs(vdb.grace_end - jiffies);
}
