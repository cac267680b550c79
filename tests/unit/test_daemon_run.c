// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole daemon as a process, against a real notify socket, on a machine
 * without the module. This program runs itself with "--daemon" for that, so
 * that what is tested is built the way the test is, sanitizers included.
 */
int daemon_main(int argc, char **argv);

#define main daemon_main
#include "../../daemon/main.c"
#undef main

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/status.h"
#include "tree.h"

/* Generous: a machine under load must not fail. */
#define PATIENCE_MS 20000

struct world {
	char dir[64];
	char conf[96];
	char prom[96];
	char notify[96];
	char log[96];
	int socket;
	bool no_netlink;
	pid_t pid;
	char last[4096];
};

static bool module_is_loaded(void)
{
	return !access("/sys/module/vcpu_deboost", F_OK);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(w->dir, "/tmp/vdb-run-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->conf, sizeof(w->conf), "%s/d.conf", w->dir);
	snprintf(w->prom, sizeof(w->prom), "%s/x.prom", w->dir);
	snprintf(w->log, sizeof(w->log), "%s/log", w->dir);
	snprintf(w->notify, sizeof(w->notify), "%s/notify", w->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->notify);
	w->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(w->socket >= 0);
	assert_int_equal(bind(w->socket, (struct sockaddr *)&addr, sizeof(addr)), 0);
	put_file(w->conf, "[daemon]\ninterval = 100ms\n[metrics]\ntextfile_interval = 1s\n");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	close(w->socket);
	remove_tree(w->dir);
	free(w);
	return 0;
}

/* As RestrictAddressFamilies= of a unit does it. */
static void forbid_netlink(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(97);
}

/* Run the daemon with up to four arguments after --config; its log is w->log. */
static pid_t spawn(const struct world *w, const char *watchdog_us, const char *a, const char *b)
{
	const char *argv[] = { "vcpu-deboostd", "--daemon", "--config", w->conf, a, b, NULL };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("RUNTIME_DIRECTORY", w->dir, 1);
	setenv("NOTIFY_SOCKET", w->notify, 1);
	if (watchdog_us)
		setenv("WATCHDOG_USEC", watchdog_us, 1);
	if (!freopen(w->log, "a", stderr) || !freopen("/dev/null", "w", stdout))
		_exit(99);
	if (w->no_netlink)
		forbid_netlink();
	execv("/proc/self/exe", (char *const *)argv);
	_exit(98);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Wait for a notification with @what in it, and pass over the others. */
static void expect(struct world *w, const char *what)
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (now_ms() < until) {
		struct pollfd p = { .fd = w->socket, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 100) <= 0)
			continue;
		n = recv(w->socket, w->last, sizeof(w->last) - 1, 0);
		assert_true(n > 0);
		w->last[n] = '\0';
		if (strstr(w->last, what))
			return;
	}
	fail_msg("no \"%s\" from the daemon, which says:\n%s", what, slurp(w->log));
}

static int wait_exit(pid_t pid)
{
	int64_t until = now_ms() + PATIENCE_MS;
	int status;

	while (now_ms() < until) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
		usleep(20000);
	}
	fail_msg("process %d does not end", (int)pid);
	return -1;
}

static void wait_file(const char *path)
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (access(path, F_OK) && now_ms() < until)
		usleep(20000);
	assert_int_equal(access(path, F_OK), 0);
}

static void start(struct world *w, const char *watchdog_us)
{
	if (module_is_loaded() || !has_capabilities(CAPS_NEEDED))
		skip();
	w->pid = spawn(w, watchdog_us, "--textfile", w->prom);
}

static void test_life(void **state)
{
	struct world *w = *state;
	const char *log;

	start(w, "500000");
	expect(w, "STATUS=idle: module vcpu_deboost not loaded");
	expect(w, "READY=1");
	expect(w, "WATCHDOG=1");
	expect(w, "WATCHDOG=1");
	wait_file(w->prom);
	assert_non_null(strstr(slurp(w->prom), "\nvcpu_deboost_module_up 0\n"));

	kill(w->pid, SIGTERM);
	expect(w, "STOPPING=1");
	assert_int_equal(wait_exit(w->pid), 0);
	w->pid = 0;
	assert_int_equal(access(w->prom, F_OK), -1);
	log = slurp(w->log);
	assert_non_null(strstr(log, "module vcpu_deboost is not loaded; waiting for it"));
	assert_non_null(strstr(log, "stopped"));
}

