/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module as user space sees it, made of plain structs, behind fakenl.h: so that what
 * lib/, cli/ and daemon/ do with its answers can be looked at on a machine without KVM, and
 * with answers that the real one gives once in a year. That the real one speaks the same
 * protocol is what tests/lab is for.
 */
#ifndef VD_TESTS_FAKEMOD_H
#define VD_TESTS_FAKEMOD_H

#include "fakenl.h"
#include "lib/knob.h"
#include "lib/vdnl_msg.h"

#define FAKEMOD_ROWS  12
#define FAKEMOD_GROUP 21
#define FAKEMOD_ALL   (~UINT64_C(0))

struct fakemod_vm {
	struct vd_vm vm;
	struct vd_stats stats;
	struct vd_tuning own;
};

/**
 * struct fakemod - the module
 * @loaded: it is there
 * @id: of its family
 * @group: of its events; without it the family has another group alone
 * @info: of the module
 * @tuning: of the host
 * @hooks: @nr_hooks of them
 * @vms: @nr_vms of them
 * @asked: requests of each command
 * @refuse: errno of each command, 0 for none
 * @sentence: of a refusal, or NULL
 * @interrupt: so many dumps to come are disturbed
 * @bare: VMs are told without their knobs
 * @empty: answers carry no attribute at all
 * @stale: rows and answers are of another request
 * @seq: number of the request that is being answered
 * @on_ask: called before a request is answered, or NULL
 */
static struct fakemod {
	bool loaded;
	uint16_t id;
	uint32_t group;
	struct vd_info info;
	struct vd_tuning tuning;
	struct vd_hook hooks[FAKEMOD_ROWS];
	size_t nr_hooks;
	struct fakemod_vm vms[FAKEMOD_ROWS];
	size_t nr_vms;
	unsigned int asked[VCPU_DEBOOST_CMD_MAX + 1];
	int refuse[VCPU_DEBOOST_CMD_MAX + 1];
	const char *sentence;
	unsigned int interrupt;
	bool bare;
	bool empty;
	bool stale;
	uint32_t seq;
	void (*on_ask)(uint8_t cmd);
} fakemod;

/* The family's row in the kernel's list of families. */
static void fakemod_put_family(struct fakenl_buf *buf, uint32_t seq, uint8_t cmd)
{
	uint8_t attrs[256], group[64], groups[96];
	const char *name = fakemod.group ? VCPU_DEBOOST_MCGRP_EVENTS : "other";
	uint32_t number = FAKEMOD_GROUP;
	size_t len;

	len = fakenl_attr(group, 0, CTRL_ATTR_MCAST_GRP_ID, &number, sizeof(number));
	len = fakenl_attr(group, len, CTRL_ATTR_MCAST_GRP_NAME, name, strlen(name) + 1);
	len = fakenl_attr(groups, 0, 1, group, len);
	len = fakenl_attr(attrs, 0, CTRL_ATTR_MCAST_GROUPS, groups, len);
	len = fakenl_attr(attrs, len, CTRL_ATTR_FAMILY_NAME, VCPU_DEBOOST_FAMILY_NAME,
			  sizeof(VCPU_DEBOOST_FAMILY_NAME));
	len = fakenl_attr(attrs, len, CTRL_ATTR_FAMILY_ID, &fakemod.id, sizeof(fakemod.id));
	fakenl_put_genl(buf, GENL_ID_CTRL, seq, cmd, attrs, len);
}

/* Somebody else's. */
static void fakemod_put_stranger(struct fakenl_buf *buf, uint32_t seq, uint8_t cmd)
{
	uint16_t id = GENL_ID_CTRL;
	uint8_t attrs[64];
	size_t len;

	len = fakenl_attr(attrs, 0, CTRL_ATTR_FAMILY_NAME, "nlctrl", sizeof("nlctrl"));
	len = fakenl_attr(attrs, len, CTRL_ATTR_FAMILY_ID, &id, sizeof(id));
	fakenl_put_genl(buf, GENL_ID_CTRL, seq, cmd, attrs, len);
}

static void fakemod_put(struct fakenl_buf *buf, uint32_t seq, uint8_t cmd, const struct vd_msg *msg)
{
	uint8_t attrs[VD_MSG_MAX];
	int len = vd_msg_encode(msg, attrs, sizeof(attrs));

	assert_true(len >= 0);
	fakenl_put_genl(buf, fakemod.id, fakemod.stale ? seq + 1000 : seq, cmd, attrs,
			fakemod.empty ? 0 : (size_t)len);
}

