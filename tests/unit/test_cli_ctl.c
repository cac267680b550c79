// SPDX-License-Identifier: GPL-2.0-only
/* vdctl ab and explain, with the test as the daemon; and when colours are used. */
#include "fakemod.h"

#include "clirun.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "cli/out.h"
#include "cli/table.h"
#include "lib/ctl.h"

static struct world {
	char dir[32];
	char path[64];
} world;

static int setup(void **state)
{
	(void)state;
	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	fakemod_load();
	fakemod_add_vm(7, 4999000, "web");
	strcpy(world.dir, "/tmp/vdb-cctl-XXXXXX");
	assert_non_null(mkdtemp(world.dir));
	snprintf(world.path, sizeof(world.path), "%s/%s", world.dir, VD_CTL_NAME);
	fakenl.redirect = world.path;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(world.path);
	return rmdir(world.dir);
}

/* In the child: one request, which has to be @expected, and its answer; NULL hangs up. */
static void serve(int listener, const char *expected, const char *answer)
{
	char request[VD_CTL_REQUEST_MAX + 1];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);

	if (n <= 0)
		_exit(99);
	request[n] = '\0';
	if (strcmp(request, expected))
		_exit(98);
	if (answer && send(fd, answer, strlen(answer), 0) < 0)
		_exit(97);
	_exit(0);
}

/* What vdctl @verb @vm makes of @answer to the one right request. */
static const struct said *ask(const char *verb, const char *option, const char *answer)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), status;
	const struct said *said;
	char expected[64];
	pid_t pid;

	snprintf(expected, sizeof(expected), "{\"verb\":\"%s\",\"vm\":7}", verb);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", world.path);
	unlink(world.path);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, expected, answer);
	}
	close(listener);
	said = vdctl(verb, "web-4999000", option, NULL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return said;
}

#define HEAD "{\"vm\":7,\"name\":\"web\\u001b1\","

static void test_ab(void **state)
{
	static const char trial[] = HEAD
		"\"state\":\"trial\",\"state_seconds\":61,\"verdict\":\"none yet\",\"pairs\":2,"
		"\"max_pairs\":24,\"next_trial_seconds\":null,\"yields_ran\":90,"
		"\"yields_failed\":4,\"signals\":[{\"signal\":\"spins\",\"pairs\":2,"
		"\"effect_percent\":-10.04,\"low_percent\":null,\"high_percent\":7}]}";
	static const char rest[] = HEAD "\"state\":\"rest\",\"state_seconds\":5,\"verdict\":"
					"\"harm\",\"pairs\":24,"
					"\"max_pairs\":24,\"next_trial_seconds\":540,\"yields_"
					"ran\":0,"
					"\"yields_failed\":0,\"signals\":[]}";

	(void)state;
	assert_string_equal(answer_of(ask("ab", NULL, trial)),
			    "web_1: trial for 61 s, last verdict: none yet, 2 of at most 24 pairs\n"
			    "yields while active: 90 ran, 4 did not\n\n"
			    "SIGNAL  PAIRS   EFFECT  LOW    HIGH\n"
			    "spins       2  -10.0 %    -  +7.0 %\n");
	assert_string_equal(answer_of(ask("ab", NULL, rest)), "web_1: rest for 5 s, last verdict: "
							      "harm, 24 of at most 24 pairs\n"
							      "next trial in 540 s\n"
							      "yields while active: 0 ran, 0 did "
							      "not\n\n"
							      "SIGNAL  PAIRS  EFFECT  LOW  HIGH\n");
	assert_string_equal(answer_of(ask("ab", NULL, HEAD "\"state\":\"none\"}")),
			    "web_1: nothing is tried, its mode is not auto; `vdctl explain` says "
			    "why\n");
}

static void test_explain(void **state)
{
	static const char answer[] = HEAD "\"sentences\":[\"Mode is observe.\",\"So it is.\"]}";
	json_t *root;

	(void)state;
	assert_string_equal(answer_of(ask("explain", NULL, answer)), "Mode is observe.\nSo it "
								     "is.\n");
	root = json_of(answer_of(ask("explain", "--json", answer)), "vdctl-explain/1");
	assert_number(root, "vm", 7);
	assert_text(root, "sentences.1", "So it is.");
	json_decref(root);
	root = json_of(answer_of(ask("ab", "--json", HEAD "\"state\":\"none\"}")), "vdctl-ab/1");
	assert_text(root, "state", "none");
	json_decref(root);
}

