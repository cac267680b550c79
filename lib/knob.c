// SPDX-License-Identifier: GPL-2.0-only
#include "knob.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "units.h"
#include "vmname.h"

/* As much of what was typed as an error sentence repeats. */
#define ECHO_SIZE 48

static const char *const mode_values[] = {
	[VCPU_DEBOOST_MODE_OFF] = "off",
	[VCPU_DEBOOST_MODE_OBSERVE] = "observe",
	[VCPU_DEBOOST_MODE_ACTIVE] = "active",
};

static const char *const order_values[] = {
	[VCPU_DEBOOST_ORDER_STOCK] = "stock",
	[VCPU_DEBOOST_ORDER_TIERS] = "tiers",
	[VCPU_DEBOOST_ORDER_AGE] = "age",
};

static const char *const eoi_clear_values[] = {
	[VCPU_DEBOOST_EOI_CLEAR_VECTOR] = "vector",
	[VCPU_DEBOOST_EOI_CLEAR_SERIES] = "series",
};

static const char *const sched_values[] = {
	[VCPU_DEBOOST_SCHED_NONE] = "none",
	[VCPU_DEBOOST_SCHED_LOAN] = "loan",
	[VCPU_DEBOOST_SCHED_PENALTY] = "penalty",
	[VCPU_DEBOOST_SCHED_PENALTY_SERIES] = "penalty-series",
	[VCPU_DEBOOST_SCHED_CREDIT] = "credit",
	[VCPU_DEBOOST_SCHED_TRANSFER] = "transfer",
};

#define FIELD(_member)                                 \
	.offset = offsetof(struct vd_tuning, _member), \
	.size = sizeof(((struct vd_tuning *)0)->_member)

