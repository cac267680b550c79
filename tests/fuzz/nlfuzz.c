// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structure-aware fuzzer of the module's netlink family, against the real one. Runs in the
 * virtual host (tests/lab/fuzz.sh). Each request is judged: it is answered, no refusal is
 * without a sentence but those that the generic netlink core makes before the module is asked
 * (nljudge.c lists them), and who may not set anything never does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/vcpu_deboost.h>

#include "nlfuzz.h"

#define NOBODY	  65534
#define READBACKS 50

static int open_socket(void)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int one = 1;

	if (fd < 0 || bind(fd, (void *)&me, sizeof(me)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one))) {
		perror("nlfuzz: socket");
		exit(99);
	}
	return fd;
}

/* Root but for one capability of the two. */
static int keep_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	data[0].effective = data[0].permitted = 1u << CAP_NET_ADMIN;
	return (int)syscall(SYS_capset, &header, data);
}

static int become_nobody(void)
{
	return setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY);
}

/* Every capability there is, over nothing but the own user namespace. */
static int root_of_nothing(void)
{
	return become_nobody() || unshare(CLONE_NEWUSER);
}

static int stay(void)
{
	return 0;
}

static const struct role {
	const char *name;
	int (*become)(void);
	bool may_set;
	bool may_listen;
} roles[] = {
	{ "root", stay, true, true },
	{ "nobody", become_nobody, false, false },
	{ "userns", root_of_nothing, false, false },
	{ "netadmin", keep_net_admin, false, true },
};

/* Groups that somebody joins and never reads; only ours is judged. */
static void listen_around(struct fuzz *f, const struct role *role)
{
	int fd = f->listener[below(&f->gen.rng, NR_LISTENERS)];
	bool ours = one_in(&f->gen.rng, 2);
	uint32_t group = ours ? f->spec.group : (uint32_t)rng_next(&f->gen.rng);
	int how = one_in(&f->gen.rng, 2) ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
	int r = setsockopt(fd, SOL_NETLINK, how, &group, sizeof(group)) ? errno : 0;

	if (ours && how == NETLINK_ADD_MEMBERSHIP && r != (role->may_listen ? 0 : EPERM)) {
		f->wrong++;
		printf("# WRONG: joining the events: %s\n", strerror(r));
	}
}

static void run(struct fuzz *f, const struct role *role, uint64_t count)
{
	uint64_t n = 0;

	while (n < count) {
		struct peer *p = &f->peer[below(&f->gen.rng, NR_SOCKETS)];

		n += shoot(f, p);
		if (one_in(&f->gen.rng, 64)) {
			close(p->fd);
			p->fd = open_socket();
			p->dumping = false;
		}
		if (one_in(&f->gen.rng, 64))
			listen_around(f, role);
	}
}

/* One request alone, and the attributes of its answer. Gives errno. */
static int ask(int fd, struct message *m, uint8_t *buf, size_t size, size_t *ret_len)
{
	const struct nlmsghdr *h = (const void *)buf;
	ssize_t n;

	message_head(m)->nlmsg_len = (uint32_t)m->len;
	if (send(fd, m->bytes, m->len, 0) < 0)
		return errno;
	n = recv(fd, buf, size, 0);
	if (n < (ssize_t)ATTRS_AT)
		return EIO;
	*ret_len = (size_t)n;
	return h->nlmsg_type == NLMSG_ERROR ? -*(const int *)NLMSG_DATA(h) : 0;
}

static bool same(const struct nlattr *asked, const struct nlattr *got)
{
	return got && asked->nla_len == got->nla_len &&
	       !memcmp(attr_data(asked), attr_data(got), asked->nla_len - NLA_HDRLEN);
}

