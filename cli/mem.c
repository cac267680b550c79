// SPDX-License-Identifier: GPL-2.0-only
#include "cli/mem.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cmd.h"

void out_of_memory(void)
{
	fputs("vdctl: out of memory\n", stderr);
	exit(EXIT_FAILED);
}

void *xcalloc(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		out_of_memory();
	return p;
}

void *xreallocarray(void *old, size_t nr, size_t size)
{
	void *p = reallocarray(old, nr, size);

	if (!p)
		out_of_memory();
	return p;
}

char *xvasprintf(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	return text;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return text;
}