const struct knob knobs[] = {
	{
		.name = "mode",
		.attr = VCPU_DEBOOST_TUNING_A_MODE,
		.type = KNOB_ENUM,
		.values = mode_values,
		.min = VCPU_DEBOOST_MODE_OFF,
		.max = VCPU_DEBOOST_MODE_MAX,
		.def = VCPU_DEBOOST_MODE_OBSERVE,
		FIELD(mode),
		.range = "off, observe, active",
		.example = "mode=observe",
		.help = "off: stock KVM; observe: count only; active: yield to receivers first",
	},
	{
		.name = "ipi_tracking",
		.attr = VCPU_DEBOOST_TUNING_A_IPI_TRACKING,
		.type = KNOB_BOOL,
		.min = 0,
		.max = 1,
		.def = 1,
		FIELD(ipi_tracking),
		.range = "on, off",
		.example = "ipi_tracking=on",
		.help = "Remember which vCPU waits for which",
	},
	{
		.name = "window",
		.attr = VCPU_DEBOOST_TUNING_A_WINDOW_NS,
		.type = KNOB_DURATION,
		.min = VCPU_DEBOOST_WINDOW_MIN_NS,
		.max = VCPU_DEBOOST_WINDOW_MAX_NS,
		.def = VCPU_DEBOOST_WINDOW_DEFAULT_NS,
		FIELD(window_ns),
		.range = "100us to 1s",
		.example = "window=50ms",
		.help = "How long after an IPI its receiver counts as waited for",
	},
	{
		.name = "order",
		.attr = VCPU_DEBOOST_TUNING_A_ORDER,
		.type = KNOB_ENUM,
		.values = order_values,
		.min = VCPU_DEBOOST_ORDER_STOCK,
		.max = VCPU_DEBOOST_ORDER_MAX,
		.def = VCPU_DEBOOST_ORDER_AGE,
		FIELD(order),
		.range = "stock, tiers, age",
		.example = "order=stock",
		.help = "Without a receiver, yield in KVM's order, by tiers, or by the age of "
			"waits",
	},
	{
		.name = "relaxed_boost",
		.attr = VCPU_DEBOOST_TUNING_A_RELAXED_BOOST,
		.type = KNOB_BOOL,
		.min = 0,
		.max = 1,
		.def = 1,
		FIELD(relaxed_boost),
		.range = "on, off",
		.example = "relaxed_boost=on",
		.help = "With order=tiers or age, yield to any preempted vCPU before to nobody",
	},
	{
		.name = "chain",
		.attr = VCPU_DEBOOST_TUNING_A_CHAIN,
		.type = KNOB_BOOL,
		.min = 0,
		.max = 1,
		.def = 1,
		FIELD(chain),
		.range = "on, off",
		.example = "chain=on",
		.help = "If the receiver waits itself, yield to the one it waits for",
	},
	{
		.name = "slots",
		.attr = VCPU_DEBOOST_TUNING_A_SLOTS,
		.type = KNOB_NUMBER,
		.min = 1,
		.max = VCPU_DEBOOST_SLOTS_MAX,
		.def = VCPU_DEBOOST_SLOTS_MAX,
		FIELD(slots),
		.range = "1 to 8",
		.example = "slots=8",
		.help = "Receivers that a vCPU is remembered to wait for; the series had 1",
	},
	{
		.name = "eoi_clear",
		.attr = VCPU_DEBOOST_TUNING_A_EOI_CLEAR,
		.type = KNOB_ENUM,
		.values = eoi_clear_values,
		.min = VCPU_DEBOOST_EOI_CLEAR_VECTOR,
		.max = VCPU_DEBOOST_EOI_CLEAR_MAX,
		.def = VCPU_DEBOOST_EOI_CLEAR_VECTOR,
		FIELD(eoi_clear),
		.range = "vector, series",
		.example = "eoi_clear=vector",
		.help = "What an EOI ends: the wait for its vector, or all as in the series' v1",
	},
	{
		.name = "sched",
		.attr = VCPU_DEBOOST_TUNING_A_SCHED,
		.type = KNOB_ENUM,
		.values = sched_values,
		.min = VCPU_DEBOOST_SCHED_NONE,
		.max = VCPU_DEBOOST_SCHED_MAX,
		.def = VCPU_DEBOOST_SCHED_LOAN,
		FIELD(sched),
		.range = "none, loan, penalty, penalty-series, credit, transfer",
		.example = "sched=none",
		.help = "How the scheduler is made to run the vCPU that was chosen",
	},
	{
		.name = "budget_hook",
		.attr = VCPU_DEBOOST_TUNING_A_BUDGET_HOOK_NS,
		.type = KNOB_DURATION,
		.min = VCPU_DEBOOST_BUDGET_HOOK_MIN_NS,
		.max = VCPU_DEBOOST_BUDGET_HOOK_MAX_NS,
		.def = VCPU_DEBOOST_BUDGET_HOOK_DEFAULT_NS,
		FIELD(budget_hook_ns),
		.range = "1us to 1s",
		.example = "budget_hook=250ms",
		.help = "Breaker: time of each CPU's second that hooks may take; 1s is no budget",
		.host_only = true,
	},
	{
		.name = "budget_boosts",
		.attr = VCPU_DEBOOST_TUNING_A_BUDGET_BOOSTS,
		.type = KNOB_NUMBER,
		.min = 1,
		.max = VCPU_DEBOOST_BUDGET_BOOSTS_MAX,
		.def = VCPU_DEBOOST_BUDGET_BOOSTS_DEFAULT,
		FIELD(budget_boosts),
		.range = "1 to 4000000000",
		.example = "budget_boosts=1000000",
		.help = "Breaker: times that a VM may yield in a second by our choice",
		.host_only = true,
	},
	{
		.name = "budget_failed",
		.attr = VCPU_DEBOOST_TUNING_A_BUDGET_FAILED,
		.type = KNOB_NUMBER,
		.min = 1,
		.max = VCPU_DEBOOST_BUDGET_FAILED_MAX,
		.def = VCPU_DEBOOST_BUDGET_FAILED_DEFAULT,
		FIELD(budget_failed),
		.range = "1 to 100",
		.example = "budget_failed=95",
		.help = "Breaker: percent of those that may fail; 100 is no budget",
		.host_only = true,
	},
	{
		.name = "budget_wait",
		.attr = VCPU_DEBOOST_TUNING_A_BUDGET_WAIT_NS,
		.type = KNOB_DURATION,
		.min = VCPU_DEBOOST_BUDGET_WAIT_MIN_NS,
		.max = VCPU_DEBOOST_BUDGET_WAIT_MAX_NS,
		.def = VCPU_DEBOOST_BUDGET_WAIT_DEFAULT_NS,
		FIELD(budget_wait_ns),
		.range = "200ms to 3600s",
		.example = "budget_wait=5s",
		.help = "Breaker: time a vCPU may wait for a CPU that boosted ones get",
		.host_only = true,
	},
};

const size_t nr_knobs = sizeof(knobs) / sizeof(knobs[0]);

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; i < nr_knobs; i++)
		if (!strcmp(knobs[i].name, name))
			return &knobs[i];
	return NULL;
}

