// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common start of several VMMs: a small file that all of them map. The last one to arrive
 * writes the time at which all begin.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdvm.h"

#define LEAD_NS		20000000ull		/* for the last to arrive and the first alike */
#define LIMIT_NS	(300 * NSEC_PER_SEC)
#define POLL_MS		1

struct barrier_file {
	uint32_t arrived;
	uint32_t failed;
	uint64_t start_ns;
};

struct barrier {
	struct barrier_file *file;
	unsigned int parties;
};

/**
 * barrier_open() - map the barrier file, created if it is not there
 * @path:	in /dev/shm, fresh for every group of VMs; NULL: a barrier for this VM alone
 * @parties:	VMs that will arrive
 * @ret_barrier: for barrier_close()
 *
 * Return: 0, or negative errno after an error sentence.
 */
int barrier_open(const char *path, unsigned int parties, struct barrier **ret_barrier)
{
	int flags = path ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd = -1, err = 0;
	struct barrier *barrier = calloc(1, sizeof(*barrier));

	if (!barrier)
		return -ENOMEM;
	if (path) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, sizeof(*barrier->file)))
			err = errno;
	}
	if (!err) {
		barrier->file = mmap(NULL, sizeof(*barrier->file), PROT_READ | PROT_WRITE, flags,
				     fd, 0);
		if (barrier->file == MAP_FAILED)
			err = errno;
	}
	if (fd >= 0)
		close(fd);
	if (err) {
		fprintf(stderr, "vdvm: barrier %s: %s\n", path ? path : "memory", strerror(err));
		free(barrier);
		return -err;
	}
	barrier->parties = path ? parties : 1;
	*ret_barrier = barrier;
	return 0;
}

/**
 * barrier_wait() - arrive and wait for the others
 * @barrier:	ours
 * @stop_fd:	readable when the wait must end
 * @ret_start_ns: CLOCK_MONOTONIC time at which all begin
 *
 * Return: 0; -EINTR when @stop_fd was raised, -ECANCELED when another party failed, -ETIMEDOUT,
 * -EBUSY when more than the parties arrived.
 */
int barrier_wait(struct barrier *barrier, int stop_fd, uint64_t *ret_start_ns)
{
	struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
	struct barrier_file *file = barrier->file;
	uint64_t limit_ns = monotonic_ns() + LIMIT_NS;
	uint32_t arrived;
	uint64_t start_ns;

	arrived = __atomic_add_fetch(&file->arrived, 1, __ATOMIC_ACQ_REL);
	if (arrived > barrier->parties)
		return -EBUSY;
	if (arrived == barrier->parties)
		__atomic_store_n(&file->start_ns, monotonic_ns() + LEAD_NS, __ATOMIC_RELEASE);
	for (;;) {
		start_ns = __atomic_load_n(&file->start_ns, __ATOMIC_ACQUIRE);
		if (start_ns)
			break;
		if (__atomic_load_n(&file->failed, __ATOMIC_ACQUIRE))
			return -ECANCELED;
		if (monotonic_ns() > limit_ns)
			return -ETIMEDOUT;
		if (poll(&stop, 1, POLL_MS) > 0)
			return -EINTR;
	}
	*ret_start_ns = start_ns;
	return 0;
}

/* The other parties must not wait for a VM that will not come. */
void barrier_fail(struct barrier *barrier)
{
	if (barrier)
		__atomic_store_n(&barrier->file->failed, 1, __ATOMIC_RELEASE);
}

void barrier_close(struct barrier *barrier)
{
	if (!barrier)
		return;
	munmap(barrier->file, sizeof(*barrier->file));
	free(barrier);
}
