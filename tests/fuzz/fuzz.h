/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets of user space share. One target a file: fuzz_NAME.c, its corpus in
 * corpus/NAME. clang makes a libFuzzer program of it ("make fuzz"), gcc one that runs the
 * corpus through it under the sanitizers (replay.c, part of "make check").
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold for any input, whether or not a sanitizer would see it. */
#define REQUIRE(what)            \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

/* Up to the next NUL as a string of its own, to be freed; moves @data on. */
static inline char *fuzz_string(const uint8_t **data, size_t *size)
{
	size_t n = strnlen((const char *)*data, *size), step = n < *size ? n + 1 : n;
	char *s = malloc(n + 1);

	REQUIRE(s);
	memcpy(s, *data, n);
	s[n] = '\0';
	*data += step;
	*size -= step;
	return s;
}

#endif /* FUZZ_H */