static inline void fakemod_event(uint8_t cmd, const struct vd_msg *msg)
{
	static struct fakenl_buf buf;

	buf.len = 0;
	fakemod_put(&buf, 0, cmd, msg);
	fakenl_multicast(FAKEMOD_GROUP, &buf);
}

static void fakemod_family_event(uint8_t cmd)
{
	static struct fakenl_buf buf;

	buf.len = 0;
	fakemod_put_stranger(&buf, 0, cmd);
	fakemod_put_family(&buf, 0, cmd);
	fakenl_multicast(GENL_ID_CTRL, &buf);
}

/* A fresh one: no VM, mode off, and another message type than before. */
static void fakemod_load(void)
{
	uint16_t id = fakemod.id ? fakemod.id : 40;

	fakemod = (struct fakemod){ .loaded = true,
				    .id = (uint16_t)(id + 1),
				    .group = FAKEMOD_GROUP };
	knob_defaults(&fakemod.tuning);
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OFF;
	strcpy(fakemod.info.version, "9.8.7");
	strcpy(fakemod.info.reason, "mode is off");
	fakemod.info.abi = VCPU_DEBOOST_ABI;
	fakemod_family_event(CTRL_CMD_NEWFAMILY);
}

static inline void fakemod_unload(void)
{
	fakemod.loaded = false;
	fakemod_family_event(CTRL_CMD_DELFAMILY);
}

static inline struct fakemod_vm *fakemod_find(uint32_t id)
{
	size_t i;

	for (i = 0; i < fakemod.nr_vms; i++)
		if (fakemod.vms[i].vm.id == id)
			return &fakemod.vms[i];
	return NULL;
}

static inline struct fakemod_vm *fakemod_add_vm(uint32_t id, uint32_t tgid, const char *comm)
{
	struct fakemod_vm *v = &fakemod.vms[fakemod.nr_vms++];
	struct vd_msg msg = { .have = VD_BIT(VCPU_DEBOOST_A_VM) };

	assert_true(fakemod.nr_vms <= FAKEMOD_ROWS);
	*v = (struct fakemod_vm){ .vm = { .id = id, .tgid = tgid, .nr_vcpus = 2 } };
	v->vm.visibility = VCPU_DEBOOST_VISIBILITY_FULL;
	v->vm.have = FAKEMOD_ALL & ~VD_BIT(VCPU_DEBOOST_VM_A_START_BOOTTIME_NS);
	v->stats.have = FAKEMOD_ALL;
	snprintf(v->vm.comm, sizeof(v->vm.comm), "%s", comm);
	msg.vm = v->vm;
	fakemod_event(VCPU_DEBOOST_CMD_VM_NEW_NTF, &msg);
	return v;
}

static inline void fakemod_remove_vm(uint32_t id)
{
	struct fakemod_vm *v = fakemod_find(id);
	struct vd_msg msg = { .have = VD_BIT(VCPU_DEBOOST_A_VM) };

	assert_non_null(v);
	msg.vm = v->vm;
	*v = fakemod.vms[--fakemod.nr_vms];
	fakemod_event(VCPU_DEBOOST_CMD_VM_GONE_NTF, &msg);
}

/* The host's knobs, or with those of its own a VM's. */
static struct vd_tuning fakemod_tuning(const struct fakemod_vm *v)
{
	struct vd_tuning tuning = fakemod.tuning;
	size_t i;

	for (i = 0; i < nr_knobs; i++)
		if (v && v->own.have & VD_BIT(knobs[i].attr))
			knob_put(&knobs[i], &tuning, knob_get(&knobs[i], &v->own));
	tuning.overrides = v ? (uint32_t)v->own.have : 0;
	tuning.have = FAKEMOD_ALL;
	return tuning;
}

static inline void fakemod_tuning_event(const struct fakemod_vm *v, uint32_t cause)
{
	struct vd_msg msg = { .cause = cause, .tuning = fakemod_tuning(v) };

	msg.have = VD_BIT(VCPU_DEBOOST_A_CAUSE) | VD_BIT(VCPU_DEBOOST_A_TUNING);
	if (v) {
		msg.have |= VD_BIT(VCPU_DEBOOST_A_VM_ID);
		msg.vm_id = v->vm.id;
	}
	fakemod_event(VCPU_DEBOOST_CMD_TUNING_NTF, &msg);
}

