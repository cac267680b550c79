/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests that make files: a folder of their own goes with all that is in it. */
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

#endif /* VD_TESTS_TREE_H */
