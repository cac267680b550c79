// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wires the parts to the event loop. What the parts decide is in them; what
 * happens when is here.
 */
#include "manager.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "daemon/ctl.h"
#include "daemon/delta.h"
#include "daemon/discover.h"
#include "daemon/log.h"
#include "daemon/metrics.h"
#include "daemon/uevent.h"
#include "lib/units.h"

static uint64_t now_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Again after @delay_us; a late loop does not run twice to catch up. */
static int rearm(sd_event_source *source, uint64_t delay_us)
{
	int r = sd_event_source_set_time(source, now_us(CLOCK_MONOTONIC) + delay_us);

	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The first time, or again: what counts as its interval is not touched by that. */
static void describe(struct vm *vm)
{
	char before[VMNAME_SIZE];

	memcpy(before, vm->name, sizeof(before));
	discover_describe(DISCOVER_PROC, vm);
	if (vm->announced && strcmp(before, vm->name))
		log_event(LOG_EVENT_VM_NEW, LOG_INFO, &(struct log_fields){ .vm = vm->name },
			  "VM %s is now known as %s (process %d, %s)", before, vm->name,
			  (int)vm->tgid, cgname_kind_str(vm->manager));
}

static void meet_vms(struct manager *m)
{
	size_t i;

	machined_ask(m->machined);
	for (i = 0; i < m->vms.nr; i++) {
		struct vm *vm = &m->vms.vms[i];

		if (!vm->described)
			describe(vm);
		if (vm->announced)
			continue;
		vm->announced = true;
		log_event(LOG_EVENT_VM_NEW, LOG_INFO, &(struct log_fields){ .vm = vm->name },
			  "VM %s appeared (process %d, %s)", vm->name, (int)vm->tgid,
			  cgname_kind_str(vm->manager));
	}
}

/* Describe newcomers, and let those go whose process has ended or let go. */
static void follow_vms(struct manager *m)
{
	size_t i = 0;

	meet_vms(m);
	while (i < m->vms.nr) {
		struct vm *vm = &m->vms.vms[i];
		struct log_fields f = { .vm = vm->name };

		if (vm->id || !discover_is_over(DISCOVER_PROC, &m->vms, vm)) {
			i++;
			continue;
		}
		log_event(LOG_EVENT_VM_GONE, LOG_INFO, &f, "VM %s is gone (process %d)", vm->name,
			  (int)vm->tgid);
		vmtab_remove(&m->vms, vm);
	}
}

static void tell_status(struct manager *m)
{
	char text[sizeof(m->status)];

	status_render(text, sizeof(text), &m->k, &m->rates, m->vms.nr, m->reload_problem);
	if (!strcmp(text, m->status))
		return;
	memcpy(m->status, text, sizeof(text));
	(void)sd_notifyf(0, "STATUS=%s", text);
}

static void collect(struct manager *m)
{
	uint64_t now, elapsed_ns;

	if (kclient_collect(&m->k, &m->vms) < 0) {
		/* That it was unloaded just now is no error. */
		m->collection_errors += m->k.present;
		m->collected_us = 0;
		return;
	}
	now = now_us(CLOCK_MONOTONIC);
	elapsed_ns = m->collected_us ? (now - m->collected_us) * 1000 : 0;
	m->rates.ipis = delta_rate(m->k.growth.ipis, elapsed_ns);
	m->rates.boosts = delta_rate(m->k.growth.boosted, elapsed_ns);
	m->rates.would_boost = delta_rate(m->k.growth.would_boost, elapsed_ns);
	m->collected_us = now;
}

/* One look. With @count also the counters, whose rates need a whole interval. */
static void look(struct manager *m, bool count)
{
	int r = kclient_sync(&m->k, &m->vms);

	/* That there is no module, or no way to it, is an answer of the kernel, too. */
	if (!r || r == -ENOPKG || r == -EAFNOSUPPORT) {
		m->answered_us = now_us(CLOCK_MONOTONIC);
		m->answered_ms = now_us(CLOCK_REALTIME) / 1000;
	} else {
		m->collection_errors++;
	}
	if (r < 0) {
		memset(&m->rates, 0, sizeof(m->rates));
		m->collected_us = 0;
	} else if (count) {
		collect(m);
	}
	follow_vms(m);
	if (!r)
		steer_look(m, count && m->collected_us);
	tell_status(m);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct manager *m = user;

	(void)usec;
	vmtab_age(&m->vms);
	machined_look(m->machined);
	look(m, true);
	return rearm(source, m->config.interval_ns / UNIT_NSEC_PER_USEC);
}

static int on_write(sd_event_source *source, uint64_t usec, void *user)
{
	struct manager *m = user;

	(void)usec;
	metrics_write(m);
	return rearm(source, m->config.textfile_interval_ns / UNIT_NSEC_PER_USEC);
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *user)
{
	struct manager *m = user;
	uint64_t half = m->watchdog_us / 2, now = now_us(CLOCK_MONOTONIC);

	(void)usec;
	/* The interval may be longer than the watchdog's patience. */
	if (now - m->answered_us >= half)
		look(m, false);
	if (now_us(CLOCK_MONOTONIC) - m->answered_us < half)
		(void)sd_notify(0, "WATCHDOG=1");
	return rearm(source, half);
}

static int on_kernel(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct manager *m = user;
	int r;

	(void)fd;
	(void)revents;
	r = kclient_events(&m->k, &m->vms);
	if (r < 0) {
		log_event(LOG_EVENT_MODULE_ERROR, LOG_WARNING, NULL,
			  "no more events from the module, changes show once per interval: %s",
			  strerror(-r));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	}
	if (m->k.push)
		look(m, false);
	follow_vms(m);
	tell_status(m);
	return 0;
}

static void scan(struct manager *m)
{
	int r = discover_scan(DISCOVER_PROC, &m->vms);

	if (r < 0)
		log_event(LOG_EVENT_DISCOVERY, LOG_WARNING, NULL,
			  "VMs that were there before cannot be found: " DISCOVER_PROC ": %s",
			  strerror(-r));
}

static void on_machined(void *user)
{
	struct manager *m = user;

	follow_vms(m);
	tell_status(m);
}

static void on_kvm(struct manager *m, const struct uevent_kvm *e, bool *ret_ended)
{
	uint64_t start = 0;
	pid_t tgid = 0;

	*ret_ended |= !e->created;
	if (discover_thread(DISCOVER_PROC, e->pid, &tgid, &start) < 0)
		return;
	if (e->created)
		(void)vmtab_add_process(&m->vms, tgid, start);
	else
		vmtab_check_process(&m->vms, tgid, start);
}

static int on_uevent(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct manager *m = user;
	struct uevent_kvm e;
	bool ended = false;
	int r;

	(void)revents;
	while (!(r = uevent_read(fd, &e)))
		on_kvm(m, &e, &ended);
	if (r == -ENOBUFS) {
		ended = true;
		vmtab_check_all(&m->vms);
		scan(m);
	} else if (r != -EAGAIN) {
		log_event(LOG_EVENT_DISCOVERY, LOG_WARNING, NULL,
			  "no more uevents, VMs are known only once the module sees them: %s",
			  strerror(-r));
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	}
	/* Many may start at once, and each process that is looked at costs. */
	if (ended)
		follow_vms(m);
	else
		meet_vms(m);
	tell_status(m);
	return 0;
}

static uint32_t grace_ms(const struct config *c)
{
	return (uint32_t)(c->heartbeat_grace_ns / UNIT_NSEC_PER_MSEC);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	char error[CONFIG_ERROR_SIZE];
	struct manager *m = user;
	struct config fresh;
	int r;

	(void)source;
	(void)si;
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us(CLOCK_MONOTONIC));
	r = config_load(m->options.config_path, &fresh, error, sizeof(error));
	m->reload_problem = r < 0;
	if (r < 0) {
		log_event(LOG_EVENT_CONFIG, LOG_ERR, &(struct log_fields){ .reason = error },
			  "reload refused, the running configuration stays: %s", error);
	} else {
		m->config = fresh;
		kclient_want(&m->k, &fresh.tuning, grace_ms(&fresh));
		metrics_configure(m);
		log_event(LOG_EVENT_CONFIG, LOG_NOTICE, NULL, "configuration reloaded");
		look(m, false);
		r = rearm(m->tick, fresh.interval_ns / UNIT_NSEC_PER_USEC);
		if (r >= 0)
			r = rearm(m->write, 0);
		if (r < 0)
			return r;
	}
	m->status[0] = '\0';
	tell_status(m);
	(void)sd_notify(0, "READY=1");
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *si, void *user)
{
	struct manager *m = user;

	(void)source;
	(void)si;
	return sd_event_exit(m->loop, 0);
}

