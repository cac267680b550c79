// SPDX-License-Identifier: GPL-2.0-only
/* One daemon per host. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/units.h"

static pid_t read_owner(int fd)
{
	char buf[16] = "";
	uint32_t pid = 0;

	if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0)
		return 0;
	buf[strcspn(buf, "\n")] = '\0';
	(void)unit_parse_u32(buf, 1, INT_MAX, &pid);
	return (pid_t)pid;
}

int lock_take(const char *dir, pid_t *ret_owner)
{
	char path[PATH_MAX];
	int fd, r;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
		*ret_owner = read_owner(fd);
		goto fail;
	}
	/* Only for the message of the next one. */
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		r = -errno;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return r;
}
