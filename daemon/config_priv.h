/* SPDX-License-Identifier: GPL-2.0-only */
/* What config.c, which reads files, and config_keys.c, which knows keys, share. */
#ifndef CONFIG_PRIV_H
#define CONFIG_PRIV_H

#include <stdbool.h>
#include <stdio.h>

#include "daemon/config.h"

#define CONFIG_MAX_KEYS 64

/* The longest line that inih takes, less its line end. */
#define CONFIG_LINE_MAX 190

/**
 * struct parse - where a parser stands
 * @file: being read
 * @path: its name
 * @config: being filled
 * @section: of the line that is read, whole; inih would cut it
 * @first_rule: rules before it come from other files
 * @seen_line: where this file gives each key of config_key_at(), 0: nowhere
 * @line: number of the line, from 1
 * @error_line: of the first error, which is the one to fix; 0 for none
 * @error: gets its sentence
 * @error_size: bytes at @error
 */
struct parse {
	FILE *file;
	const char *path;
	struct config *config;
	char section[CONFIG_LINE_MAX + 1];
	size_t first_rule;
	int seen_line[CONFIG_MAX_KEYS];
	int line;
	int error_line;
	char *error;
	size_t error_size;
};

/* Keep the first error. Returns 0, which tells inih that the line is bad. */
__attribute__((format(printf, 2, 3))) int config_refuse(struct parse *p, const char *fmt, ...);

/* Take in one key of p->section. Returns 1, or 0 after config_refuse(). */
int config_handle(struct parse *p, const char *key, const char *value);

#endif /* CONFIG_PRIV_H */
