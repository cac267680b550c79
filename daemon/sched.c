// SPDX-License-Identifier: GPL-2.0-only
#include "sched.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* Threads may end while they are read: those count no more. */
static bool read_thread(const char *dir, const char *tid, uint64_t *ret_cpu, uint64_t *ret_wait)
{
	char path[600];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/%s/schedstat", dir, tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fscanf(f, "%" SCNu64 " %" SCNu64, ret_cpu, ret_wait);
	fclose(f);
	return n == 2;
}

int sched_read(const char *proc, pid_t tgid, uint64_t *ret_cpu_ns, uint64_t *ret_wait_ns)
{
	uint64_t cpu = 0, wait = 0, c, w;
	const struct dirent *d;
	bool any = false;
	char dir[256];
	DIR *tasks;

	snprintf(dir, sizeof(dir), "%s/%d/task", proc, (int)tgid);
	tasks = opendir(dir);
	if (!tasks)
		return -ESRCH;
	while ((d = readdir(tasks))) {
		if (d->d_name[0] == '.' || !read_thread(dir, d->d_name, &c, &w))
			continue;
		cpu += c;
		wait += w;
		any = true;
	}
	closedir(tasks);
	if (!any)
		return -ENOENT;
	*ret_cpu_ns = cpu;
	*ret_wait_ns = wait;
	return 0;
}
