/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the client share with each other and with nobody else. */
#ifndef VD_LIB_VDNL_PRIV_H
#define VD_LIB_VDNL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include <netlink/netlink.h>

#include "vdnl.h"

/* Longest sentence of the module that is kept. */
#define VDNL_ERROR_SIZE 256

/* Kernels fill dump buffers of at most 32 KiB. */
#define VDNL_BUFFER_SIZE 32768

/**
 * struct vdnl_family - where the family is now
 * @id: message type, 0 when the module is not loaded
 * @events: id of the multicast group, 0 when there is none
 */
struct vdnl_family {
	uint16_t id;
	uint32_t events;
};

/**
 * struct vdnl_request - one request while it is under way
 * @cmd: of the family's protocol
 * @flags: NLM_F_*
 * @bytes: attributes
 * @len: bytes at @bytes
 * @row: called per message of the answer with the genlmsghdr of it
 * @arg: for @row
 * @result: first error of @row, or the kernel's verdict
 * @seq: number of the request, which its answers carry
 * @done: the kernel gave its verdict
 * @interrupted: a dump saw changes while it ran
 */
struct vdnl_request {
	uint8_t cmd;
	int flags;
	const void *bytes;
	size_t len;
	int (*row)(struct nlmsghdr *hdr, void *arg);
	void *arg;
	uint32_t seq;
	int result;
	bool done;
	bool interrupted;
};

/**
 * struct vdnl - the client
 * @sock: for requests
 * @buffer: VDNL_BUFFER_SIZE bytes for what @sock receives
 * @family: as last seen by a request
 * @error: the module's last sentence
 * @events_sock: subscription, else NULL
 * @events_family: as last seen by the subscription
 * @events_buffer: VDNL_BUFFER_SIZE bytes once subscribed, else NULL
 */
struct vdnl {
	struct nl_sock *sock;
	void *buffer;
	struct vdnl_family family;
	char error[VDNL_ERROR_SIZE];
	struct nl_sock *events_sock;
	struct vdnl_family events_family;
	void *events_buffer;
};

/* Open a generic netlink socket with the options every socket of ours has. */
int vdnl_socket(struct nl_sock **ret_sock);

/* Send one request to message type @type and wait for the verdict. */
int vdnl_transact(struct vdnl *client, uint16_t type, struct vdnl_request *request);

/*
 * Find the family without asking for it by name: that would make the kernel
 * load the module behind the administrator's back. -ENOPKG when it is absent.
 */
int vdnl_family_find(struct vdnl *client, struct vdnl_family *ret_family);

/* Read a CTRL_CMD_NEWFAMILY or _DELFAMILY message; -ENOENT: of another family. */
int vdnl_family_parse(struct nlmsghdr *hdr, struct vdnl_family *ret_family);

/* Close the subscription, if any. */
void vdnl_events_close(struct vdnl *client);

#endif /* VD_LIB_VDNL_PRIV_H */
