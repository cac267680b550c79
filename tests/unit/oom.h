/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every allocation fails in turn: those of our code, and those that the libraries and the
 * C library make for it. Include it in one file of a program: it defines malloc() and its
 * kin for the whole of it. With AddressSanitizer what is left behind is found, too.
 */
#ifndef VD_TESTS_OOM_H
#define VD_TESTS_OOM_H

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#ifdef __SANITIZE_ADDRESS__
#define REAL(name) __interceptor_##name
#else
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t nr, size_t size);
void *REAL(realloc)(void *old, size_t size);

/**
 * struct oom - the plan
 * @armed: allocations are counted
 * @after: so many are granted, the next one fails
 * @for_good: and every other one after it
 * @seen: since it was armed
 * @failed: one was refused
 */
static struct oom {
	bool armed;
	size_t after;
	bool for_good;
	size_t seen;
	bool failed;
} oom;

/* The loader allocates before the sanitizers are ready. */
#define EARLY __attribute__((no_sanitize_address, no_sanitize_undefined))

EARLY static bool oom_refuses(void)
{
	if (!oom.armed)
		return false;
	oom.seen++;
	if (oom.for_good ? oom.seen <= oom.after : oom.seen != oom.after + 1)
		return false;
	oom.failed = true;
	errno = ENOMEM;
	return true;
}

EARLY void *malloc(size_t size)
{
	return oom_refuses() ? NULL : REAL(malloc)(size);
}

EARLY void *calloc(size_t nr, size_t size)
{
	return oom_refuses() ? NULL : REAL(calloc)(nr, size);
}

EARLY void *realloc(void *old, size_t size)
{
	return oom_refuses() ? NULL : REAL(realloc)(old, size);
}

/* AddressSanitizer has its own of these, which would not come by here. */
void *reallocarray(void *old, size_t nr, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(nr, size, &bytes))
		return realloc(old, bytes);
	errno = ENOMEM;
	return NULL;
}

char *strndup(const char *s, size_t max)
{
	size_t n = strnlen(s, max);
	char *copy = malloc(n + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

/* Around what is tried. */
static void oom_begin(void)
{
	oom.seen = 0;
	oom.failed = false;
	oom.armed = true;
}

static void oom_end(void)
{
	oom.armed = false;
}

/*
 * @try once for each allocation that it makes between oom_begin() and oom_end(), which then
 * fails; and once more for each, when all after it fail as well.
 */
static void oom_each(void (*try)(void *arg), void *arg)
{
	int for_good;

	for (for_good = 0; for_good < 2; for_good++) {
		oom = (struct oom){ .for_good = for_good };
		do {
			try(arg);
			oom.after++;
			/* Something that never ends is no test either. */
			assert_in_range(oom.after, 1, 100000);
		} while (oom.failed);
		/* It does allocate something, or nothing was tested. */
		assert_in_range(oom.after, 2, 100000);
	}
}

#endif /* VD_TESTS_OOM_H */
