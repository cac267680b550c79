// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file of the daemon that talks to the module.
 *
 * The module may be unloaded and loaded at any moment, between any two
 * requests. Every look therefore starts with "is it there, and does it still
 * have our heartbeat": a module without it is a new one, or one that gave us
 * up, and gets everything again.
 */
#include "kclient.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/delta.h"
#include "daemon/log.h"
#include "lib/counter.h"
#include "lib/knob.h"

/* A module that cannot hook now may be able to later, but not every second. */
#define HOLD_OFF_LOOKS 30

void kclient_open(struct kclient *k)
{
	int r;

	memset(k, 0, sizeof(*k));
	/* Every look tries again, and says why not. */
	if (vdnl_open(&k->nl) < 0)
		return;
	r = vdnl_subscribe(k->nl);
	if (r < 0) {
		log_event(LOG_EVENT_MODULE_ERROR, LOG_WARNING, NULL,
			  "no events from the module, changes show once per interval: %s",
			  vdnl_strerror(k->nl, r));
	}
}

void kclient_close(struct kclient *k)
{
	if (k)
		k->nl = vdnl_close(k->nl);
}

int kclient_fd(const struct kclient *k)
{
	return k->nl ? vdnl_events_fd(k->nl) : -EBADF;
}

void kclient_want(struct kclient *k, const struct vd_tuning *tuning, uint32_t grace_ms)
{
	k->desired = *tuning;
	k->grace_ms = grace_ms;
	k->push = true;
	k->hold_off = 0;
}

/* Say a problem when it is a new one. */
static void set_problem(struct kclient *k, int error, const char *doing)
{
	char text[KCLIENT_PROBLEM_SIZE];

	snprintf(text, sizeof(text), "%s: %s", doing, vdnl_strerror(k->nl, error));
	if (!strcmp(text, k->problem))
		return;
	memcpy(k->problem, text, sizeof(text));
	log_event(LOG_EVENT_MODULE_ERROR, LOG_ERR, &(struct log_fields){ .reason = text }, "%s",
		  text);
}

static void set_absent(struct kclient *k, struct vmtab *tab)
{
	if (k->present)
		log_event(LOG_EVENT_MODULE_DOWN, LOG_NOTICE, NULL,
			  "module vcpu_deboost is gone; waiting for it to come back");
	k->present = false;
	k->push = true;
	k->hold_off = 0;
	k->problem[0] = '\0';
	k->trips_said = 0;
	memset(&k->info, 0, sizeof(k->info));
	memset(&k->tuning, 0, sizeof(k->tuning));
	vmtab_forget_module(tab);
}

static void set_present(struct kclient *k)
{
	if (!k->present)
		log_event(LOG_EVENT_MODULE_UP, LOG_NOTICE, NULL, "module vcpu_deboost %s is loaded",
			  k->info.version);
	k->present = true;
	k->push = true;
	k->resync = true;
	k->hold_off = 0;
}

/* Let a VM go that the module does not know any more. */
static void unclaim(struct vm *vm)
{
	vm->id = 0;
	vm->tuning.have = 0;
	vm->have_stats = false;
	vm->have_next = false;
	vm->checks_left = VM_CHECK_LOOKS;
}

static void log_knob(const struct knob *knob, const struct vd_tuning *old,
		     const struct vd_tuning *new, const char *who, const char *cause)
{
	char from[KNOB_VALUE_SIZE] = "unknown", to[KNOB_VALUE_SIZE];
	struct log_fields f = { .vm = who, .old_value = from, .new_value = to, .reason = cause };

	if (old->have & VD_BIT(knob->attr))
		knob_format(knob, old, from, sizeof(from));
	knob_format(knob, new, to, sizeof(to));
	log_event(LOG_EVENT_TUNING, LOG_NOTICE, &f, "%s of %s: %s -> %s (%s)", knob->name,
		  who ? who : "the host", from, to, cause);
}

