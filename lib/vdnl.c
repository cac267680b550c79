// SPDX-License-Identifier: GPL-2.0-only
#include "vdnl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/genl/genl.h>
#include <netlink/msg.h>

/* Rounds of a dump that is disturbed each time, before it is given up. */
#define DUMP_ROUNDS 8

int vdnl_open(struct vdnl **ret_client)
{
	struct vdnl *client;
	int r;

	client = calloc(1, sizeof(*client));
	if (!client)
		return -ENOMEM;
	client->buffer = malloc(VDNL_BUFFER_SIZE);
	if (!client->buffer) {
		r = -ENOMEM;
		goto fail;
	}
	r = vdnl_socket(&client->sock);
	if (r < 0)
		goto fail;
	*ret_client = client;
	return 0;
fail:
	vdnl_close(client);
	return r;
}

struct vdnl *vdnl_close(struct vdnl *client)
{
	if (!client)
		return NULL;
	vdnl_events_close(client);
	if (client->sock)
		nl_socket_free(client->sock);
	free(client->buffer);
	free(client);
	return NULL;
}

const char *vdnl_last_error(const struct vdnl *client)
{
	return client->error;
}

const char *vdnl_strerror(const struct vdnl *client, int error)
{
	if (client && client->error[0])
		return client->error;

	switch (error) {
	case -ENOPKG:
		return "the module vcpu_deboost is not loaded; load it with "
		       "`modprobe vcpu_deboost` on the host itself (not in a container)";
	case -EPERM:
	case -EACCES:
		return "not permitted; run it as root on the host itself: it needs "
		       "CAP_NET_ADMIN and CAP_SYS_ADMIN";
	case -ENOENT:
		return "there is no such VM; `vdctl vms` lists them";
	case -EAGAIN:
		return "VMs come and go too fast to be listed; try again";
	case -EBADMSG:
		return "the module's answer does not follow the protocol; module and tools "
		       "are of different versions, install both from one release";
	case -EOPNOTSUPP:
		return "the loaded module does not know this request; install module and "
		       "tools from one release";
	default:
		return strerror(-error);
	}
}

static int locate_family(struct vdnl *client)
{
	if (client->family.id)
		return 0;
	return vdnl_family_find(client, &client->family);
}

/*
 * To the family, wherever it is now: a module that was loaded again has
 * another message type, and the kernel answers -ENOENT on the old one.
 */
static int family_transact(struct vdnl *client, struct vdnl_request *request)
{
	struct vdnl_family found;
	char error[VDNL_ERROR_SIZE];
	int r, lookup;

	r = locate_family(client);
	if (r < 0)
		return r;
	r = vdnl_transact(client, client->family.id, request);
	if (r != -ENOENT)
		return r;

	memcpy(error, client->error, sizeof(error));
	lookup = vdnl_family_find(client, &found);
	if (lookup == -ENOPKG) {
		client->family = (struct vdnl_family){ 0 };
		return -ENOPKG;
	}
	if (!lookup && found.id != client->family.id) {
		client->family = found;
		return vdnl_transact(client, client->family.id, request);
	}
	memcpy(client->error, error, sizeof(error));
	return r;
}

static int decode(struct nlmsghdr *hdr, struct vd_msg *ret_msg)
{
	struct genlmsghdr *genl;

	if (!genlmsg_valid_hdr(hdr, 0))
		return -EBADMSG;
	genl = nlmsg_data(hdr);
	return vd_msg_decode(genlmsg_attrdata(genl, 0), (size_t)genlmsg_attrlen(genl, 0), ret_msg);
}

/* The attributes of the answer to a do request, into the caller's message. */
static int take_answer(struct nlmsghdr *hdr, void *arg)
{
	return decode(hdr, arg);
}

/* Ask for @cmd; the answer must carry every attribute in @want. */
static int do_request(struct vdnl *client, uint8_t cmd, const struct vd_msg *ask, uint32_t want,
		      struct vd_msg *ret_answer)
{
	struct vd_msg answer = { 0 };
	uint8_t bytes[VD_MSG_MAX];
	struct vdnl_request request = {
		.cmd = cmd,
		.flags = NLM_F_REQUEST,
		.bytes = bytes,
		.row = take_answer,
		.arg = &answer,
	};
	int r;

	r = vd_msg_encode(ask, bytes, sizeof(bytes));
	if (r < 0)
		return r;
	request.len = (size_t)r;
	r = family_transact(client, &request);
	if (r < 0)
		return r;
	if ((answer.have & want) != want)
		return -EBADMSG;
	if (ret_answer)
		*ret_answer = answer;
	return 0;
}

static void name_vm(struct vd_msg *msg, uint32_t vm_id)
{
	if (vm_id == VDNL_GLOBAL)
		return;
	msg->vm_id = vm_id;
	msg->have |= VD_BIT(VCPU_DEBOOST_A_VM_ID);
}

int vdnl_info(struct vdnl *client, struct vd_info *ret_info)
{
	struct vd_msg ask = { 0 }, answer;
	int r;

	r = do_request(client, VCPU_DEBOOST_CMD_INFO_GET, &ask, VD_BIT(VCPU_DEBOOST_A_INFO),
		       &answer);
	if (r < 0)
		return r;
	*ret_info = answer.info;
	return 0;
}

