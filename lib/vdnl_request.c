// SPDX-License-Identifier: GPL-2.0-only
/* One request and its answer. */
#include "vdnl_priv.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "nlerr.h"

int vdnl_socket(struct nl_sock **ret_sock)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_sock *sock;
	int on = 1, r;

	sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	r = nlerr_to_errno(genl_connect(sock));
	if (r < 0)
		goto fail;
	/* libnl only binds. Connected, nobody but the kernel can put anything into our queue. */
	if (connect(nl_socket_get_fd(sock), (const struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		r = -errno;
		goto fail;
	}

	/* A kernel without these is older than any we run on; go on without. */
	(void)setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret_sock = sock;
	return 0;
fail:
	nl_socket_free(sock);
	return r;
}

/* Bytes of the next datagram; nobody but the kernel can send one, see vdnl_socket(). */
static ssize_t receive(struct vdnl *client)
{
	ssize_t n;

	do
		n = recv(nl_socket_get_fd(client->sock), client->buffer, VDNL_BUFFER_SIZE,
			 MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n > VDNL_BUFFER_SIZE ? -EMSGSIZE : n;
}

static void on_row(struct vdnl_request *request, struct nlmsghdr *hdr)
{
	int r;

	/* After an error the rest is still read, so that the socket is clean. */
	if (request->result < 0 || !request->row)
		return;
	r = request->row(hdr, request->arg);
	if (r < 0)
		request->result = r;
}

static void on_verdict(struct vdnl *client, struct vdnl_request *request,
		       const struct nlmsghdr *hdr)
{
	int r = nlerr_extack(hdr, client->error, sizeof(client->error));

	if (r < 0 && request->result >= 0)
		request->result = r;
	request->done = true;
}

static int on_message(struct vdnl *client, struct vdnl_request *request, struct nlmsghdr *hdr)
{
	/* The rest of an answer that was given up. */
	if (hdr->nlmsg_seq != request->seq)
		return 0;
	if (hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		request->interrupted = true;
	switch (hdr->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -EMSGSIZE;
	case NLMSG_ERROR:
	case NLMSG_DONE:
		on_verdict(client, request, hdr);
		return 0;
	default:
		on_row(request, hdr);
		return 0;
	}
}

/*
 * One datagram, read in place: nl_recvmsgs() would copy every message of it into an
 * allocation of its own, once per VM and look.
 */
static int read_datagram(struct vdnl *client, struct vdnl_request *request)
{
	struct nlmsghdr *hdr = client->buffer;
	ssize_t n = receive(client);
	int r = 0, left = (int)n;

	if (n < 0)
		return (int)n;
	for (; !r && !request->done && nlmsg_ok(hdr, left); hdr = nlmsg_next(hdr, &left))
		r = on_message(client, request, hdr);
	return r;
}

/* The rest of an answer that was given up: else the next request would find it, or a dump. */
static void drain(const struct vdnl *client)
{
	char byte;
	ssize_t n;

	do
		n = recv(nl_socket_get_fd(client->sock), &byte, sizeof(byte), MSG_DONTWAIT);
	while (n >= 0 || errno == EINTR || errno == ENOBUFS);
}

static int send_request(struct vdnl *client, uint16_t type, struct vdnl_request *request)
{
	struct nl_msg *msg;
	int r = -ENOMEM;

	msg = nlmsg_alloc();
	if (!msg)
		return -ENOMEM;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, request->flags | NLM_F_ACK,
			 request->cmd, VCPU_DEBOOST_FAMILY_VERSION))
		goto out;
	if (request->len &&
	    nlmsg_append(msg, (void *)(uintptr_t)request->bytes, request->len, NLMSG_ALIGNTO) < 0)
		goto out;
	r = nlerr_to_errno(nl_send_auto(client->sock, msg));
	request->seq = nlmsg_hdr(msg)->nlmsg_seq;
out:
	nlmsg_free(msg);
	return r;
}

int vdnl_transact(struct vdnl *client, uint16_t type, struct vdnl_request *request)
{
	int r;

	request->result = 0;
	request->done = false;
	request->interrupted = false;
	client->error[0] = '\0';

	r = send_request(client, type, request);
	while (r >= 0 && !request->done)
		r = read_datagram(client, request);
	if (!request->done)
		drain(client);
	return request->done ? request->result : r;
}
