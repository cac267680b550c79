// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests over generic netlink. Ranges live in the policies and nowhere else;
 * whatever is refused is refused with a sentence.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <net/genetlink.h>

#include "breaker.h"
#include "message.h"

static struct netlink_range_validation window_range = {
	.min = VCPU_DEBOOST_WINDOW_MIN_NS,
	.max = VCPU_DEBOOST_WINDOW_MAX_NS,
};

static struct netlink_range_validation budget_hook_range = {
	.min = VCPU_DEBOOST_BUDGET_HOOK_MIN_NS,
	.max = VCPU_DEBOOST_BUDGET_HOOK_MAX_NS,
};

static struct netlink_range_validation budget_boosts_range = {
	.min = 1,
	.max = VCPU_DEBOOST_BUDGET_BOOSTS_MAX,
};

static struct netlink_range_validation budget_wait_range = {
	.min = VCPU_DEBOOST_BUDGET_WAIT_MIN_NS,
	.max = VCPU_DEBOOST_BUDGET_WAIT_MAX_NS,
};

static struct netlink_range_validation grace_range = {
	.max = VCPU_DEBOOST_GRACE_MAX_MS,
};

static const struct nla_policy tuning_policy[VCPU_DEBOOST_TUNING_A_MAX + 1] = {
	[VCPU_DEBOOST_TUNING_A_MODE] = NLA_POLICY_MAX(NLA_U32, VCPU_DEBOOST_MODE_MAX),
	[VCPU_DEBOOST_TUNING_A_IPI_TRACKING] = NLA_POLICY_MAX(NLA_U32, 1),
	[VCPU_DEBOOST_TUNING_A_WINDOW_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &window_range),
	[VCPU_DEBOOST_TUNING_A_ORDER] = NLA_POLICY_MAX(NLA_U32, VCPU_DEBOOST_ORDER_MAX),
	[VCPU_DEBOOST_TUNING_A_SLOTS] = NLA_POLICY_RANGE(NLA_U32, 1, VCPU_DEBOOST_SLOTS_MAX),
	[VCPU_DEBOOST_TUNING_A_EOI_CLEAR] = NLA_POLICY_MAX(NLA_U32, VCPU_DEBOOST_EOI_CLEAR_MAX),
	[VCPU_DEBOOST_TUNING_A_RELAXED_BOOST] = NLA_POLICY_MAX(NLA_U32, 1),
	[VCPU_DEBOOST_TUNING_A_CHAIN] = NLA_POLICY_MAX(NLA_U32, 1),
	[VCPU_DEBOOST_TUNING_A_SCHED] = NLA_POLICY_MAX(NLA_U32, VCPU_DEBOOST_SCHED_MAX),
	[VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &budget_hook_range),
	[VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &budget_boosts_range),
	[VCPU_DEBOOST_TUNING_A_BUDGET_FAILED] =
		NLA_POLICY_RANGE(NLA_U32, 1, VCPU_DEBOOST_BUDGET_FAILED_MAX),
	[VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS] = NLA_POLICY_FULL_RANGE(NLA_U64, &budget_wait_range),
};

