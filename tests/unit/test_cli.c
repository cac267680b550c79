// SPDX-License-Identifier: GPL-2.0-only
/*
 * vdctl as people run it: the real program (from $VDCTL), real netlink sockets,
 * as root and as nobody. There is no module here; what needs one is in tests/lab.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/cmd.h"
#include "cli/vms.h"
#include "lib/knob.h"

#define NOBODY 65534

struct result {
	int code;
	char out[16384];
	char err[16384];
};

static bool as_nobody;

static void slurp(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size - 1 && (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	buf[used] = '\0';
	close(fd);
}

/* In the child. The program is opened before the switch: its path may be root's only. */
static void become_vdctl(char **argv, int out, int err)
{
	const char *path = getenv("VDCTL");
	int fd = open(path ? path : "build/vdctl", O_RDONLY);

	if (fd < 0)
		_exit(99);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (as_nobody && (setgid(NOBODY) || setuid(NOBODY)))
		_exit(98);
	fexecve(fd, argv, environ);
	_exit(97);
}

static struct result vdctl(const char *first, ...)
{
	char *argv[16] = { (char *)"vdctl", (char *)(uintptr_t)first };
	struct result result = { .code = -1 };
	int out[2], err[2], status, argc = 1;
	va_list args;
	pid_t pid;

	va_start(args, first);
	while (first && argc < 15 && argv[argc])
		argv[++argc] = va_arg(args, char *);
	va_end(args);

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		become_vdctl(argv, out[1], err[1]);
	close(out[1]);
	close(err[1]);
	slurp(out[0], result.out, sizeof(result.out));
	slurp(err[0], result.err, sizeof(result.err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		result.code = WEXITSTATUS(status);
	return result;
}

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

/* An error: nothing on stdout, one line on stderr. */
static void assert_fails(const struct result *r, int code, const char *says)
{
	if (r->code != code)
		fail_msg("exit %d instead of %d: %s%s", r->code, code, r->out, r->err);
	assert_string_equal(r->out, "");
	assert_memory_equal(r->err, "vdctl: ", 7);
	assert_contains(r->err, says);
	assert_ptr_equal(strchr(r->err, '\n'), r->err + strlen(r->err) - 1);
}

static json_t *parse_json(const struct result *r, const char *schema)
{
	json_error_t error;
	json_t *root = json_loads(r->out, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("%s in: %s", error.text, r->out);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), schema);
	return root;
}

static bool module_is_loaded(void)
{
	struct result r = vdctl("vms", NULL);

	return r.code != EXIT_NO_MODULE;
}

static void check_absent_module(void)
{
	static const char *const reading[] = { "vms", "get", "hooks" };
	struct result r;

	for (size_t i = 0; i < ARRAY_LEN(reading); i++) {
		r = vdctl(reading[i], NULL);
		assert_fails(&r, EXIT_NO_MODULE, "`modprobe vcpu_deboost`");
	}
	r = vdctl("set", "window=50ms", NULL);
	assert_fails(&r, EXIT_NO_MODULE, "the module vcpu_deboost is not loaded");
	r = vdctl("reset", "--vm", "web1", NULL);
	assert_fails(&r, EXIT_NO_MODULE, "the module vcpu_deboost is not loaded");
	r = vdctl("set", "mode=off", "--vm", "1", NULL);
	assert_fails(&r, EXIT_NO_MODULE, "the module vcpu_deboost is not loaded");

	r = vdctl("status", NULL);
	assert_int_equal(r.code, EXIT_NOT_RUNNING);
	assert_contains(r.out, "not running: the module vcpu_deboost is not loaded");
	assert_string_equal(r.err, "");
}

static void test_absent_module(void **state)
{
	(void)state;
	if (module_is_loaded())
		skip();
	check_absent_module();
}

static void test_absent_module_as_nobody(void **state)
{
	(void)state;
	if (geteuid() != 0 || module_is_loaded())
		skip();
	as_nobody = true;
	check_absent_module();
	as_nobody = false;
}

static void test_absent_module_in_json(void **state)
{
	struct result r;
	json_t *root, *error;

	(void)state;
	if (module_is_loaded())
		skip();
	r = vdctl("--json", "status", NULL);
	assert_int_equal(r.code, EXIT_NOT_RUNNING);
	root = parse_json(&r, "vdctl-status/1");
	assert_true(json_is_false(json_object_get(root, "loaded")));
	assert_true(json_is_false(json_object_get(root, "armed")));
	json_decref(root);

	r = vdctl("vms", "-j", NULL);
	assert_int_equal(r.code, EXIT_NO_MODULE);
	assert_string_equal(r.err, "");
	root = parse_json(&r, "vdctl-error/1");
	error = json_object_get(root, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "exit")), EXIT_NO_MODULE);
	assert_string_equal(json_string_value(json_object_get(error, "name")), "no_module");
	assert_contains(json_string_value(json_object_get(error, "message")), "modprobe");
	json_decref(root);
}

/* Refused before the module is asked for anything. */
static void test_bad_assignments(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{ "window=50", "window=50: window needs a unit (50ms?)" },
		{ "window=2h", "window=2h: not a duration" },
		{ "window=2s", "window=2s: out of range; allowed: 100us to 1s" },
		{ "mode=fast", "off, observe, active" },
		{ "wibble=1", "mode, ipi_tracking, window, order, relaxed_boost" },
		{ "window", "KEY=VALUE" },
	};
	struct result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		r = vdctl("set", rows[i].text, NULL);
		assert_fails(&r, EXIT_USAGE, rows[i].says);
		r = vdctl("set", "mode=off", rows[i].text, NULL);
		assert_fails(&r, EXIT_USAGE, rows[i].says);
	}
	r = vdctl("set", "window=50", "--json", NULL);
	assert_int_equal(r.code, EXIT_USAGE);
	json_decref(parse_json(&r, "vdctl-error/1"));
}

