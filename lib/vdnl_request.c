// SPDX-License-Identifier: GPL-2.0-only
/* One request and its answer: the only file that drives libnl's receiver. */
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

static int on_row(struct nl_msg *msg, void *arg)
{
	struct vdnl_request *request = ((struct vdnl *)arg)->request;
	int r;

	/* After an error the rest is still read, so that the socket is clean. */
	if (!request || request->result < 0 || !request->row)
		return NL_OK;
	r = request->row(nlmsg_hdr(msg), request->arg);
	if (r < 0)
		request->result = r;
	return NL_OK;
}

static int on_verdict(struct vdnl *client, const struct nlmsghdr *hdr)
{
	struct vdnl_request *request = client->request;
	int r;

	if (!request)
		return NL_STOP;
	r = nlerr_extack(hdr, client->error, sizeof(client->error));
	if (r < 0 && request->result >= 0)
		request->result = r;
	request->done = true;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	return on_verdict(arg, nlmsg_hdr(msg));
}

static int on_error(struct sockaddr_nl *peer, struct nlmsgerr *error, void *arg)
{
	(void)peer;
	return on_verdict(arg, (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN));
}

static int on_interrupted(struct nl_msg *msg, void *arg)
{
	struct vdnl *client = arg;

	(void)msg;
	if (client->request)
		client->request->interrupted = true;
	return NL_OK;
}

/* libnl's own check would lose count for good once a request has failed half-way. */
static int on_number(struct nl_msg *msg, void *arg)
{
	const struct vdnl_request *request = ((struct vdnl *)arg)->request;

	return request && nlmsg_hdr(msg)->nlmsg_seq == request->seq ? NL_OK : NL_SKIP;
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

	nl_cb_set(client->cb, NL_CB_VALID, NL_CB_CUSTOM, on_row, client);
	nl_cb_set(client->cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, client);
	nl_cb_set(client->cb, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, client);
	nl_cb_set(client->cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_number, client);
	nl_cb_set(client->cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, client);
	nl_cb_err(client->cb, NL_CB_CUSTOM, on_error, client);

	request->result = 0;
	request->done = false;
	request->interrupted = false;
	client->error[0] = '\0';

	r = send_request(client, type, request);
	if (r < 0)
		return r;
	client->request = request;
	while (!request->done) {
		r = nlerr_to_errno(nl_recvmsgs(client->sock, client->cb));
		if (r < 0 && !request->done && r != -EINTR)
			break;
	}
	client->request = NULL;
	if (!request->done)
		drain(client);
	return request->done ? request->result : r;
}
