// SPDX-License-Identifier: GPL-2.0-only
/* Atomic replacement of the metrics file. */
#include "prom_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_temp(int dir, const char *temp, const void *data, size_t len)
{
	int fd, r;

	/* O_EXCL: never write through a link that somebody else put there. */
	if (unlinkat(dir, temp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = write_all(fd, data, len);
	/* The exporter runs as another user, whatever our umask. */
	if (!r && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	return r;
}

int prom_write(const char *path, const void *data, size_t len)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char parent[PATH_MAX], temp[NAME_MAX + 1];
	int dir, r;

	if ((size_t)snprintf(temp, sizeof(temp), ".%s.tmp", base) >= sizeof(temp))
		return -ENAMETOOLONG;
	if ((size_t)snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path + 1) : 1,
			     slash ? path : ".") >= sizeof(parent))
		return -ENAMETOOLONG;
	dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	r = write_temp(dir, temp, data, len);
	if (!r && renameat(dir, temp, dir, base) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, temp, 0);
	close(dir);
	return r;
}
