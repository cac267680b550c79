// SPDX-License-Identifier: GPL-2.0-only
/*
 * The subscription. Reads the socket directly: libnl reports a full receive
 * buffer as "out of memory", and we must tell the two apart.
 */
#include "vdnl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "nlerr.h"

/* Datagrams per call, so that a storm of events does not starve the caller. */
#define READ_ROUNDS 256

/* The controller's group "notify" has had this number since it exists. */
#define CTRL_NOTIFY_GROUP GENL_ID_CTRL

void vdnl_events_close(struct vdnl *client)
{
	if (client->events_sock)
		nl_socket_free(client->events_sock);
	client->events_sock = NULL;
	client->events_family = (struct vdnl_family){ 0 };
	free(client->events_buffer);
	client->events_buffer = NULL;
}

static int join(struct vdnl *client, uint32_t group)
{
	if (!group)
		return -EBADMSG;
	/* Not through libnl, which would turn -EPERM into something vaguer. */
	if (setsockopt(nl_socket_get_fd(client->events_sock), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		       &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

/* Follow the family to where it is now; nothing to do when it is absent. */
static int join_family(struct vdnl *client)
{
	struct vdnl_family family;
	int r;

	r = vdnl_family_find(client, &family);
	if (r == -ENOPKG) {
		client->events_family = (struct vdnl_family){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	r = join(client, family.events);
	if (r < 0)
		return r;
	client->events_family = family;
	return 0;
}

int vdnl_subscribe(struct vdnl *client)
{
	int r;

	client->error[0] = '\0';
	if (client->events_sock)
		return -EALREADY;
	client->events_buffer = malloc(VDNL_BUFFER_SIZE);
	if (!client->events_buffer)
		return -ENOMEM;
	r = vdnl_socket(&client->events_sock);
	if (r < 0)
		goto fail;
	r = nlerr_to_errno(nl_socket_set_nonblocking(client->events_sock));
	if (r < 0)
		goto fail;
	/* First watch, then look: a module loaded in between is seen twice, not missed. */
	r = join(client, CTRL_NOTIFY_GROUP);
	if (r < 0)
		goto fail;
	r = join_family(client);
	if (r < 0)
		goto fail;
	return 0;
fail:
	vdnl_events_close(client);
	return r;
}

int vdnl_events_fd(const struct vdnl *client)
{
	return client->events_sock ? nl_socket_get_fd(client->events_sock) : -EBADF;
}

struct reader {
	vdnl_event_fn fn;
	void *arg;
	int nr_events;
};

static int emit(struct reader *reader, const struct vdnl_event *event)
{
	reader->nr_events++;
	return reader->fn(event, reader->arg);
}

static int on_family_message(struct vdnl *client, struct nlmsghdr *hdr, struct reader *reader)
{
	struct genlmsghdr *genl = nlmsg_data(hdr);
	struct vdnl_event event = { 0 };
	struct vdnl_family family;
	int r;

	if (genl->cmd != CTRL_CMD_NEWFAMILY && genl->cmd != CTRL_CMD_DELFAMILY)
		return 0;
	r = vdnl_family_parse(hdr, &family);
	if (r < 0)
		return r == -ENOENT ? 0 : r;

	if (genl->cmd == CTRL_CMD_DELFAMILY) {
		client->events_family = (struct vdnl_family){ 0 };
		event.type = VDNL_EVENT_MODULE_VANISHED;
		return emit(reader, &event);
	}
	if (family.id == client->events_family.id)
		return 0;
	r = join(client, family.events);
	if (r < 0)
		return r;
	client->events_family = family;
	event.type = VDNL_EVENT_MODULE_APPEARED;
	return emit(reader, &event);
}

static int on_message(struct vdnl *client, struct nlmsghdr *hdr, struct reader *reader)
{
	struct vdnl_event event;
	struct genlmsghdr *genl;
	int r;

	if (!genlmsg_valid_hdr(hdr, 0))
		return 0;
	if (hdr->nlmsg_type == GENL_ID_CTRL)
		return on_family_message(client, hdr, reader);
	if (!client->events_family.id || hdr->nlmsg_type != client->events_family.id)
		return 0;

	genl = nlmsg_data(hdr);
	switch (genl->cmd) {
	case VCPU_DEBOOST_CMD_VM_NEW_NTF:
		event.type = VDNL_EVENT_VM_NEW;
		break;
	case VCPU_DEBOOST_CMD_VM_GONE_NTF:
		event.type = VDNL_EVENT_VM_GONE;
		break;
	case VCPU_DEBOOST_CMD_TUNING_NTF:
		event.type = VDNL_EVENT_TUNING;
		break;
	case VCPU_DEBOOST_CMD_TRIP_NTF:
		event.type = VDNL_EVENT_TRIP;
		break;
	default:
		return 0; /* of a newer module */
	}
	r = vd_msg_decode(genlmsg_attrdata(genl, 0), (size_t)genlmsg_attrlen(genl, 0), &event.msg);
	if (r < 0)
		return r;
	return emit(reader, &event);
}

/* Bytes of the next datagram of the kernel, 0 when it is to be ignored. */
static ssize_t receive(struct vdnl *client)
{
	struct sockaddr_nl peer = { 0 };
	struct iovec iov = { .iov_base = client->events_buffer, .iov_len = VDNL_BUFFER_SIZE };
	struct msghdr msg = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do
		n = recvmsg(vdnl_events_fd(client), &msg, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (peer.nl_pid)
		return 0;
	return msg.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

int vdnl_events_read(struct vdnl *client, vdnl_event_fn fn, void *arg)
{
	struct reader reader = { .fn = fn, .arg = arg };
	int r;

	client->error[0] = '\0';
	if (!client->events_sock)
		return -EBADF;
	for (int round = 0; round < READ_ROUNDS; round++) {
		struct nlmsghdr *hdr = client->events_buffer;
		ssize_t n = receive(client);
		int left = (int)n;

		if (n == -EAGAIN)
			break;
		if (n == -ENOBUFS) {
			/* The lost event may have been that of the family. */
			r = join_family(client);
			return r < 0 ? r : -ENOBUFS;
		}
		if (n < 0)
			return (int)n;
		for (; nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left)) {
			r = on_message(client, hdr, &reader);
			if (r < 0)
				return r;
		}
	}
	return reader.nr_events;
}
