/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DISCOVER_H
#define DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/vmtab.h"

/* The real one; tests give the root of a made-up tree. */
#define DISCOVER_PROC "/proc"

/**
 * discover_scan() - add every process that runs a VM
 * @proc: root of a proc tree
 * @tab: gets the processes that it does not have
 *
 * Processes that vanish meanwhile, and those we may not look into, are passed
 * over.
 *
 * Return: number of processes added, or -errno when @proc cannot be read.
 */
int discover_scan(const char *proc, struct vmtab *tab);

/**
 * discover_thread() - the process of a thread
 * @proc: root of a proc tree
 * @tid: any thread
 * @ret_tgid: its process
 * @ret_start_ticks: start of that process
 *
 * Return: 0, or -ESRCH when it is gone.
 */
int discover_thread(const char *proc, pid_t tid, pid_t *ret_tgid, uint64_t *ret_start_ticks);

/**
 * discover_start() - when a process started
 * @proc: root of a proc tree
 * @tgid: the process
 * @ret_ticks: clock ticks since boot
 *
 * Return: 0, or -ESRCH when it is gone.
 */
int discover_start(const char *proc, pid_t tgid, uint64_t *ret_ticks);

/**
 * discover_count_vms() - how many VMs a process holds open
 * @proc: root of a proc tree
 * @tgid: the process
 *
 * Return: the number, or -errno (-ENOENT: gone, -EACCES: not ours to see).
 */
int discover_count_vms(const char *proc, pid_t tgid);

/**
 * discover_describe() - find out what a VM is called and where it lives
 * @proc: root of a proc tree
 * @vm: gets name, uuid, cgroup, manager, and @vm->described
 *
 * Never fails: a VM about which nothing can be read is called COMM-TGID.
 */
void discover_describe(const char *proc, struct vm *vm);

/**
 * discover_is_over() - has a VM that the module does not track ended
 * @proc: root of a proc tree
 * @tab: every VM
 * @vm: in @tab, without an id
 *
 * Return: true when its process has ended or, while @vm->checks_left, holds
 * fewer VMs than the table has of it.
 */
bool discover_is_over(const char *proc, const struct vmtab *tab, const struct vm *vm);

/**
 * discover_uuid() - the UUID on a VMM's command line
 * @cmdline: arguments separated by NUL, cut anywhere
 * @len: bytes at @cmdline
 * @buf: VM_UUID_SIZE bytes; in small letters, "" when there is none that looks
 *	like a UUID
 *
 * Understands QEMU's "-uuid UUID" and "-smbios type=1,uuid=UUID", and
 * cloud-hypervisor's "--platform uuid=UUID".
 */
void discover_uuid(const char *cmdline, size_t len, char *buf);

/**
 * discover_cgroup() - the cgroup of a process, for the cpu controller
 * @proc: root of a proc tree; libcgroup is asked only about the real one
 * @tgid: the process
 * @buf: the path inside its hierarchy
 * @size: bytes at @buf
 *
 * Works with v1, v2 and both at once. The mounts are left alone.
 *
 * Return: 0, -ESRCH when the process is gone, -ENOENT when it has none, -ENAMETOOLONG when it
 * does not fit.
 */
int discover_cgroup(const char *proc, pid_t tgid, char *buf, size_t size);

#endif /* DISCOVER_H */
