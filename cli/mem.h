/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for a program that runs for a moment: there is enough, or it ends with a sentence. */
#ifndef VD_CLI_MEM_H
#define VD_CLI_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* Say so on stderr and exit with EXIT_FAILED. */
void out_of_memory(void) __attribute__((noreturn));

/* As their namesakes, but never NULL. */
void *xcalloc(size_t nr, size_t size);
void *xreallocarray(void *old, size_t nr, size_t size);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif /* VD_CLI_MEM_H */