static void test_no_watchdog(void **state)
{
	struct world *w = *state;
	struct pollfd p = { .events = POLLIN };

	start(w, NULL);
	expect(w, "READY=1");
	p.fd = w->socket;
	/* Nothing to say: the same status is not said again. */
	assert_int_equal(poll(&p, 1, 700), 0);
}

/* It says what is missing, is not taken for one that hangs, and ends well. */
static void test_no_netlink(void **state)
{
	struct world *w = *state;
	const char *log, *first;

	w->no_netlink = true;
	start(w, "500000");
	expect(w, "STATUS=idle: this host or our sandbox has no netlink: ");
	expect(w, "READY=1");
	expect(w, "WATCHDOG=1");
	expect(w, "WATCHDOG=1");
	wait_file(w->prom);
	assert_non_null(strstr(slurp(w->prom), "\nvcpu_deboost_module_up 0\n"));
	kill(w->pid, SIGHUP);
	expect(w, "READY=1");
	kill(w->pid, SIGTERM);
	assert_int_equal(wait_exit(w->pid), 0);
	w->pid = 0;
	log = slurp(w->log);
	first = strstr(log, "has no netlink");
	assert_non_null(first);
	assert_null(strstr(first + 1, "has no netlink"));
}

static void test_reload(void **state)
{
	struct world *w = *state;
	char other[96];

	if (module_is_loaded() || !has_capabilities(CAPS_NEEDED))
		skip();
	snprintf(other, sizeof(other), "[metrics]\ntextfile = %s/y.prom\n", w->dir);
	put_file(w->conf, other);
	w->pid = spawn(w, NULL, NULL, NULL);
	expect(w, "READY=1");
	snprintf(other, sizeof(other), "%s/y.prom", w->dir);
	wait_file(other);

	/* A good one takes effect: the file moves. */
	snprintf(w->last, sizeof(w->last), "[metrics]\ntextfile = %s\n", w->prom);
	put_file(w->conf, w->last);
	kill(w->pid, SIGHUP);
	expect(w, "RELOADING=1");
	assert_non_null(strstr(w->last, "\nMONOTONIC_USEC="));
	expect(w, "READY=1");
	wait_file(w->prom);
	assert_int_equal(access(other, F_OK), -1);

	/* A bad one changes nothing and is said. */
	put_file(w->conf, "[metrics]\ntextfile = off\n[global]\nwindow = 50\n");
	kill(w->pid, SIGHUP);
	expect(w, "RELOADING=1");
	expect(w, "reload refused");
	expect(w, "READY=1");
	assert_int_equal(access(w->prom, F_OK), 0);
	assert_non_null(strstr(slurp(w->log), "d.conf:4: "));

	/* And a good one ends that. */
	put_file(w->conf, "[metrics]\ntextfile = off\n");
	kill(w->pid, SIGHUP);
	expect(w, "STATUS=");
	assert_null(strstr(w->last, "reload refused"));
	expect(w, "READY=1");
	assert_int_equal(access(w->prom, F_OK), -1);
	kill(w->pid, SIGINT);
	assert_int_equal(wait_exit(w->pid), 0);
	w->pid = 0;
}

