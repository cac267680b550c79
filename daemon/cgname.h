/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CGNAME_H
#define CGNAME_H

#include <stdbool.h>

/* Longest name that a cgroup path can give, with its NUL. */
#define CGNAME_MAX 128

/**
 * enum cgname_kind - which VM manager a cgroup path speaks of
 */
enum cgname_kind {
	CGNAME_NONE,
	CGNAME_LIBVIRT,
	CGNAME_MACHINED, /* a machine scope that is not libvirt's */
	CGNAME_PROXMOX,
	CGNAME_KUBEPODS,
	CGNAME_KIND_MAX
};

/**
 * struct cgname - what a cgroup path says about a VM
 * @kind: the manager
 * @name: name of the VM, "" when the path holds none
 */
struct cgname {
	enum cgname_kind kind;
	char name[CGNAME_MAX];
};

/**
 * cgname_parse() - read the manager and VM name out of a cgroup path
 * @path: path relative to the root of the hierarchy, as in /proc/PID/cgroup
 * @ret: always filled; CGNAME_NONE for a path of no known manager
 *
 * Any bytes are accepted. A name that does not fit or has a control character
 * is dropped, the kind stays.
 */
void cgname_parse(const char *path, struct cgname *ret);

/**
 * cgname_machine() - the same for the name of a machine, as systemd-machined has it
 * @machine: any bytes; "qemu-ID-NAME" is libvirt's
 * @ret: always filled
 */
void cgname_machine(const char *machine, struct cgname *ret);

/**
 * cgname_kind_str() - the word for a kind, as in the metrics
 * @kind: a value below CGNAME_KIND_MAX
 *
 * Return: a constant string.
 */
const char *cgname_kind_str(enum cgname_kind kind);

#endif /* CGNAME_H */
