// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's netlink family, byte by byte: raw messages over a real socket, so
 * that what a well-behaved library would never send can be sent too. TAP.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vcpu_deboost.h>

#define SOL_NETLINK_ 270
#define BUF_SIZE     65536

struct family {
	int id;
	int group;
};

struct message {
	char bytes[2048];
	unsigned int len;
};

struct answer {
	int error;
	char text[256];
	int messages;
	unsigned char bytes[BUF_SIZE];
	int len;
};

static int count;
static int failed;

static void result(bool good, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf(good ? "ok - " : "not ok - ");
	vprintf(format, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
	count++;
	failed += !good;
}

static void begin(struct message *m, int family, int cmd, int flags)
{
	struct nlmsghdr *h = (void *)m->bytes;
	struct genlmsghdr *g = NLMSG_DATA(h);

	memset(m, 0, sizeof(*m));
	h->nlmsg_type = family;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = 1;
	g->cmd = cmd;
	g->version = 1;
	m->len = NLMSG_LENGTH(GENL_HDRLEN);
}

static void put(struct message *m, int type, const void *data, unsigned int len)
{
	struct nlattr *a = (void *)(m->bytes + m->len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)a + NLA_HDRLEN, data, len);
	m->len += NLA_ALIGN(a->nla_len);
}

static void put_u32(struct message *m, int type, uint32_t value)
{
	put(m, type, &value, sizeof(value));
}

/* A TUNING nest with one attribute in it. */
static void put_knob(struct message *m, int type, const void *data, unsigned int len)
{
	struct message nest = { .len = 0 };

	put(&nest, type, data, len);
	put(m, VCPU_DEBOOST_A_TUNING | NLA_F_NESTED, nest.bytes, nest.len);
}

static int open_socket(void)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	int one = 1;

	if (fd < 0 || bind(fd, (void *)&me, sizeof(me)))
		exit(99);
	setsockopt(fd, SOL_NETLINK_, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK_, NETLINK_CAP_ACK, &one, sizeof(one));
	return fd;
}

/* The sentence of an error, from the TLVs behind it. */
static void read_text(const struct nlmsghdr *h, struct answer *a)
{
	const struct nlmsgerr *err = NLMSG_DATA(h);
	const char *p = (const char *)err + sizeof(*err);
	const char *end = (const char *)h + h->nlmsg_len;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	while (p + NLA_HDRLEN <= end) {
		const struct nlattr *t = (const void *)p;

		if (t->nla_len < NLA_HDRLEN || p + t->nla_len > end)
			return;
		if (t->nla_type == NLMSGERR_ATTR_MSG)
			snprintf(a->text, sizeof(a->text), "%s", p + NLA_HDRLEN);
		p += NLA_ALIGN(t->nla_len);
	}
}

static bool last(const struct nlmsghdr *h, struct answer *a)
{
	if (h->nlmsg_type == NLMSG_ERROR) {
		a->error = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		read_text(h, a);
		return true;
	}
	if (h->nlmsg_type == NLMSG_DONE)
		return true;
	if (h->nlmsg_len <= sizeof(a->bytes)) {
		memcpy(a->bytes, h, h->nlmsg_len);
		a->len = h->nlmsg_len;
	}
	a->messages++;
	return false;
}

static void ask(int fd, struct message *m, struct answer *a)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *h = (void *)m->bytes;

	memset(a, 0, sizeof(*a));
	h->nlmsg_len = m->len;
	if (send(fd, m->bytes, m->len, 0) < 0) {
		a->error = errno;
		return;
	}
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, 5000) > 0 ? (int)recv(fd, buf, sizeof(buf), 0) : -1;

		if (n < 0) {
			a->error = ETIMEDOUT;
			return;
		}
		for (h = (void *)buf; NLMSG_OK(h, (unsigned int)n); h = NLMSG_NEXT(h, n)) {
			if (last(h, a))
				return;
		}
	}
}

static const struct nlattr *find(const void *attrs, int len, int type)
{
	const struct nlattr *a = attrs;

	while (len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len) {
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		len -= NLA_ALIGN(a->nla_len);
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	}
	return NULL;
}

