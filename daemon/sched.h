/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCHED_H
#define SCHED_H

#include <stdint.h>
#include <sys/types.h>

/**
 * sched_read() - CPU time of a process, and its waiting for a CPU
 * @proc: root of a proc tree
 * @tgid: the process
 * @ret_cpu_ns: sum over its threads that live
 * @ret_wait_ns: the same, runnable but not running
 *
 * Return: 0, -ESRCH when it is gone, -ENOENT when the kernel does not tell.
 */
int sched_read(const char *proc, pid_t tgid, uint64_t *ret_cpu_ns, uint64_t *ret_wait_ns);

#endif /* SCHED_H */
