// SPDX-License-Identifier: GPL-2.0-only
/* What the control socket answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "daemon/ctl.h"
#include "daemon/explain.h"
#include "daemon/manager.h"
#include "daemon/steer_priv.h"
#include "lib/ctl.h"

static json_t *sentence(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static json_t *head(const struct vm *vm)
{
	return json_pack("{s:I, s:s, s:s}", "vm", (json_int_t)vm->id, "name", vm->name, "mode",
			 vd_mode_name(vm->tuning.mode));
}

static void put_percent(json_t *object, const char *key, double logarithm)
{
	double percent = 100 * expm1(logarithm);

	/* JSON knows no infinity. */
	json_object_set_new(object, key,
			    isfinite(percent) ? json_real(round(percent * 10) / 10) : json_null());
}

static json_t *effects(const struct auto_vm *a)
{
	json_t *list = json_array();
	struct auto_effect e;
	int s;

	for (s = 0; s < AUTO_SIGNAL_MAX; s++) {
		json_t *row = json_object();

		auto_effect(a, (enum auto_signal)s, &e);
		json_object_set_new(row, "signal",
				    json_string(auto_signal_str((enum auto_signal)s)));
		json_object_set_new(row, "pairs", json_integer(e.n));
		put_percent(row, "effect_percent", e.n < 2 ? INFINITY : e.mean);
		put_percent(row, "low_percent", e.n < 2 ? INFINITY : e.low);
		put_percent(row, "high_percent", e.high);
		json_array_append_new(list, row);
	}
	return list;
}

static json_int_t seconds(uint64_t from_ms, uint64_t to_ms)
{
	return to_ms > from_ms ? (json_int_t)((to_ms - from_ms) / 1000) : 0;
}

static json_t *answer_ab(const struct manager *m, const struct vm *vm)
{
	const struct auto_vm *a = &vm->steer.trial;
	uint64_t now_ms = steer_now_ms();
	json_t *root = head(vm);
	bool later = a->state == AUTO_ACTIVE || a->state == AUTO_REST;

	(void)m;
	if (!vm->steer.automatic) {
		json_object_set_new(root, "state", json_string("none"));
		return root;
	}
	json_object_set_new(root, "state", json_string(auto_state_str(a->state)));
	json_object_set_new(root, "state_seconds", json_integer(seconds(a->since_ms, now_ms)));
	json_object_set_new(root, "verdict", json_string(auto_verdict_str(a->verdict)));
	json_object_set_new(root, "pairs", json_integer(a->pairs));
	json_object_set_new(root, "max_pairs", json_integer(AUTO_MAX_PAIRS));
	json_object_set_new(root, "next_trial_seconds",
			    later ? json_integer(seconds(now_ms, a->next_ms)) : json_null());
	json_object_set_new(root, "yields_ran", json_integer((json_int_t)a->ran));
	json_object_set_new(root, "yields_failed", json_integer((json_int_t)a->failed));
	json_object_set_new(root, "signals", effects(a));
	return root;
}

static json_t *answer_explain(const struct manager *m, const struct vm *vm)
{
	json_t *root = head(vm), *list = json_array();
	struct explain e;
	size_t i;

	explain_vm(vm, &m->k.tuning, steer_now_ms(), &e);
	for (i = 0; i < e.nr; i++)
		json_array_append_new(list, json_string(e.sentence[i]));
	json_object_set_new(root, "sentences", list);
	return root;
}

static const struct {
	const char *name;
	json_t *(*answer)(const struct manager *m, const struct vm *vm);
} verbs[] = {
	{ "ab", answer_ab },
	{ "explain", answer_explain },
};

static const struct vm *find_vm(const struct manager *m, json_int_t id)
{
	size_t i;

	for (i = 0; i < m->vms.nr; i++)
		if (m->vms.vms[i].id && m->vms.vms[i].id == id)
			return &m->vms.vms[i];
	return NULL;
}

static json_t *answer(const struct manager *m, const json_t *request)
{
	const json_t *id = json_object_get(request, "vm");
	const char *verb = json_string_value(json_object_get(request, "verb"));
	const struct vm *vm;
	size_t i;

	if (!verb || !json_is_integer(id))
		return sentence("a request is {\"verb\": \"ab\" or \"explain\", \"vm\": ID}");
	vm = find_vm(m, json_integer_value(id));
	if (!vm)
		return sentence("the daemon does not know this VM yet; try again in a second");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, verb))
			return verbs[i].answer(m, vm);
	return sentence("unknown verb; allowed are \"ab\" and \"explain\"");
}

/*
 * Not json_dumps(): what it gives when memory runs out in the middle need not be JSON. A
 * buffer of our own either holds all of it or is not used.
 */
static char *to_text(const json_t *value)
{
	char *text = malloc(VD_CTL_ANSWER_MAX + 1);
	size_t n = text ? json_dumpb(value, text, VD_CTL_ANSWER_MAX, JSON_COMPACT) : 0;

	if (!n || n > VD_CTL_ANSWER_MAX) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

char *ctl_answer(const struct manager *m, const char *request, size_t len)
{
	json_t *in = json_loadb(request, len, JSON_REJECT_DUPLICATES, NULL);
	json_t *out = in ? answer(m, in) : sentence("the request is not JSON");
	char *text = out ? to_text(out) : NULL;

	json_decref(in);
	json_decref(out);
	return text;
}
