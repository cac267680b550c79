/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stand-in for generic netlink: what this program sends to the kernel comes to
 * fakenl_request(), and what that answers can be wrong in every way that the real kernel's
 * answers are not. Include it in one file of a program: it defines socket() and its kin for
 * the whole of it. Sockets of other families, and of netlink's other protocols, are real;
 * that of the uevents may be.
 */
#ifndef VD_TESTS_FAKENL_H
#define VD_TESTS_FAKENL_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "test.h"

#define FAKENL_SOCKETS 8
#define FAKENL_BUFFER  65536

/**
 * struct fakenl_sock - a socket that is not one
 * @fd: what the program has; 0 when this one is free
 * @peer: the kernel's end
 * @port: its address
 * @groups: bit n: it listens to group n
 * @uevent: it is one of uevents
 * @overrun: its next reading finds that messages were lost
 * @senders: of the messages that wait, from @head to @tail
 */
struct fakenl_sock {
	int fd;
	int peer;
	uint32_t port;
	uint64_t groups;
	bool uevent;
	bool overrun;
	uint32_t senders[256];
	uint8_t head;
	uint8_t tail;
};

/**
 * struct fakenl - the stand-in
 * @socks: those that are open
 * @socket_error: errno of socket(), 0 for none
 * @connect_error: of connect()
 * @join_error: of joining a group
 * @send_error: of sending a request
 * @recv_error: of the next reading alone
 * @sender: port that the next messages come from; the kernel's is 0
 * @uevents: those of uevents are no real ones, either
 * @uevent_error: of the next reading of such a one
 * @redirect: where connect() goes for a path of AF_UNIX, or NULL
 */
static struct fakenl {
	struct fakenl_sock socks[FAKENL_SOCKETS];
	int socket_error;
	int connect_error;
	int join_error;
	int send_error;
	int recv_error;
	uint32_t sender;
	bool uevents;
	int uevent_error;
	const char *redirect;
} fakenl;

/* Messages on their way to the program, one datagram. */
struct fakenl_buf {
	_Alignas(8) uint8_t bytes[FAKENL_BUFFER];
	size_t len;
};

/* One request, of whoever includes this. */
static void fakenl_request(struct fakenl_sock *sock, const struct nlmsghdr *hdr);

static struct fakenl_sock *fakenl_find(int fd)
{
	size_t i;

	for (i = 0; fd > 0 && i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd == fd)
			return &fakenl.socks[i];
	return NULL;
}

/* What finds no room is lost, and the program is told: as the kernel does it. */
static void fakenl_send(struct fakenl_sock *sock, const struct fakenl_buf *buf)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf->bytes, .iov_len = buf->len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (syscall(SYS_sendmsg, sock->peer, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		sock->overrun = true;
	else
		sock->senders[sock->tail++] = fakenl.sender;
}

static inline void fakenl_multicast(uint32_t group, const struct fakenl_buf *buf)
{
	size_t i;

	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd && fakenl.socks[i].groups & (UINT64_C(1) << group))
			fakenl_send(&fakenl.socks[i], buf);
}

/* Messages are lost to all who listen to @group. */
static inline void fakenl_lose(uint32_t group)
{
	size_t i;

	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].groups & (UINT64_C(1) << group))
			fakenl.socks[i].overrun = true;
}

/* The kernel tells of a device; without text, something was lost. */
static inline void fakenl_uevent(const char *text, size_t len)
{
	static struct fakenl_buf buf;
	size_t i;

	buf.len = len;
	if (len)
		memcpy(buf.bytes, text, len);
	for (i = 0; i < FAKENL_SOCKETS; i++) {
		if (!fakenl.socks[i].uevent)
			continue;
		fakenl_send(&fakenl.socks[i], &buf);
		fakenl.socks[i].overrun |= !len;
	}
}

/* Append a message with @len bytes of payload; the caller may change its header. */
static struct nlmsghdr *fakenl_put(struct fakenl_buf *buf, uint16_t type, uint32_t seq,
				   const void *payload, size_t len)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)(void *)&buf->bytes[buf->len];

	assert_true(buf->len + NLMSG_SPACE(len) <= sizeof(buf->bytes));
	memset(hdr, 0, NLMSG_SPACE(len));
	hdr->nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	hdr->nlmsg_type = type;
	hdr->nlmsg_seq = seq;
	if (len)
		memcpy(NLMSG_DATA(hdr), payload, len);
	buf->len += NLMSG_SPACE(len);
	return hdr;
}

