// SPDX-License-Identifier: GPL-2.0-only
/* Where the family is: read from the kernel's own list of families. */
#include "vdnl_priv.h"

#include <errno.h>
#include <string.h>

#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

static const struct nla_policy family_policy[CTRL_ATTR_MAX + 1] = {
	[CTRL_ATTR_FAMILY_ID] = { .type = NLA_U16 },
	[CTRL_ATTR_FAMILY_NAME] = { .type = NLA_STRING, .maxlen = GENL_NAMSIZ },
	[CTRL_ATTR_MCAST_GROUPS] = { .type = NLA_NESTED },
};

static const struct nla_policy group_policy[CTRL_ATTR_MCAST_GRP_MAX + 1] = {
	[CTRL_ATTR_MCAST_GRP_NAME] = { .type = NLA_STRING, .maxlen = GENL_NAMSIZ },
	[CTRL_ATTR_MCAST_GRP_ID] = { .type = NLA_U32 },
};

static uint32_t parse_events_group(struct nlattr *groups)
{
	struct nlattr *attrs[CTRL_ATTR_MCAST_GRP_MAX + 1], *group;
	int left;

	nla_for_each_nested(group, groups, left) {
		if (nla_parse_nested(attrs, CTRL_ATTR_MCAST_GRP_MAX, group, group_policy) < 0)
			continue;
		if (!attrs[CTRL_ATTR_MCAST_GRP_NAME] || !attrs[CTRL_ATTR_MCAST_GRP_ID])
			continue;
		if (!nla_strcmp(attrs[CTRL_ATTR_MCAST_GRP_NAME], VCPU_DEBOOST_MCGRP_EVENTS))
			return nla_get_u32(attrs[CTRL_ATTR_MCAST_GRP_ID]);
	}
	return 0;
}

int vdnl_family_parse(struct nlmsghdr *hdr, struct vdnl_family *ret_family)
{
	struct nlattr *attrs[CTRL_ATTR_MAX + 1];
	struct vdnl_family family = { 0 };

	if (genlmsg_parse(hdr, 0, attrs, CTRL_ATTR_MAX, family_policy) < 0)
		return -EBADMSG;
	if (!attrs[CTRL_ATTR_FAMILY_NAME] || !attrs[CTRL_ATTR_FAMILY_ID])
		return -ENOENT;
	if (nla_strcmp(attrs[CTRL_ATTR_FAMILY_NAME], VCPU_DEBOOST_FAMILY_NAME))
		return -ENOENT;

	family.id = nla_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	if (attrs[CTRL_ATTR_MCAST_GROUPS])
		family.events = parse_events_group(attrs[CTRL_ATTR_MCAST_GROUPS]);
	*ret_family = family;
	return 0;
}

static int take_family(struct nlmsghdr *hdr, void *arg)
{
	int r;

	r = vdnl_family_parse(hdr, arg);
	return r == -ENOENT ? 0 : r;
}

int vdnl_family_find(struct vdnl *client, struct vdnl_family *ret_family)
{
	struct vdnl_family family = { 0 };
	struct vdnl_request request = {
		.cmd = CTRL_CMD_GETFAMILY,
		.flags = NLM_F_DUMP,
		.row = take_family,
		.arg = &family,
	};
	int r;

	r = vdnl_transact(client, GENL_ID_CTRL, &request);
	if (r < 0)
		return r;
	if (!family.id)
		return -ENOPKG;
	*ret_family = family;
	return 0;
}