static const void *data_of(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

static const struct nlattr *in(const struct nlattr *nest, int type)
{
	return nest ? find(data_of(nest), nest->nla_len - NLA_HDRLEN, type) : NULL;
}

static const struct nlattr *top(const struct answer *a, int type)
{
	int skip = NLMSG_LENGTH(GENL_HDRLEN);

	return find(a->bytes + skip, a->len - skip, type);
}

static void find_family(int fd, struct family *f)
{
	static struct answer a;
	const struct nlattr *x;
	struct message m;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	put(&m, CTRL_ATTR_FAMILY_NAME, VCPU_DEBOOST_FAMILY_NAME, sizeof(VCPU_DEBOOST_FAMILY_NAME));
	ask(fd, &m, &a);
	x = top(&a, CTRL_ATTR_FAMILY_ID);
	f->id = x ? *(const uint16_t *)data_of(x) : -1;
	/* One group: the first of the list. */
	x = in(in(top(&a, CTRL_ATTR_MCAST_GROUPS), 1), CTRL_ATTR_MCAST_GRP_ID);
	f->group = x ? (int)*(const uint32_t *)data_of(x) : -1;
}

/* One request that must be refused, with this error and any sentence. */
static void refused(int fd, struct message *m, int error, const char *what)
{
	static struct answer a;

	ask(fd, m, &a);
	result(a.error == error, "%s: refused with %s", what, strerror(error));
	if (a.error != error)
		printf("#   got %s\n", strerror(a.error));
	result(a.text[0], "%s: with a sentence", what);
	if (a.text[0])
		printf("#   %s\n", a.text);
}

static void set_knob(struct message *m, const struct family *f, int type, const void *data,
		     unsigned int len)
{
	begin(m, f->id, VCPU_DEBOOST_CMD_TUNING_SET, NLM_F_ACK);
	put_knob(m, type, data, len);
}

static void test_ranges(int fd, const struct family *f)
{
	static const struct {
		const char *what;
		int type;
		unsigned int len;
		uint64_t value;
		int error;
	} rows[] = {
		{ "mode 3", VCPU_DEBOOST_TUNING_A_MODE, 4, 3, ERANGE },
		{ "mode 2^32-1", VCPU_DEBOOST_TUNING_A_MODE, 4, UINT32_MAX, ERANGE },
		{ "ipi_tracking 2", VCPU_DEBOOST_TUNING_A_IPI_TRACKING, 4, 2, ERANGE },
		{ "window one below", VCPU_DEBOOST_TUNING_A_WINDOW_NS, 8,
		  VCPU_DEBOOST_WINDOW_MIN_NS - 1, ERANGE },
		{ "window one above", VCPU_DEBOOST_TUNING_A_WINDOW_NS, 8,
		  VCPU_DEBOOST_WINDOW_MAX_NS + 1, ERANGE },
		{ "window 2^64-1", VCPU_DEBOOST_TUNING_A_WINDOW_NS, 8, UINT64_MAX, ERANGE },
		{ "a mode of 8 bytes", VCPU_DEBOOST_TUNING_A_MODE, 8, 0, EINVAL },
		{ "a mode of 3 bytes", VCPU_DEBOOST_TUNING_A_MODE, 3, 0, ERANGE },
		{ "a window of 4 bytes", VCPU_DEBOOST_TUNING_A_WINDOW_NS, 4, 0, ERANGE },
		{ "the reply's overrides", VCPU_DEBOOST_TUNING_A_OVERRIDES, 4, 0, EINVAL },
		{ "budget_hook one below", VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS, 8,
		  VCPU_DEBOOST_BUDGET_HOOK_MIN_NS - 1, ERANGE },
		{ "budget_hook one above", VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS, 8,
		  VCPU_DEBOOST_BUDGET_HOOK_MAX_NS + 1, ERANGE },
		{ "budget_boosts 0", VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS, 4, 0, ERANGE },
		{ "budget_boosts one above", VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS, 4,
		  VCPU_DEBOOST_BUDGET_BOOSTS_MAX + 1, ERANGE },
		{ "budget_failed 0", VCPU_DEBOOST_TUNING_A_BUDGET_FAILED, 4, 0, ERANGE },
		{ "budget_failed 101", VCPU_DEBOOST_TUNING_A_BUDGET_FAILED, 4, 101, ERANGE },
		{ "budget_wait one below", VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS, 8,
		  VCPU_DEBOOST_BUDGET_WAIT_MIN_NS - 1, ERANGE },
		{ "budget_wait one above", VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS, 8,
		  VCPU_DEBOOST_BUDGET_WAIT_MAX_NS + 1, ERANGE },
		{ "an unknown knob", VCPU_DEBOOST_TUNING_A_MAX + 1, 4, 0, EINVAL },
		{ "knob 0", 0, 4, 0, EINVAL },
	};
	static struct answer a;
	struct message m;
	uint64_t edge;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_knob(&m, f, rows[i].type, &rows[i].value, rows[i].len);
		ask(fd, &m, &a);
		result(a.error == ERANGE || a.error == EINVAL, "%s: refused", rows[i].what);
		result(a.text[0], "%s: with a sentence", rows[i].what);
		printf("#   %s: %s\n", strerror(a.error), a.text);
	}
	for (i = 0; i < 2; i++) {
		edge = i ? VCPU_DEBOOST_WINDOW_MAX_NS : VCPU_DEBOOST_WINDOW_MIN_NS;
		set_knob(&m, f, VCPU_DEBOOST_TUNING_A_WINDOW_NS, &edge, 8);
		ask(fd, &m, &a);
		result(!a.error, "the %s window is taken", i ? "largest" : "smallest");
		begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_GET, NLM_F_ACK);
		ask(fd, &m, &a);
		result(*(const uint64_t *)data_of(in(top(&a, VCPU_DEBOOST_A_TUNING),
						     VCPU_DEBOOST_TUNING_A_WINDOW_NS)) == edge,
		       "and read back");
	}
}

