// SPDX-License-Identifier: GPL-2.0-only
/* Why a VM is treated as it is, in sentences. Pure. */
#include "explain.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/knob.h"
#include "lib/units.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)

__attribute__((format(printf, 2, 3))) static void say(struct explain *e, const char *fmt, ...)
{
	va_list ap;

	if (e->nr == EXPLAIN_SENTENCES)
		return;
	va_start(ap, fmt);
	vsnprintf(e->sentence[e->nr++], EXPLAIN_SIZE, fmt, ap);
	va_end(ap);
}

static uint64_t seconds_left(uint64_t then_ms, uint64_t now_ms)
{
	return then_ms > now_ms ? (then_ms - now_ms + 999) / 1000 : 0;
}

static void say_verdict(struct explain *e, const struct auto_vm *a)
{
	struct auto_effect spins, answers;

	auto_effect(a, AUTO_SPINS, &spins);
	auto_effect(a, AUTO_ANSWER, &answers);
	if (spins.n < 2)
		return;
	say(e,
	    "In %u pairs of windows active changed spins per CPU second by %+.1f %% (%+.1f to "
	    "%+.1f) "
	    "and the answer to an IPI by %+.1f %%; 99 %% confidence.",
	    a->pairs, 100 * expm1(spins.mean), 100 * expm1(spins.low), 100 * expm1(spins.high),
	    100 * expm1(answers.mean));
}

static void say_automatic(struct explain *e, const struct vm *vm, uint64_t now_ms)
{
	const struct auto_vm *a = &vm->steer.trial;
	uint64_t left = seconds_left(a->next_ms, now_ms);

	switch (a->state) {
	case AUTO_WATCH:
		say(e, "Mode is automatic and the VM is only observed: %s.",
		    a->verdict == AUTO_VERDICT_IDLE ? "it stopped spinning, so there is nothing to "
						      "decide"
						    : "it has not spun enough for anybody to try "
						      "anything yet");
		return;
	case AUTO_TRIAL:
		say(e,
		    "Mode is automatic and on trial: active and observe take turns, %u pairs of at "
		    "most %d are done, and this turn is %s.",
		    a->pairs, AUTO_MAX_PAIRS, a->active ? "active" : "observe");
		break;
	case AUTO_ACTIVE:
		say(e,
		    "Mode is automatic and active, because gain was shown and harm excluded; this "
		    "is "
		    "tried again in %" PRIu64 " s.",
		    left);
		break;
	case AUTO_REST:
		say(e,
		    "Mode is automatic and observe, because %s; this is tried again in %" PRIu64
		    " s.",
		    a->verdict == AUTO_VERDICT_HARM ? "active was shown to harm"
						    : "active was not shown to help",
		    left);
		break;
	case AUTO_STATE_MAX:
		return;
	}
	say_verdict(e, a);
}

static void say_mode(struct explain *e, const struct vm *vm, const struct vd_tuning *host,
		     uint64_t now_ms)
{
	const char *mode = vd_mode_name(vm->tuning.mode);

	if (host->mode == VCPU_DEBOOST_MODE_OFF)
		say(e, "The host is off, so nothing is done for any VM.");
	else if (vm->steer.manual & MODE)
		say(e,
		    "Mode is %s, set by hand for this VM; \"vdctl reset --vm id:%" PRIu32 "\" "
		    "gives "
		    "it back "
		    "to the "
		    "daemon.",
		    mode, vm->id);
	else if (vm->steer.automatic)
		say_automatic(e, vm, now_ms);
	else if (vm->steer.rule.have & MODE)
		say(e, "Mode is %s by a [vm] section of the configuration.", mode);
	else
		say(e, "Mode is %s, as for the whole host.", mode);
}

static void say_window(struct explain *e, const struct vm *vm)
{
	const struct steer *s = &vm->steer;
	char window[UNIT_DURATION_SIZE], target[UNIT_DURATION_SIZE];
	uint64_t target_ns = adapt_target_ns(&s->adapt);

	unit_format_duration_short(vm->tuning.window_ns, window, sizeof(window));
	unit_format_duration_short(target_ns, target, sizeof(target));
	if (s->manual & WINDOW)
		say(e, "The window is %s, manual: set by hand for this VM and left alone.", window);
	else if (s->rule.have & WINDOW)
		say(e, "The window is %s by a [vm] section of the configuration.", window);
	else if (!s->adapting)
		say(e, "The window is %s, as for the whole host.", window);
	else if (target_ns)
		say(e,
		    "The window is %s: it follows the answers to the VM's IPIs, which ask for %s "
		    "now "
		    "(%d times the time that covers 99 %% of %.0f recent ones).",
		    window, target, ADAPT_MARGIN, adapt_answers(&s->adapt));
	else
		say(e,
		    "The window is %s: it goes to that of the host while there are too few answers "
		    "to learn from (%.0f recent ones, %d are needed).",
		    window, adapt_answers(&s->adapt), ADAPT_MIN_ANSWERS);
}

static void say_others(struct explain *e, const struct vm *vm)
{
	char value[KNOB_VALUE_SIZE], list[160] = "";
	size_t i, n = 0;

	for (i = 0; i < nr_knobs && n < sizeof(list); i++) {
		uint64_t bit = VD_BIT(knobs[i].attr);

		if (!(vm->tuning.overrides & bit) || (bit & (MODE | WINDOW)))
			continue;
		knob_format(&knobs[i], &vm->tuning, value, sizeof(value));
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s = %s (%s)", n ? ", " : "",
				      knobs[i].name, value,
				      vm->steer.manual & bit ? "by hand" : "rule");
	}
	if (n)
		say(e, "Besides it has of its own: %s.", list);
}

void explain_vm(const struct vm *vm, const struct vd_tuning *host, uint64_t now_ms,
		struct explain *ret)
{
	memset(ret, 0, sizeof(*ret));
	say_mode(ret, vm, host, now_ms);
	say_window(ret, vm);
	say_others(ret, vm);
}