static void test_second(void **state)
{
	struct world *w = *state;
	char says[128], path[128];
	struct stat st;
	pid_t second;

	start(w, NULL);
	expect(w, "READY=1");
	/* Who can open it, if only to read, can lock it. */
	snprintf(path, sizeof(path), "%s/lock", w->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	second = spawn(w, NULL, NULL, NULL);
	assert_int_equal(wait_exit(second), 4);
	snprintf(says, sizeof(says), "another vcpu-deboostd is running (process %d)", (int)w->pid);
	assert_non_null(strstr(slurp(w->log), says));

	/* The lock ends with its owner, however that ends. */
	kill(w->pid, SIGKILL);
	assert_int_equal(wait_exit(w->pid), 256 + SIGKILL);
	w->pid = spawn(w, NULL, "--textfile", w->prom);
	expect(w, "READY=1");
}

static void test_textfile_fails(void **state)
{
	struct world *w = *state;
	char dir[96], file[128];
	const char *log, *first;

	if (module_is_loaded() || !has_capabilities(CAPS_NEEDED))
		skip();
	snprintf(dir, sizeof(dir), "%s/later", w->dir);
	snprintf(file, sizeof(file), "%s/x.prom", dir);
	w->pid = spawn(w, NULL, "--textfile", file);
	expect(w, "READY=1");
	sleep(3);
	log = slurp(w->log);
	first = strstr(log, "cannot be written");
	assert_non_null(first);
	assert_null(strstr(first + 1, "cannot be written"));

	assert_int_equal(mkdir(dir, 0755), 0);
	wait_file(file);
	kill(w->pid, SIGTERM);
	assert_int_equal(wait_exit(w->pid), 0);
	w->pid = 0;
	assert_non_null(strstr(slurp(w->log), "is written again"));
}

static void test_refusals(void **state)
{
	struct world *w = *state;

	put_file(w->conf, "[global]\nwindow = 50\n");
	assert_int_equal(wait_exit(spawn(w, NULL, NULL, NULL)), 2);
	assert_non_null(strstr(slurp(w->log), "d.conf:2: "));
	assert_int_equal(wait_exit(spawn(w, NULL, "--check-config", NULL)), 2);
	put_file(w->conf, "[global]\nwindow = 50ms\n");
	assert_int_equal(wait_exit(spawn(w, NULL, "--check-config", NULL)), 0);
	assert_int_equal(wait_exit(spawn(w, NULL, "--textfile", "x.prom")), 2);
	assert_int_equal(wait_exit(spawn(w, NULL, "--frobnicate", NULL)), 2);
	assert_int_equal(wait_exit(spawn(w, NULL, "stray", NULL)), 2);
	assert_int_equal(wait_exit(spawn(w, NULL, "--version", NULL)), 0);
	assert_int_equal(wait_exit(spawn(w, NULL, "--help", NULL)), 0);
}

/* Somebody without rights gets a sentence, not a stack of errors. */
static void test_not_permitted(void **state)
{
	struct world *w = *state;
	pid_t pid;

	put_file(w->log, "");
	assert_int_equal(chmod(w->dir, 0755), 0);
	assert_int_equal(chmod(w->log, 0666), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(97);
		_exit(wait_exit(spawn(w, NULL, NULL, NULL)));
	}
	assert_int_equal(wait_exit(pid), 5);
	assert_non_null(strstr(slurp(w->log), "run it as root"));
}

static void test_status(void **state)
{
	struct kclient k = { .present = true, .info.armed = 1 };
	struct rates rates = { .ipis = 12000, .boosts = 340, .would_boost = 7 };
	char buf[256];

	(void)state;
	k.tuning.mode = VCPU_DEBOOST_MODE_ACTIVE;
	status_render(buf, sizeof(buf), &k, &rates, 3, false);
	assert_string_equal(buf, "active, 12000 IPIs/s, 340 boosts/s, 3 VMs");
	k.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	status_render(buf, sizeof(buf), &k, &rates, 1, true);
	assert_string_equal(buf, "observe, 12000 IPIs/s, 7 would boost/s, 1 VM; reload refused, "
				 "see the log");
	k.info.armed = 0;
	strcpy(k.info.reason, "kvm is not loaded");
	status_render(buf, sizeof(buf), &k, &rates, 0, false);
	assert_string_equal(buf, "idle: the module has no hooks in place: kvm is not loaded, 0 "
				 "VMs");
	k.tuning.mode = VCPU_DEBOOST_MODE_OFF;
	status_render(buf, sizeof(buf), &k, &rates, 0, false);
	assert_string_equal(buf, "off, 0 VMs");
	k.info.trip.kind = VCPU_DEBOOST_TRIP_HOOK_TIME;
	strcpy(k.info.trip.reason, "hook time: much");
	status_render(buf, sizeof(buf), &k, &rates, 0, false);
	assert_string_equal(buf, "tripped: hook time: much; resting until \"vdctl trip clear\", 0 "
				 "VMs");
	k.info.trip.kind = VCPU_DEBOOST_TRIP_NONE;
	strcpy(k.problem, "refused");
	status_render(buf, sizeof(buf), &k, &rates, 0, false);
	assert_string_equal(buf, "idle: refused, 0 VMs");
	status_render(buf, 6, &k, &rates, 0, false);
	assert_string_equal(buf, "idle:");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_watchdog, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_netlink, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second, setup, teardown),
		cmocka_unit_test_setup_teardown(test_textfile_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_permitted, setup, teardown),
		cmocka_unit_test(test_status),
	};

	if (argc > 1 && !strcmp(argv[1], "--daemon")) {
		argv[1] = argv[0];
		return daemon_main(argc - 1, argv + 1);
	}
	return cmocka_run_group_tests_name("daemon run", tests, NULL, NULL);
}