static void test_shapes(int fd, const struct family *f)
{
	static const char junk[64] = "not attributes at all, but bytes that somebody sent anyhow";
	struct message m;
	uint32_t one = 1;

	begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_SET, NLM_F_ACK);
	refused(fd, &m, EINVAL, "TUNING_SET without TUNING");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_SET, NLM_F_ACK);
	put(&m, VCPU_DEBOOST_A_TUNING | NLA_F_NESTED, NULL, 0);
	refused(fd, &m, EINVAL, "TUNING_SET with an empty TUNING");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_SET, NLM_F_ACK);
	put(&m, VCPU_DEBOOST_A_TUNING | NLA_F_NESTED, junk, sizeof(junk));
	refused(fd, &m, EINVAL, "TUNING_SET with junk inside");
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_MODE, &one, 4);
	((struct nlattr *)(m.bytes + NLMSG_LENGTH(GENL_HDRLEN)))->nla_type &= NLA_TYPE_MASK;
	refused(fd, &m, EINVAL, "TUNING without the nested flag");
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_MODE, &one, 4);
	put_u32(&m, VCPU_DEBOOST_A_MAX + 7, 1);
	refused(fd, &m, EINVAL, "an unknown top attribute");
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_MODE, &one, 4);
	put_u32(&m, VCPU_DEBOOST_A_GRACE_MS, 1);
	refused(fd, &m, EINVAL, "another command's attribute");
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS, &one, 4);
	put_u32(&m, VCPU_DEBOOST_A_VM_ID, 1);
	refused(fd, &m, EINVAL, "a budget of one VM");
	begin(&m, f->id, VCPU_DEBOOST_CMD_INFO_GET, NLM_F_ACK);
	put_u32(&m, VCPU_DEBOOST_A_VM_ID, 1);
	refused(fd, &m, EINVAL, "INFO_GET with an attribute");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TRIP_CLEAR, NLM_F_ACK);
	put_u32(&m, VCPU_DEBOOST_A_VM_ID, 1);
	refused(fd, &m, EINVAL, "TRIP_CLEAR with an attribute");

	begin(&m, f->id, VCPU_DEBOOST_CMD_HEARTBEAT, NLM_F_ACK);
	refused(fd, &m, EINVAL, "HEARTBEAT without GRACE_MS");
	begin(&m, f->id, VCPU_DEBOOST_CMD_HEARTBEAT, NLM_F_ACK);
	put_u32(&m, VCPU_DEBOOST_A_GRACE_MS, VCPU_DEBOOST_GRACE_MAX_MS + 1);
	refused(fd, &m, ERANGE, "HEARTBEAT of more than an hour");
}

