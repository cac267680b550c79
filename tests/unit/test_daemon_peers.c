// SPDX-License-Identifier: GPL-2.0-only
/* Who may ask the control socket: root, the daemon's user and its group, and nobody else. */
#include "test.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/ctl.h"
#include "daemon/manager.h"
#include "lib/ctl.h"

#define NOBODY 65534

/* More groups than fit into what is asked for first. */
#define MANY 100

struct world {
	char dir[32];
	struct sockaddr_un addr;
	struct manager *m;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/vdb-peer-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	w->m = calloc(1, sizeof(*w->m));
	w->m->options.runtime_dir = w->dir;
	assert_int_equal(sd_event_new(&w->m->loop), 0);
	assert_int_equal(ctl_open(w->m), 0);
	w->addr.sun_family = AF_UNIX;
	snprintf(w->addr.sun_path, sizeof(w->addr.sun_path), "%s/%s", w->dir, VD_CTL_NAME);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	int r;

	ctl_close(w->m);
	sd_event_unref(w->m->loop);
	r = rmdir(w->dir);
	free(w->m);
	free(w);
	return r;
}

/* In the child, as nobody in @nr groups: 0 answered, 1 cut off, 2 not let in. */
static int ask(const struct sockaddr_un *addr, gid_t group, const gid_t *groups, size_t nr)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char answer[256];
	ssize_t n;

	if (setgroups(nr, groups) < 0 || setgid(group) < 0 || setuid(NOBODY) < 0)
		return 99;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return errno == EACCES ? 2 : 98;
	if (send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return 97;
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0)
		return 1;
	answer[n] = '\0';
	return strcmp(answer, "{\"error\":\"the request is not JSON\"}") ? 96 : 0;
}

/* The daemon's loop runs until the child has ended. */
static int outcome(struct world *w, gid_t group, const gid_t *groups, size_t nr)
{
	int status, i;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(ask(&w->addr, group, groups, nr));
	for (i = 0; i < 20000; i++) {
		assert_true(sd_event_run(w->m->loop, 1000) >= 0);
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	fail_msg("no answer, and no end");
	return -1;
}

static void test_groups(void **state)
{
	struct world *w = *state;
	gid_t many[MANY], ours = getegid();
	size_t i;

	if (geteuid())
		skip();
	for (i = 0; i < MANY; i++)
		many[i] = (gid_t)(70000 + i);
	/* By the mode of the socket. */
	assert_int_equal(outcome(w, NOBODY, many, 2), 2);
	assert_int_equal(outcome(w, ours, NULL, 0), 0);
	assert_int_equal(outcome(w, NOBODY, &ours, 1), 0);
	/* And when somebody has opened it to everybody. */
	assert_int_equal(chmod(w->addr.sun_path, 0666), 0);
	assert_int_equal(outcome(w, NOBODY, NULL, 0), 1);
	assert_int_equal(outcome(w, NOBODY, many, 2), 1);
	assert_int_equal(outcome(w, NOBODY, many, MANY), 1);
	many[MANY / 2] = ours;
	assert_int_equal(outcome(w, NOBODY, many, MANY), 0);
	assert_int_equal(outcome(w, NOBODY, &ours, 1), 0);
	assert_int_equal(outcome(w, ours, NULL, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
	};

	return cmocka_run_group_tests_name("daemon peers", tests, NULL, NULL);
}
