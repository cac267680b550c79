/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vdctl within the test's own process, so that it meets the stand-ins of fakemod.h. Include
 * it in one file of a program. test_cli.c has the real program.
 */
#ifndef VD_TESTS_CLIRUN_H
#define VD_TESTS_CLIRUN_H

#include "test.h"

/* A word of cmocka, and a function of vdctl. */
#undef fail

int vdctl_main(int argc, char **argv);

#define main vdctl_main
#include "../../cli/main.c"
#undef main
#define fail() _fail(__FILE__, __LINE__)

#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

struct said {
	int code;
	char out[65536];
	char err[4096];
};

/* What goes to @fd from now on; it comes back with restore(). */
static int divert(int fd, int *ret_old)
{
	int into = memfd_create("said", MFD_CLOEXEC);

	assert_true(into >= 0);
	*ret_old = dup(fd);
	assert_true(*ret_old >= 0);
	assert_true(dup2(into, fd) >= 0);
	return into;
}

static void restore(int fd, int old, int from, char *text, size_t size)
{
	ssize_t n = pread(from, text, size - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_true(dup2(old, fd) >= 0);
	close(old);
	close(from);
}

static const struct said *vdctl(const char *first, ...)
{
	char *argv[16] = { (char *)"vdctl", (char *)(uintptr_t)first };
	int out, err, old_out, old_err, argc = 1;
	static struct said said;
	va_list args;

	va_start(args, first);
	while (argc < 15 && argv[argc])
		argv[++argc] = va_arg(args, char *);
	va_end(args);
	fflush(NULL);
	out = divert(STDOUT_FILENO, &old_out);
	err = divert(STDERR_FILENO, &old_err);
	/* getopt() begins from anew. */
	optind = 0;
	said.code = vdctl_main(argc, argv);
	fflush(NULL);
	restore(STDOUT_FILENO, old_out, out, said.out, sizeof(said.out));
	restore(STDERR_FILENO, old_err, err, said.err, sizeof(said.err));
	return &said;
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* It went well, and said nothing beside its answer. */
static inline const char *answer_of(const struct said *said)
{
	if (said->code != EXIT_OK || said->err[0])
		fail_msg("exit %d: %s%s", said->code, said->out, said->err);
	return said->out;
}

/* An error: nothing on stdout, one line on stderr. */
static inline void assert_error(const struct said *said, int code, const char *part)
{
	if (said->code != code)
		fail_msg("exit %d instead of %d: %s%s", said->code, code, said->out, said->err);
	assert_string_equal(said->out, "");
	assert_memory_equal(said->err, "vdctl: ", 7);
	assert_has(said->err, part);
	assert_ptr_equal(strchr(said->err, '\n'), said->err + strlen(said->err) - 1);
}

/* An answer in JSON, which is of @schema. */
static inline json_t *json_of(const char *text, const char *schema)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s in: %s", error.text, text);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), schema);
	return root;
}

/* What is at @path, "vms.0.name"; there are at most ten in a list. */
static inline const json_t *at(const json_t *value, const char *path)
{
	char part[64];
	size_t n;

	for (; *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		value = json_is_array(value) ? json_array_get(value, (size_t)(part[0] - '0'))
					     : json_object_get(value, part);
		if (!value)
			fail_msg("there is no %s", path);
	}
	return value;
}

static inline void assert_number(const json_t *root, const char *path, json_int_t number)
{
	assert_true(json_is_integer(at(root, path)));
	assert_int_equal(json_integer_value(at(root, path)), number);
}

static inline void assert_text(const json_t *root, const char *path, const char *text)
{
	assert_true(json_is_string(at(root, path)));
	assert_string_equal(json_string_value(at(root, path)), text);
}

#endif /* VD_TESTS_CLIRUN_H */