static void test_bad_usage(void **state)
{
	struct result r;

	(void)state;
	r = vdctl(NULL);
	assert_fails(&r, EXIT_USAGE, "vdctl --help");
	r = vdctl("frob", NULL);
	assert_fails(&r, EXIT_USAGE, "there is no verb \"frob\"");
	r = vdctl("--frob", "status", NULL);
	assert_fails(&r, EXIT_USAGE, "--frob");
	r = vdctl("set", NULL);
	assert_fails(&r, EXIT_USAGE, "KEY=VALUE");
	r = vdctl("status", "now", NULL);
	assert_fails(&r, EXIT_USAGE, "too many arguments");
	r = vdctl("vms", "--vm", "web1", NULL);
	assert_fails(&r, EXIT_USAGE, "takes no --vm");
	r = vdctl("get", "--vm", NULL);
	assert_fails(&r, EXIT_USAGE, "--vm needs");
	r = vdctl("reset", NULL);
	assert_fails(&r, EXIT_USAGE, "vdctl reset --vm VM");
	r = vdctl("get", "wibble", NULL);
	assert_fails(&r, EXIT_USAGE, "there is no knob \"wibble\"");
	r = vdctl("\033[2J\n", NULL);
	assert_fails(&r, EXIT_USAGE, "\"_[2J_\"");
}

static void test_help(void **state)
{
	struct result r = vdctl("--help", NULL), same = vdctl("help", NULL);

	(void)state;
	assert_int_equal(r.code, EXIT_OK);
	assert_string_equal(r.out, same.out);
	for (size_t i = 0; cmds[i]; i++) {
		assert_contains(r.out, cmds[i]->name);
		assert_contains(r.out, cmds[i]->summary);
		same = vdctl("help", cmds[i]->name, NULL);
		assert_int_equal(same.code, EXIT_OK);
		assert_contains(same.out, "Examples:");
	}
	for (size_t i = 0; i < nr_knobs; i++)
		assert_contains(r.out, knobs[i].name);
	r = vdctl("set", "--help", NULL);
	assert_contains(r.out, "100us to 1s");
	r = vdctl("help", "frob", NULL);
	assert_fails(&r, EXIT_USAGE, "frob");

	r = vdctl("--version", NULL);
	assert_int_equal(r.code, EXIT_OK);
	assert_string_equal(r.out, "vdctl " VD_VERSION "\n");
}

/* Output that cannot be written is a failure, not silence. */
static void test_full_disk(void **state)
{
	int full = open("/dev/full", O_WRONLY), err[2], status;
	char *argv[] = { (char *)"vdctl", (char *)"--help", NULL }, text[256];
	pid_t pid;

	(void)state;
	assert_true(full >= 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		become_vdctl(argv, full, err[1]);
	close(full);
	close(err[1]);
	slurp(err[0], text, sizeof(text));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILED);
	assert_contains(text, "cannot write the output");
}

static char *read_manual(void)
{
	static char manual[65536];
	FILE *file = fopen("man/vdctl.1", "r");

	if (!file)
		fail_msg("cannot open man/vdctl.1 (run from the top of the tree)");
	manual[fread(manual, 1, sizeof(manual) - 1, file)] = '\0';
	fclose(file);
	return manual;
}

/* The manual knows every verb, every knob and every exit code. */
static void test_manual_is_complete(void **state)
{
	const char *manual = read_manual();
	char part[64];

	(void)state;
	for (size_t i = 0; cmds[i]; i++) {
		snprintf(part, sizeof(part), ".B %s", cmds[i]->name);
		assert_contains(manual, part);
	}
	for (size_t i = 0; i < nr_knobs; i++) {
		snprintf(part, sizeof(part), ".BI %s=", knobs[i].name);
		assert_contains(manual, part);
		assert_contains(manual, knobs[i].example);
	}
	for (int code = EXIT_OK; code <= EXIT_REFUSED; code++) {
		snprintf(part, sizeof(part), "\n.B %d\n", code);
		assert_contains(manual, part);
	}
}

static void test_match(void **state)
{
	struct vm_row row = { .vm = { .id = 7, .tgid = 4242 }, .name = "web1" };
	static const char *const yes[] = { "web1", "7", "4242", "id:7", "pid:4242", "name:web1" };
	static const char *const no[] = { "web", "WEB1",  "8", "07x", "id:4242", "pid:7",
					  "id:", "name:", "",  "-7",  "id:web1", "name:7" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(vm_match(&row, yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(vm_match(&row, no[i]));

	/* A VM that is called like another one's id. */
	strcpy(row.name, "8");
	assert_true(vm_match(&row, "8"));
	assert_false(vm_match(&row, "id:8"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent_module),
		cmocka_unit_test(test_absent_module_as_nobody),
		cmocka_unit_test(test_absent_module_in_json),
		cmocka_unit_test(test_bad_assignments),
		cmocka_unit_test(test_bad_usage),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_manual_is_complete),
		cmocka_unit_test(test_match),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
