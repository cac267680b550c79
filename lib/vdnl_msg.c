// SPDX-License-Identifier: GPL-2.0-only
/*
 * One table per nest says where each attribute lives in its struct; decoding
 * and encoding both walk the tables, so that they cannot disagree.
 */
#include "vdnl_msg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <linux/netlink.h>

enum field_type {
	FIELD_U32,
	FIELD_U64,
	FIELD_STRING, /* size is that of the array, NUL included */
	FIELD_U64_ARRAY, /* size is that of the array, exact */
	FIELD_NEST,
};

struct nest;

struct field {
	uint16_t attr;
	uint16_t type;
	uint16_t offset;
	uint16_t size;
	const struct nest *nest;
};

struct nest {
	const struct field *fields;
	size_t nr_fields;
};

#define FIELD(_struct, _attr, _type, _member)                                                  \
	{                                                                                      \
		.attr = (_attr), .type = (_type), .offset = offsetof(struct _struct, _member), \
		.size = sizeof(((struct _struct *)0)->_member),                                \
	}
#define NEST(_name)                                                              \
	static const struct nest _name##_nest = {                                \
		.fields = _name##_fields,                                        \
		.nr_fields = sizeof(_name##_fields) / sizeof(_name##_fields[0]), \
	}
#define FIELD_NESTED(_struct, _attr, _member)                                                     \
	{                                                                                         \
		.attr = (_attr), .type = FIELD_NEST, .offset = offsetof(struct _struct, _member), \
		.size = sizeof(((struct _struct *)0)->_member), .nest = &_member##_nest,          \
	}
#define HAVE_IS_FIRST(_struct) \
	static_assert(offsetof(struct _struct, have) == 0, "the codec finds the mask at offset 0")

HAVE_IS_FIRST(vd_info);
HAVE_IS_FIRST(vd_trip);
HAVE_IS_FIRST(vd_hook);
HAVE_IS_FIRST(vd_tuning);
HAVE_IS_FIRST(vd_vm);
HAVE_IS_FIRST(vd_stats);
HAVE_IS_FIRST(vd_msg);

static const struct field trip_fields[] = {
	FIELD(vd_trip, VCPU_DEBOOST_TRIP_A_KIND, FIELD_U32, kind),
	FIELD(vd_trip, VCPU_DEBOOST_TRIP_A_REASON, FIELD_STRING, reason),
	FIELD(vd_trip, VCPU_DEBOOST_TRIP_A_VALUE, FIELD_U64, value),
	FIELD(vd_trip, VCPU_DEBOOST_TRIP_A_BUDGET, FIELD_U64, budget),
	FIELD(vd_trip, VCPU_DEBOOST_TRIP_A_BOOTTIME_NS, FIELD_U64, boottime_ns),
};
NEST(trip);

static const struct field info_fields[] = {
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_VERSION, FIELD_STRING, version),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_ABI, FIELD_U32, abi),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_ARMED, FIELD_U32, armed),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_REASON, FIELD_STRING, reason),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_NR_VMS, FIELD_U32, nr_vms),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_VMS_SEEN, FIELD_U64, vms_seen),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_VMS_REFUSED, FIELD_U64, vms_refused),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_GRACE_MS, FIELD_U32, grace_ms),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_GRACE_LEFT_MS, FIELD_U32, grace_left_ms),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_FALLBACKS, FIELD_U64, fallbacks),
	FIELD(vd_info, VCPU_DEBOOST_INFO_A_TRIPS, FIELD_U64, trips),
	FIELD_NESTED(vd_info, VCPU_DEBOOST_INFO_A_TRIP, trip),
};
NEST(info);

static const struct field hook_fields[] = {
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_NAME, FIELD_STRING, name),
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_SYMBOL, FIELD_STRING, symbol),
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_KIND, FIELD_U32, kind),
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_REQUIRED, FIELD_U32, required),
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_STATE, FIELD_U32, state),
	FIELD(vd_hook, VCPU_DEBOOST_HOOK_A_REASON, FIELD_STRING, reason),
};
NEST(hook);

