/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Client of the vcpu_deboost netlink family. One struct vdnl per thread.
 *
 * Every function returns 0 (or a count) or a negative errno, never prints,
 * and leaves its ret_ parameters untouched on failure. Errors that mean the
 * same everywhere:
 *
 *   -ENOPKG	the module is not loaded (the family does not exist)
 *   -EPERM	the caller lacks CAP_NET_ADMIN or CAP_SYS_ADMIN
 *   -ENOENT	no VM with that id
 *   -EINVAL, -ERANGE, -EOPNOTSUPP, -EBUSY	refused by the module
 *   -EBADMSG	the module sent something that does not follow the protocol
 *   -EAGAIN	a dump was disturbed again and again by changes
 *
 * After a failure vdnl_last_error() holds the module's own sentence, if it
 * gave one. The module may be unloaded and loaded again at any time: the
 * client finds the new family by itself.
 */
#ifndef VD_LIB_VDNL_H
#define VD_LIB_VDNL_H

#include <stdint.h>

#include "vdnl_msg.h"

/* No VM: the global tuning. The module's ids start at 1. */
#define VDNL_GLOBAL 0U

struct vdnl;

/**
 * vdnl_open() - open a client
 * @ret_client: freed with vdnl_close()
 *
 * Needs no privilege and no module: requests report -ENOPKG until there is one.
 *
 * Return: 0, -ENOMEM, or what socket() gave.
 */
int vdnl_open(struct vdnl **ret_client);

/**
 * vdnl_close() - close a client and its event socket
 * @client: may be NULL
 *
 * Return: NULL, for "client = vdnl_close(client)".
 */
struct vdnl *vdnl_close(struct vdnl *client);

/**
 * vdnl_last_error() - the module's sentence about the last failed call
 * @client: the client
 *
 * Return: the text, one printable line, empty when the module gave none or
 * the last call succeeded. Valid until the next call on @client.
 */
const char *vdnl_last_error(const struct vdnl *client);

/**
 * vdnl_strerror() - a sentence for any failure, with the next step to take
 * @client: its vdnl_last_error() is preferred over a general sentence
 * @error: what the failed call returned
 *
 * Return: a text, never empty. Valid until the next call on @client.
 */
const char *vdnl_strerror(const struct vdnl *client, int error);

/**
 * vdnl_info() - the module as a whole
 * @client: the client
 * @ret_info: filled in
 *
 * Return: 0 or -errno as above.
 */
int vdnl_info(struct vdnl *client, struct vd_info *ret_info);

/**
 * typedef vdnl_dump_fn - gets the rows of a dump
 * @msg: one row; NULL when the dump begins again because something changed
 *	while it ran: forget every row so far
 * @arg: the caller's
 *
 * Must not use the client. @msg is valid during the call only.
 *
 * Return: 0 to go on, a negative errno to end the dump with it.
 */
typedef int (*vdnl_dump_fn)(const struct vd_msg *msg, void *arg);

/**
 * vdnl_hooks_dump() - every row of the hook table, in msg->hook
 * @client: the client
 * @fn: called once per hook
 * @arg: passed to @fn
 *
 * Return: 0, what @fn returned, or -errno as above.
 */
int vdnl_hooks_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg);

/**
 * vdnl_tuning_get() - the knobs
 * @client: the client
 * @vm_id: a VM, or VDNL_GLOBAL
 * @ret_tuning: effective values; for a VM, @overrides says which are its own
 *
 * Return: 0 or -errno as above.
 */
int vdnl_tuning_get(struct vdnl *client, uint32_t vm_id, struct vd_tuning *ret_tuning);

/**
 * vdnl_tuning_set() - change the knobs named by @tuning->have
 * @client: the client
 * @vm_id: a VM, or VDNL_GLOBAL
 * @tuning: values; OVERRIDES is never sent
 *
 * Return: 0; -EINVAL when it names no knob; or -errno as above.
 */
int vdnl_tuning_set(struct vdnl *client, uint32_t vm_id, const struct vd_tuning *tuning);

/**
 * vdnl_tuning_reset() - drop every override of a VM
 * @client: the client
 * @vm_id: a VM; VDNL_GLOBAL is -EINVAL
 *
 * Return: 0 or -errno as above.
 */
int vdnl_tuning_reset(struct vdnl *client, uint32_t vm_id);

