/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MACHINED_H
#define MACHINED_H

#include <systemd/sd-event.h>

#include "daemon/vmtab.h"

/**
 * struct machined - what systemd-machined knows about our VMs
 *
 * Opaque. A host without machined, or without a system bus, has one that never
 * tells anything.
 */
struct machined;

/**
 * machined_new() - prepare to ask systemd-machined
 * @loop: the event loop; outlives it
 * @tab: its VMs get &struct vm.machine, and are to be described again then
 * @changed: called from @loop when a VM of @tab needs another look
 * @user: for @changed
 * @ret: freed with machined_free()
 *
 * Return: 0 or -errno.
 */
int machined_new(sd_event *loop, struct vmtab *tab, void (*changed)(void *user), void *user,
		 struct machined **ret);

/**
 * machined_look() - have a connection to the system bus, if that is possible
 * @md: may be NULL
 *
 * To be called once per look; a bus that is not there is tried again once in a
 * while.
 */
void machined_look(struct machined *md);

/**
 * machined_ask() - ask about every VM that it was not asked about
 * @md: may be NULL
 *
 * Does not wait, and does not start machined: it runs whenever there is a
 * machine.
 */
void machined_ask(struct machined *md);

void machined_free(struct machined *md);

#endif /* MACHINED_H */
