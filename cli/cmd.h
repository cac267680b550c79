/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verbs of vdctl. Each lives in a file of its own, and none uses another:
 * what they share is in vms.h, out.h and table.h.
 */
#ifndef VD_CLI_CMD_H
#define VD_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/vdnl.h"

/* Part of the interface: man/vdctl.1 documents them, scripts rely on them. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NOT_RUNNING = 3, /* status: module absent or its hooks not armed */
	EXIT_NO_VM = 4,
	EXIT_NOT_PERMITTED = 5,
	EXIT_NO_MODULE = 6, /* absent, or it does not support this kernel */
	EXIT_REFUSED = 7,
};

/**
 * struct ctx - one call of vdctl
 * @client: open; NULL for verbs that need none
 * @json: results and errors as JSON
 * @vm: what --vm said, else NULL
 */
struct ctx {
	struct vdnl *client;
	bool json;
	const char *vm;
};

/**
 * struct cmd - one verb
 * @name: as typed
 * @args: what follows it, for the usage line
 * @summary: one line, no final period
 * @details: more help, whole lines; may be NULL
 * @examples: whole lines
 * @min_args: fewest arguments after the verb
 * @max_args: most of them
 * @takes_vm: --vm is allowed
 * @offline: needs no client
 * @run: does it; gets the arguments after the verb, returns enum exit_code
 */
struct cmd {
	const char *name;
	const char *args;
	const char *summary;
	const char *details;
	const char *examples;
	int min_args;
	int max_args;
	bool takes_vm;
	bool offline;
	int (*run)(struct ctx *ctx, int argc, char **argv);
};

extern const struct cmd cmd_status, cmd_vms, cmd_get, cmd_set, cmd_reset, cmd_hooks, cmd_ab,
	cmd_explain, cmd_trip, cmd_help;

/* Every verb, in the order of the help text; ends with NULL. */
extern const struct cmd *const cmds[];

/**
 * cmd_find() - look a verb up
 * @name: exact
 *
 * Return: the verb, or NULL.
 */
const struct cmd *cmd_find(const char *name);

/* The help texts, on stdout. */
void help_all(void);
void help_verb(const struct cmd *cmd);

#endif /* VD_CLI_CMD_H */