static void test_bad_answers(void **state)
{
	static const char *const verbs[] = { "ab", "explain" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(verbs); i++) {
		assert_error(ask(verbs[i], NULL, "{\"error\":\"not\\nyet\"}"), EXIT_REFUSED,
			     "vdctl: not_yet\n");
		assert_error(ask(verbs[i], NULL, "{\"error\":7}"), EXIT_REFUSED, "vdctl: ");
		assert_error(ask(verbs[i], NULL, "[]"), EXIT_FAILED, "is not understood");
		assert_error(ask(verbs[i], NULL, "{\"vm\":"), EXIT_FAILED, "is not understood");
		assert_error(ask(verbs[i], NULL, NULL), EXIT_NOT_RUNNING,
			     "the daemon does not answer (Connection reset by peer)");
	}
	/* What is missing is no reason to fall over. */
	assert_string_equal(answer_of(ask("explain", NULL, "{\"sentences\":[7]}")), "\n");
	assert_has(answer_of(ask("ab", NULL, "{\"signals\":[7]}")), ", 0 of at most 0 pairs\n");
}

static void test_no_daemon(void **state)
{
	(void)state;
	assert_error(vdctl("explain", "7", NULL), EXIT_NOT_RUNNING,
		     "the daemon does not answer (No such file or directory); start it with");
	assert_error(vdctl("ab", "8", NULL), EXIT_NO_VM, "there is no VM \"8\"");
	fakemod_unload();
	assert_error(vdctl("ab", "7", NULL), EXIT_NO_MODULE, "cannot list the VMs: ");
}

/* A socket that is there, but not for us: root alone is let past its mode. */
static void test_not_permitted(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct said *said;

	(void)state;
	if (geteuid())
		skip();
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", world.path);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(seteuid(65534), 0);
	said = vdctl("explain", "7", NULL);
	assert_int_equal(seteuid(0), 0);
	close(listener);
	assert_error(said, EXIT_NOT_PERMITTED, "a member of the group vcpu-deboost");
}

/* What is printed on a terminal. */
static void on_terminal(char *text, size_t size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave, old = dup(STDOUT_FILENO);
	ssize_t n;

	assert_true(master >= 0 && old >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	fflush(stdout);
	dup2(slave, STDOUT_FILENO);
	printf("%sx%s", style(STYLE_BAD), style(STYLE_END));
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	n = read(master, text, size - 1);
	close(old);
	close(slave);
	close(master);
	assert_true(n > 0);
	text[n] = '\0';
}

static void test_colours(void **state)
{
	char text[64];

	(void)state;
	unsetenv("NO_COLOR");
	assert_string_equal(style(STYLE_HEAD), "");
	on_terminal(text, sizeof(text));
	assert_string_equal(text, "\033[31mx\033[0m");
	setenv("NO_COLOR", "", 1);
	on_terminal(text, sizeof(text));
	assert_string_equal(text, "\033[31mx\033[0m");
	setenv("NO_COLOR", "1", 1);
	on_terminal(text, sizeof(text));
	assert_string_equal(text, "x");
	unsetenv("NO_COLOR");
}

/* Many rows, and none; nothing is padded behind the last word of a row. */
static void test_table(void **state)
{
	static const struct column columns[] = { { "A", false }, { "B", true }, { "C", false } };
	struct table table = { .columns = columns, .nr_columns = 3 };
	char *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	table_print(&table, f);
	for (i = 0; i < 100; i++) {
		table_cell(&table, "%s", i ? "\303\244" : "long");
		table_cell(&table, "%zu", i);
		table_cell(&table, "%s", i == 98 ? "c" : "");
	}
	table_print(&table, f);
	table_cell(&table, "%s", "");
	table_cell(&table, "%s", "");
	table_cell(&table, "%s", "");
	table_print(&table, f);
	assert_int_equal(fclose(f), 0);
	assert_memory_equal(text, "A  B  C\nA      B  C\nlong   0\n\303\244      1\n", 39);
	assert_has(text, "\n\303\244     98  c\n\303\244     99\nA  B  C\n\n");
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_ab),
		TEST(test_explain),
		TEST(test_bad_answers),
		TEST(test_no_daemon),
		TEST(test_not_permitted),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("cli ctl", tests, NULL, NULL);
}
