// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the family understands, as the running kernel tells it itself: so the fuzzer knows of
 * every command and attribute that there will ever be, and the shape that each should have.
 */
#include <string.h>
#include <sys/socket.h>

#include <linux/vcpu_deboost.h>

#include "nlfuzz.h"

#define REPLY_SIZE 65536

const void *attr_data(const struct nlattr *a)
{
	return (const uint8_t *)a + NLA_HDRLEN;
}

uint32_t attr_u32(const struct nlattr *a)
{
	uint32_t value = 0;

	if (a && a->nla_len >= NLA_HDRLEN + sizeof(value))
		memcpy(&value, attr_data(a), sizeof(value));
	return value;
}

static uint64_t attr_u64(const struct nlattr *a, uint64_t otherwise)
{
	if (a && a->nla_len >= NLA_HDRLEN + sizeof(otherwise))
		memcpy(&otherwise, attr_data(a), sizeof(otherwise));
	return otherwise;
}

static const struct nlattr *next(const struct nlattr *a, size_t *len)
{
	size_t step = NLA_ALIGN(a->nla_len);

	*len = step < *len ? *len - step : 0;
	return (const void *)((const uint8_t *)a + step);
}

static bool is_whole(const struct nlattr *a, size_t len)
{
	return len >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN && a->nla_len <= len;
}

const struct nlattr *attr_find(const void *attrs, size_t len, unsigned int type)
{
	const struct nlattr *a = attrs;

	for (; is_whole(a, len); a = next(a, &len))
		if ((unsigned int)(a->nla_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

const struct nlattr *attr_in(const struct nlattr *nest, unsigned int type)
{
	return nest ? attr_find(attr_data(nest), nest->nla_len - NLA_HDRLEN, type) : NULL;
}

#define FOR_EACH_IN(a, len, nest)                               \
	for ((len) = (nest) ? (nest)->nla_len - NLA_HDRLEN : 0, \
	    (a) = (nest) ? attr_data(nest) : NULL;              \
	     (a) && is_whole(a, len); (a) = next(a, &(len)))

static unsigned int type_of(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

typedef void (*reply_fn)(const void *attrs, size_t len, struct spec *spec);

/* One request to the controller, every message of its answer to @fn. */
static bool ask(int fd, struct message *m, reply_fn fn, struct spec *spec)
{
	static _Alignas(8) uint8_t buf[REPLY_SIZE];
	const struct nlmsghdr *h;
	ssize_t n;

	message_head(m)->nlmsg_len = (uint32_t)m->len;
	if (send(fd, m->bytes, m->len, 0) < 0)
		return false;
	for (;;) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return false;
		for (h = (void *)buf; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_ERROR)
				return !((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (h->nlmsg_type == NLMSG_DONE)
				return true;
			fn((const uint8_t *)h + ATTRS_AT, h->nlmsg_len - ATTRS_AT, spec);
		}
	}
}

static void begin(struct message *m, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *g = NLMSG_DATA(message_head(m));

	memset(m, 0, sizeof(*m));
	m->len = ATTRS_AT;
	message_head(m)->nlmsg_type = GENL_ID_CTRL;
	message_head(m)->nlmsg_flags = NLM_F_REQUEST | flags;
	g->cmd = cmd;
	g->version = 2;
}

static void on_family(const void *attrs, size_t len, struct spec *spec)
{
	const struct nlattr *ops = attr_find(attrs, len, CTRL_ATTR_OPS);
	const struct nlattr *op, *groups, *id;
	size_t rest;

	id = attr_find(attrs, len, CTRL_ATTR_FAMILY_ID);
	if (id)
		memcpy(&spec->family, attr_data(id), sizeof(spec->family));
	groups = attr_find(attrs, len, CTRL_ATTR_MCAST_GROUPS);
	spec->group = attr_u32(attr_in(attr_in(groups, 1), CTRL_ATTR_MCAST_GRP_ID));
	FOR_EACH_IN(op, rest, ops)
	{
		uint32_t cmd = attr_u32(attr_in(op, CTRL_ATTR_OP_ID));

		if (cmd < MAX_CMDS)
			spec->cmd[cmd].caps = attr_u32(attr_in(op, CTRL_ATTR_OP_FLAGS));
	}
}

static void on_attr(const struct nlattr *a, struct attr_spec *spec)
{
	const struct nlattr *nested = attr_in(a, NL_POLICY_TYPE_ATTR_POLICY_IDX);

	spec->type = attr_u32(attr_in(a, NL_POLICY_TYPE_ATTR_TYPE));
	spec->nested = nested ? (int)attr_u32(nested) : -1;
	spec->min = attr_u64(attr_in(a, NL_POLICY_TYPE_ATTR_MIN_VALUE_U), 0);
	spec->max = attr_u64(attr_in(a, NL_POLICY_TYPE_ATTR_MAX_VALUE_U), UINT32_MAX);
}

/* Either which policy a command has, or one attribute of one policy. */
static void on_policy(const void *attrs, size_t len, struct spec *spec)
{
	const struct nlattr *p, *a, *idx;
	size_t rest, inner;

	FOR_EACH_IN(p, rest, attr_find(attrs, len, CTRL_ATTR_OP_POLICY))
	{
		idx = attr_in(p, CTRL_ATTR_POLICY_DO);
		idx = idx ? idx : attr_in(p, CTRL_ATTR_POLICY_DUMP);
		if (idx && type_of(p) < MAX_CMDS)
			spec->cmd[type_of(p)].policy = (int)attr_u32(idx);
	}
	FOR_EACH_IN(p, rest, attr_find(attrs, len, CTRL_ATTR_POLICY))
	{
		FOR_EACH_IN(a, inner, p)
		{
			if (type_of(p) < MAX_POLICIES && type_of(a) < MAX_ATTRS)
				on_attr(a, &spec->policy[type_of(p)].attr[type_of(a)]);
		}
	}
}

bool spec_read(int fd, struct spec *ret)
{
	struct message m;
	unsigned int i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < MAX_CMDS; i++)
		ret->cmd[i].policy = -1;
	begin(&m, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	message_put(&m, CTRL_ATTR_FAMILY_NAME, VCPU_DEBOOST_FAMILY_NAME,
		    sizeof(VCPU_DEBOOST_FAMILY_NAME));
	if (!ask(fd, &m, on_family, ret) || !ret->family || !ret->group)
		return false;
	begin(&m, CTRL_CMD_GETPOLICY, NLM_F_DUMP);
	message_put(&m, CTRL_ATTR_FAMILY_ID, &ret->family, sizeof(ret->family));
	return ask(fd, &m, on_policy, ret);
}