static void test_ids(int fd, const struct family *f)
{
	static const int cmds[] = { VCPU_DEBOOST_CMD_VM_GET, VCPU_DEBOOST_CMD_STATS_GET,
				    VCPU_DEBOOST_CMD_TUNING_GET, VCPU_DEBOOST_CMD_TUNING_RESET };
	static const uint32_t ids[] = { 4711, UINT32_MAX, 1u << 31 };
	char what[64];
	struct message m;
	unsigned int i, j;

	for (i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
		for (j = 0; j < sizeof(ids) / sizeof(ids[0]); j++) {
			begin(&m, f->id, cmds[i], NLM_F_ACK);
			put_u32(&m, VCPU_DEBOOST_A_VM_ID, ids[j]);
			snprintf(what, sizeof(what), "command %d of VM %u", cmds[i], ids[j]);
			refused(fd, &m, ENOENT, what);
		}
		begin(&m, f->id, cmds[i], NLM_F_ACK);
		put_u32(&m, VCPU_DEBOOST_A_VM_ID, 0);
		snprintf(what, sizeof(what), "command %d of VM 0", cmds[i]);
		refused(fd, &m, ERANGE, what);
	}
	begin(&m, f->id, VCPU_DEBOOST_CMD_VM_GET, NLM_F_ACK);
	refused(fd, &m, EINVAL, "VM_GET of no VM");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_RESET, NLM_F_ACK);
	refused(fd, &m, EINVAL, "TUNING_RESET of no VM");
}

static void test_replies(int fd, const struct family *f)
{
	static struct answer a;
	const struct nlattr *x;
	struct message m;

	begin(&m, f->id, VCPU_DEBOOST_CMD_INFO_GET, NLM_F_ACK);
	ask(fd, &m, &a);
	x = in(top(&a, VCPU_DEBOOST_A_INFO), VCPU_DEBOOST_INFO_A_ABI);
	result(x && *(const uint32_t *)data_of(x) == VCPU_DEBOOST_ABI, "INFO_GET: the ABI is ours");
	result(top(&a, VCPU_DEBOOST_A_TUNING), "INFO_GET: and the tuning with it");
	x = top(&a, VCPU_DEBOOST_A_INFO);
	result(in(x, VCPU_DEBOOST_INFO_A_TRIPS) && !in(x, VCPU_DEBOOST_INFO_A_TRIP), "INFO_GET: "
										     "nothing has "
										     "tripped");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TRIP_CLEAR, NLM_F_ACK);
	ask(fd, &m, &a);
	result(!a.error, "TRIP_CLEAR: without a trip nothing happens");
	begin(&m, f->id, VCPU_DEBOOST_CMD_HOOK_GET, NLM_F_ACK | NLM_F_DUMP);
	ask(fd, &m, &a);
	result(!a.error && a.messages == 13, "HOOK_GET: every row");
	x = in(top(&a, VCPU_DEBOOST_A_HOOK), VCPU_DEBOOST_HOOK_A_SYMBOL);
	result(x && !strcmp(data_of(x), "kvm_eoi"), "HOOK_GET: the last is the EOI hook");
	begin(&m, f->id, VCPU_DEBOOST_CMD_MAX + 1, NLM_F_ACK);
	ask(fd, &m, &a);
	result(a.error == EOPNOTSUPP, "a command after the last is not supported");
	begin(&m, f->id, VCPU_DEBOOST_CMD_VM_NEW_NTF, NLM_F_ACK);
	ask(fd, &m, &a);
	result(a.error == EOPNOTSUPP, "an event is no command");
}

