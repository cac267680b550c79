/* SPDX-License-Identifier: GPL-2.0-only */
/* What every unit test includes: cmocka with the headers it wants first. */
#ifndef VD_TESTS_TEST_H
#define VD_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif /* VD_TESTS_TEST_H */