static inline void fakemod_trip_event(void)
{
	struct vd_msg msg = { .have = VD_BIT(VCPU_DEBOOST_A_INFO), .info = fakemod.info };

	msg.info.have = FAKEMOD_ALL;
	msg.info.trip.have = FAKEMOD_ALL;
	fakemod_event(VCPU_DEBOOST_CMD_TRIP_NTF, &msg);
}

/* The breaker trips. */
static inline void fakemod_trip(uint32_t kind, const char *reason)
{
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OFF;
	fakemod.info.armed = 0;
	fakemod.info.trips++;
	fakemod.info.trip = (struct vd_trip){ .kind = kind, .value = 9, .budget = 5 };
	snprintf(fakemod.info.trip.reason, sizeof(fakemod.info.trip.reason), "%s", reason);
	fakemod_trip_event();
	fakemod_tuning_event(NULL, VCPU_DEBOOST_CAUSE_TRIP);
}

static int fakemod_set(struct fakemod_vm *v, const struct vd_tuning *asked)
{
	struct vd_tuning *to = v ? &v->own : &fakemod.tuning;
	size_t i;

	/* For answers only. */
	if (asked->have & VD_BIT(VCPU_DEBOOST_TUNING_A_OVERRIDES))
		return -EINVAL;
	if (!v && asked->have & VD_BIT(VCPU_DEBOOST_TUNING_A_MODE) && asked->mode &&
	    fakemod.info.trip.kind)
		return -EBUSY;
	for (i = 0; i < nr_knobs; i++)
		if (asked->have & VD_BIT(knobs[i].attr))
			knob_put(&knobs[i], to, knob_get(&knobs[i], asked));
	fakemod.info.armed = fakemod.tuning.mode != VCPU_DEBOOST_MODE_OFF;
	fakemod_tuning_event(v, VCPU_DEBOOST_CAUSE_REQUEST);
	return 0;
}

/* A do request: its verdict, and in @answer what it is answered with, if anything. */
static int fakemod_do(uint8_t cmd, const struct vd_msg *ask, struct vd_msg *answer)
{
	struct fakemod_vm *v = fakemod_find(ask->vm_id);
	bool of_vm = ask->have & VD_BIT(VCPU_DEBOOST_A_VM_ID);

	if (of_vm && !v)
		return -ENOENT;
	switch (cmd) {
	case VCPU_DEBOOST_CMD_INFO_GET:
		answer->have = VD_BIT(VCPU_DEBOOST_A_INFO);
		answer->info = fakemod.info;
		answer->info.nr_vms = (uint32_t)fakemod.nr_vms;
		answer->info.have = FAKEMOD_ALL;
		answer->info.trip.have = FAKEMOD_ALL;
		if (!fakemod.info.trip.kind)
			answer->info.have &= ~VD_BIT(VCPU_DEBOOST_INFO_A_TRIP);
		return 0;
	case VCPU_DEBOOST_CMD_TUNING_GET:
		answer->have = VD_BIT(VCPU_DEBOOST_A_TUNING);
		answer->tuning = fakemod_tuning(v);
		return 0;
	case VCPU_DEBOOST_CMD_TUNING_SET:
		return fakemod_set(v, &ask->tuning);
	case VCPU_DEBOOST_CMD_TUNING_RESET:
		v->own = (struct vd_tuning){ 0 };
		fakemod_tuning_event(v, VCPU_DEBOOST_CAUSE_REQUEST);
		return 0;
	case VCPU_DEBOOST_CMD_VM_GET:
		answer->have = VD_BIT(VCPU_DEBOOST_A_VM);
		answer->vm = v->vm;
		return 0;
	case VCPU_DEBOOST_CMD_STATS_GET:
		answer->have = VD_BIT(VCPU_DEBOOST_A_STATS);
		answer->stats = v->stats;
		return 0;
	case VCPU_DEBOOST_CMD_HEARTBEAT:
		fakemod.info.grace_ms = fakemod.info.grace_left_ms = ask->grace_ms;
		return 0;
	case VCPU_DEBOOST_CMD_TRIP_CLEAR:
		fakemod.info.trip = (struct vd_trip){ 0 };
		fakemod_trip_event();
		return 0;
	}
	return -EOPNOTSUPP;
}