/* The policy that the kernel enforces, as it tells it itself. */
static void test_policy(int fd, const struct family *f)
{
	static char buf[BUF_SIZE];
	struct nlmsghdr *h;
	struct message m;
	uint64_t min = 0, max = 0;
	bool done = false;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETPOLICY, NLM_F_DUMP);
	put(&m, CTRL_ATTR_FAMILY_ID, &(uint16_t){ f->id }, 2);
	h = (void *)m.bytes;
	h->nlmsg_len = m.len;
	if (send(fd, m.bytes, m.len, 0) < 0)
		done = true;
	while (!done) {
		int n = (int)recv(fd, buf, sizeof(buf), 0);

		for (h = (void *)buf; NLMSG_OK(h, (unsigned int)n); h = NLMSG_NEXT(h, n)) {
			const struct nlattr *p, *a;
			int skip = NLMSG_LENGTH(GENL_HDRLEN);
			int i;

			done = h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
			p = done ? NULL
				 : find((char *)h + skip, h->nlmsg_len - skip, CTRL_ATTR_POLICY);
			for (i = 0; p && i < 16; i++) {
				a = in(in(p, i), VCPU_DEBOOST_TUNING_A_WINDOW_NS);
				if (!in(a, NL_POLICY_TYPE_ATTR_MAX_VALUE_U))
					continue;
				if (*(const uint32_t *)data_of(in(a, NL_POLICY_TYPE_ATTR_TYPE)) !=
				    NL_ATTR_TYPE_U64)
					continue;
				min = *(const uint64_t *)data_of(
					in(a, NL_POLICY_TYPE_ATTR_MIN_VALUE_U));
				max = *(const uint64_t *)data_of(
					in(a, NL_POLICY_TYPE_ATTR_MAX_VALUE_U));
			}
		}
	}
	result(min == VCPU_DEBOOST_WINDOW_MIN_NS && max == VCPU_DEBOOST_WINDOW_MAX_NS,
	       "the kernel's policy has the header's window range");
}

static int join(int fd, const struct family *f)
{
	return setsockopt(fd, SOL_NETLINK_, NETLINK_ADD_MEMBERSHIP, &f->group, sizeof(f->group))
		       ? errno
		       : 0;
}

static void test_events(int fd, const struct family *f)
{
	struct pollfd p = { .fd = open_socket(), .events = POLLIN };
	static struct answer a;
	uint32_t mode = VCPU_DEBOOST_MODE_OBSERVE;
	const struct nlattr *x;
	struct nlmsghdr *h = (void *)a.bytes;
	struct message m;

	result(!join(p.fd, f), "root may listen to events");
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_MODE, &mode, 4);
	ask(fd, &m, &a);
	a.len = poll(&p, 1, 2000) > 0 ? (int)recv(p.fd, a.bytes, sizeof(a.bytes), 0) : 0;
	result(a.len > 0 &&
		       ((struct genlmsghdr *)NLMSG_DATA(h))->cmd == VCPU_DEBOOST_CMD_TUNING_NTF,
	       "a change is announced");
	x = top(&a, VCPU_DEBOOST_A_CAUSE);
	result(x && *(const uint32_t *)data_of(x) == VCPU_DEBOOST_CAUSE_REQUEST, "with its cause");
	close(p.fd);
}

static void test_nobody(const struct family *f)
{
	static struct answer a;
	uint32_t mode = VCPU_DEBOOST_MODE_OFF;
	struct message m;
	int fd;

	if (setresuid(65534, 65534, 65534))
		exit(99);
	fd = open_socket();
	set_knob(&m, f, VCPU_DEBOOST_TUNING_A_MODE, &mode, 4);
	refused(fd, &m, EPERM, "nobody: TUNING_SET");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TUNING_RESET, NLM_F_ACK);
	put_u32(&m, VCPU_DEBOOST_A_VM_ID, 1);
	refused(fd, &m, EPERM, "nobody: TUNING_RESET");
	begin(&m, f->id, VCPU_DEBOOST_CMD_HEARTBEAT, NLM_F_ACK);
	put_u32(&m, VCPU_DEBOOST_A_GRACE_MS, 1000);
	refused(fd, &m, EPERM, "nobody: HEARTBEAT");
	begin(&m, f->id, VCPU_DEBOOST_CMD_TRIP_CLEAR, NLM_F_ACK);
	refused(fd, &m, EPERM, "nobody: TRIP_CLEAR");
	begin(&m, f->id, VCPU_DEBOOST_CMD_INFO_GET, NLM_F_ACK);
	ask(fd, &m, &a);
	result(!a.error && a.messages == 1, "nobody: INFO_GET is answered");
	result(join(fd, f) == EPERM, "nobody: may not listen to events");
	close(fd);
}

int main(void)
{
	int fd = open_socket();
	struct family f;

	find_family(fd, &f);
	result(f.id > 0, "the family is there");
	result(f.group > 0, "with its group");
	if (failed)
		return 1;
	test_replies(fd, &f);
	test_ranges(fd, &f);
	test_shapes(fd, &f);
	test_ids(fd, &f);
	test_policy(fd, &f);
	test_events(fd, &f);
	test_nobody(&f);
	printf("1..%d\n", count);
	return failed != 0;
}