/* Afterwards: what is set is what is read. Gives how often it was not. */
static unsigned int read_back(struct fuzz *f)
{
	static _Alignas(8) uint8_t buf[65536];
	unsigned int bad = 0, good = 0, i;
	const struct nlattr *nest;
	int fd = open_socket();
	struct message m;
	size_t len = 0;

	while (good + bad < READBACKS) {
		const struct nlattr *asked, *got;

		gen_valid(&f->gen, &m);
		nest = attr_find(m.bytes + ATTRS_AT, m.len - ATTRS_AT, VCPU_DEBOOST_A_TUNING);
		if (!nest || attr_find(m.bytes + ATTRS_AT, m.len - ATTRS_AT, VCPU_DEBOOST_A_VM_ID))
			continue;
		/* What this kernel cannot do is refused, with a sentence. */
		if (ask(fd, &m, buf, sizeof(buf), &len))
			continue;
		((struct genlmsghdr *)NLMSG_DATA(message_head(&m)))->cmd =
			VCPU_DEBOOST_CMD_TUNING_GET;
		message_head(&m)->nlmsg_flags = NLM_F_REQUEST;
		m.len = ATTRS_AT;
		bad += ask(fd, &m, buf, sizeof(buf), &len) != 0;
		got = attr_find(buf + ATTRS_AT, len - ATTRS_AT, VCPU_DEBOOST_A_TUNING);
		for (i = 0; i < MAX_ATTRS; i++) {
			asked = attr_in(nest, i);
			if (asked && !same(asked, attr_in(got, i))) {
				printf("# WRONG: knob %u is not what was set\n", i);
				bad++;
			}
		}
		good++;
	}
	close(fd);
	return bad;
}

/* Or the module would fall back to observing while others look at it. */
static int end_heartbeat(const struct fuzz *f)
{
	static _Alignas(8) uint8_t buf[4096];
	struct message m = { .len = ATTRS_AT };
	uint32_t never = 0;
	size_t len;
	int fd = open_socket(), r;

	message_head(&m)->nlmsg_type = f->spec.family;
	message_head(&m)->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	((struct genlmsghdr *)NLMSG_DATA(message_head(&m)))->cmd = VCPU_DEBOOST_CMD_HEARTBEAT;
	message_put(&m, VCPU_DEBOOST_A_GRACE_MS, &never, sizeof(never));
	r = ask(fd, &m, buf, sizeof(buf), &len);
	close(fd);
	return r;
}

static void report(const struct fuzz *f, const struct role *role)
{
	unsigned int i;

	printf("# as %s:", role->name);
	for (i = 0; i < NR_VERDICTS; i++)
		printf(" %" PRIu64 " %s%s", f->sent[i], verdict_name(i),
		       i < NR_VERDICTS - 1 ? "," : "\n");
	printf("#   the module refused %" PRIu64 " (%" PRIu64 " for who asked); taken:", f->refused,
	       f->forbidden);
	for (i = 0; i < MAX_CMDS; i++) {
		if (!f->spec.cmd[i].caps)
			continue;
		printf(" %u: %" PRIu64, i, f->done[i]);
	}
	printf("\n");
}

/* A command that was never taken was not tested, nor was who may not if nothing was refused him. */
static bool was_thorough(const struct fuzz *f, const struct role *role)
{
	unsigned int i;

	for (i = 0; i < MAX_CMDS; i++)
		if (f->spec.cmd[i].caps && !f->done[i] && (role->may_set || is_getter((uint8_t)i)))
			return false;
	return role->may_set || f->forbidden;
}

int main(int argc, char **argv)
{
	static struct fuzz f;
	const struct role *role = NULL;
	unsigned int i, bad = 0;

	for (i = 0; argc == 4 && i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(roles[i].name, argv[1]))
			role = &roles[i];
	if (!role) {
		fprintf(stderr, "usage: nlfuzz root|nobody|userns|netadmin REQUESTS SEED\n");
		return 2;
	}
	if (role->become()) {
		perror("nlfuzz: cannot become who was asked for");
		return 99;
	}
	for (i = 0; i < NR_SOCKETS; i++)
		f.peer[i].fd = open_socket();
	for (i = 0; i < NR_LISTENERS; i++)
		f.listener[i] = open_socket();
	if (!spec_read(f.peer[0].fd, &f.spec)) {
		fprintf(stderr, "nlfuzz: the module is not loaded\n");
		return 99;
	}
	f.gen = (struct gen){ .spec = &f.spec, .rng.state = strtoull(argv[3], NULL, 10) };
	/* Far from what noise would take for the number of a request. */
	f.gen.seq = 0x40000000;
	for (i = 0; i < MAX_IDS; i++)
		f.gen.ids[i] = i;
	f.may_set = role->may_set;
	run(&f, role, strtoull(argv[2], NULL, 10));
	if (role->may_set)
		bad = read_back(&f) + (end_heartbeat(&f) != 0);
	report(&f, role);
	return f.wrong || bad || !was_thorough(&f, role);
}
