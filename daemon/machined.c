// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that knows D-Bus. systemd-machined is asked which machine a
 * process belongs to, once per VM, and again when a machine was registered: that
 * may come after its VM. Anybody on the bus may send us the signals, so they only
 * ever make us ask.
 */
#include "machined.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "daemon/log.h"

#define SERVICE	 "org.freedesktop.machine1"
#define MANAGER	 "org.freedesktop.machine1.Manager"
#define PATH	 "/org/freedesktop/machine1"
#define MACHINES "/org/freedesktop/machine1/machine"
/* Looks between two attempts to reach the bus. */
#define HOLD_OFF_LOOKS 30
/* A host that starts many machines at once is asked once for all of them. */
#define GATHER_US 100000

struct machined {
	sd_event *loop;
	struct vmtab *tab;
	void (*changed)(void *user);
	void *user;
	sd_bus *bus;
	sd_event_source *gather;
	unsigned int hold_off;
	int said;
};

/* Which process an answer will be about. */
struct question {
	struct machined *md;
	pid_t tgid;
	uint64_t start_ticks;
};

static void drop_bus(struct machined *md)
{
	size_t i;

	md->bus = sd_bus_close_unref(md->bus);
	for (i = 0; i < md->tab->nr; i++)
		md->tab->vms[i].asked = false;
}

/* Every VM of the process; its number alone may be another one's by now. */
static void set_machine(const struct question *q, const char *name)
{
	struct vmtab *tab = q->md->tab;
	bool news = false;
	size_t i;

	for (i = 0; i < tab->nr; i++) {
		struct vm *vm = &tab->vms[i];

		if (vm->tgid != q->tgid || vm->start_ticks != q->start_ticks ||
		    !strcmp(vm->machine, name))
			continue;
		memcpy(vm->machine, name, strlen(name) + 1);
		vm->described = false;
		news = true;
	}
	if (news)
		q->md->changed(q->md->user);
}

/* An error is the usual answer: the VM is no machine, or there is no machined. */
static int on_answer(sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const char *path = NULL;
	char *name = NULL;

	(void)error;
	if (sd_bus_message_is_method_error(reply, NULL) ||
	    sd_bus_message_read(reply, "o", &path) < 0)
		return 0;
	if (sd_bus_path_decode(path, MACHINES, &name) > 0 && strlen(name) < VMNAME_SIZE)
		set_machine(user, name);
	free(name);
	return 0;
}

static int ask(struct machined *md, const struct vm *vm)
{
	struct question *q = malloc(sizeof(*q));
	sd_bus_message *m = NULL;
	sd_bus_slot *slot = NULL;
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct question){ .md = md, .tgid = vm->tgid, .start_ticks = vm->start_ticks };
	r = sd_bus_message_new_method_call(md->bus, &m, SERVICE, PATH, MANAGER, "GetMachineByPID");
	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0)
		r = sd_bus_message_append(m, "u", (uint32_t)vm->tgid);
	if (r >= 0)
		r = sd_bus_call_async(md->bus, &slot, m, on_answer, q, 0);
	sd_bus_message_unref(m);
	if (r < 0) {
		free(q);
		return r;
	}
	/* From here on it lives as long as the question, or the bus. */
	sd_bus_slot_set_destroy_callback(slot, free);
	sd_bus_slot_set_floating(slot, true);
	sd_bus_slot_unref(slot);
	return 0;
}

void machined_ask(struct machined *md)
{
	size_t i;

	if (!md || !md->bus)
		return;
	for (i = 0; i < md->tab->nr; i++) {
		struct vm *vm = &md->tab->vms[i];

		if (vm->asked)
			continue;
		if (ask(md, vm) < 0)
			return;
		vm->asked = true;
	}
}

static int on_gathered(sd_event_source *source, uint64_t usec, void *user)
{
	struct machined *md = user;
	size_t i;

	(void)source;
	(void)usec;
	for (i = 0; i < md->tab->nr; i++)
		if (!md->tab->vms[i].machine[0])
			md->tab->vms[i].asked = false;
	md->changed(md->user);
	return 0;
}

/* A timer that is running already covers this one, too. */
static int gather(struct machined *md)
{
	int on = SD_EVENT_OFF, r;

	r = sd_event_source_get_enabled(md->gather, &on);
	if (r < 0 || on != SD_EVENT_OFF)
		return r;
	r = sd_event_source_set_time_relative(md->gather, GATHER_US);
	return r < 0 ? r : sd_event_source_set_enabled(md->gather, SD_EVENT_ONESHOT);
}

static int on_new(sd_bus_message *m, void *user, sd_bus_error *error)
{
	(void)m;
	(void)error;
	return gather(user);
}

static int on_removed(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct machined *md = user;
	const char *name = NULL;
	size_t i;

	(void)error;
	if (sd_bus_message_read(m, "so", &name, NULL) < 0)
		return 0;
	for (i = 0; i < md->tab->nr; i++) {
		struct vm *vm = &md->tab->vms[i];

		if (!vm->machine[0] || strcmp(vm->machine, name))
			continue;
		vm->machine[0] = '\0';
		vm->described = false;
	}
	return gather(md);
}

static int add_match(struct machined *md, const char *member, sd_bus_message_handler_t fn)
{
	return sd_bus_match_signal_async(md->bus, NULL, SERVICE, PATH, MANAGER, member, fn, NULL,
					 md);
}

static int connect_bus(struct machined *md)
{
	int r;

	r = sd_bus_open_system(&md->bus);
	if (r >= 0)
		r = sd_bus_attach_event(md->bus, md->loop, SD_EVENT_PRIORITY_NORMAL);
	/* Signals first, so that no machine falls between them and the questions. */
	if (r >= 0)
		r = add_match(md, "MachineNew", on_new);
	if (r >= 0)
		r = add_match(md, "MachineRemoved", on_removed);
	return r;
}

void machined_look(struct machined *md)
{
	int r;

	if (!md)
		return;
	if (md->bus && sd_bus_is_open(md->bus) <= 0)
		drop_bus(md);
	if (md->bus)
		return;
	if (md->hold_off) {
		md->hold_off--;
		return;
	}
	md->hold_off = HOLD_OFF_LOOKS;
	r = connect_bus(md);
	if (r < 0)
		drop_bus(md);
	else
		machined_ask(md);
	if (r < 0 && r != md->said)
		log_event(LOG_EVENT_DISCOVERY, LOG_INFO, NULL,
			  "no system bus, names that only systemd-machined knows stay unknown: %s",
			  strerror(-r));
	md->said = r;
}

int machined_new(sd_event *loop, struct vmtab *tab, void (*changed)(void *user), void *user,
		 struct machined **ret)
{
	struct machined *md = calloc(1, sizeof(*md));
	int r;

	if (!md)
		return -ENOMEM;
	md->loop = loop;
	md->tab = tab;
	md->changed = changed;
	md->user = user;
	r = sd_event_add_time(loop, &md->gather, CLOCK_MONOTONIC, 0, 0, on_gathered, md);
	if (r >= 0)
		r = sd_event_source_set_enabled(md->gather, SD_EVENT_OFF);
	if (r < 0) {
		machined_free(md);
		return r;
	}
	*ret = md;
	return 0;
}

void machined_free(struct machined *md)
{
	if (!md)
		return;
	drop_bus(md);
	sd_event_source_unref(md->gather);
	free(md);
}
