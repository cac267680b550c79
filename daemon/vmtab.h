/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VMTAB_H
#define VMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/cgname.h"
#include "daemon/steer.h"
#include "lib/vdnl_msg.h"
#include "lib/vmname.h"

#define VM_CGROUP_SIZE 512
#define VM_UUID_SIZE   37

/*
 * A VM is announced as gone just before its last descriptor is: so its process
 * is looked at again during this many looks.
 */
#define VM_CHECK_LOOKS 5

/*
 * Some start a VM first and put it into its cgroup then: so a new one is described
 * again after its second look, and for the last time after this many.
 */
#define VM_SETTLE_LOOKS 10
#define VM_SETTLE_EARLY (VM_SETTLE_LOOKS - 2)

/**
 * struct vm - one VM on this host
 * @tgid: the process that runs it
 * @start_ticks: start of that process in clock ticks since boot, as in
 *	/proc/PID/stat; with @tgid it names the process for good
 * @id: the module's id, 0 while the module does not track it
 * @nr_vcpus: 0 while unknown
 * @comm: of the process, as the module saw it; "" when it did not
 * @described: @name, @uuid, @cgroup and @manager are filled in, and need no
 *	other look: a VM may find its cgroup only after it was made
 * @had_cmdline: it had a command line: without one it has exited
 * @announced: its appearance was logged
 * @name: printable, never empty once described; not unique
 * @uuid: "" when it has none
 * @cgroup: path in its hierarchy, "" when unknown
 * @manager: who made that cgroup
 * @machine: what systemd-machined calls it, "" when it does not know it
 * @asked: systemd-machined was asked
 * @tuning: effective knobs, valid when @tuning.have is not 0
 * @stats: counters of the last collection
 * @have_stats: @stats is valid
 * @next: counters of the collection that is under way
 * @have_next: @next is valid
 * @seen: mark of a resync that is under way
 * @steer: how it is treated
 * @checks_left: looks during which the process may be found to have let go of
 *	the VM
 * @settle_looks: looks until it is described for the last time
 */
struct vm {
	pid_t tgid;
	uint64_t start_ticks;
	uint32_t id;
	uint32_t nr_vcpus;
	char comm[VD_COMM_SIZE];
	bool described;
	bool had_cmdline;
	bool announced;
	char name[VMNAME_SIZE];
	char uuid[VM_UUID_SIZE];
	char cgroup[VM_CGROUP_SIZE];
	enum cgname_kind manager;
	char machine[VMNAME_SIZE];
	bool asked;
	struct vd_tuning tuning;
	struct vd_stats stats;
	bool have_stats;
	struct vd_stats next;
	bool have_next;
	bool seen;
	struct steer steer;
	unsigned int checks_left;
	unsigned int settle_looks;
};

/**
 * struct vmtab - every VM that is known
 * @vms: @nr of them, in no order; a pointer into it lasts until the next add
 *	or remove
 */
struct vmtab {
	struct vm *vms;
	size_t nr;
	size_t cap;
};

void vmtab_free(struct vmtab *tab);

/**
 * vmtab_find() - the VM with an id of the module
 * @tab: the table
 * @id: never found when 0
 *
 * Return: the VM, or NULL.
 */
struct vm *vmtab_find(struct vmtab *tab, uint32_t id);

/**
 * vmtab_find_process() - the first VM of a process
 * @tab: the table
 * @tgid: the process
 * @start_ticks: its start
 *
 * Return: the VM, or NULL.
 */
struct vm *vmtab_find_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks);

/**
 * vmtab_add_process() - note a process that runs a VM
 * @tab: the table
 * @tgid: the process
 * @start_ticks: its start
 *
 * Return: 1 when it is new, 0 when it was known, or -ENOMEM.
 */
int vmtab_add_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks);

/**
 * vmtab_add_module() - note a VM that the module tracks
 * @tab: the table
 * @vm: as the module tells it
 *
 * A VM of that process that had no id yet gets this one.
 *
 * Return: 1 when the VM is new, 0 when it was known, -ENOMEM, or -EBADMSG when
 * it has no id.
 */
int vmtab_add_module(struct vmtab *tab, const struct vd_vm *vm);

/**
 * vmtab_count_process() - how many VMs of a process are in the table
 * @tab: the table
 * @tgid: the process
 * @start_ticks: its start
 *
 * Return: the number.
 */
size_t vmtab_count_process(const struct vmtab *tab, pid_t tgid, uint64_t start_ticks);

/**
 * vmtab_check_process() - a process may have let go of a VM
 * @tab: the table
 * @tgid: the process
 * @start_ticks: its start
 */
void vmtab_check_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks);

/**
 * vmtab_check_all() - any process may have let go of a VM: events were lost
 * @tab: the table
 */
void vmtab_check_all(struct vmtab *tab);

/**
 * vmtab_age() - one more look has passed; see checks_left and settle_looks
 * @tab: the table
 */
void vmtab_age(struct vmtab *tab);

/**
 * vmtab_remove() - forget a VM
 * @tab: the table
 * @vm: in it; the last VM takes its place
 */
void vmtab_remove(struct vmtab *tab, struct vm *vm);

/**
 * vmtab_forget_module() - the module is gone, and its ids and counters with it
 * @tab: the table; one VM per process stays
 */
void vmtab_forget_module(struct vmtab *tab);

/**
 * vmtab_ns_to_ticks() - the unit of the module to that of /proc/PID/stat
 * @ns: since boot
 *
 * Return: whole clock ticks since boot.
 */
uint64_t vmtab_ns_to_ticks(uint64_t ns);

#endif /* VMTAB_H */
