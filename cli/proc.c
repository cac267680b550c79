// SPDX-License-Identifier: GPL-2.0-only
#include "cli/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/units.h"
#include "lib/vmname.h"

/* As much of the file as fits; proc files are read until they end. */
static ssize_t read_file(uint32_t tgid, const char *file, char *buf, size_t size)
{
	char path[64];
	size_t used = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", tgid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (used < size) {
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	return (ssize_t)used;
}

/* Field 22 of /proc/TGID/stat, in clock ticks; comm before it may hold anything. */
static bool start_ticks(uint32_t tgid, uint64_t *ret_ticks)
{
	char stat[1024], *p;
	ssize_t n;

	n = read_file(tgid, "stat", stat, sizeof(stat) - 1);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	p = strrchr(stat, ')');
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p)
		return false;
	p[strcspn(p, " \n")] = '\0';
	return unit_parse_u64(p, 0, UINT64_MAX, ret_ticks) == 0;
}

static bool is_same_process(const struct vd_vm *vm)
{
	uint64_t ticks, ns_per_tick = UNIT_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);

	if (!(vm->have & VD_BIT(VCPU_DEBOOST_VM_A_START_BOOTTIME_NS)))
		return true;
	return start_ticks(vm->tgid, &ticks) && ticks == vm->start_boottime_ns / ns_per_tick;
}

void proc_vm_name(const struct vd_vm *vm, char *buf, size_t size)
{
	ssize_t n = 0;
	char *cmdline;

	cmdline = malloc(VMNAME_CMDLINE_MAX);
	if (cmdline && is_same_process(vm)) {
		n = read_file(vm->tgid, "cmdline", cmdline, VMNAME_CMDLINE_MAX);
		if (n < 0)
			n = 0;
	}
	vmname_derive(vm->comm, vm->tgid, cmdline, (size_t)n, buf, size);
	free(cmdline);
}
