// SPDX-License-Identifier: GPL-2.0-only
/* Sends requests and judges what comes back. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/vcpu_deboost.h>

#include "nlfuzz.h"

#define BATCH_MAX 6
#define SHOWN_MAX 20
#define BUF_SIZE  65536

/* What only reads. Any other command is one that nobody but root may use. */
static const uint8_t getters[] = {
	VCPU_DEBOOST_CMD_INFO_GET, VCPU_DEBOOST_CMD_HOOK_GET,  VCPU_DEBOOST_CMD_TUNING_GET,
	VCPU_DEBOOST_CMD_VM_GET,   VCPU_DEBOOST_CMD_STATS_GET,
};

static const struct {
	int error;
	const char *name;
} verdicts[NR_VERDICTS] = {
	[CORE_PASSES] = { 0, "reached the module" },
	[CORE_DROPS] = { 0, "dropped by the core" },
	[CORE_ACKS] = { 0, "acknowledged by the core" },
	[CORE_NO_FAMILY] = { ENOENT, "refused by the core: no such family" },
	[CORE_SHORT] = { EINVAL, "refused by the core: shorter than its header" },
	[CORE_NO_COMMAND] = { EOPNOTSUPP, "refused by the core: no such command" },
	[CORE_BUSY] = { EBUSY, "refused by the core: a dump is under way" },
};

/**
 * struct verdict - what came back for one request
 * @seen: anything did
 * @error: errno, positive
 * @text: the sentence
 */
struct verdict {
	bool seen;
	int error;
	char text[256];
};

bool is_getter(uint8_t cmd)
{
	return memchr(getters, cmd, sizeof(getters)) != NULL;
}

const char *verdict_name(enum core_verdict v)
{
	return verdicts[v].name;
}

static const struct genlmsghdr *genl_head(const struct message *m)
{
	return (const void *)(m->bytes + NLMSG_HDRLEN);
}

static bool is_dump(uint16_t flags)
{
	return (flags & NLM_F_DUMP) == NLM_F_DUMP;
}

static enum core_verdict core_verdict(const struct fuzz *f, const struct message *m, bool dumping)
{
	const struct nlmsghdr *h = (const void *)m->bytes;
	uint32_t caps;

	if (m->len < NLMSG_HDRLEN || h->nlmsg_len < NLMSG_HDRLEN || h->nlmsg_len > m->len)
		return CORE_DROPS;
	if (!(h->nlmsg_flags & NLM_F_REQUEST) || h->nlmsg_type < NLMSG_MIN_TYPE)
		return CORE_ACKS;
	if (h->nlmsg_type != f->spec.family)
		return CORE_NO_FAMILY;
	if (h->nlmsg_len < ATTRS_AT)
		return CORE_SHORT;
	caps = genl_head(m)->cmd < MAX_CMDS ? f->spec.cmd[genl_head(m)->cmd].caps : 0;
	if (!(caps & (is_dump(h->nlmsg_flags) ? GENL_CMD_CAP_DUMP : GENL_CMD_CAP_DO)))
		return CORE_NO_COMMAND;
	return is_dump(h->nlmsg_flags) && dumping ? CORE_BUSY : CORE_PASSES;
}

static void complain(struct fuzz *f, const struct message *m, const struct verdict *v,
		     const char *what)
{
	size_t i;

	if (f->wrong++ >= SHOWN_MAX)
		return;
	printf("# WRONG: %s: answer %s, sentence \"%s\"\n#   ", what,
	       v->seen ? strerror(v->error) : "none", v->text);
	for (i = 0; i < m->len && i < 160; i++)
		printf("%02x%s", m->bytes[i], i % 4 == 3 ? " " : "");
	printf("\n");
}

static void judge(struct fuzz *f, const struct message *m, enum core_verdict core, bool unsure,
		  const struct verdict *v)
{
	const struct nlmsghdr *h = (const void *)m->bytes;
	uint8_t cmd = m->len >= ATTRS_AT ? genl_head(m)->cmd : 0;
	bool wants_ack = core != CORE_DROPS && h->nlmsg_flags & NLM_F_ACK;

	f->sent[core]++;
	if (core == CORE_PASSES && v->seen)
		v->error ? f->refused++ : f->done[cmd]++;
	if (core == CORE_PASSES && v->error == EPERM)
		f->forbidden++;
	if (wants_ack && !v->seen && !unsure)
		complain(f, m, v, "a request that wants an answer has none");
	else if (v->error && !v->text[0] && v->error != verdicts[core].error &&
		 !(unsure && v->error == EBUSY))
		complain(f, m, v, "a refusal without a sentence");
	else if (core != CORE_PASSES && core != CORE_BUSY && v->seen && !v->error &&
		 verdicts[core].error)
		complain(f, m, v, "taken, though the core should have refused it");
	if (!f->may_set && core == CORE_PASSES && !is_getter(cmd) && v->seen && !v->error)
		complain(f, m, v, "somebody set what he may not");
}