/* Take over what @new has. A value that was not known before is not news. */
static void merge_tuning(struct vd_tuning *known, const struct vd_tuning *new, const char *who,
			 const char *cause)
{
	size_t i;

	for (i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];
		uint64_t value = knob_get(knob, new);

		if (!(new->have &VD_BIT(knob->attr)))
			continue;
		if (cause && (known->have & VD_BIT(knob->attr)) && knob_get(knob, known) != value)
			log_knob(knob, known, new, who, cause);
		knob_put(knob, known, value);
	}
	known->overrides = new->overrides;
}

static int on_vm_row(const struct vd_msg *msg, void *arg)
{
	struct vmtab *tab = arg;
	struct vm *vm;
	size_t i;
	int r;

	if (!msg) {
		for (i = 0; i < tab->nr; i++)
			tab->vms[i].seen = false;
		return 0;
	}
	r = vmtab_add_module(tab, &msg->vm);
	if (r < 0)
		return r;
	vm = vmtab_find(tab, msg->vm.id);
	vm->seen = true;
	if (msg->have & VD_BIT(VCPU_DEBOOST_A_TUNING))
		merge_tuning(&vm->tuning, &msg->tuning, NULL, NULL);
	return 0;
}

static int resync(struct kclient *k, struct vmtab *tab)
{
	struct vd_tuning tuning;
	size_t i;
	int r;

	r = vdnl_tuning_get(k->nl, VDNL_GLOBAL, &tuning);
	if (r < 0)
		return r;
	merge_tuning(&k->tuning, &tuning, NULL, NULL);

	on_vm_row(NULL, tab);
	r = vdnl_vms_dump(k->nl, on_vm_row, tab);
	/* VMs came or went in every round: those that stayed are in the last one all the same. */
	if (r < 0 && r != -EAGAIN)
		return r;
	for (i = 0; i < tab->nr; i++)
		if (tab->vms[i].id && !tab->vms[i].seen)
			unclaim(&tab->vms[i]);
	k->resync = r == -EAGAIN;
	return 0;
}

static bool is_tripped(const struct kclient *k)
{
	return k->info.trip.kind != VCPU_DEBOOST_TRIP_NONE;
}

/* A trip is said once; it is for a person to clear it, and then to look again. */
static void follow_trip(struct kclient *k, bool was_tripped)
{
	struct log_fields f = { .old_value = vd_mode_name(k->desired.mode), .new_value = "off" };

	if (is_tripped(k) && k->trips_said != k->info.trips) {
		f.reason = k->info.trip.reason;
		log_event(LOG_EVENT_TRIP, LOG_CRIT, &f,
			  "the module's breaker has tripped, the host is stock: %s; nothing is "
			  "activated until \"vdctl trip clear\"",
			  k->info.trip.reason);
	}
	k->trips_said = k->info.trips;
	if (is_tripped(k) || !was_tripped)
		return;
	log_event(LOG_EVENT_TRIP, LOG_NOTICE, NULL,
		  "the trip was cleared: mode goes back to what it was");
	k->push = true;
	k->hold_off = 0;
}

static void on_trip(struct kclient *k, const struct vd_info *info)
{
	bool was_tripped = is_tripped(k);

	k->info.trips = info->trips;
	k->info.trip = info->trip;
	follow_trip(k, was_tripped);
}

/*
 * Returns 0 also for a refusal by the module: that is an answer. While it is tripped
 * the mode is left alone; that is pushed when somebody has cleared the trip.
 */
static int push_desired(struct kclient *k)
{
	struct vd_tuning tuning = k->desired;
	int r;

	if (is_tripped(k))
		tuning.have &= ~VD_BIT(VCPU_DEBOOST_TUNING_A_MODE);
	if (k->hold_off) {
		k->hold_off--;
		return 0;
	}
	r = vdnl_tuning_set(k->nl, VDNL_GLOBAL, &tuning);
	if (r == -ENOPKG)
		return r;
	if (r < 0) {
		set_problem(k, r, "the module refused the configured tuning");
		k->hold_off = HOLD_OFF_LOOKS;
		return 0;
	}
	k->problem[0] = '\0';
	k->push = false;
	k->resync = true;
	return 0;
}

