// SPDX-License-Identifier: GPL-2.0-only
/* Requests: right ones from the kernel's own policy, and every way to make them wrong. */
#include <string.h>

#include <linux/vcpu_deboost.h>

#include "nlfuzz.h"

/* splitmix64 */
uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t below(struct rng *rng, uint64_t n)
{
	return n ? rng_next(rng) % n : 0;
}

bool one_in(struct rng *rng, uint64_t n)
{
	return !below(rng, n);
}

struct nlmsghdr *message_head(struct message *m)
{
	return (struct nlmsghdr *)m->bytes;
}

static struct nlattr *attr_at(struct message *m, size_t i)
{
	return (struct nlattr *)(m->bytes + m->at[i]);
}

bool message_put(struct message *m, unsigned int type, const void *data, size_t len)
{
	struct nlattr *a = (struct nlattr *)(m->bytes + m->len);

	if (m->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(m->bytes))
		return false;
	memset(a, 0, NLA_HDRLEN + NLA_ALIGN(len));
	a->nla_type = (uint16_t)type;
	a->nla_len = (uint16_t)(NLA_HDRLEN + len);
	if (len)
		memcpy((uint8_t *)a + NLA_HDRLEN, data, len);
	if (m->nr < MAX_ATTRS)
		m->at[m->nr++] = m->len;
	m->len += NLA_HDRLEN + NLA_ALIGN(len);
	return true;
}

/* The edges more often than what lies between. */
static uint64_t value_between(struct rng *rng, uint64_t min, uint64_t max)
{
	switch (below(rng, 4)) {
	case 0:
		return min;
	case 1:
		return max;
	default:
		return max - min == UINT64_MAX ? rng_next(rng) : min + below(rng, max - min + 1);
	}
}

static uint64_t value_for(struct gen *g, const struct attr_spec *a, unsigned int type, bool knob)
{
	if (!knob && type == VCPU_DEBOOST_A_VM_ID && !one_in(&g->rng, 8))
		return g->ids[below(&g->rng, MAX_IDS)];
	/* It forgets every VM, and takes its time. */
	if (knob && type == VCPU_DEBOOST_TUNING_A_MODE && !one_in(&g->rng, 256))
		return 1 + below(&g->rng, a->max);
	return value_between(&g->rng, a->min, a->max);
}

static void put_all(struct gen *g, struct message *m, int policy, bool knob, unsigned int odds);

static void put_one(struct gen *g, struct message *m, const struct attr_spec *a, unsigned int type,
		    bool knob)
{
	uint64_t value = value_for(g, a, type, knob);
	size_t nest = m->len;

	switch (a->type) {
	case NL_ATTR_TYPE_NESTED:
		message_put(m, type | NLA_F_NESTED, NULL, 0);
		put_all(g, m, a->nested, true, 3);
		((struct nlattr *)(m->bytes + nest))->nla_len = (uint16_t)(m->len - nest);
		break;
	case NL_ATTR_TYPE_U64:
		message_put(m, type, &value, 8);
		break;
	case NL_ATTR_TYPE_FLAG:
		message_put(m, type, NULL, 0);
		break;
	case NL_ATTR_TYPE_U8:
		message_put(m, type, &value, 1);
		break;
	case NL_ATTR_TYPE_U16:
		message_put(m, type, &value, 2);
		break;
	default:
		message_put(m, type, &value, 4);
	}
}

/* Each attribute of a policy once in @odds times. */
static void put_all(struct gen *g, struct message *m, int policy, bool knob, unsigned int odds)
{
	unsigned int i;

	if (policy < 0 || policy >= MAX_POLICIES)
		return;
	for (i = 1; i < MAX_ATTRS; i++) {
		const struct attr_spec *a = &g->spec->policy[policy].attr[i];

		if (a->type && one_in(&g->rng, odds))
			put_one(g, m, a, i, knob);
	}
}

static uint8_t some_cmd(struct gen *g)
{
	uint8_t cmd;

	do {
		cmd = (uint8_t)below(&g->rng, MAX_CMDS);
	} while (!g->spec->cmd[cmd].caps);
	return cmd;
}

void gen_valid(struct gen *g, struct message *m)
{
	struct genlmsghdr *head = NLMSG_DATA(message_head(m));
	uint8_t cmd = some_cmd(g);
	uint32_t caps = g->spec->cmd[cmd].caps;
	bool dump = caps & GENL_CMD_CAP_DUMP && (!(caps & GENL_CMD_CAP_DO) || one_in(&g->rng, 8));

	memset(m, 0, sizeof(*m));
	m->len = ATTRS_AT;
	message_head(m)->nlmsg_type = g->spec->family;
	message_head(m)->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (dump ? NLM_F_DUMP : 0);
	message_head(m)->nlmsg_seq = ++g->seq;
	head->cmd = cmd;
	head->version = 1;
	if (!dump)
		put_all(g, m, g->spec->cmd[cmd].policy, false, one_in(&g->rng, 2) ? 1 : 2);
	message_head(m)->nlmsg_len = (uint32_t)m->len;
}

static struct nlattr *some_attr(struct gen *g, struct message *m)
{
	return m->nr ? attr_at(m, below(&g->rng, m->nr)) : NULL;
}

static void wrong_length(struct gen *g, struct message *m)
{
	struct nlattr *a = some_attr(g, m);

	if (a)
		a->nla_len = one_in(&g->rng, 3) ? (uint16_t)rng_next(&g->rng)
						: (uint16_t)(a->nla_len - 8 + below(&g->rng, 17));
}

