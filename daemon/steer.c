// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steers single VMs: asks the rules what a VM shall have, compares that with
 * what the module has, and tells it the difference.
 */
#include "steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/policy.h"
#include "daemon/steer_priv.h"
#include "lib/knob.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)

void steer_open(struct manager *m)
{
	int r;

	snprintf(m->own_path, sizeof(m->own_path), "%s/overrides", m->options.runtime_dir);
	r = own_load(m->own_path, &m->own);
	if (r < 0)
		log_event(LOG_EVENT_POLICY, LOG_WARNING, NULL,
			  "%s: %s; settings of an earlier daemon for single VMs count as made by "
			  "hand, drop them with \"vdctl reset --vm VM\"",
			  m->own_path, strerror(-r));
	m->own_fallbacks = m->own.fallbacks;
}

void steer_close(struct manager *m, bool left)
{
	if (left && m->own_path[0])
		(void)remove(m->own_path);
	own_free(&m->own);
}

/* A VM that is new to us, or has a new id: only what we set under that id is ours. */
static void meet(struct manager *m, struct vm *vm)
{
	const struct own_row *row;

	if (vm->steer.id == vm->id)
		return;
	memset(&vm->steer, 0, sizeof(vm->steer));
	vm->steer.id = vm->id;
	row = own_find(&m->own, vm);
	if (row)
		vm->steer.own = row->tuning;
}

/* The module turned active into observe by itself; that was nobody's will. */
static void follow_fallback(struct manager *m)
{
	size_t i;

	if (m->k.info.fallbacks == m->own_fallbacks)
		return;
	m->own_fallbacks = m->k.info.fallbacks;
	for (i = 0; i < m->vms.nr; i++) {
		struct vd_tuning *own = &m->vms.vms[i].steer.own;

		if ((own->have & MODE) && own->mode == VCPU_DEBOOST_MODE_ACTIVE)
			own->mode = VCPU_DEBOOST_MODE_OBSERVE;
	}
}

static void say_manual(const struct vm *vm, uint64_t before, uint64_t now)
{
	struct log_fields f = { .vm = vm->name };
	char value[KNOB_VALUE_SIZE];
	size_t i;

	for (i = 0; i < nr_knobs; i++) {
		uint64_t bit = VD_BIT(knobs[i].attr);

		if (!((before ^ now) & bit))
			continue;
		f.old_value = before & bit ? "manual" : "daemon";
		f.new_value = now & bit ? "manual" : "daemon";
		f.reason = now & bit ? "set by hand" : "reset";
		knob_format(&knobs[i], &vm->tuning, value, sizeof(value));
		log_event(LOG_EVENT_POLICY, LOG_NOTICE, &f,
			  now & bit ? "%s of %s is left at %s, which was set by hand"
				    : "%s of %s is no longer set by hand, it is %s",
			  knobs[i].name, vm->name, value);
	}
}

static void want_window(struct manager *m, struct vm *vm, bool counted, struct vd_tuning *ret)
{
	struct steer *s = &vm->steer;

	s->adapting = m->config.adapt_window && !((s->rule.have | s->manual) & WINDOW);
	if (!s->adapting) {
		memset(&s->adapt, 0, sizeof(s->adapt));
		return;
	}
	/* After a crash it goes on from where it was, and stays there till it has learned again. */
	if (!s->adapt.window_ns && (s->own.have & WINDOW)) {
		s->adapt.window_ns = s->own.window_ns;
		s->adapt.dwell = ADAPT_DWELL;
	}
	if (counted && vm->have_stats)
		(void)adapt_step(&s->adapt, &vm->stats, m->k.tuning.window_ns);
	if (s->adapt.window_ns && s->adapt.window_ns != m->k.tuning.window_ns) {
		ret->window_ns = s->adapt.window_ns;
		ret->have |= WINDOW;
	}
}

/* A mode that somebody set, for this VM or for the host, is nothing to try out. */
static bool is_automatic(const struct manager *m, const struct steer *s)
{
	if (s->manual & MODE)
		return false;
	if (s->rule.have & MODE)
		return s->rule_auto;
	return m->config.mode_auto && m->k.desired.mode == VCPU_DEBOOST_MODE_OBSERVE;
}

static void want_mode(struct manager *m, struct vm *vm, bool counted, struct vd_tuning *ret)
{
	struct steer *s = &vm->steer;

	if (!is_automatic(m, s)) {
		s->automatic = false;
		return;
	}
	if (counted && vm->have_stats)
		steer_try(m, vm);
	if (!s->automatic || (s->trial.state != AUTO_TRIAL && s->trial.state != AUTO_ACTIVE))
		return;
	ret->mode = auto_is_active(&s->trial) ? VCPU_DEBOOST_MODE_ACTIVE
					      : VCPU_DEBOOST_MODE_OBSERVE;
	ret->have |= MODE;
}

