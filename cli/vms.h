/* SPDX-License-Identifier: GPL-2.0-only */
/* The VMs as a person knows them: the module's rows, with names from /proc. */
#ifndef VD_CLI_VMS_H
#define VD_CLI_VMS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cmd.h"
#include "lib/vdnl_msg.h"
#include "lib/vmname.h"

/**
 * struct vm_row - one VM
 * @vm: who it is
 * @tuning: its knobs
 * @stats: its counters, when they were asked for
 * @name: harmless to print, not unique
 */
struct vm_row {
	struct vd_vm vm;
	struct vd_tuning tuning;
	struct vd_stats stats;
	char name[VMNAME_SIZE];
};

/**
 * struct vm_list - every VM the module tracks
 * @rows: @nr of them, owned
 * @nr: used
 * @cap: allocated
 */
struct vm_list {
	struct vm_row *rows;
	size_t nr;
	size_t cap;
};

/**
 * vm_list_load() - ask the module for every VM and find their names
 * @client: the client
 * @with_stats: their counters, too
 * @ret_list: freed with vm_list_free()
 *
 * A VM that ends meanwhile is left out.
 *
 * Return: 0 or -errno of the request.
 */
int vm_list_load(struct vdnl *client, bool with_stats, struct vm_list *ret_list);

void vm_list_free(struct vm_list *list);

/**
 * vm_match() - does a VM answer to what was typed?
 * @row: the VM
 * @spec: a name, an id or a PID; or one of them for sure: "name:NAME", "id:N",
 *	"pid:N"
 *
 * Return: true if so.
 */
bool vm_match(const struct vm_row *row, const char *spec);

/**
 * vm_resolve() - the one VM that --vm means
 * @ctx: its @vm is not NULL
 * @ret_row: without counters
 *
 * Return: EXIT_OK, or the exit code after it said why not.
 */
int vm_resolve(struct ctx *ctx, struct vm_row *ret_row);

#endif /* VD_CLI_VMS_H */
