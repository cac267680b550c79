// SPDX-License-Identifier: GPL-2.0-only
/* The control socket: one request, one answer, and the line is cut. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/manager.h"
#include "lib/ctl.h"

static void drop(struct manager *m, size_t i)
{
	m->ctl_peer[i] = sd_event_source_disable_unref(m->ctl_peer[i]);
}

static void answer_peer(const struct manager *m, int fd)
{
	char request[VD_CTL_REQUEST_MAX + 1];
	/* MSG_TRUNC: tells the length of one that is too long, too. */
	ssize_t n = recv(fd, request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
	char *text;

	if (n <= 0)
		return;
	text = n > VD_CTL_REQUEST_MAX ? strdup("{\"error\":\"the request is too long\"}")
				      : ctl_answer(m, request, (size_t)n);
	if (text && strlen(text) <= VD_CTL_ANSWER_MAX)
		(void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	free(text);
}

static int on_peer(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct manager *m = user;
	size_t i;

	(void)revents;
	answer_peer(m, fd);
	for (i = 0; i < CTL_PEERS; i++)
		if (m->ctl_peer[i] == source)
			drop(m, i);
	return 0;
}

static bool has_group(int fd, gid_t group)
{
	gid_t few[64], *groups = few;
	socklen_t len = sizeof(few), i;
	bool found = false;
	int r;

	r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	if (r < 0 && errno == ERANGE) {
		/* It has said how many there are. */
		groups = malloc(len);
		r = groups ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) : -1;
	}
	for (i = 0; r >= 0 && i < len / sizeof(*groups); i++)
		found |= groups[i] == group;
	if (groups != few)
		free(groups);
	return found;
}

/*
 * Root, ourselves, and our group. The mode of the socket says the same, but
 * holds no more once somebody has changed it. All there is to ask is read-only.
 */
static bool may_ask(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid() || cred.gid == getegid() ||
	       has_group(fd, getegid());
}

static int on_connect(sd_event_source *source, int listener, uint32_t revents, void *user)
{
	struct manager *m = user;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	/* One that says nothing is pushed out by those who come after it. */
	size_t i = m->ctl_next++ % CTL_PEERS;
	int r;

	(void)source;
	(void)revents;
	if (fd < 0)
		return 0;
	if (!may_ask(fd)) {
		close(fd);
		return 0;
	}
	drop(m, i);
	r = sd_event_add_io(m->loop, &m->ctl_peer[i], fd, EPOLLIN, on_peer, m);
	if (r < 0) {
		close(fd);
		return 0;
	}
	(void)sd_event_source_set_io_fd_own(m->ctl_peer[i], 1);
	return 0;
}

static int listen_at(struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r = 0;

	if (fd < 0)
		return -errno;
	/* Ours: the lock says that no other daemon runs. */
	(void)unlink(addr->sun_path);
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) < 0 || listen(fd, CTL_PEERS) < 0)
		r = -errno;
	umask(mask);
	if (!r)
		return fd;
	close(fd);
	return r;
}

int ctl_open(struct manager *m)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, r;

	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", m->options.runtime_dir,
			     VD_CTL_NAME) >= sizeof(addr.sun_path))
		fd = -ENAMETOOLONG;
	else
		fd = listen_at(&addr);
	if (fd < 0) {
		log_event(LOG_EVENT_POLICY, LOG_WARNING, NULL,
			  "no control socket in %s, vdctl ab and vdctl explain do not work: %s",
			  m->options.runtime_dir, strerror(-fd));
		return fd;
	}
	r = sd_event_add_io(m->loop, &m->ctl, fd, EPOLLIN, on_connect, m);
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)sd_event_source_set_io_fd_own(m->ctl, 1);
	snprintf(m->ctl_path, sizeof(m->ctl_path), "%s", addr.sun_path);
	return 0;
}

void ctl_close(struct manager *m)
{
	size_t i;

	for (i = 0; i < CTL_PEERS; i++)
		drop(m, i);
	m->ctl = sd_event_source_disable_unref(m->ctl);
	if (m->ctl_path[0])
		(void)unlink(m->ctl_path);
}
