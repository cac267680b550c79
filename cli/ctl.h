/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the daemon; see lib/ctl.h. */
#ifndef VD_CLI_CTL_H
#define VD_CLI_CTL_H

#include <jansson.h>

#include "cli/cmd.h"

/**
 * ctl_ask() - one question about the VM of --vm or of the first argument
 * @ctx: its @client is open
 * @verb: "ab" or "explain"
 * @spec: the VM as typed
 * @ret: the answer, to be dropped
 *
 * Return: EXIT_OK, or the exit code after it said why not.
 */
int ctl_ask(struct ctx *ctx, const char *verb, const char *spec, json_t **ret);

/* Text of an answer, "" when it is not there; made harmless. */
const char *ctl_text(const json_t *answer, const char *key, char *buf, size_t size);

#endif /* VD_CLI_CTL_H */
