/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MANAGER_H
#define MANAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/config.h"
#include "daemon/kclient.h"
#include "daemon/machined.h"
#include "daemon/own.h"
#include "daemon/prom.h"
#include "daemon/status.h"
#include "daemon/vmtab.h"

/* Connections to the control socket at one time. */
#define CTL_PEERS 8

/**
 * struct options - the command line
 * @config_path: configuration file
 * @runtime_dir: where the lock and what outlives a crash are
 * @textfile: value of --textfile, which wins over the configuration, or NULL
 */
struct options {
	const char *config_path;
	const char *runtime_dir;
	const char *textfile;
};

/**
 * struct manager - owns everything the daemon has
 * @options: the command line
 * @config: in force; replaced as a whole
 * @loop: the one event loop
 * @tick: timer of the looks at the module
 * @write: timer of the metrics file
 * @watchdog: timer of the pings to the service manager
 * @uevent: source of KVM's uevents, NULL when there is none
 * @uevent_fd: its socket, or -1
 * @kernel: source of the module's events, NULL when there is none
 * @k: the module
 * @machined: systemd-machined
 * @vms: the VMs
 * @rates: of the last interval
 * @collected_us: CLOCK_MONOTONIC of the last collection, 0 when the next one
 *	has nothing to compare with
 * @answered_us: CLOCK_MONOTONIC of the last look that was answered
 * @answered_ms: the same, wall clock, ms since the epoch; 0 for none yet
 * @watchdog_us: time the service manager allows, 0 when it does not watch
 * @collection_errors: since the start
 * @buf: the metrics file
 * @textfile: where it goes, "" when nowhere
 * @textfile_error: errno of the last write, so that each kind is said once
 * @reload_problem: the last reload was refused, for the status
 * @own: overrides that an earlier daemon left
 * @own_path: where ours are noted
 * @own_fallbacks: fallbacks of the module that are taken into account
 * @sched_fresh: CPU times of the VMs are of this look
 * @own_error: errno of the last note, so that it is said once
 * @ctl: source of the control socket, NULL when there is none
 * @ctl_path: where it is, "" without
 * @ctl_peer: who is connected
 * @ctl_next: counts connections
 * @status: the last one sent
 */
struct manager {
	struct options options;
	struct config config;
	sd_event *loop;
	sd_event_source *tick;
	sd_event_source *write;
	sd_event_source *watchdog;
	sd_event_source *uevent;
	sd_event_source *kernel;
	int uevent_fd;
	struct kclient k;
	struct machined *machined;
	struct vmtab vms;
	struct rates rates;
	uint64_t collected_us;
	uint64_t answered_us;
	uint64_t answered_ms;
	uint64_t watchdog_us;
	uint64_t collection_errors;
	struct prom_buf buf;
	char textfile[CONFIG_PATH_SIZE];
	int textfile_error;
	bool reload_problem;
	struct own own;
	char own_path[CONFIG_PATH_SIZE];
	uint64_t own_fallbacks;
	bool sched_fresh;
	int own_error;
	sd_event_source *ctl;
	char ctl_path[128];
	sd_event_source *ctl_peer[CTL_PEERS];
	size_t ctl_next;
	char status[512];
};

/**
 * manager_new() - set everything up
 * @options: the command line; outlives the manager
 * @config: to start with
 * @ret: freed with manager_free()
 *
 * SIGTERM, SIGINT and SIGHUP have to be blocked already.
 *
 * Return: 0 or -errno.
 */
int manager_new(const struct options *options, const struct config *config, struct manager **ret);

/**
 * manager_run() - work until told to stop
 * @m: the manager
 *
 * Leaves the host as without us when it returns 0.
 *
 * Return: 0 after SIGTERM or SIGINT, or -errno.
 */
int manager_run(struct manager *m);

void manager_free(struct manager *m);

#endif /* MANAGER_H */
