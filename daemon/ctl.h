/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTL_H
#define CTL_H

#include <stddef.h>

struct manager;

/**
 * ctl_open() - listen on the control socket, see lib/ctl.h
 * @m: the manager; its loop serves the socket
 *
 * Return: 0 or -errno; the daemon works without, too.
 */
int ctl_open(struct manager *m);

/**
 * ctl_close() - stop listening, drop who is connected, remove the socket
 * @m: the manager
 */
void ctl_close(struct manager *m);

/**
 * ctl_answer() - the answer to a request
 * @m: the manager
 * @request: bytes as received
 * @len: how many
 *
 * Return: JSON to be freed; NULL without memory.
 */
char *ctl_answer(const struct manager *m, const char *request, size_t len);

#endif /* CTL_H */