static const struct field tuning_fields[] = {
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_OVERRIDES, FIELD_U32, overrides),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_MODE, FIELD_U32, mode),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_IPI_TRACKING, FIELD_U32, ipi_tracking),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_WINDOW_NS, FIELD_U64, window_ns),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_ORDER, FIELD_U32, order),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_SLOTS, FIELD_U32, slots),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_EOI_CLEAR, FIELD_U32, eoi_clear),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_RELAXED_BOOST, FIELD_U32, relaxed_boost),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_CHAIN, FIELD_U32, chain),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_SCHED, FIELD_U32, sched),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS, FIELD_U64, budget_hook_ns),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS, FIELD_U32, budget_boosts),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_BUDGET_FAILED, FIELD_U32, budget_failed),
	FIELD(vd_tuning, VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS, FIELD_U64, budget_wait_ns),
};
NEST(tuning);

static const struct field vm_fields[] = {
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_ID, FIELD_U32, id),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_TGID, FIELD_U32, tgid),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_START_BOOTTIME_NS, FIELD_U64, start_boottime_ns),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_NR_VCPUS, FIELD_U32, nr_vcpus),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_COMM, FIELD_STRING, comm),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_VISIBILITY, FIELD_U32, visibility),
	FIELD(vd_vm, VCPU_DEBOOST_VM_A_VISIBILITY_REASON, FIELD_STRING, visibility_reason),
};
NEST(vm);

static const struct field stats_fields[] = {
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS, FIELD_U64, ipis),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_SHORTHAND, FIELD_U64, ipis_shorthand),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_MULTICAST, FIELD_U64, ipis_multicast),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_PV, FIELD_U64, ipis_pv),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_HYPERV, FIELD_U64, ipis_hyperv),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_AVIC, FIELD_U64, ipis_avic),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_SELF, FIELD_U64, ipis_self),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_IPIS_OTHER, FIELD_U64, ipis_other),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RECORDED, FIELD_U64, recorded),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_CLEARED, FIELD_U64, cleared),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_OVERWRITTEN, FIELD_U64, overwritten),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_UNRECORDED, FIELD_U64, unrecorded),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_EXPIRED, FIELD_U64, expired),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_FORGOTTEN, FIELD_U64, forgotten),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_EOIS, FIELD_U64, eois),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_SPIN_EXITS, FIELD_U64, spin_exits),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RECEIVER_FOUND, FIELD_U64, receiver_found),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RECEIVER_RUNNING, FIELD_U64, receiver_running),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RECEIVER_BLOCKED, FIELD_U64, receiver_blocked),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_WOULD_BOOST, FIELD_U64, would_boost),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED, FIELD_U64, boosted),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_CHAIN, FIELD_U64, boosted_chain),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_WOULD_ORDER, FIELD_U64, would_order),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_PENDING, FIELD_U64, boosted_pending),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_IN_KERNEL, FIELD_U64, boosted_in_kernel),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_RELAXED, FIELD_U64, boosted_relaxed),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_AT_WORK, FIELD_U64, boosted_at_work),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_BOOSTED_OLDEST, FIELD_U64, boosted_oldest),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_REDUNDANT, FIELD_U64, redundant),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_FELL_THROUGH, FIELD_U64, fell_through),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RAN, FIELD_U64, ran),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_FAILED, FIELD_U64, failed),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_STOCK_SAME, FIELD_U64, stock_same),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_STOCK_OTHER, FIELD_U64, stock_other),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_STOCK_NONE, FIELD_U64, stock_none),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_ANSWER_NS, FIELD_U64, answer_ns),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RUN_NS, FIELD_U64, run_ns),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_ANSWER_HIST, FIELD_U64_ARRAY, answer_hist),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_RUN_HIST, FIELD_U64_ARRAY, run_hist),
	FIELD(vd_stats, VCPU_DEBOOST_STATS_A_SPIN_WINDOW_NS, FIELD_U64, spin_window_ns),
};
NEST(stats);