uint64_t knob_get(const struct knob *knob, const struct vd_tuning *tuning)
{
	const char *from = (const char *)tuning + knob->offset;
	uint64_t wide;
	uint32_t narrow;

	if (knob->size == sizeof(narrow)) {
		memcpy(&narrow, from, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, from, sizeof(wide));
	return wide;
}

void knob_put(const struct knob *knob, struct vd_tuning *tuning, uint64_t value)
{
	char *to = (char *)tuning + knob->offset;
	uint32_t narrow = (uint32_t)value;

	if (knob->size == sizeof(narrow))
		memcpy(to, &narrow, sizeof(narrow));
	else
		memcpy(to, &value, sizeof(value));
	tuning->have |= VD_BIT(knob->attr);
}

void knob_defaults(struct vd_tuning *ret_tuning)
{
	memset(ret_tuning, 0, sizeof(*ret_tuning));
	for (size_t i = 0; i < nr_knobs; i++)
		knob_put(&knobs[i], ret_tuning, knobs[i].def);
}

static int parse_enum(const struct knob *knob, const char *text, uint64_t *ret_value)
{
	for (uint64_t i = knob->min; i <= knob->max; i++) {
		if (strcmp(knob->values[i], text))
			continue;
		*ret_value = i;
		return 0;
	}
	return -EINVAL;
}

static int parse_value(const struct knob *knob, const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool flag;
	int r = -EINVAL;

	switch (knob->type) {
	case KNOB_ENUM:
		r = parse_enum(knob, text, &value);
		break;
	case KNOB_BOOL:
		r = unit_parse_bool(text, &flag);
		if (!r)
			value = flag;
		break;
	case KNOB_NUMBER:
		r = unit_parse_u64(text, 0, UINT64_MAX, &value);
		break;
	case KNOB_DURATION:
		r = unit_parse_duration(text, &value);
		break;
	}
	if (r < 0)
		return r;
	if (value < knob->min || value > knob->max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* The units that would make sense of a bare number: "50ms?", "1ms or 1s?". */
static void suggest_units(const struct knob *knob, const char *number, char *buf, size_t size)
{
	static const char *const names[] = { "ns", "us", "ms", "s" };
	const char *separator = "";
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[ECHO_SIZE + 4];
		uint64_t ns;
		int n;

		snprintf(text, sizeof(text), "%s%s", number, names[i]);
		if (parse_value(knob, text, &ns) < 0)
			continue;
		n = snprintf(buf + used, size - used, "%s%s", separator, text);
		if (n < 0 || (size_t)n >= size - used)
			return;
		used += (size_t)n;
		separator = " or ";
	}
}

static void explain_value(const struct knob *knob, const char *echo, int why, char *error,
			  size_t error_size)
{
	const char *problem = "not one of the values";
	char units[ECHO_SIZE * 2] = "", bare[ECHO_SIZE * 3];

	if (why == -ERANGE) {
		problem = "out of range";
	} else if (why == -ENODATA) {
		suggest_units(knob, echo, units, sizeof(units));
		snprintf(bare, sizeof(bare), "%s needs a unit%s%s%s", knob->name,
			 units[0] ? " (" : "", units, units[0] ? "?)" : "");
		problem = bare;
	} else if (knob->type == KNOB_DURATION) {
		problem = "not a duration (a number followed by ns, us, ms or s)";
	}
	snprintf(error, error_size, "%s=%s: %s; allowed: %s, for example %s", knob->name, echo,
		 problem, knob->range, knob->example);
}

static void explain_key(const char *key, char *error, size_t error_size)
{
	char echo[ECHO_SIZE], list[256] = "";

	for (size_t i = 0, used = 0; i < nr_knobs; i++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
				 knobs[i].name);

		if (n < 0 || (size_t)n >= sizeof(list) - used)
			break;
		used += (size_t)n;
	}
	vmname_sanitize(key, strlen(key), echo, sizeof(echo));
	snprintf(error, error_size, "there is no knob \"%s\"; the knobs are: %s, for example %s",
		 echo, list, knobs[nr_knobs - 1].example);
}

int knob_set(struct vd_tuning *tuning, const char *key, const char *value, char *error,
	     size_t error_size)
{
	const struct knob *knob = knob_find(key);
	char echo[ECHO_SIZE];
	uint64_t raw;
	int r;

	if (!knob) {
		explain_key(key, error, error_size);
		return -ENOENT;
	}
	r = parse_value(knob, value, &raw);
	if (r < 0) {
		vmname_sanitize(value, strlen(value), echo, sizeof(echo));
		explain_value(knob, echo, r, error, error_size);
		return r == -ERANGE ? -ERANGE : -EINVAL;
	}
	knob_put(knob, tuning, raw);
	return 0;
}

int knob_parse(struct vd_tuning *tuning, const char *assignment, char *error, size_t error_size)
{
	const char *equals = strchr(assignment, '=');
	char key[ECHO_SIZE];

	if (!equals) {
		const struct knob *knob = knob_find(assignment);

		vmname_sanitize(assignment, strlen(assignment), key, sizeof(key));
		snprintf(error, error_size, "\"%s\" is not of the form KEY=VALUE, for example %s",
			 key, knob ? knob->example : knobs[nr_knobs - 1].example);
		return -EINVAL;
	}
	/* A key too long for the buffer is unknown anyway; its start names it. */
	snprintf(key, sizeof(key), "%.*s",
		 (int)((size_t)(equals - assignment) < sizeof(key) ? equals - assignment
								   : (ptrdiff_t)sizeof(key) - 1),
		 assignment);
	return knob_set(tuning, key, equals + 1, error, error_size);
}

char *knob_format(const struct knob *knob, const struct vd_tuning *tuning, char *buf, size_t size)
{
	uint64_t value = knob_get(knob, tuning);

	switch (knob->type) {
	case KNOB_ENUM:
		snprintf(buf, size, "%s", value <= knob->max ? knob->values[value] : "unknown");
		break;
	case KNOB_BOOL:
		snprintf(buf, size, "%s", value ? "on" : "off");
		break;
	case KNOB_NUMBER:
		snprintf(buf, size, "%" PRIu64, value);
		break;
	case KNOB_DURATION:
		unit_format_duration(value, buf, size);
		break;
	}
	return buf;
}
