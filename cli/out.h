/* SPDX-License-Identifier: GPL-2.0-only */
/* What vdctl says: results on stdout, talk on stderr, errors in JSON with --json. */
#ifndef VD_CLI_OUT_H
#define VD_CLI_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/cmd.h"

struct vd_info;
struct vd_trip;
struct vd_tuning;

/**
 * fail() - report an error
 * @ctx: says in which form
 * @code: what vdctl will exit with
 * @format: one sentence, no final newline
 *
 * Return: @code.
 */
int fail(const struct ctx *ctx, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * fail_client() - report a failed request with the sentence that fits it
 * @ctx: says in which form
 * @what: what was tried: "cannot read the tuning"
 * @error: -errno of the request
 *
 * Return: the exit code that fits @error.
 */
int fail_client(const struct ctx *ctx, const char *what, int error);

/**
 * note() - a remark on stderr; nothing with --json
 * @ctx: says in which form
 * @format: one sentence, no final newline
 */
void note(const struct ctx *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum style {
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_HEAD,
	STYLE_END,
};

/**
 * style() - escape sequence for the terminal
 * @style: which
 *
 * Return: "" unless stdout is a terminal and NO_COLOR is not set.
 */
const char *style(enum style style);

/**
 * json_begin() - an object with its schema
 * @name: "status" for the schema "vdctl-status/1"
 *
 * Return: a new reference; never NULL, ends the program out of memory.
 */
json_t *json_begin(const char *name);

/* Put a value into an object; end the program when there is no memory for it. */
void json_put(json_t *object, const char *key, json_t *value);
void json_put_u64(json_t *object, const char *key, uint64_t value);
void json_put_bool(json_t *object, const char *key, bool value);
/* Any bytes, NUL-terminated: made harmless first. */
void json_put_text(json_t *object, const char *key, const char *text);

/* Every knob of @tuning, named as in the uAPI: "mode", "ipi_tracking", "window_ns". */
void json_put_tuning(json_t *object, const struct vd_tuning *tuning);

/* "tripped", an object or null, and "trips", how many there were. */
void json_put_trip(json_t *object, const struct vd_info *info);

/**
 * trip_age_ns() - how long ago the breaker has tripped
 * @trip: the trip
 */
uint64_t trip_age_ns(const struct vd_trip *trip);

/**
 * json_end() - print the object and drop it
 * @object: of json_begin()
 */
void json_end(json_t *object);

#endif /* VD_CLI_OUT_H */