int vdnl_tuning_get(struct vdnl *client, uint32_t vm_id, struct vd_tuning *ret_tuning)
{
	struct vd_msg ask = { 0 }, answer;
	int r;

	name_vm(&ask, vm_id);
	r = do_request(client, VCPU_DEBOOST_CMD_TUNING_GET, &ask, VD_BIT(VCPU_DEBOOST_A_TUNING),
		       &answer);
	if (r < 0)
		return r;
	*ret_tuning = answer.tuning;
	return 0;
}

int vdnl_tuning_set(struct vdnl *client, uint32_t vm_id, const struct vd_tuning *tuning)
{
	struct vd_msg ask = { .tuning = *tuning, .have = VD_BIT(VCPU_DEBOOST_A_TUNING) };

	ask.tuning.have &= ~VD_BIT(VCPU_DEBOOST_TUNING_A_OVERRIDES);
	if (!ask.tuning.have)
		return -EINVAL;
	name_vm(&ask, vm_id);
	return do_request(client, VCPU_DEBOOST_CMD_TUNING_SET, &ask, 0, NULL);
}

int vdnl_tuning_reset(struct vdnl *client, uint32_t vm_id)
{
	struct vd_msg ask = { 0 };

	if (vm_id == VDNL_GLOBAL)
		return -EINVAL;
	name_vm(&ask, vm_id);
	return do_request(client, VCPU_DEBOOST_CMD_TUNING_RESET, &ask, 0, NULL);
}

int vdnl_vm_get(struct vdnl *client, uint32_t vm_id, struct vd_vm *ret_vm)
{
	struct vd_msg ask = { 0 }, answer;
	int r;

	name_vm(&ask, vm_id);
	r = do_request(client, VCPU_DEBOOST_CMD_VM_GET, &ask, VD_BIT(VCPU_DEBOOST_A_VM), &answer);
	if (r < 0)
		return r;
	*ret_vm = answer.vm;
	return 0;
}

int vdnl_stats_get(struct vdnl *client, uint32_t vm_id, struct vd_stats *ret_stats)
{
	struct vd_msg ask = { 0 }, answer;
	int r;

	name_vm(&ask, vm_id);
	r = do_request(client, VCPU_DEBOOST_CMD_STATS_GET, &ask, VD_BIT(VCPU_DEBOOST_A_STATS),
		       &answer);
	if (r < 0)
		return r;
	*ret_stats = answer.stats;
	return 0;
}

int vdnl_heartbeat(struct vdnl *client, uint32_t grace_ms)
{
	struct vd_msg ask = { .grace_ms = grace_ms, .have = VD_BIT(VCPU_DEBOOST_A_GRACE_MS) };

	return do_request(client, VCPU_DEBOOST_CMD_HEARTBEAT, &ask, 0, NULL);
}

int vdnl_trip_clear(struct vdnl *client)
{
	struct vd_msg ask = { 0 };

	return do_request(client, VCPU_DEBOOST_CMD_TRIP_CLEAR, &ask, 0, NULL);
}

struct dump {
	vdnl_dump_fn fn;
	void *arg;
	uint32_t want;
};

static int take_row(struct nlmsghdr *hdr, void *arg)
{
	struct dump *dump = arg;
	struct vd_msg msg;
	int r;

	r = decode(hdr, &msg);
	if (r < 0)
		return r;
	if ((msg.have & dump->want) != dump->want)
		return -EBADMSG;
	return dump->fn(&msg, dump->arg);
}

static int do_dump(struct vdnl *client, uint8_t cmd, uint32_t want, vdnl_dump_fn fn, void *arg)
{
	struct dump dump = { .fn = fn, .arg = arg, .want = want };
	struct vdnl_request request = {
		.cmd = cmd,
		.flags = NLM_F_REQUEST | NLM_F_DUMP,
		.row = take_row,
		.arg = &dump,
	};
	int r;

	for (int round = 0; round < DUMP_ROUNDS; round++) {
		if (round) {
			r = fn(NULL, arg);
			if (r < 0)
				return r;
		}
		r = family_transact(client, &request);
		if (r < 0 || !request.interrupted)
			return r;
	}
	return -EAGAIN;
}

int vdnl_hooks_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg)
{
	return do_dump(client, VCPU_DEBOOST_CMD_HOOK_GET, VD_BIT(VCPU_DEBOOST_A_HOOK), fn, arg);
}

int vdnl_vms_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg)
{
	return do_dump(client, VCPU_DEBOOST_CMD_VM_GET, VD_BIT(VCPU_DEBOOST_A_VM), fn, arg);
}

int vdnl_stats_dump(struct vdnl *client, vdnl_dump_fn fn, void *arg)
{
	return do_dump(client, VCPU_DEBOOST_CMD_STATS_GET,
		       VD_BIT(VCPU_DEBOOST_A_STATS) | VD_BIT(VCPU_DEBOOST_A_VM_ID), fn, arg);
}
