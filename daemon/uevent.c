// SPDX-License-Identifier: GPL-2.0-only
#include "uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KVM_DEVPATH	    "/devices/virtual/misc/kvm"
#define KERNEL_UEVENT_GROUP 1
/* The kernel caps the environment of one event at 2 KiB, plus its header. */
#define UEVENT_MSG_MAX 8192
/* A burst of other devices' events must not push ours out. */
#define UEVENT_RCVBUF_BYTES (1 << 20)

/* The value when the @len bytes at @s are "KEY=value", else NULL. */
static const char *value_of(const char *s, size_t len, const char *key)
{
	size_t n = strlen(key);

	if (len <= n || memcmp(s, key, n) || s[n] != '=')
		return NULL;
	return s + n + 1;
}

static int parse_pid(const char *s, pid_t *ret)
{
	char *end;
	long v;

	errno = 0;
	v = strtol(s, &end, 10);
	if (errno || end == s || *end || v <= 0 || v > 0x7fffffff)
		return -EBADMSG;
	*ret = (pid_t)v;
	return 0;
}

/* @buf ends in NUL at @buf[len]. */
static int parse(const char *buf, size_t len, struct uevent_kvm *ret)
{
	const char *p, *v, *event = NULL, *pid = NULL;
	bool kvm = false;
	pid_t n;
	int r;

	for (p = buf; p < buf + len; p += strlen(p) + 1) {
		size_t l = strlen(p);

		v = value_of(p, l, "DEVPATH");
		if (v)
			kvm = !strcmp(v, KVM_DEVPATH);
		v = value_of(p, l, "EVENT");
		if (v)
			event = v;
		v = value_of(p, l, "PID");
		if (v)
			pid = v;
	}
	/* The device itself comes and goes without an EVENT. */
	if (!kvm || !event)
		return -ENOMSG;
	if (strcmp(event, "create") && strcmp(event, "destroy"))
		return -ENOMSG;
	if (!pid)
		return -EBADMSG;
	r = parse_pid(pid, &n);
	if (r < 0)
		return r;

	ret->created = !strcmp(event, "create");
	ret->pid = n;
	return 0;
}

int uevent_parse(const char *msg, size_t len, struct uevent_kvm *ret)
{
	char buf[UEVENT_MSG_MAX + 1];

	if (len > UEVENT_MSG_MAX)
		return -ENOMSG;
	memcpy(buf, msg, len);
	buf[len] = '\0';
	return parse(buf, len, ret);
}

int uevent_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_UEVENT_GROUP };
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int size = UEVENT_RCVBUF_BYTES;
	int fd, r;

	fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
	if (fd < 0)
		return -errno;
	/* Past the host's limit this needs a capability; the smaller one will do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Connected: nobody but the kernel can fill our queue, or wake us. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int uevent_read(int fd, struct uevent_kvm *ret)
{
	char buf[UEVENT_MSG_MAX];

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t fromlen = sizeof(from);
		ssize_t n;
		int r;

		n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &fromlen);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* Only the kernel has port 0; root may write to the group. */
		if (fromlen != sizeof(from) || from.nl_pid != 0)
			continue;
		r = uevent_parse(buf, (size_t)n, ret);
		if (!r)
			return 0;
	}
}