/* What we want for a VM of its own, beside what the host has. */
static void want(struct manager *m, struct vm *vm, bool counted, struct vd_tuning *ret)
{
	struct steer *s = &vm->steer;

	rules_apply(&m->config.rules, vm->name, vm->uuid, vm->cgroup, &s->rule, &s->rule_auto);
	*ret = s->rule;
	want_window(m, vm, counted, ret);
	want_mode(m, vm, counted, ret);
}

static const char *reason_of(const struct steer *s, uint64_t bit)
{
	if (s->rule.have & bit)
		return "rule";
	if (s->adapting && bit == WINDOW)
		return "its answers";
	return "no rule";
}

static void say_change(const struct vm *vm, const struct vd_tuning *old, bool was_automatic)
{
	char from[KNOB_VALUE_SIZE], to[KNOB_VALUE_SIZE];
	struct log_fields f = { .vm = vm->name, .old_value = from, .new_value = to };
	size_t i;

	for (i = 0; i < nr_knobs; i++) {
		uint64_t bit = VD_BIT(knobs[i].attr);

		if (knob_get(&knobs[i], old) == knob_get(&knobs[i], &vm->tuning))
			continue;
		/* Turns of a trial are no decisions; its states are said. */
		if (bit == MODE && was_automatic && vm->steer.automatic)
			continue;
		knob_format(&knobs[i], old, from, sizeof(from));
		knob_format(&knobs[i], &vm->tuning, to, sizeof(to));
		f.reason = reason_of(&vm->steer, bit);
		log_event(LOG_EVENT_POLICY, LOG_NOTICE, &f, "%s of %s: %s -> %s (%s)",
			  knobs[i].name, vm->name, from, to, f.reason);
	}
}

static void change(struct manager *m, struct vm *vm, const struct policy_plan *plan,
		   bool was_automatic)
{
	struct vd_tuning old = vm->tuning;
	int r;

	vm->steer.own = plan->own;
	/* First the note, then the deed: what is noted and not done harms nobody. */
	r = own_save(m->own_path, &m->vms, m->own_fallbacks);
	if (r < 0 && !m->own_error)
		log_event(LOG_EVENT_POLICY, LOG_WARNING, NULL, "%s cannot be written: %s",
			  m->own_path, strerror(-r));
	m->own_error = r;
	r = kclient_vm_change(&m->k, vm, plan->reset, &plan->set);
	if (!r) {
		vm->steer.refused = false;
		say_change(vm, &old, was_automatic);
	} else if (r != -ENOENT && r != -ENOPKG && !vm->steer.refused) {
		vm->steer.refused = true;
		log_event(LOG_EVENT_POLICY, LOG_ERR, &(struct log_fields){ .vm = vm->name },
			  "the module refused to change %s: %s", vm->name,
			  vdnl_strerror(m->k.nl, r));
	}
}

static void steer_vm(struct manager *m, struct vm *vm, bool counted)
{
	bool was_automatic = vm->steer.automatic;
	struct policy_plan plan;
	struct vd_tuning wanted;

	meet(m, vm);
	want(m, vm, counted, &wanted);
	policy_plan(&vm->tuning, &vm->steer.own, &wanted, &plan);
	if (policy_acts(&plan) || plan.manual != vm->steer.manual) {
		/* What we know may be older than somebody's change. */
		if (kclient_vm_read(&m->k, vm) < 0)
			return;
		policy_plan(&vm->tuning, &vm->steer.own, &wanted, &plan);
	}
	if (plan.manual != vm->steer.manual)
		say_manual(vm, vm->steer.manual, plan.manual);
	vm->steer.manual = plan.manual;
	if (policy_acts(&plan))
		change(m, vm, &plan, was_automatic);
	else
		vm->steer.own = plan.own; /* What somebody set by hand is ours no more. */
}

void steer_look(struct manager *m, bool counted)
{
	size_t i;

	if (!m->k.present || m->k.tuning.mode == VCPU_DEBOOST_MODE_OFF)
		return;
	m->sched_fresh = false;
	follow_fallback(m);
	for (i = 0; i < m->vms.nr; i++)
		if (m->vms.vms[i].id && m->vms.vms[i].tuning.have && m->vms.vms[i].described)
			steer_vm(m, &m->vms.vms[i], counted);
}