/*
 * Our first look finds a heartbeat that still counts: a daemon before us was
 * killed. What the module has is what was wanted then, also what somebody set by
 * hand; the configuration comes into force again with the next reload.
 */
static int take_over(struct kclient *k)
{
	struct vd_tuning tuning;
	int r;

	r = vdnl_tuning_get(k->nl, VDNL_GLOBAL, &tuning);
	if (r < 0)
		return r;
	/* Off by a trip is nobody's will. */
	if (is_tripped(k))
		tuning.have &= ~VD_BIT(VCPU_DEBOOST_TUNING_A_MODE);
	merge_tuning(&k->desired, &tuning, NULL, "kept from before the daemon was killed");
	return 0;
}

/*
 * The hooks follow the mode: what was read before it was pushed would be shown for a whole
 * interval. Only that: a trip or a fallback is for the next look to see as a change.
 */
static int see_armed(struct kclient *k)
{
	struct vd_info now;
	int r;

	r = vdnl_info(k->nl, &now);
	if (r < 0)
		return r;
	k->info.armed = now.armed;
	memcpy(k->info.reason, now.reason, sizeof(k->info.reason));
	return 0;
}

static int look(struct kclient *k, struct vmtab *tab)
{
	uint64_t fallbacks = k->info.fallbacks;
	bool first = !k->looked, was_tripped = is_tripped(k);
	int r;

	r = vdnl_info(k->nl, &k->info);
	k->looked |= !r || r == -ENOPKG;
	if (r < 0)
		return r;
	follow_trip(k, was_tripped);
	if (first && k->info.grace_left_ms) {
		r = take_over(k);
		if (r < 0)
			return r;
	}
	if (!k->present || k->info.grace_ms != k->grace_ms || k->info.fallbacks != fallbacks)
		set_present(k);
	if (k->push) {
		r = push_desired(k);
		if (!r && !k->push)
			r = see_armed(k);
		if (r < 0)
			return r;
	}
	r = vdnl_heartbeat(k->nl, k->grace_ms);
	if (r < 0)
		return r;
	return k->resync ? resync(k, tab) : 0;
}

int kclient_sync(struct kclient *k, struct vmtab *tab)
{
	int r = k->nl ? 0 : vdnl_open(&k->nl);

	if (r < 0) {
		set_problem(k, r, "this host or our sandbox has no netlink");
		return -EAFNOSUPPORT;
	}
	r = look(k, tab);
	if (r == -ENOPKG)
		set_absent(k, tab);
	else if (r < 0)
		set_problem(k, r, "the module does not answer properly");
	else if (!k->push)
		k->problem[0] = '\0';
	return r;
}

struct target {
	struct kclient *k;
	struct vmtab *tab;
};

static int on_stats_row(const struct vd_msg *msg, void *arg)
{
	struct target *c = arg;
	struct vm *vm;
	size_t i;

	if (!msg) {
		for (i = 0; i < c->tab->nr; i++)
			c->tab->vms[i].have_next = false;
		return 0;
	}
	vm = msg->vm_id ? vmtab_find(c->tab, msg->vm_id) : NULL;
	if (!vm) {
		c->k->resync = true;
		return 0;
	}
	vm->next = msg->stats;
	vm->have_next = true;
	return 0;
}

int kclient_collect(struct kclient *k, struct vmtab *tab)
{
	struct target c = { .k = k, .tab = tab };
	struct vd_stats growth;
	size_t i;
	int r;

	on_stats_row(NULL, &c);
	r = vdnl_stats_dump(k->nl, on_stats_row, &c);
	if (r == -ENOPKG) {
		set_absent(k, tab);
		return r;
	}
	if (r < 0 && r != -EAGAIN) {
		set_problem(k, r, "the counters cannot be read");
		return r;
	}
	memset(&k->growth, 0, sizeof(k->growth));
	for (i = 0; i < tab->nr; i++) {
		struct vm *vm = &tab->vms[i];

		if (vm->id && !vm->have_next)
			k->resync = true;
		if (!vm->have_next)
			continue;
		delta_stats(vm->have_stats ? &vm->stats : NULL, &vm->next, &growth);
		counter_add(&k->growth, &growth);
		vm->stats = vm->next;
		vm->have_stats = true;
	}
	return 0;
}

