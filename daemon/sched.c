// SPDX-License-Identifier: GPL-2.0-only
#include "sched.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/*
 * Threads may end while they are read: those count no more. Without stdio: in a trial this is read
 * for every thread of every VM.
 */
static bool read_thread(int dir, const char *tid, uint64_t *ret_cpu, uint64_t *ret_wait)
{
	char path[300], text[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/schedstat", tid);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%" SCNu64 " %" SCNu64, ret_cpu, ret_wait) == 2;
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
		if (d->d_name[0] == '.' || !read_thread(dirfd(tasks), d->d_name, &c, &w))
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