/* The same, of a family. */
static inline struct nlmsghdr *fakenl_put_genl(struct fakenl_buf *buf, uint16_t type, uint32_t seq,
					       uint8_t cmd, const void *attrs, size_t len)
{
	uint8_t payload[GENL_HDRLEN + 8192] = { cmd, 1 };

	assert_true(len <= sizeof(payload) - GENL_HDRLEN);
	memcpy(payload + GENL_HDRLEN, attrs, len);
	return fakenl_put(buf, type, seq, payload, GENL_HDRLEN + len);
}

/* Append an attribute to @attrs; returns the new length. */
static inline size_t fakenl_attr(uint8_t *attrs, size_t len, uint16_t type, const void *value,
				 size_t size)
{
	struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type };

	memset(attrs + len, 0, NLA_ALIGN(attr.nla_len));
	memcpy(attrs + len, &attr, sizeof(attr));
	memcpy(attrs + len + NLA_HDRLEN, value, size);
	return len + NLA_ALIGN(attr.nla_len);
}

/* The verdict on @request: 0, or a negative errno with a sentence that may be NULL. */
static inline void fakenl_verdict(struct fakenl_buf *buf, const struct nlmsghdr *request, int error,
				  const char *sentence)
{
	struct nlmsgerr err = { .error = error, .msg = *request };
	uint8_t payload[512];
	struct nlmsghdr *hdr;
	size_t len = sizeof(err);

	memcpy(payload, &err, sizeof(err));
	if (sentence)
		len = fakenl_attr(payload, len, NLMSGERR_ATTR_MSG, sentence, strlen(sentence) + 1);
	hdr = fakenl_put(buf, NLMSG_ERROR, request->nlmsg_seq, payload, len);
	hdr->nlmsg_flags = NLM_F_CAPPED | (sentence ? NLM_F_ACK_TLVS : 0);
}

static inline void fakenl_done(struct fakenl_buf *buf, const struct nlmsghdr *request)
{
	int32_t error = 0;

	fakenl_put(buf, NLMSG_DONE, request->nlmsg_seq, &error, sizeof(error))->nlmsg_flags =
		NLM_F_MULTI;
}

int socket(int domain, int type, int protocol)
{
	struct fakenl_sock *sock = fakenl.socks;
	static uint32_t port = 1000;
	int fds[2];
	bool uevent = fakenl.uevents && protocol == NETLINK_KOBJECT_UEVENT;

	if (domain != AF_NETLINK || (protocol != NETLINK_GENERIC && !uevent))
		return (int)syscall(SYS_socket, domain, type, protocol);
	errno = fakenl.socket_error;
	if (errno)
		return -1;
	while (sock->fd)
		assert_true(++sock < fakenl.socks + FAKENL_SOCKETS);
	type = SOCK_DGRAM | (type & (SOCK_CLOEXEC | SOCK_NONBLOCK));
	if (syscall(SYS_socketpair, AF_UNIX, type, 0, fds) < 0)
		return -1;
	*sock = (struct fakenl_sock){
		.fd = fds[0], .peer = fds[1], .port = ++port, .uevent = uevent
	};
	return fds[0];
}

int close(int fd)
{
	struct fakenl_sock *sock = fakenl_find(fd);

	if (sock) {
		(void)syscall(SYS_close, sock->peer);
		*sock = (struct fakenl_sock){ 0 };
	}
	return (int)syscall(SYS_close, fd);
}

int bind(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	if (fakenl_find(fd))
		return 0;
	return (int)syscall(SYS_bind, fd, addr.__sockaddr__, len);
}