static const struct field msg_fields[] = {
	FIELD(vd_msg, VCPU_DEBOOST_A_VM_ID, FIELD_U32, vm_id),
	FIELD_NESTED(vd_msg, VCPU_DEBOOST_A_INFO, info),
	FIELD_NESTED(vd_msg, VCPU_DEBOOST_A_HOOK, hook),
	FIELD_NESTED(vd_msg, VCPU_DEBOOST_A_TUNING, tuning),
	FIELD_NESTED(vd_msg, VCPU_DEBOOST_A_VM, vm),
	FIELD_NESTED(vd_msg, VCPU_DEBOOST_A_STATS, stats),
	FIELD(vd_msg, VCPU_DEBOOST_A_GRACE_MS, FIELD_U32, grace_ms),
	FIELD(vd_msg, VCPU_DEBOOST_A_CAUSE, FIELD_U32, cause),
};
NEST(msg);

static size_t align_up(size_t len)
{
	return (len + NLA_ALIGNTO - 1) & ~(size_t)(NLA_ALIGNTO - 1);
}

static uint64_t get_have(const uint8_t *base)
{
	uint64_t have;

	memcpy(&have, base, sizeof(have));
	return have;
}

static void add_have(uint8_t *base, uint64_t bit)
{
	uint64_t have = get_have(base) | bit;

	memcpy(base, &have, sizeof(have));
}

static const struct field *find_field(const struct nest *nest, unsigned int attr)
{
	for (size_t i = 0; i < nest->nr_fields; i++)
		if (nest->fields[i].attr == attr)
			return &nest->fields[i];
	return NULL;
}

static int decode_nest(const struct nest *nest, const uint8_t *bytes, size_t len, uint8_t *base);

/* Kernels end a string with NUL, the protocol does not demand it. */
static void decode_string(const uint8_t *bytes, size_t len, uint8_t *to, size_t size)
{
	size_t n = strnlen((const char *)bytes, len);

	if (n > size - 1)
		n = size - 1;
	memset(to, 0, size);
	memcpy(to, bytes, n);
}

static int decode_field(const struct field *field, const uint8_t *bytes, size_t len, uint8_t *base)
{
	uint8_t *to = base + field->offset;

	switch ((enum field_type)field->type) {
	case FIELD_U32:
	case FIELD_U64:
	case FIELD_U64_ARRAY:
		if (len != field->size)
			return -EBADMSG;
		memcpy(to, bytes, len);
		return 0;
	case FIELD_STRING:
		decode_string(bytes, len, to, field->size);
		return 0;
	case FIELD_NEST:
		return decode_nest(field->nest, bytes, len, to);
	}
	return -EBADMSG;
}

static int decode_nest(const struct nest *nest, const uint8_t *bytes, size_t len, uint8_t *base)
{
	while (len) {
		const struct field *field;
		struct nlattr attr;
		size_t step;
		int r;

		if (len < sizeof(attr))
			return -EBADMSG;
		memcpy(&attr, bytes, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > len)
			return -EBADMSG;

		field = find_field(nest, attr.nla_type & (unsigned int)NLA_TYPE_MASK);
		if (field) {
			r = decode_field(field, bytes + sizeof(attr), attr.nla_len - sizeof(attr),
					 base);
			if (r < 0)
				return r;
			add_have(base, VD_BIT(field->attr));
		}

		step = align_up(attr.nla_len);
		if (step > len)
			step = len;
		bytes += step;
		len -= step;
	}
	return 0;
}

int vd_msg_decode(const void *bytes, size_t len, struct vd_msg *ret_msg)
{
	struct vd_msg msg = { 0 };
	int r;

	r = decode_nest(&msg_nest, bytes, len, (uint8_t *)&msg);
	if (r < 0)
		return r;
	*ret_msg = msg;
	return 0;
}

static int encode_nest(const struct nest *nest, const uint8_t *base, uint8_t *buf, size_t size);

/* Returns the bytes of payload written at @buf, or -EMSGSIZE. */
static int encode_field(const struct field *field, const uint8_t *base, uint8_t *buf, size_t size)
{
	const uint8_t *from = base + field->offset;
	size_t len = field->size;

	if (field->type == FIELD_NEST)
		return encode_nest(field->nest, from, buf, size);
	if (field->type == FIELD_STRING) {
		len = strnlen((const char *)from, field->size - 1U) + 1;
		if (len > size)
			return -EMSGSIZE;
		memcpy(buf, from, len - 1);
		buf[len - 1] = '\0';
		return (int)len;
	}
	if (len > size)
		return -EMSGSIZE;
	memcpy(buf, from, len);
	return (int)len;
}

