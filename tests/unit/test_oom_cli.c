// SPDX-License-Identifier: GPL-2.0-only
/* vdctl without memory: each allocation fails in turn, and it ends with a sentence. */
#include "oom.h"

/* A word of cmocka, and a function of vdctl. */
#undef fail

int vdctl_main(int argc, char **argv);

#define main vdctl_main
#include "../../cli/main.c"
#undef main

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 6

/* In the child; @said gets what it says. */
static void become_vdctl(char **argv, int said)
{
	int argc = 0, code;

	while (argv[argc])
		argc++;
	/* cmocka's own handlers would make a crash look like an end. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
	/* What counts coverage needs memory when it ends. */
	atexit(oom_end);
	oom_begin();
	code = vdctl_main(argc, argv);
	oom_end();
	/* The parent wants to know. */
	exit(oom.failed ? 100 + code : code);
}

static void try_call(void *arg)
{
	char said[16384] = "";
	int out[2], status = 0;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	pid = fork();
	if (!pid)
		become_vdctl(arg, out[1]);
	close(out[1]);
	while (used < sizeof(said) - 1 &&
	       (n = read(out[0], said + used, sizeof(said) - 1 - used)) > 0)
		used += (size_t)n;
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		print_error("allocation %zu: signal %d: %s\n", oom.after, WTERMSIG(status), said);
	assert_true(WIFEXITED(status));
	/* exit() from out_of_memory(), or main() came back. */
	oom.failed = WEXITSTATUS(status) >= 100 || strstr(said, "out of memory");
	if (WEXITSTATUS(status) % 100 > EXIT_REFUSED)
		print_error("exit status %d: %s\n", WEXITSTATUS(status), said);
	assert_in_range(WEXITSTATUS(status) % 100, EXIT_OK, EXIT_REFUSED);
	/* Whoever fails says why. */
	assert_true(used || WEXITSTATUS(status) % 100 == EXIT_OK);
}

static void test_calls(void **state)
{
	/* Not constant: getopt() puts options first. */
	static const char *calls[][ARGS_MAX] = {
		{ "vdctl", "status" },
		{ "vdctl", "status", "--json" },
		{ "vdctl", "vms", "--json" },
		{ "vdctl", "hooks" },
		{ "vdctl", "get", "window", "--json" },
		{ "vdctl", "set", "window=20ms", "mode=active" },
		{ "vdctl", "reset", "--vm", "web" },
		{ "vdctl", "explain", "web" },
		{ "vdctl", "nonsense", "--json" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(calls); i++) {
		print_message("# vdctl %s\n", calls[i][1]);
		oom_each(try_call, (void *)calls[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