static void wrong_type(struct gen *g, struct message *m)
{
	static const uint16_t flags[] = { NLA_F_NESTED, NLA_F_NET_BYTEORDER, 1, 2, 4, 8, 16, 128 };
	struct nlattr *a = some_attr(g, m);

	if (a)
		a->nla_type ^= flags[below(&g->rng, sizeof(flags) / sizeof(flags[0]))];
}

static void wrong_value(struct gen *g, struct message *m)
{
	struct nlattr *a = some_attr(g, m);
	uint64_t value = rng_next(&g->rng) >> below(&g->rng, 64);
	size_t at = a ? (size_t)((uint8_t *)(a + 1) - m->bytes) : m->len;
	size_t len = a && a->nla_len >= NLA_HDRLEN ? a->nla_len - NLA_HDRLEN : 0;

	len = len > sizeof(value) ? sizeof(value) : len;
	if (at + len <= m->len)
		memcpy(m->bytes + at, &value, len);
}

static void twice(struct gen *g, struct message *m)
{
	struct nlattr *a = some_attr(g, m);
	uint8_t copy[MSG_ROOM];
	size_t len;

	if (!a || a->nla_len < NLA_HDRLEN)
		return;
	len = a->nla_len - NLA_HDRLEN;
	if ((uint8_t *)(a + 1) + len > m->bytes + m->len)
		return;
	memcpy(copy, a + 1, len);
	message_put(m, a->nla_type, copy, len);
}

static void unknown(struct gen *g, struct message *m)
{
	uint64_t value[2] = { rng_next(&g->rng), rng_next(&g->rng) };
	unsigned int type =
		(unsigned int)(one_in(&g->rng, 2) ? below(&g->rng, 16) : rng_next(&g->rng));

	message_put(m, type, value, below(&g->rng, sizeof(value) + 1));
}

static void deep_nest(struct gen *g, struct message *m)
{
	size_t first = m->nr, depth = 1 + below(&g->rng, 40), i;
	unsigned int type = VCPU_DEBOOST_A_TUNING;

	for (i = 0; i < depth; i++)
		message_put(m, type | NLA_F_NESTED, NULL, 0);
	for (i = first; i < m->nr; i++)
		attr_at(m, i)->nla_len = (uint16_t)(m->len - m->at[i]);
}

static void noise(struct gen *g, struct message *m)
{
	size_t n = 1 + below(&g->rng, 8);

	/* Not the netlink header: what it means for the core is judged. */
	while (n-- && m->len > NLMSG_HDRLEN)
		m->bytes[NLMSG_HDRLEN + below(&g->rng, m->len - NLMSG_HDRLEN)] =
			(uint8_t)rng_next(&g->rng);
}

static void wrong_head(struct gen *g, struct message *m)
{
	struct genlmsghdr *head = NLMSG_DATA(message_head(m));

	switch (below(&g->rng, 5)) {
	case 0:
		head->cmd = (uint8_t)rng_next(&g->rng);
		break;
	case 1:
		head->cmd = (uint8_t)below(&g->rng, VCPU_DEBOOST_CMD_MAX + 3);
		break;
	case 2:
		head->reserved = (uint16_t)rng_next(&g->rng);
		break;
	case 3:
		head->version = (uint8_t)rng_next(&g->rng);
		break;
	default:
		message_head(m)->nlmsg_pid = (uint32_t)rng_next(&g->rng);
	}
}

static void wrong_flags(struct gen *g, struct message *m)
{
	if (one_in(&g->rng, 2))
		message_head(m)->nlmsg_flags ^= NLM_F_DUMP;
	else
		message_head(m)->nlmsg_flags ^= (uint16_t)(1u << below(&g->rng, 16));
}

/* No number that another family has: this is not their fuzzer. */
static void wrong_family(struct gen *g, struct message *m)
{
	message_head(m)->nlmsg_type = one_in(&g->rng, 2) ? (uint16_t)below(&g->rng, 16)
							 : (uint16_t)(0x8000 | g->seq);
}

static void truncate_it(struct gen *g, struct message *m)
{
	m->len = 1 + below(&g->rng, m->len);
	if (m->len >= NLMSG_HDRLEN && one_in(&g->rng, 2))
		message_head(m)->nlmsg_len = (uint32_t)m->len;
}

static void lie_about_length(struct gen *g, struct message *m)
{
	message_head(m)->nlmsg_len = one_in(&g->rng, 4) ? (uint32_t)rng_next(&g->rng)
							: (uint32_t)below(&g->rng, m->len + 32);
}

/* These leave the length in the header to be made true after them. */
static void (*const attr_mutations[])(struct gen *g, struct message *m) = {
	wrong_length, wrong_type, wrong_value, wrong_value,  twice,
	unknown,      deep_nest,  noise,       wrong_length, wrong_value,
};

static void (*const head_mutations[])(struct gen *g, struct message *m) = {
	wrong_head,   wrong_head,  wrong_flags,	     wrong_flags,
	wrong_family, truncate_it, lie_about_length,
};

#define PICK(rng, table) (table)[below(rng, sizeof(table) / sizeof((table)[0]))]

void gen_message(struct gen *g, struct message *m)
{
	size_t n;

	gen_valid(g, m);
	if (one_in(&g->rng, 3))
		return;
	m->mutated = true;
	for (n = 1 + below(&g->rng, 3); n; n--)
		PICK(&g->rng, attr_mutations)(g, m);
	message_head(m)->nlmsg_len = (uint32_t)m->len;
	if (one_in(&g->rng, 4))
		PICK(&g->rng, head_mutations)(g, m);
}