static void on_tuning(struct kclient *k, struct vmtab *tab, const struct vd_msg *msg)
{
	const char *cause = vd_cause_name(msg->cause);
	struct vd_tuning asked = msg->tuning;
	char comm[VMNAME_SIZE];
	struct vm *vm;

	/* The effective values of VMs follow the host's. */
	k->resync = true;
	if (msg->have & VD_BIT(VCPU_DEBOOST_A_VM_ID)) {
		vm = vmtab_find(tab, msg->vm_id);
		if (!vm)
			return;
		/* An echo may be older than what we know, and is no news. */
		if (vm->steer.echoes) {
			vm->steer.echoes--;
			return;
		}
		/* Not described yet: the name of a process may be hostile, too. */
		vmname_sanitize(vm->comm, strlen(vm->comm), comm, sizeof(comm));
		merge_tuning(&vm->tuning, &msg->tuning, vm->name[0] ? vm->name : comm, cause);
		return;
	}
	merge_tuning(&k->tuning, &msg->tuning, NULL, cause);
	/* It is off by a trip, whatever somebody has asked for. */
	if (is_tripped(k))
		asked.have &= ~VD_BIT(VCPU_DEBOOST_TUNING_A_MODE);
	if (msg->cause == VCPU_DEBOOST_CAUSE_REQUEST)
		merge_tuning(&k->desired, &asked, NULL, NULL);
	else
		k->push = true;
}

static int on_event(const struct vdnl_event *event, void *arg)
{
	struct target *rd = arg;
	struct vm *vm;
	int r;

	switch (event->type) {
	case VDNL_EVENT_MODULE_APPEARED:
		rd->k->push = true;
		rd->k->resync = true;
		break;
	case VDNL_EVENT_MODULE_VANISHED:
		set_absent(rd->k, rd->tab);
		break;
	case VDNL_EVENT_VM_NEW:
		rd->k->resync = true;
		r = vmtab_add_module(rd->tab, &event->msg.vm);
		if (r < 0)
			return r;
		break;
	case VDNL_EVENT_VM_GONE:
		vm = vmtab_find(rd->tab, event->msg.vm.id);
		if (vm && vm->id)
			unclaim(vm);
		break;
	case VDNL_EVENT_TUNING:
		on_tuning(rd->k, rd->tab, &event->msg);
		break;
	case VDNL_EVENT_TRIP:
		on_trip(rd->k, &event->msg.info);
		break;
	}
	return 0;
}

int kclient_events(struct kclient *k, struct vmtab *tab)
{
	struct target rd = { .k = k, .tab = tab };
	size_t i;
	int r;

	r = vdnl_events_read(k->nl, on_event, &rd);
	if (r >= 0)
		return 0;
	/* Lost or not understood: the dumps tell the same. */
	k->resync = true;
	for (i = 0; i < tab->nr; i++)
		tab->vms[i].steer.echoes = 0;
	if (r == -ENOBUFS || r == -EBADMSG || r == -ENOMEM || r == -EPERM)
		return 0;
	return r;
}

int kclient_leave(struct kclient *k)
{
	struct vd_tuning off = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_MODE),
				 .mode = VCPU_DEBOOST_MODE_OFF };
	int r, e;

	if (!k->nl)
		return 0;
	r = vdnl_tuning_set(k->nl, VDNL_GLOBAL, &off);
	if (r == -ENOPKG)
		return 0;
	if (r < 0)
		set_problem(k, r, "the module cannot be turned off");
	e = vdnl_heartbeat(k->nl, 0);
	if (e < 0 && e != -ENOPKG && !r) {
		set_problem(k, e, "the heartbeat cannot be ended");
		r = e;
	}
	return r;
}
