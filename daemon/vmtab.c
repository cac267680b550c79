// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMs of the host. A VM is known by its process (uevent, /proc), by the
 * module's id, or both; a process with several VMs has several ids.
 */
#include "vmtab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/units.h"

void vmtab_free(struct vmtab *tab)
{
	if (!tab)
		return;
	free(tab->vms);
	memset(tab, 0, sizeof(*tab));
}

struct vm *vmtab_find(struct vmtab *tab, uint32_t id)
{
	size_t i;

	for (i = 0; id && i < tab->nr; i++)
		if (tab->vms[i].id == id)
			return &tab->vms[i];
	return NULL;
}

struct vm *vmtab_find_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		if (tab->vms[i].tgid == tgid && tab->vms[i].start_ticks == start_ticks)
			return &tab->vms[i];
	return NULL;
}

static struct vm *append(struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	struct vm *vm;

	if (tab->nr == tab->cap) {
		size_t cap = tab->cap ? 2 * tab->cap : 16;
		struct vm *vms = reallocarray(tab->vms, cap, sizeof(*vms));

		if (!vms)
			return NULL;
		tab->vms = vms;
		tab->cap = cap;
	}
	vm = &tab->vms[tab->nr++];
	memset(vm, 0, sizeof(*vm));
	vm->tgid = tgid;
	vm->start_ticks = start_ticks;
	vm->settle_looks = VM_SETTLE_LOOKS;
	return vm;
}

int vmtab_add_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	if (vmtab_find_process(tab, tgid, start_ticks))
		return 0;
	return append(tab, tgid, start_ticks) ? 1 : -ENOMEM;
}

/* The VM of that process which the module has not claimed. */
static struct vm *find_unclaimed(struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	size_t i;

	for (i = 0; i < tab->nr; i++) {
		struct vm *vm = &tab->vms[i];

		if (!vm->id && vm->tgid == tgid && vm->start_ticks == start_ticks)
			return vm;
	}
	return NULL;
}

int vmtab_add_module(struct vmtab *tab, const struct vd_vm *src)
{
	uint64_t start_ticks = vmtab_ns_to_ticks(src->start_boottime_ns);
	struct vm *vm = vmtab_find(tab, src->id);
	int added = 0;

	if (!src->id)
		return -EBADMSG;
	if (!vm)
		vm = find_unclaimed(tab, (pid_t)src->tgid, start_ticks);
	if (!vm) {
		vm = append(tab, (pid_t)src->tgid, start_ticks);
		if (!vm)
			return -ENOMEM;
		added = 1;
	}
	if (vm->id != src->id)
		vm->described = false;
	vm->id = src->id;
	vm->nr_vcpus = src->nr_vcpus;
	snprintf(vm->comm, sizeof(vm->comm), "%s", src->comm);
	return added;
}

size_t vmtab_count_process(const struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	size_t i, n = 0;

	for (i = 0; i < tab->nr; i++)
		n += tab->vms[i].tgid == tgid && tab->vms[i].start_ticks == start_ticks;
	return n;
}

void vmtab_check_process(struct vmtab *tab, pid_t tgid, uint64_t start_ticks)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		if (tab->vms[i].tgid == tgid && tab->vms[i].start_ticks == start_ticks)
			tab->vms[i].checks_left = VM_CHECK_LOOKS;
}

void vmtab_check_all(struct vmtab *tab)
{
	size_t i;

	for (i = 0; i < tab->nr; i++)
		tab->vms[i].checks_left = VM_CHECK_LOOKS;
}

void vmtab_age(struct vmtab *tab)
{
	size_t i;

	for (i = 0; i < tab->nr; i++) {
		struct vm *vm = &tab->vms[i];

		if (vm->checks_left)
			vm->checks_left--;
		if (!vm->settle_looks)
			continue;
		vm->settle_looks--;
		if (!vm->settle_looks || vm->settle_looks == VM_SETTLE_EARLY)
			vm->described = false;
	}
}

void vmtab_remove(struct vmtab *tab, struct vm *vm)
{
	struct vm *last = &tab->vms[--tab->nr];

	if (vm != last)
		*vm = *last;
}

void vmtab_forget_module(struct vmtab *tab)
{
	size_t i = 0;

	while (i < tab->nr) {
		struct vm *vm = &tab->vms[i];

		/* The first of the process is at or before this one. */
		if (vmtab_find_process(tab, vm->tgid, vm->start_ticks) != vm) {
			vmtab_remove(tab, vm);
			continue;
		}
		vm->id = 0;
		vm->tuning.have = 0;
		vm->have_stats = false;
		vm->have_next = false;
		i++;
	}
}

uint64_t vmtab_ns_to_ticks(uint64_t ns)
{
	long hz = sysconf(_SC_CLK_TCK);

	return ns / (UNIT_NSEC_PER_SEC / (uint64_t)(hz > 0 ? hz : 100));
}