/* VMs are found without uevents too, once the module sees them. */
static int add_uevents(struct manager *m)
{
	m->uevent_fd = uevent_open();
	if (m->uevent_fd < 0) {
		log_event(LOG_EVENT_DISCOVERY, LOG_WARNING, NULL,
			  "no uevents, VMs are known only once the module sees them: %s",
			  strerror(-m->uevent_fd));
		return 0;
	}
	return sd_event_add_io(m->loop, &m->uevent, m->uevent_fd, EPOLLIN, on_uevent, m);
}

static int add_kernel(struct manager *m)
{
	kclient_open(&m->k);
	kclient_want(&m->k, &m->config.tuning, grace_ms(&m->config));
	if (kclient_fd(&m->k) < 0)
		return 0;
	return sd_event_add_io(m->loop, &m->kernel, kclient_fd(&m->k), EPOLLIN, on_kernel, m);
}

static int add_timer(struct manager *m, sd_event_source **ret, sd_event_time_handler_t fn)
{
	return sd_event_add_time(m->loop, ret, CLOCK_MONOTONIC, now_us(CLOCK_MONOTONIC), 0, fn, m);
}

static int add_watchdog(struct manager *m)
{
	int r = sd_watchdog_enabled(0, &m->watchdog_us);

	return r > 0 ? add_timer(m, &m->watchdog, on_watchdog) : r;
}