int getsockname(int fd, __SOCKADDR_ARG addr, socklen_t *len)
{
	const struct fakenl_sock *sock = fakenl_find(fd);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	if (!sock)
		return (int)syscall(SYS_getsockname, fd, addr.__sockaddr__, len);
	nl.nl_pid = sock->port;
	memcpy(addr.__sockaddr__, &nl, *len < sizeof(nl) ? *len : sizeof(nl));
	*len = sizeof(nl);
	return 0;
}

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (fakenl_find(fd)) {
		errno = fakenl.connect_error;
		return errno ? -1 : 0;
	}
	if (!fakenl.redirect || addr.__sockaddr__->sa_family != AF_UNIX)
		return (int)syscall(SYS_connect, fd, addr.__sockaddr__, len);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", fakenl.redirect);
	return (int)syscall(SYS_connect, fd, &un, sizeof(un));
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	struct fakenl_sock *sock = fakenl_find(fd);
	uint32_t group;

	if (!sock || level != SOL_NETLINK)
		return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
	if (name != NETLINK_ADD_MEMBERSHIP)
		return 0;
	errno = fakenl.join_error;
	if (errno)
		return -1;
	memcpy(&group, value, sizeof(group));
	sock->groups |= UINT64_C(1) << group;
	return 0;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct fakenl_sock *sock = fakenl_find(fd);
	_Alignas(8) uint8_t bytes[8192];
	size_t i, len = 0;

	if (!sock)
		return syscall(SYS_sendmsg, fd, msg, flags);
	errno = fakenl.send_error;
	if (errno)
		return -1;
	for (i = 0; i < msg->msg_iovlen; i++) {
		assert_true(len + msg->msg_iov[i].iov_len <= sizeof(bytes));
		memcpy(bytes + len, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
		len += msg->msg_iov[i].iov_len;
	}
	fakenl_request(sock, (const struct nlmsghdr *)(const void *)bytes);
	return (ssize_t)len;
}

/* Whether a reading of @sock fails before it begins. */
static bool fakenl_fails(struct fakenl_sock *sock)
{
	errno = sock->overrun ? ENOBUFS : fakenl.recv_error;
	sock->overrun = false;
	if (errno != ENOBUFS)
		fakenl.recv_error = 0;
	return errno;
}

/* One message of @sock, and where it is said to come from. */
static ssize_t fakenl_read(struct fakenl_sock *sock, struct msghdr *msg, int flags,
			   struct sockaddr_nl *ret_from)
{
	ssize_t n = syscall(SYS_recvmsg, sock->fd, msg, flags);

	*ret_from = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
	if (n >= 0)
		ret_from->nl_pid = sock->senders[sock->head++];
	return n;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct fakenl_sock *sock = fakenl_find(fd);
	struct sockaddr_nl from;
	ssize_t n;

	if (!sock)
		return syscall(SYS_recvmsg, fd, msg, flags);
	if (fakenl_fails(sock))
		return -1;
	n = fakenl_read(sock, msg, flags, &from);
	if (n >= 0 && msg->msg_name) {
		memcpy(msg->msg_name, &from, sizeof(from));
		msg->msg_namelen = sizeof(from);
	}
	return n;
}

ssize_t recv(int fd, void *buf, size_t size, int flags)
{
	struct fakenl_sock *sock = fakenl_find(fd);
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct sockaddr_nl from;

	if (!sock)
		return syscall(SYS_recvfrom, fd, buf, size, flags, NULL, NULL);
	return fakenl_fails(sock) ? -1 : fakenl_read(sock, &msg, flags, &from);
}

ssize_t recvfrom(int fd, void *buf, size_t size, int flags, __SOCKADDR_ARG addr, socklen_t *len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct fakenl_sock *sock = fakenl_find(fd);
	struct sockaddr_nl from;
	ssize_t n;

	if (!sock)
		return syscall(SYS_recvfrom, fd, buf, size, flags, addr.__sockaddr__, len);
	errno = sock->overrun ? ENOBUFS : fakenl.uevent_error;
	sock->overrun = false;
	/* It is disturbed once, and broken for good. */
	if (errno == EINTR)
		fakenl.uevent_error = 0;
	if (errno)
		return -1;
	n = fakenl_read(sock, &msg, flags, &from);
	memcpy(addr.__sockaddr__, &from, sizeof(from));
	*len = sizeof(from);
	return n;
}

#endif /* VD_TESTS_FAKENL_H */
