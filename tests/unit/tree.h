/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests that make files and read them: a folder of their own goes with all that is in it. */
#ifndef VD_TESTS_TREE_H
#define VD_TESTS_TREE_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "test.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static inline void put_in(const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	put_file(path, text);
}

/* What is in a file, up to 64 KiB and until the next call; "" if there is none. */
static inline char *slurp(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return text;
}

#endif /* VD_TESTS_TREE_H */
