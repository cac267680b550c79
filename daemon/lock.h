/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LOCK_H
#define LOCK_H

#include <sys/types.h>

/**
 * lock_take() - be the only daemon
 * @dir: directory of the lock file; made when it is missing
 * @ret_owner: on -EBUSY, the process that is the only daemon, 0 if unknown
 *
 * A file and not an abstract socket: that name anybody could take first. A
 * record lock and not flock(): the kernel knows its owner, and it needs a file
 * that is open for writing. It goes with the process, however that ends, and
 * with any close() of this file by it: so call this once per process.
 *
 * Return: a descriptor that holds the lock, -EBUSY when another daemon has it,
 * or -errno.
 */
int lock_take(const char *dir, pid_t *ret_owner);

#endif /* LOCK_H */
