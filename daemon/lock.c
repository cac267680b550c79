// SPDX-License-Identifier: GPL-2.0-only
/* One daemon per host. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Who keeps us from it, of the kernel's own knowledge. */
static pid_t owner_of(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid < 0)
		return 0;
	return lock.l_pid;
}

static int lock_file(int fd, pid_t *ret_owner)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;

	/* Who can open it can lock it, and keep us out: nobody else may. */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_mode & 077 && fchmod(fd, 0600) < 0)
		return -errno;
	if (!fcntl(fd, F_SETLK, &lock))
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return -errno;
	*ret_owner = owner_of(fd);
	return -EBUSY;
}

int lock_take(const char *dir, pid_t *ret_owner)
{
	char path[PATH_MAX];
	int fd, r;

	/* The control socket in it is for others, too. */
	if (mkdir(dir, 0755) < 0 ? errno != EEXIST : chmod(dir, 0755) < 0)
		return -errno;
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = lock_file(fd, ret_owner);
	if (!r)
		return fd;
	close(fd);
	return r;
}
