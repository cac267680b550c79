// SPDX-License-Identifier: GPL-2.0-only
/*
 * Preloaded into the daemon: counts its requests for memory in the first eight bytes of the file
 * that VD_MALLOCS names, where a script may read them at any time. Only glibc has these names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t nr, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

/* Before the file is there. */
static uint64_t early;
static uint64_t *count = &early;

__attribute__((constructor)) static void map_file(void)
{
	const char *path = getenv("VD_MALLOCS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644) : -1;
	void *map;

	if (fd < 0 || ftruncate(fd, sizeof(*count)) < 0)
		return;
	map = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		count = map;
}

static void one_more(void)
{
	__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
	one_more();
	return __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	one_more();
	return __libc_calloc(nr, size);
}

void *realloc(void *old, size_t size)
{
	one_more();
	return __libc_realloc(old, size);
}

void *memalign(size_t align, size_t size)
{
	one_more();
	return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

int posix_memalign(void **ret, size_t align, size_t size)
{
	*ret = memalign(align, size);
	return *ret ? 0 : ENOMEM;
}
