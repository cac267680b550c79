// SPDX-License-Identifier: GPL-2.0-only
/* What /proc tells about VMs. The root of the tree is always a parameter. */
#include "discover.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KVM_VM_LINK    "anon_inode:kvm-vm"
#define STAT_STARTTIME 22
#define PROC_FILE_SIZE 4096

static int open_proc(const char *proc, pid_t pid, const char *file, int flags)
{
	char path[512];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%d/%s", proc, (int)pid, file) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	return fd < 0 ? -errno : fd;
}

/* Up to @size bytes of a file; not terminated. Gives the number read. */
static ssize_t read_proc(const char *proc, pid_t pid, const char *file, char *buf, size_t size)
{
	int fd = open_proc(proc, pid, file, 0);
	size_t n = 0;
	ssize_t r;

	if (fd < 0)
		return fd;
	do {
		r = read(fd, buf + n, size - n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			r = -errno;
			break;
		}
		n += (size_t)r;
	} while (r && n < size);
	close(fd);
	return r < 0 ? r : (ssize_t)n;
}

int discover_start(const char *proc, pid_t tgid, uint64_t *ret_ticks)
{
	char buf[PROC_FILE_SIZE], *p, *end;
	ssize_t n;
	int field;

	n = read_proc(proc, tgid, "stat", buf, sizeof(buf) - 1);
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	/* The name in field 2 may hold anything, also parentheses. */
	p = strrchr(buf, ')');
	for (field = 2; p && field < STAT_STARTTIME; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p || !isdigit((unsigned char)*p))
		return -ESRCH;
	errno = 0;
	*ret_ticks = strtoull(p, &end, 10);
	return errno ? -ESRCH : 0;
}

int discover_thread(const char *proc, pid_t tid, pid_t *ret_tgid, uint64_t *ret_start_ticks)
{
	char buf[PROC_FILE_SIZE], *p;
	uint64_t ticks = 0;
	ssize_t n;
	long tgid;

	n = read_proc(proc, tid, "status", buf, sizeof(buf) - 1);
	if (n <= 0)
		return -ESRCH;
	buf[n] = '\0';
	p = strstr(buf, "\nTgid:");
	if (!p)
		return -ESRCH;
	tgid = strtol(p + strlen("\nTgid:"), NULL, 10);
	if (tgid <= 0 || discover_start(proc, (pid_t)tgid, &ticks) < 0)
		return -ESRCH;
	*ret_tgid = (pid_t)tgid;
	*ret_start_ticks = ticks;
	return 0;
}

int discover_count_vms(const char *proc, pid_t tgid)
{
	int fd = open_proc(proc, tgid, "fd", O_DIRECTORY);
	const size_t len = strlen(KVM_VM_LINK);
	char link[sizeof(KVM_VM_LINK) + 1];
	struct dirent *d;
	int count = 0;
	ssize_t n;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		n = -errno;
		close(fd);
		return (int)n;
	}
	while ((d = readdir(dir))) {
		n = readlinkat(fd, d->d_name, link, sizeof(link));
		if (n == (ssize_t)len && !memcmp(link, KVM_VM_LINK, len))
			count++;
	}
	closedir(dir);
	return count;
}

static pid_t parse_pid(const char *s)
{
	char *end;
	long v;

	if (!isdigit((unsigned char)*s))
		return 0;
	v = strtol(s, &end, 10);
	return *end || v > 0x7fffffff ? 0 : (pid_t)v;
}

int discover_scan(const char *proc, struct vmtab *tab)
{
	struct dirent *d;
	int added = 0;
	DIR *dir;

	dir = opendir(proc);
	if (!dir)
		return -errno;
	while ((d = readdir(dir))) {
		pid_t pid = parse_pid(d->d_name);
		uint64_t ticks = 0;
		int r;

		if (!pid || discover_count_vms(proc, pid) <= 0)
			continue;
		if (discover_start(proc, pid, &ticks) < 0)
			continue;
		r = vmtab_add_process(tab, pid, ticks);
		if (r < 0) {
			closedir(dir);
			return r;
		}
		added += r;
	}
	closedir(dir);
	return added;
}

