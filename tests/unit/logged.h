/* SPDX-License-Identifier: GPL-2.0-only */
/* What the daemon's parts log while they run in a test: stderr goes into memory. */
#ifndef VD_TESTS_LOGGED_H
#define VD_TESTS_LOGGED_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

static int logged_fd = -1;
static int logged_stderr = -1;

static inline void logged_begin(void)
{
	logged_fd = memfd_create("log", MFD_CLOEXEC);
	logged_stderr = dup(STDERR_FILENO);
	assert_true(logged_fd >= 0 && logged_stderr >= 0);
	assert_true(dup2(logged_fd, STDERR_FILENO) >= 0);
}

static inline void logged_end(void)
{
	fflush(stderr);
	assert_true(dup2(logged_stderr, STDERR_FILENO) >= 0);
	close(logged_stderr);
	close(logged_fd);
}

/* What was said since the last call; valid until the next one. */
static inline const char *logged(void)
{
	static char text[32768];
	ssize_t n;

	fflush(stderr);
	n = pread(logged_fd, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(ftruncate(logged_fd, 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
	return text;
}

/* Since the last call exactly this was said, or nothing. */
#define assert_logged(line) assert_string_equal(logged(), "vcpu-deboostd: " line "\n")
#define assert_quiet()	    assert_string_equal(logged(), "")

static inline void assert_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

#endif /* VD_TESTS_LOGGED_H */