/**
 * vdnl_vm_get() - who a VM is
 * @client: the client
 * @vm_id: a VM
 * @ret_vm: filled in
 *
 * Return: 0 or -errno as above.
 */
int vdnl_vm_get(struct vdnl *client, uint32_t vm_id, struct vd_vm *ret_vm);

/**
 * vdnl_vms_dump() - every VM, in msg->vm (and msg->tuning when the module
 * sends it: see msg->have)
 * @client: the client
 * @fn: called once per VM
 * @arg: passed to @fn
 *
 * Return: 0, what @fn returned, or -errno as above.
 */
int vdnl_vms_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg);

/**
 * vdnl_stats_get() - counters of a VM
 * @client: the client
 * @vm_id: a VM
 * @ret_stats: filled in
 *
 * Return: 0 or -errno as above.
 */
int vdnl_stats_get(struct vdnl *client, uint32_t vm_id, struct vd_stats *ret_stats);

/**
 * vdnl_stats_dump() - counters of every VM, in msg->vm_id and msg->stats
 * @client: the client
 * @fn: called once per VM
 * @arg: passed to @fn
 *
 * Return: 0, what @fn returned, or -errno as above.
 */
int vdnl_stats_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg);

/**
 * vdnl_heartbeat() - say that somebody still minds the tuning
 * @client: the client
 * @grace_ms: the module falls back to observing when the next heartbeat has
 *	not come after that many ms; 0 ends the heartbeat without falling back
 *
 * Return: 0 or -errno as above; -ERANGE beyond VCPU_DEBOOST_GRACE_MAX_MS.
 */
int vdnl_heartbeat(struct vdnl *client, uint32_t grace_ms);

/**
 * vdnl_trip_clear() - let the mode be set again after the breaker has tripped
 * @client: the client
 *
 * Return: 0, also when it has not tripped, or -errno as above.
 */
int vdnl_trip_clear(struct vdnl *client);

enum vdnl_event_type {
	VDNL_EVENT_MODULE_APPEARED, /* the family exists now; already joined */
	VDNL_EVENT_MODULE_VANISHED, /* the module was unloaded */
	VDNL_EVENT_VM_NEW, /* msg.vm */
	VDNL_EVENT_VM_GONE, /* msg.vm, msg.stats if the module sends them */
	VDNL_EVENT_TUNING, /* msg.tuning, msg.cause; msg.vm_id or global */
	VDNL_EVENT_TRIP, /* msg.info; its trip says why, or was cleared */
};

/**
 * struct vdnl_event - something that happened
 * @type: what
 * @msg: its attributes; empty for the two MODULE events
 */
struct vdnl_event {
	enum vdnl_event_type type;
	struct vd_msg msg;
};

/**
 * typedef vdnl_event_fn - gets the events
 * @event: valid during the call only
 * @arg: the caller's
 *
 * May use the client for requests, but not vdnl_events_read() or vdnl_close().
 *
 * Return: 0 to go on, a negative errno to end vdnl_events_read() with it.
 */
typedef int (*vdnl_event_fn)(const struct vdnl_event *event, void *arg);

/**
 * vdnl_subscribe() - open the event socket
 * @client: the client
 *
 * Also watches the family come and go, so it works before the module is
 * loaded. There is no MODULE_APPEARED for a module that is loaded already:
 * subscribe first, then ask vdnl_info().
 *
 * Return: 0; -EALREADY; -EPERM without CAP_NET_ADMIN when the module is
 * loaded; or what socket() gave.
 */
int vdnl_subscribe(struct vdnl *client);

/**
 * vdnl_events_fd() - the event socket, to be watched for EPOLLIN
 * @client: the client; it keeps the descriptor
 *
 * Return: the descriptor, or -EBADF when not subscribed.
 */
int vdnl_events_fd(const struct vdnl *client);

/**
 * vdnl_events_read() - hand every waiting event to @fn, never block
 * @client: the client
 * @fn: called once per event
 * @arg: passed to @fn
 *
 * Return: number of events, 0 when nothing was waiting; -ENOBUFS when events
 * were lost (read again, and resync by dump); -EBADF when not subscribed;
 * what @fn returned; or -errno as above.
 */
int vdnl_events_read(struct vdnl *client, vdnl_event_fn fn, void *arg);

#endif /* VD_LIB_VDNL_H */