static int encode_nest(const struct nest *nest, const uint8_t *base, uint8_t *buf, size_t size)
{
	uint64_t have = get_have(base);
	size_t used = 0;

	for (size_t i = 0; i < nest->nr_fields; i++) {
		const struct field *field = &nest->fields[i];
		struct nlattr attr;
		size_t pad;
		int len;

		if (!(have & VD_BIT(field->attr)))
			continue;
		if (size - used < sizeof(attr))
			return -EMSGSIZE;
		len = encode_field(field, base, buf + used + sizeof(attr),
				   size - used - sizeof(attr));
		if (len < 0)
			return len;

		attr.nla_type = field->attr | (field->type == FIELD_NEST ? NLA_F_NESTED : 0);
		attr.nla_len = (uint16_t)(sizeof(attr) + (size_t)len);
		memcpy(buf + used, &attr, sizeof(attr));
		used += attr.nla_len;

		pad = align_up(used) - used;
		if (pad > size - used)
			return -EMSGSIZE;
		memset(buf + used, 0, pad);
		used += pad;
	}
	return (int)used;
}

int vd_msg_encode(const struct vd_msg *msg, void *buf, size_t size)
{
	/* Attribute lengths are 16 bits. */
	if (size > VD_MSG_MAX)
		size = VD_MSG_MAX;
	return encode_nest(&msg_nest, (const uint8_t *)msg, buf, size);
}

static const char *name_of(const char *const *names, size_t nr, uint32_t value)
{
	return value < nr ? names[value] : "unknown";
}

#define NAME_OF(_names, _value) name_of((_names), sizeof(_names) / sizeof((_names)[0]), (_value))

const char *vd_mode_name(uint32_t mode)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_MODE_OFF] = "off",
		[VCPU_DEBOOST_MODE_OBSERVE] = "observe",
		[VCPU_DEBOOST_MODE_ACTIVE] = "active",
	};

	return NAME_OF(names, mode);
}

const char *vd_hook_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_HOOK_KIND_TRACEPOINT] = "tracepoint",
		[VCPU_DEBOOST_HOOK_KIND_FTRACE] = "ftrace",
		[VCPU_DEBOOST_HOOK_KIND_REDIRECT] = "redirect",
	};

	return NAME_OF(names, kind);
}

const char *vd_hook_state_name(uint32_t state)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_HOOK_STATE_IDLE] = "idle",
		[VCPU_DEBOOST_HOOK_STATE_ARMED] = "armed",
		[VCPU_DEBOOST_HOOK_STATE_REFUSED] = "refused",
	};

	return NAME_OF(names, state);
}

const char *vd_cause_name(uint32_t cause)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_CAUSE_REQUEST] = "request",
		[VCPU_DEBOOST_CAUSE_HEARTBEAT] = "heartbeat",
		[VCPU_DEBOOST_CAUSE_TRIP] = "trip",
	};

	return NAME_OF(names, cause);
}

const char *vd_visibility_name(uint32_t visibility)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_VISIBILITY_NONE] = "none",
		[VCPU_DEBOOST_VISIBILITY_PARTIAL] = "partial",
		[VCPU_DEBOOST_VISIBILITY_FULL] = "full",
	};

	return NAME_OF(names, visibility);
}

const char *vd_trip_name(uint32_t kind)
{
	static const char *const names[] = {
		[VCPU_DEBOOST_TRIP_NONE] = "none",
		[VCPU_DEBOOST_TRIP_HOOK_TIME] = "hook_time",
		[VCPU_DEBOOST_TRIP_BOOST_RATE] = "boost_rate",
		[VCPU_DEBOOST_TRIP_FAILED_YIELDS] = "failed_yields",
		[VCPU_DEBOOST_TRIP_STARVATION] = "starvation",
		[VCPU_DEBOOST_TRIP_INCONSISTENCY] = "inconsistency",
		[VCPU_DEBOOST_TRIP_SWITCH] = "switch",
	};

	return NAME_OF(names, kind);
}