static void fakemod_row(uint8_t cmd, size_t i, struct vd_msg *msg)
{
	const struct fakemod_vm *v = &fakemod.vms[i];

	*msg = (struct vd_msg){ .vm_id = v->vm.id };
	if (cmd == VCPU_DEBOOST_CMD_HOOK_GET) {
		msg->have = VD_BIT(VCPU_DEBOOST_A_HOOK);
		msg->hook = fakemod.hooks[i];
		msg->hook.have = FAKEMOD_ALL;
	} else if (cmd == VCPU_DEBOOST_CMD_VM_GET) {
		msg->have = VD_BIT(VCPU_DEBOOST_A_VM);
		msg->vm = v->vm;
		if (!fakemod.bare)
			msg->have |= VD_BIT(VCPU_DEBOOST_A_TUNING);
		msg->tuning = fakemod_tuning(v);
	} else {
		msg->have = VD_BIT(VCPU_DEBOOST_A_STATS) | VD_BIT(VCPU_DEBOOST_A_VM_ID);
		msg->stats = v->stats;
	}
}

static void fakemod_dump(struct fakenl_buf *buf, const struct nlmsghdr *hdr, uint8_t cmd)
{
	size_t i, nr = cmd == VCPU_DEBOOST_CMD_HOOK_GET ? fakemod.nr_hooks : fakemod.nr_vms;
	bool interrupt = fakemod.interrupt && fakemod.interrupt--;
	struct vd_msg msg;

	for (i = 0; i < nr; i++) {
		fakemod_row(cmd, i, &msg);
		fakemod_put(buf, hdr->nlmsg_seq, cmd, &msg);
	}
	fakenl_done(buf, hdr);
	if (interrupt)
		((struct nlmsghdr *)(void *)buf->bytes)->nlmsg_flags |= NLM_F_DUMP_INTR;
}

static void fakemod_list_families(struct fakenl_buf *buf, const struct nlmsghdr *hdr)
{
	fakemod_put_stranger(buf, hdr->nlmsg_seq, CTRL_CMD_NEWFAMILY);
	if (fakemod.loaded)
		fakemod_put_family(buf, hdr->nlmsg_seq, CTRL_CMD_NEWFAMILY);
	fakenl_done(buf, hdr);
}

static void fakenl_request(struct fakenl_sock *sock, const struct nlmsghdr *hdr)
{
	const uint8_t *genl = NLMSG_DATA(hdr);
	struct vd_msg ask = { 0 }, answer = { 0 };
	static struct fakenl_buf buf;
	uint8_t cmd = genl[0];
	int r;

	buf.len = 0;
	if (hdr->nlmsg_type == GENL_ID_CTRL) {
		fakemod_list_families(&buf, hdr);
		fakenl_send(sock, &buf);
		return;
	}
	if (!fakemod.loaded || hdr->nlmsg_type != fakemod.id) {
		fakenl_verdict(&buf, hdr, -ENOENT, NULL);
		fakenl_send(sock, &buf);
		return;
	}
	assert_in_range(cmd, 1, VCPU_DEBOOST_CMD_MAX);
	assert_int_equal(vd_msg_decode(genl + GENL_HDRLEN,
				       hdr->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, &ask),
			 0);
	fakemod.asked[cmd]++;
	fakemod.seq = hdr->nlmsg_seq;
	if (fakemod.on_ask)
		fakemod.on_ask(cmd);
	r = -fakemod.refuse[cmd];
	if (!r && hdr->nlmsg_flags & NLM_F_DUMP) {
		fakemod_dump(&buf, hdr, cmd);
		fakenl_send(sock, &buf);
		return;
	}
	if (!r)
		r = fakemod_do(cmd, &ask, &answer);
	buf.len = 0;
	if (!r && answer.have)
		fakemod_put(&buf, hdr->nlmsg_seq, cmd, &answer);
	fakenl_verdict(&buf, hdr, r, r ? fakemod.sentence : NULL);
	fakenl_send(sock, &buf);
}

#endif /* VD_TESTS_FAKEMOD_H */
