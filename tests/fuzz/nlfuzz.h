/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of nlfuzz share; see nlfuzz.c. */
#ifndef NLFUZZ_H
#define NLFUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#define MAX_CMDS     64
#define MAX_POLICIES 32
#define MAX_ATTRS    128
#define MAX_IDS	     16
#define MSG_ROOM     4096

/* Where the attributes of a message of a generic netlink family begin. */
#define ATTRS_AT NLMSG_LENGTH(GENL_HDRLEN)

/**
 * struct rng - where the random sequence stands: the same seed, the same numbers
 */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);

/* 0..n-1; 0 when n is 0. */
uint64_t below(struct rng *rng, uint64_t n);

/* True once in n times. */
bool one_in(struct rng *rng, uint64_t n);

/**
 * struct attr_spec - what the running kernel's policy says of an attribute
 * @type: NL_ATTR_TYPE_*, 0 for one that it refuses
 * @nested: policy of what is inside a nest, -1 if it is none
 * @min: smallest value that is taken
 * @max: largest one
 */
struct attr_spec {
	uint32_t type;
	int nested;
	uint64_t min;
	uint64_t max;
};

struct policy_spec {
	struct attr_spec attr[MAX_ATTRS];
};

/**
 * struct cmd_spec - what the running kernel says of a command
 * @caps: GENL_CMD_CAP_*, 0 for one that does not exist
 * @policy: of a request, -1 when it takes no attributes
 */
struct cmd_spec {
	uint32_t caps;
	int policy;
};

struct spec {
	uint16_t family;
	uint32_t group;
	struct cmd_spec cmd[MAX_CMDS];
	struct policy_spec policy[MAX_POLICIES];
};

/* Ask the kernel of the family over @fd. False: it is not there. */
bool spec_read(int fd, struct spec *ret);

/* Find an attribute among @len bytes at @attrs, or inside of a nest. */
const struct nlattr *attr_find(const void *attrs, size_t len, unsigned int type);
const struct nlattr *attr_in(const struct nlattr *nest, unsigned int type);
const void *attr_data(const struct nlattr *a);
uint32_t attr_u32(const struct nlattr *a);

/**
 * struct message - one request
 * @bytes: netlink header first
 * @len: bytes that are sent; the header may say otherwise
 * @at: where its attributes begin, also those in nests
 * @nr: how many of those are known
 * @mutated: it is not what the policy wants, or may not be
 */
struct message {
	_Alignas(8) uint8_t bytes[MSG_ROOM];
	size_t len;
	size_t at[MAX_ATTRS];
	size_t nr;
	bool mutated;
};

/**
 * struct gen - where requests come from
 * @spec: of the family
 * @rng: decides everything
 * @ids: of VMs seen last
 */
struct gen {
	const struct spec *spec;
	struct rng rng;
	uint32_t ids[MAX_IDS];
	uint32_t seq;
};

/* A request that the policy takes. */
void gen_valid(struct gen *g, struct message *m);

/* The same, then as often as not made wrong in one to four ways. */
void gen_message(struct gen *g, struct message *m);

struct nlmsghdr *message_head(struct message *m);

/* Append an attribute; false when there is no room. */
bool message_put(struct message *m, unsigned int type, const void *data, size_t len);

#define NR_SOCKETS   12
#define NR_LISTENERS 4

/* What becomes of a request before the module sees it. */
enum core_verdict {
	CORE_PASSES,
	CORE_DROPS, /* no answer at all */
	CORE_ACKS, /* nothing is done */
	CORE_NO_FAMILY, /* ENOENT */
	CORE_SHORT, /* EINVAL: no room for the family's header */
	CORE_NO_COMMAND, /* EOPNOTSUPP: not such a command, or no such dump */
	CORE_BUSY, /* EBUSY: this socket's last dump is not read to its end */
	NR_VERDICTS
};

/**
 * struct peer - a socket of ours
 * @fd: the socket
 * @dumping: a dump may not have been read to its end
 */
struct peer {
	int fd;
	bool dumping;
};

/**
 * struct fuzz - one fuzzer
 * @spec: what the kernel understands
 * @gen: where requests come from
 * @peer: sockets
 * @listener: sockets that join groups, and are never read
 * @may_set: we may change the tuning
 * @wrong: answers that should not be
 * @sent: requests, by what the core does with them
 * @refused: requests that the module's policy or code refused
 * @done: requests that were taken, by command
 * @forbidden: requests refused with EPERM
 */
struct fuzz {
	struct spec spec;
	struct gen gen;
	struct peer peer[NR_SOCKETS];
	int listener[NR_LISTENERS];
	bool may_set;
	uint64_t wrong;
	uint64_t sent[NR_VERDICTS];
	uint64_t refused;
	uint64_t done[MAX_CMDS];
	uint64_t forbidden;
};

bool is_getter(uint8_t cmd);

/* Send the next one to @p, a few at once at times, and judge the answers. Gives how many. */
size_t shoot(struct fuzz *f, struct peer *p);

/* How the tables of the counts are called. */
const char *verdict_name(enum core_verdict v);

#endif /* NLFUZZ_H */