static int add_sources(struct manager *m)
{
	int r;

	r = sd_event_new(&m->loop);
	if (r >= 0)
		r = sd_event_add_signal(m->loop, NULL, SIGTERM, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(m->loop, NULL, SIGINT, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(m->loop, NULL, SIGHUP, on_reload, m);
	if (r >= 0)
		r = add_uevents(m);
	if (r >= 0)
		r = add_kernel(m);
	if (r >= 0)
		r = machined_new(m->loop, &m->vms, on_machined, m, &m->machined);
	if (r >= 0)
		r = add_timer(m, &m->tick, on_tick);
	if (r >= 0)
		r = add_timer(m, &m->write, on_write);
	if (r >= 0)
		r = add_watchdog(m);
	return r;
}

int manager_new(const struct options *options, const struct config *config, struct manager **ret)
{
	struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = *options;
	m->config = *config;
	m->uevent_fd = -1;
	r = add_sources(m);
	if (r < 0) {
		manager_free(m);
		return r;
	}
	metrics_configure(m);
	steer_open(m);
	(void)ctl_open(m);
	*ret = m;
	return 0;
}

int manager_run(struct manager *m)
{
	int r;

	log_event(LOG_EVENT_START, LOG_INFO, NULL, "started");
	/* Uevents are queued already, so no VM falls between the two. */
	scan(m);
	look(m, true);
	if (!m->k.present)
		log_event(LOG_EVENT_MODULE_DOWN, LOG_NOTICE, NULL,
			  "module vcpu_deboost is not loaded; waiting for it");
	(void)sd_notify(0, "READY=1");

	r = sd_event_loop(m->loop);

	(void)sd_notify(0, "STOPPING=1\nSTATUS=stopping: the host goes back to stock");
	if (r < 0)
		return r;
	r = kclient_leave(&m->k);
	steer_close(m, !r);
	metrics_remove(m);
	log_event(LOG_EVENT_STOP, r < 0 ? LOG_ERR : LOG_INFO, NULL, "stopped; %s",
		  r < 0		 ? m->k.problem
		  : m->k.present ? "mode is off, the host is stock"
				 : "the module was not loaded");
	return r;
}

void manager_free(struct manager *m)
{
	if (!m)
		return;
	ctl_close(m);
	sd_event_source_unref(m->tick);
	sd_event_source_unref(m->write);
	sd_event_source_unref(m->watchdog);
	sd_event_source_unref(m->uevent);
	sd_event_source_unref(m->kernel);
	if (m->uevent_fd >= 0)
		close(m->uevent_fd);
	kclient_close(&m->k);
	machined_free(m->machined);
	sd_event_unref(m->loop);
	vmtab_free(&m->vms);
	own_free(&m->own);
	prom_buf_free(&m->buf);
	free(m);
}
