/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KCLIENT_H
#define KCLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/vmtab.h"
#include "lib/vdnl.h"

#define KCLIENT_PROBLEM_SIZE 256

/**
 * struct kclient - the daemon's side of the module, which may come and go
 * @nl: the netlink client
 * @looked: there was an answer once, if only that there is no module
 * @present: the module answered last time
 * @push: @desired has to be told to the module
 * @resync: the list of VMs has to be read again
 * @grace_ms: heartbeat grace to keep up
 * @hold_off: looks to let pass before a refused @desired is tried again
 * @desired: what the module shall have: the configuration, and after it what
 *	somebody set over netlink
 * @tuning: what the module has, as far as known
 * @info: the module as a whole, as of the last look
 * @growth: what the counters of all VMs grew by at the last collection
 * @trips_said: trips of the module that the log has
 * @problem: why the last look failed or the module refused @desired, else ""
 */
struct kclient {
	struct vdnl *nl;
	bool looked;
	bool present;
	bool push;
	bool resync;
	uint32_t grace_ms;
	unsigned int hold_off;
	struct vd_tuning desired;
	struct vd_tuning tuning;
	struct vd_info info;
	struct vd_stats growth;
	uint64_t trips_said;
	char problem[KCLIENT_PROBLEM_SIZE];
};

/**
 * kclient_open() - start watching for the module
 * @k: overwritten; where there is no netlink, every look tries again
 */
void kclient_open(struct kclient *k);

void kclient_close(struct kclient *k);

/**
 * kclient_want() - a new configuration
 * @k: the client
 * @tuning: every knob
 * @grace_ms: heartbeat grace
 */
void kclient_want(struct kclient *k, const struct vd_tuning *tuning, uint32_t grace_ms);

/**
 * kclient_sync() - look for the module and bring it up to date
 * @k: the client
 * @tab: VMs; follows the module
 *
 * Pushes @k->desired, without its mode while the module's breaker is tripped, and reads
 * the list of VMs when they are due, and sends the heartbeat. A refused push is no
 * failure of the look: see @k->problem.
 *
 * Return: 0; -ENOPKG when the module is not loaded; -EAFNOSUPPORT where it cannot
 * be asked at all; or what went wrong.
 */
int kclient_sync(struct kclient *k, struct vmtab *tab);

/**
 * kclient_collect() - read the counters of every VM
 * @k: the client
 * @tab: its VMs get them
 *
 * Return: 0 or -errno; then no VM has changed.
 */
int kclient_collect(struct kclient *k, struct vmtab *tab);

/**
 * kclient_fd() - what to watch for events
 * @k: the client
 *
 * Return: the descriptor, or -EBADF.
 */
int kclient_fd(const struct kclient *k);

/**
 * kclient_events() - take in what happened
 * @k: the client; @k->push tells whether kclient_sync() should follow at once
 * @tab: follows the events
 *
 * Lost events only mean that the list of VMs is read again.
 *
 * Return: 0, or -errno when the socket is broken.
 */
int kclient_events(struct kclient *k, struct vmtab *tab);

/**
 * kclient_vm_read() - the tuning of one VM as it is now
 * @k: the client
 * @vm: tracked by the module; gets it
 *
 * Return: 0, -ENOENT when the VM is gone, or -errno.
 */
int kclient_vm_read(struct kclient *k, struct vm *vm);

/**
 * kclient_vm_change() - change the overrides of one VM
 * @k: the client
 * @vm: tracked by the module; gets its new tuning
 * @reset: drop all of them first
 * @set: then set those in @set->have
 *
 * Return: 0, -ENOENT when the VM is gone, or -errno.
 */
int kclient_vm_change(struct kclient *k, struct vm *vm, bool reset, const struct vd_tuning *set);

/**
 * kclient_leave() - leave the host as without us: mode off, no heartbeat
 * @k: the client
 *
 * Return: 0, also without the module, or -errno.
 */
int kclient_leave(struct kclient *k);

#endif /* KCLIENT_H */
