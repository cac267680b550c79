// SPDX-License-Identifier: GPL-2.0-only
#include "cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/mem.h"
#include "lib/knob.h"
#include "lib/units.h"
#include "lib/vmname.h"

static const char *code_name(enum exit_code code)
{
	switch (code) {
	case EXIT_OK:
		return "ok";
	case EXIT_FAILED:
		return "failed";
	case EXIT_USAGE:
		return "usage";
	case EXIT_NOT_RUNNING:
		return "not_running";
	case EXIT_NO_VM:
		return "no_vm";
	case EXIT_NOT_PERMITTED:
		return "not_permitted";
	case EXIT_NO_MODULE:
		return "no_module";
	case EXIT_REFUSED:
		return "refused";
	}
	return "failed";
}

int fail(const struct ctx *ctx, enum exit_code code, const char *format, ...)
{
	json_t *root, *error;
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);

	if (ctx->json) {
		root = json_begin("error");
		error = json_object();
		json_put_u64(error, "exit", code);
		json_put_text(error, "name", code_name(code));
		json_put_text(error, "message", text);
		json_put(root, "error", error);
		json_end(root);
	} else {
		fprintf(stderr, "vdctl: %s\n", text);
	}
	free(text);
	return code;
}

static enum exit_code code_of(const struct ctx *ctx, int error)
{
	switch (error) {
	case -ENOPKG:
	case -EOPNOTSUPP:
		return EXIT_NO_MODULE;
	case -EPERM:
	case -EACCES:
		return EXIT_NOT_PERMITTED;
	case -ENOENT:
		/* Without a VM in the request, the module missed something else. */
		return ctx->vm ? EXIT_NO_VM : EXIT_REFUSED;
	case -EINVAL:
	case -ERANGE:
	case -EBUSY:
	case -ENOSPC:
	case -EEXIST:
		return EXIT_REFUSED;
	default:
		return EXIT_FAILED;
	}
}

int fail_client(const struct ctx *ctx, const char *what, int error)
{
	return fail(ctx, code_of(ctx, error), "%s: %s", what, vdnl_strerror(ctx->client, error));
}

void note(const struct ctx *ctx, const char *format, ...)
{
	va_list args;

	if (ctx->json)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

const char *style(enum style style)
{
	static const char *const sequences[] = {
		[STYLE_GOOD] = "\033[32m",
		[STYLE_BAD] = "\033[31m",
		[STYLE_HEAD] = "\033[1m",
		[STYLE_END] = "\033[0m",
	};
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && no_color[0]) || !isatty(STDOUT_FILENO))
		return "";
	return sequences[style];
}

json_t *json_begin(const char *name)
{
	json_t *root = json_object();
	char *schema = xasprintf("vdctl-%s/1", name);

	if (!root)
		out_of_memory();
	json_put_text(root, "schema", schema);
	free(schema);
	return root;
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		out_of_memory();
}

void json_put_u64(json_t *object, const char *key, uint64_t value)
{
	/* JSON libraries stop at 63 bits; no counter gets there. */
	json_put(object, key, json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
	json_put(object, key, json_boolean(value));
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = json_string(text);
	size_t size = strlen(text) + 1;
	char *clean;

	/* Not UTF-8: nothing of ours, so it may be mended. */
	if (!value) {
		clean = xcalloc(1, size);
		value = json_string(vmname_sanitize(text, size - 1, clean, size));
		free(clean);
	}
	json_put(object, key, value);
}

void json_put_tuning(json_t *object, const struct vd_tuning *tuning)
{
	for (size_t i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];
		char text[KNOB_VALUE_SIZE], *key;

		switch (knob->type) {
		case KNOB_ENUM:
			knob_format(knob, tuning, text, sizeof(text));
			json_put_text(object, knob->name, text);
			break;
		case KNOB_BOOL:
			json_put_bool(object, knob->name, knob_get(knob, tuning));
			break;
		case KNOB_NUMBER:
			json_put_u64(object, knob->name, knob_get(knob, tuning));
			break;
		case KNOB_DURATION:
			key = xasprintf("%s_ns", knob->name);
			json_put_u64(object, key, knob_get(knob, tuning));
			free(key);
			break;
		}
	}
}

uint64_t trip_age_ns(const struct vd_trip *trip)
{
	struct timespec ts;
	uint64_t now_ns;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	now_ns = (uint64_t)ts.tv_sec * UNIT_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
	return now_ns > trip->boottime_ns ? now_ns - trip->boottime_ns : 0;
}

void json_put_trip(json_t *object, const struct vd_info *info)
{
	const struct vd_trip *trip = &info->trip;
	json_t *row = trip->kind ? json_object() : json_null();

	if (trip->kind) {
		json_put_text(row, "kind", vd_trip_name(trip->kind));
		json_put_text(row, "reason", trip->reason);
		json_put_u64(row, "value", trip->value);
		json_put_u64(row, "budget", trip->budget);
		json_put_u64(row, "age_ns", trip_age_ns(trip));
	}
	json_put(object, "tripped", row);
	json_put_u64(object, "trips", info->trips);
}

void json_end(json_t *object)
{
	if (json_dumpf(object, stdout, JSON_INDENT(2)) < 0 && !ferror(stdout))
		out_of_memory();
	putchar('\n');
	json_decref(object);
}