static const struct nla_policy vm_policy[VCPU_DEBOOST_A_VM_ID + 1] = {
	[VCPU_DEBOOST_A_VM_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy set_policy[VCPU_DEBOOST_A_TUNING + 1] = {
	[VCPU_DEBOOST_A_VM_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[VCPU_DEBOOST_A_TUNING] = NLA_POLICY_NESTED(tuning_policy),
};

static const struct nla_policy heartbeat_policy[VCPU_DEBOOST_A_GRACE_MS + 1] = {
	[VCPU_DEBOOST_A_GRACE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &grace_range),
};

/* Changing how a host schedules is not a network matter: both capabilities. */
static int may_set(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_NET_ADMIN) && netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "changing this needs CAP_NET_ADMIN and CAP_SYS_ADMIN: run as root");
	return -EPERM;
}

static struct vdb_vm *requested_vm(struct genl_info *info)
{
	struct nlattr *id = info->attrs[VCPU_DEBOOST_A_VM_ID];
	struct vdb_vm *vm = vdb_vm_by_id(nla_get_u32(id));

	if (vm)
		return vm;
	NL_SET_ERR_MSG_ATTR(info->extack, id, "no VM has this id: list them with VM_GET");
	return ERR_PTR(-ENOENT);
}

static int require_vm_id(struct genl_info *info)
{
	if (info->attrs[VCPU_DEBOOST_A_VM_ID])
		return 0;
	NL_SET_ERR_MSG(info->extack, "VM_ID is missing");
	return -EINVAL;
}

typedef int (*put_fn)(struct sk_buff *skb, const struct vdb_vm *vm);

/* A reply that @put fills, about @vm or about the module. */
static int reply_with(struct genl_info *info, put_fn put, const struct vdb_vm *vm)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, GFP_ATOMIC);
	void *hdr;

	if (!skb) {
		NL_SET_ERR_MSG(info->extack, "no memory for the reply");
		return -ENOMEM;
	}
	hdr = genlmsg_put_reply(skb, info, &vdb_family, 0, info->genlhdr->cmd);
	if (!hdr || put(skb, vm)) {
		nlmsg_free(skb);
		NL_SET_ERR_MSG(info->extack, "the reply does not fit");
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

static int put_info(struct sk_buff *skb, const struct vdb_vm *vm)
{
	return vdb_put_info(skb) ?: vdb_put_tuning(skb, &vdb.tuning, 0);
}

static int put_tuning(struct sk_buff *skb, const struct vdb_vm *vm)
{
	if (!vm)
		return vdb_put_tuning(skb, &vdb.tuning, 0);
	return nla_put_u32(skb, VCPU_DEBOOST_A_VM_ID, vm->id)
		       ?: vdb_put_tuning(skb, &vm->tuning, vm->overrides);
}

static int put_both(struct sk_buff *skb, const struct vdb_vm *vm, bool stats)
{
	struct vdb_counters sum;

	vdb_stats_sum(vm, &sum);
	return nla_put_u32(skb, VCPU_DEBOOST_A_VM_ID, vm->id) ?: vdb_put_vm(skb, vm, &sum) ?:
	       vdb_put_tuning(skb, &vm->tuning, vm->overrides) ?:
	       stats ? vdb_put_stats(skb, vm, &sum) : 0;
}

static int put_vm(struct sk_buff *skb, const struct vdb_vm *vm)
{
	return put_both(skb, vm, false);
}

static int put_stats(struct sk_buff *skb, const struct vdb_vm *vm)
{
	return put_both(skb, vm, true);
}

static int info_get(struct sk_buff *skb, struct genl_info *info)
{
	int ret;

	mutex_lock(&vdb.lock);
	ret = reply_with(info, put_info, NULL);
	mutex_unlock(&vdb.lock);
	return ret;
}

static int about_vm(struct genl_info *info, put_fn put)
{
	struct vdb_vm *vm;
	int ret;

	rcu_read_lock();
	vm = requested_vm(info);
	ret = IS_ERR(vm) ? PTR_ERR(vm) : reply_with(info, put, vm);
	rcu_read_unlock();
	return ret;
}

static int tuning_get(struct sk_buff *skb, struct genl_info *info)
{
	if (info->attrs[VCPU_DEBOOST_A_VM_ID])
		return about_vm(info, put_tuning);
	return reply_with(info, put_tuning, NULL);
}

static int vm_get(struct sk_buff *skb, struct genl_info *info)
{
	return require_vm_id(info) ?: about_vm(info, put_vm);
}

static int stats_get(struct sk_buff *skb, struct genl_info *info)
{
	return require_vm_id(info) ?: about_vm(info, put_stats);
}

static int parse_tuning(struct genl_info *info, struct vdb_tuning *ret, u32 *ret_given)
{
	struct nlattr *tb[VCPU_DEBOOST_TUNING_A_MAX + 1];
	int r;

	if (!info->attrs[VCPU_DEBOOST_A_TUNING]) {
		NL_SET_ERR_MSG(info->extack, "TUNING is missing");
		return -EINVAL;
	}
	r = nla_parse_nested(tb, VCPU_DEBOOST_TUNING_A_MAX, info->attrs[VCPU_DEBOOST_A_TUNING],
			     tuning_policy, info->extack);
	if (r)
		return r;
	*ret_given = vdb_tuning_parse(tb, ret);
	if (!*ret_given) {
		NL_SET_ERR_MSG(info->extack, "TUNING holds no knob");
		return -EINVAL;
	}
	return 0;
}

/* Change one VM's overrides: to @tuning, or back to none if it is NULL. */
static int change_vm(struct genl_info *info, const struct vdb_tuning *tuning, u32 given)
{
	struct vdb_vm *vm;
	int ret = 0;

	rcu_read_lock();
	vm = requested_vm(info);
	if (IS_ERR(vm)) {
		ret = PTR_ERR(vm);
	} else {
		if (tuning)
			vdb_tuning_override(vm, tuning, given);
		else
			vdb_tuning_reset(vm);
		vdb_notify_tuning(vm, VCPU_DEBOOST_CAUSE_REQUEST);
	}
	rcu_read_unlock();
	return ret;
}

static int change_global(struct genl_info *info, const struct vdb_tuning *tuning, u32 given)
{
	int ret = vdb_tuning_set(tuning, given);

	if (ret)
		NL_SET_ERR_MSG(info->extack, "KVM could not be hooked: INFO_GET and HOOK_GET say "
					     "why");
	else
		vdb_notify_tuning(NULL, VCPU_DEBOOST_CAUSE_REQUEST);
	return ret;
}

static int refuse(struct genl_info *info, int error, const char *why)
{
	if (info->extack)
		info->extack->_msg = why;
	return error;
}

#define BUDGETS                                                                                 \
	(BIT(VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS) | BIT(VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS) | \
	 BIT(VCPU_DEBOOST_TUNING_A_BUDGET_FAILED) | BIT(VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS))

/*
 * Who sets every knob, as the daemon does, does not ask for what is there already: it was
 * there before the kernel was looked at, and is stock behaviour if it cannot be had.
 */
#define asks(given, knob, differs)                    \
	((given)&BIT(VCPU_DEBOOST_TUNING_A_##knob) && \
	 ((differs) || (given) == BIT(VCPU_DEBOOST_TUNING_A_##knob)))

/* What cannot be set here or now. */
static int check_tuning(struct genl_info *info, const struct vdb_tuning *tuning, u32 given)
{
	const struct vdb_tuning *now = &vdb.tuning;
	const char *why;

	if (given & BIT(VCPU_DEBOOST_TUNING_A_MODE) && tuning->mode != VCPU_DEBOOST_MODE_OFF &&
	    READ_ONCE(vdb.tripped))
		return refuse(info, -EBUSY,
			      "the breaker has tripped: `vdctl status` says why, `vdctl trip "
			      "clear` lets the mode be set again");
	if (given & BUDGETS && info->attrs[VCPU_DEBOOST_A_VM_ID])
		return refuse(info, -EINVAL, "budgets are the host's: set them without a VM");
	why = asks(given, ORDER, tuning->order != now->order) ? vdb_order_missing(tuning->order)
							      : NULL;
	if (!why && asks(given, SCHED, tuning->sched != now->sched))
		why = vdb_sched_missing(tuning->sched);
	if (!why && asks(given, BUDGET_WAIT_NS, tuning->budget_wait_ns != now->budget_wait_ns))
		why = vdb_starve_missing();
	return why ? refuse(info, -EOPNOTSUPP, why) : 0;
}

static int tuning_set(struct sk_buff *skb, struct genl_info *info)
{
	struct vdb_tuning tuning = {};
	u32 given;
	int ret;

	ret = may_set(skb, info->extack) ?: parse_tuning(info, &tuning, &given);
	if (ret)
		return ret;
	mutex_lock(&vdb.lock);
	ret = check_tuning(info, &tuning, given);
	if (!ret && info->attrs[VCPU_DEBOOST_A_VM_ID])
		ret = change_vm(info, &tuning, given);
	else if (!ret)
		ret = change_global(info, &tuning, given);
	mutex_unlock(&vdb.lock);
	return ret;
}

static int trip_clear(struct sk_buff *skb, struct genl_info *info)
{
	int ret = may_set(skb, info->extack);

	if (ret)
		return ret;
	mutex_lock(&vdb.lock);
	vdb_breaker_clear();
	mutex_unlock(&vdb.lock);
	return 0;
}

static int tuning_reset(struct sk_buff *skb, struct genl_info *info)
{
	int ret = may_set(skb, info->extack) ?: require_vm_id(info);

	if (ret)
		return ret;
	mutex_lock(&vdb.lock);
	ret = change_vm(info, NULL, 0);
	mutex_unlock(&vdb.lock);
	return ret;
}

static int heartbeat(struct sk_buff *skb, struct genl_info *info)
{
	int ret = may_set(skb, info->extack);

	if (ret)
		return ret;
	if (!info->attrs[VCPU_DEBOOST_A_GRACE_MS]) {
		NL_SET_ERR_MSG(info->extack, "GRACE_MS is missing");
		return -EINVAL;
	}
	mutex_lock(&vdb.lock);
	vdb_heartbeat_set(nla_get_u32(info->attrs[VCPU_DEBOOST_A_GRACE_MS]));
	mutex_unlock(&vdb.lock);
	return 0;
}

static int hook_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	unsigned int i = cb->args[0];

	mutex_lock(&vdb.lock);
	for (; i < vdb_nr_hooks; i++) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
					&vdb_family, NLM_F_MULTI, VCPU_DEBOOST_CMD_HOOK_GET);

		if (!hdr)
			break;
		if (vdb_put_hook(skb, &vdb_hooks[i])) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	mutex_unlock(&vdb.lock);
	cb->args[0] = i;
	return skb->len;
}

/* By ascending id, one message a VM; cb->args[0] is the next id to look at. */
static int vms_dump(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd, put_fn put)
{
	int id = cb->args[0];
	struct vdb_vm *vm;

	rcu_read_lock();
	cb->seq = (u32)atomic64_read(&vdb.generation);
	for (; (vm = idr_get_next(&vdb.ids, &id)); id++) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
					&vdb_family, NLM_F_MULTI, cmd);

		if (!hdr)
			break;
		genl_dump_check_consistent(cb, hdr);
		if (put(skb, vm)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	rcu_read_unlock();
	cb->args[0] = id;
	return skb->len;
}

static int vm_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return vms_dump(skb, cb, VCPU_DEBOOST_CMD_VM_GET, put_vm);
}

static int stats_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	return vms_dump(skb, cb, VCPU_DEBOOST_CMD_STATS_GET, put_stats);
}

#define POLICY(p) .policy = p, .maxattr = ARRAY_SIZE(p) - 1

/* No GENL_ADMIN_PERM: the core refuses without a sentence. See may_set(). */
static const struct genl_ops ops[] = {
	{ .cmd = VCPU_DEBOOST_CMD_INFO_GET, .doit = info_get },
	{ .cmd = VCPU_DEBOOST_CMD_HOOK_GET, .dumpit = hook_dump },
	{ .cmd = VCPU_DEBOOST_CMD_TUNING_GET, .doit = tuning_get, POLICY(vm_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_TUNING_SET, .doit = tuning_set, POLICY(set_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_TUNING_RESET, .doit = tuning_reset, POLICY(vm_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_VM_GET, .doit = vm_get, .dumpit = vm_dump, POLICY(vm_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_STATS_GET,
	  .doit = stats_get,
	  .dumpit = stats_dump,
	  POLICY(vm_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_HEARTBEAT, .doit = heartbeat, POLICY(heartbeat_policy) },
	{ .cmd = VCPU_DEBOOST_CMD_TRIP_CLEAR, .doit = trip_clear },
};

static const struct genl_multicast_group groups[] = {
	{ .name = VCPU_DEBOOST_MCGRP_EVENTS, VDB_MCGRP_FLAGS },
};

struct genl_family vdb_family __ro_after_init = {
	.name = VCPU_DEBOOST_FAMILY_NAME,
	.version = VCPU_DEBOOST_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = false,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.resv_start_op = VCPU_DEBOOST_CMD_INFO_GET,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/**
 * vdb_netlink_init - register the family
 *
 * Return: 0 or a negative error.
 */
int vdb_netlink_init(void)
{
	return genl_register_family(&vdb_family);
}

/**
 * vdb_netlink_exit - unregister it; on return no request is being handled
 */
void vdb_netlink_exit(void)
{
	genl_unregister_family(&vdb_family);
}
