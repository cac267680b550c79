/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LOCK_H
#define LOCK_H

#include <sys/types.h>

/**
 * lock_take() - be the only daemon
 * @dir: directory of the lock file; made when it is missing
 * @ret_owner: on -EBUSY, the process that is the only daemon, 0 if unknown
 *
 * A file and not an abstract socket: that name anybody could take first. The
 * lock goes with the process, however it ends.
 *
 * Return: a descriptor that holds the lock, -EBUSY when another daemon has it,
 * or -errno.
 */
int lock_take(const char *dir, pid_t *ret_owner);

#endif /* LOCK_H */