/* The sentence of an error, from the attributes behind it. */
static void read_text(const struct nlmsghdr *h, size_t skip, struct verdict *v)
{
	const struct nlattr *text;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || h->nlmsg_len < skip)
		return;
	text = attr_find((const uint8_t *)h + skip, h->nlmsg_len - skip, NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(v->text, sizeof(v->text), "%.*s", (int)(text->nla_len - NLA_HDRLEN),
			 (const char *)attr_data(text));
}

/* Ids of VMs that are there make for better requests. */
static void learn(struct fuzz *f, const struct nlmsghdr *h)
{
	const struct nlattr *id;

	if (h->nlmsg_type != f->spec.family || h->nlmsg_len < ATTRS_AT)
		return;
	id = attr_find((const uint8_t *)h + ATTRS_AT, h->nlmsg_len - ATTRS_AT,
		       VCPU_DEBOOST_A_VM_ID);
	if (id)
		f->gen.ids[below(&f->gen.rng, MAX_IDS / 2)] = attr_u32(id);
}

static void read_one(struct fuzz *f, const struct nlmsghdr *h, uint32_t first, struct verdict *v,
		     size_t nr)
{
	uint32_t i = h->nlmsg_seq - first;
	int error = 0;

	if (i >= nr)
		return;
	v[i].seen = true;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		memcpy(&error, NLMSG_DATA(h), sizeof(error));
		v[i].error = -error;
		read_text(h,
			  NLMSG_HDRLEN + (h->nlmsg_type == NLMSG_ERROR ? sizeof(struct nlmsgerr)
								       : sizeof(int)),
			  &v[i]);
	} else {
		learn(f, h);
	}
}

/*
 * Everything that waits. A request is dealt with in send(), and each part of a dump but the
 * first in the recv() before it, so nothing has to be waited for.
 */
static void drain(struct fuzz *f, struct peer *p, uint32_t first, struct verdict *v, size_t nr)
{
	static _Alignas(8) uint8_t buf[BUF_SIZE];
	const struct nlmsghdr *h;
	ssize_t n;

	while ((n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0 || errno == ENOBUFS) {
		for (h = (void *)buf; n > 0 && NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n))
			read_one(f, h, first, v, nr);
	}
	p->dumping = false;
}

/* One to a few requests in one send(). Only the last may lie about its length. */
size_t shoot(struct fuzz *f, struct peer *p)
{
	static struct message m[BATCH_MAX];
	static _Alignas(8) uint8_t bytes[BATCH_MAX * MSG_ROOM];
	size_t nr = one_in(&f->gen.rng, 4) ? 1 + below(&f->gen.rng, BATCH_MAX) : 1;
	struct verdict v[BATCH_MAX] = { 0 };
	enum core_verdict core[BATCH_MAX];
	bool dumping = p->dumping, unsure = p->dumping;
	size_t i, len = 0;

	for (i = 0; i < nr; i++) {
		struct nlmsghdr *h = message_head(&m[i]);

		gen_message(&f->gen, &m[i]);
		core[i] = core_verdict(f, &m[i], dumping);
		memcpy(bytes + len, m[i].bytes, m[i].len);
		if (m[i].len % NLMSG_ALIGNTO || h->nlmsg_len != m[i].len)
			nr = i + 1;
		else
			dumping |= is_dump(h->nlmsg_flags);
		len += m[i].len;
	}
	if (send(p->fd, bytes, len, MSG_DONTWAIT) < 0) {
		if (errno == ENOBUFS || errno == EAGAIN)
			return 0;
		perror("nlfuzz: send");
		exit(99);
	}
	if (one_in(&f->gen.rng, 32)) {
		p->dumping = true;
		return nr;
	}
	drain(f, p, message_head(&m[0])->nlmsg_seq, v, nr);
	for (i = 0; i < nr; i++)
		judge(f, &m[i], core[i], unsure, &v[i]);
	return nr;
}