bool discover_is_over(const char *proc, const struct vmtab *tab, const struct vm *vm)
{
	uint64_t ticks = 0;
	int n;

	if (discover_start(proc, vm->tgid, &ticks) < 0 || ticks != vm->start_ticks)
		return true;
	if (!vm->checks_left)
		return false;
	n = discover_count_vms(proc, vm->tgid);
	if (n < 0)
		return n == -ENOENT;
	return vmtab_count_process(tab, vm->tgid, vm->start_ticks) > (size_t)n;
}

static void read_comm(const char *proc, struct vm *vm)
{
	ssize_t n;

	if (vm->comm[0])
		return;
	n = read_proc(proc, vm->tgid, "comm", vm->comm, sizeof(vm->comm) - 1);
	vm->comm[n > 0 ? n : 0] = '\0';
	vm->comm[strcspn(vm->comm, "\n")] = '\0';
	if (!vm->comm[0])
		snprintf(vm->comm, sizeof(vm->comm), "vm");
}

/* What systemd-machined says is as good as the cgroup, which cuts long names. */
static void ask_machine(const struct vm *vm, struct cgname *cg)
{
	struct cgname told;

	if (!vm->machine[0])
		return;
	cgname_machine(vm->machine, &told);
	if (told.name[0])
		memcpy(cg->name, told.name, sizeof(cg->name));
	if (cg->kind == CGNAME_NONE)
		cg->kind = told.kind;
}

/* What was said on the command line, else the cgroup's name, else COMM-TGID. */
static void choose_name(struct vm *vm, const char *cmdline, size_t len, const struct cgname *cg)
{
	char fallback[VMNAME_SIZE];

	vmname_derive(vm->comm, (uint32_t)vm->tgid, cmdline, len, vm->name, sizeof(vm->name));
	if (!cg->name[0])
		return;
	vmname_derive(vm->comm, (uint32_t)vm->tgid, NULL, 0, fallback, sizeof(fallback));
	if (strcmp(fallback, vm->name))
		return;
	vmname_sanitize(cg->name, strlen(cg->name), vm->name, sizeof(vm->name));
	if (!vm->name[0])
		memcpy(vm->name, fallback, sizeof(fallback));
}

void discover_describe(const char *proc, struct vm *vm)
{
	struct cgname cg = { .kind = CGNAME_NONE };
	uint64_t ticks = 0;
	char *cmdline;
	ssize_t n = 0;

	vm->described = true;
	cmdline = malloc(VMNAME_CMDLINE_MAX);
	if (cmdline)
		n = read_proc(proc, vm->tgid, "cmdline", cmdline, VMNAME_CMDLINE_MAX);
	if (n < 0)
		n = 0;
	/* A process that has exited has none any more: it keeps the name it had. */
	if (cmdline && !n && vm->had_cmdline) {
		free(cmdline);
		return;
	}
	vm->had_cmdline |= n > 0;
	vm->uuid[0] = '\0';
	vm->cgroup[0] = '\0';
	read_comm(proc, vm);
	if (!discover_cgroup(proc, vm->tgid, vm->cgroup, sizeof(vm->cgroup)))
		cgname_parse(vm->cgroup, &cg);
	ask_machine(vm, &cg);

	/* What was read may be of a later process with the same number. */
	if (discover_start(proc, vm->tgid, &ticks) < 0 || ticks != vm->start_ticks) {
		n = 0;
		cg = (struct cgname){ .kind = CGNAME_NONE };
		vm->cgroup[0] = '\0';
	}
	if (n > 0)
		discover_uuid(cmdline, (size_t)n, vm->uuid);
	vm->manager = cg.kind;
	choose_name(vm, n > 0 ? cmdline : NULL, (size_t)n, &cg);
	free(cmdline);
}
