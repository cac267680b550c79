// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's loop beside a module, in the test's own process: a timer of the test plays
 * the kernel, the service manager and the administrator, one step after the other.
 */
#include "fakemod.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon/manager.h"
#include "logged.h"
#include "tree.h"

/* Generous: a machine under load must not fail. */
#define PATIENCE_TICKS 10000
#define TICK_USEC      2000

/* More than any process has. */
#define NO_PID 4999000

struct world;

/**
 * struct step - wait for something, then do something
 * @until: a part of the log, or of what the service manager is told, since the last step
 * @act: NULL for SIGTERM
 */
struct step {
	const char *until;
	void (*act)(struct world *w);
};

struct world {
	char dir[32];
	char conf[64];
	char prom[64];
	char notify[64];
	int socket;
	struct options options;
	struct config config;
	struct manager *m;
	const struct step *step;
	char seen[65536];
	char all[65536];
	int ticks;
	int silent;
	bool timed_out;
	pid_t child;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char error[CONFIG_ERROR_SIZE];

	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	fakenl.uevents = true;
	strcpy(w->dir, "/tmp/vdb-man-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->conf, sizeof(w->conf), "%s/d.conf", w->dir);
	snprintf(w->prom, sizeof(w->prom), "%s/x.prom", w->dir);
	snprintf(w->notify, sizeof(w->notify), "%s/notify", w->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->notify);
	w->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->socket, (struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", w->notify, 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
	put_file(w->conf, "[daemon]\ninterval = 100ms\n[global]\nmode = active\n"
			  "[metrics]\ntextfile_interval = 1s\n");
	assert_int_equal(config_load(w->conf, &w->config, error, sizeof(error)), 0);
	w->options = (struct options){ .config_path = w->conf, .runtime_dir = w->dir };
	w->options.textfile = w->prom;
	logged_begin();
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	size_t i;

	logged_end();
	unsetenv("WATCHDOG_USEC");
	unsetenv("NOTIFY_SOCKET");
	if (w->child > 0) {
		kill(w->child, SIGKILL);
		waitpid(w->child, NULL, 0);
	}
	close(w->socket);
	remove_tree(w->dir);
	free(w);
	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd)
			return -1;
	return 0;
}

static void add(char *to, size_t size, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, size - n, "%s", text);
}

static void listen_to(struct world *w)
{
	char text[4096];
	const char *log;
	ssize_t n;

	while ((n = recv(w->socket, text, sizeof(text) - 2, MSG_DONTWAIT)) > 0) {
		memcpy(text + n, "\n", 2);
		add(w->seen, sizeof(w->seen), text);
		add(w->all, sizeof(w->all), text);
	}
	log = logged();
	add(w->seen, sizeof(w->seen), log);
	add(w->all, sizeof(w->all), log);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct world *w = user;

	listen_to(w);
	if (w->silent) {
		assert_null(strstr(w->seen, "WATCHDOG=1"));
		if (!--w->silent)
			add(w->seen, sizeof(w->seen), "now");
	} else if (strstr(w->seen, w->step->until)) {
		w->seen[0] = '\0';
		w->ticks = 0;
		if (w->step->act)
			w->step->act(w);
		else
			kill(getpid(), SIGTERM);
		w->step += w->step->act != NULL;
	} else if (++w->ticks > PATIENCE_TICKS) {
		w->timed_out = true;
		return sd_event_exit(w->m->loop, 0);
	}
	assert_true(sd_event_source_set_time(source, usec + TICK_USEC) >= 0);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* The daemon from its start to its end; what manager_run() gave. */
static int run(struct world *w, const struct step *steps)
{
	sd_event_source *tick = NULL;
	uint64_t now;
	int r;

	w->step = steps;
	assert_int_equal(manager_new(&w->options, &w->config, &w->m), 0);
	assert_true(sd_event_now(w->m->loop, CLOCK_MONOTONIC, &now) >= 0);
	assert_true(sd_event_add_time(w->m->loop, &tick, CLOCK_MONOTONIC, now, 1, on_tick, w) >= 0);
	r = manager_run(w->m);
	listen_to(w);
	sd_event_source_unref(tick);
	manager_free(w->m);
	if (w->timed_out)
		fail_msg("no \"%s\" in:\n%s", w->step->until, w->all);
	return r;
}

static void use_it(struct world *w)
{
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.info.grace_ms, 60000);
	assert_int_equal(w->m->rates.ipis, 0);
	fakemod.vms[0].stats.ipis += 1000000;
}

static void check_use(struct world *w)
{
	const char *text = slurp(w->prom);

	/* Per second; of much more than a tenth of one when the machine is busy. */
	assert_true(w->m->rates.ipis > 10000);
	assert_part(text, "\nvcpu_deboost_module_up 1\n");
	assert_part(text, "vm=\"qemu-4999000\"");
}

static void test_life(void **state)
{
	static const struct step steps[] = {
		{ "READY=1", use_it },
		{ "STATUS=active, ", check_use },
		{ "WATCHDOG=1", NULL },
	};
	struct world *w = *state;

	setenv("WATCHDOG_USEC", "50000", 1);
	fakemod_load();
	fakemod_add_vm(3, NO_PID, "qemu");
	assert_int_equal(run(w, steps), 0);
	assert_part(w->all, "vcpu-deboostd: started\n");
	assert_part(w->all, "module vcpu_deboost 9.8.7 is loaded\n");
	assert_part(w->all, "VM qemu-4999000 appeared (process 4999000, ");
	assert_part(w->all, "STOPPING=1\nSTATUS=stopping: the host goes back to stock\n");
	assert_part(w->all, "stopped; mode is off, the host is stock\n");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(fakemod.info.grace_ms, 0);
	assert_int_equal(access(w->prom, F_OK), -1);
}

static void unload(struct world *w)
{
	(void)w;
	fakemod_unload();
}

static void load(struct world *w)
{
	(void)w;
	fakemod_load();
}

static void trip(struct world *w)
{
	(void)w;
	fakemod_trip(VCPU_DEBOOST_TRIP_STARVATION, "a vCPU waited");
}

static void clear_trip(struct world *w)
{
	(void)w;
	memset(&fakemod.info.trip, 0, sizeof(fakemod.info.trip));
	fakemod_trip_event();
}

static void test_module_changes(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=idle: module vcpu_deboost not loaded", load },
		{ "STATUS=active, ", unload },
		{ "STATUS=idle: module vcpu_deboost not loaded", load },
		{ "STATUS=active, ", trip },
		{ "STATUS=tripped: a vCPU waited; resting until", clear_trip },
		{ "STATUS=active, ", unload },
		{ "STATUS=idle: module", NULL },
	};
	struct world *w = *state;

	assert_int_equal(run(w, steps), 0);
	assert_part(w->all, "module vcpu_deboost is not loaded; waiting for it\n");
	assert_part(w->all, "module vcpu_deboost is gone; waiting for it to come back\n");
	assert_part(w->all, "the host is stock: a vCPU waited;");
	assert_part(w->all, "stopped; the module was not loaded\n");
}

/* At once, not with the next look. */
static void test_at_once(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=idle: module vcpu_deboost not loaded", load },
		{ "STATUS=active, ", trip },
		{ "STATUS=tripped: ", clear_trip },
		{ "STATUS=active, ", NULL },
	};
	struct world *w = *state;

	w->config.interval_ns = 60000000000;
	assert_int_equal(run(w, steps), 0);
}

static void refuse_stats(struct world *w)
{
	(void)w;
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = EIO;
}

static void refuse_info(struct world *w)
{
	(void)w;
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = 0;
	fakemod.refuse[VCPU_DEBOOST_CMD_INFO_GET] = EIO;
}

static void mend(struct world *w)
{
	(void)w;
	memset(fakemod.refuse, 0, sizeof(fakemod.refuse));
}

static void refuse_off(struct world *w)
{
	assert_true(w->m->collection_errors >= 2);
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EPERM;
	add(w->seen, sizeof(w->seen), "now");
}

/* What fails is counted, shown and overcome; what fails at the end is the exit code. */
static void test_failures(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=active, ", refuse_stats },
		{ "the counters cannot be read: ", refuse_info },
		{ "STATUS=idle: the module does not answer properly: ", mend },
		{ "STATUS=active, ", refuse_off },
		{ "now", NULL },
	};
	struct world *w = *state;

	fakemod_load();
	assert_int_equal(run(w, steps), -EPERM);
	assert_part(w->all, "stopped; the module cannot be turned off: not permitted");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
}

static void stay_silent(struct world *w)
{
	w->silent = 100;
}

/* A look that is not answered is no sign of life for the watchdog, a next one is. */
static void test_watchdog(void **state)
{
	static const struct step steps[] = {
		{ "WATCHDOG=1", refuse_info },
		{ "STATUS=idle: the module does not answer", stay_silent },
		{ "now", mend },
		{ "WATCHDOG=1", NULL },
	};
	struct world *w = *state;

	setenv("WATCHDOG_USEC", "60000", 1);
	/* Looks of its own: the interval is longer than the watchdog's patience. */
	w->config.interval_ns = 60000000000;
	fakemod_load();
	assert_int_equal(run(w, steps), 0);
}

static void break_events(struct world *w)
{
	(void)w;
	fakenl.recv_error = EIO;
	fakemod_add_vm(3, NO_PID, "qemu");
}

static void lose_events(struct world *w)
{
	(void)w;
	fakenl_lose(FAKEMOD_GROUP);
	fakemod_add_vm(4, NO_PID + 1, "vmm");
}

/* With no events the looks tell what there is. */
static void test_broken_events(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=active, ", lose_events },
		{ "VM vmm-4999001 appeared", break_events },
		{ "no more events from the module, changes show once per interval: ", lose_events },
		{ "VM qemu-4999000 appeared", NULL },
	};
	struct world *w = *state;

	fakemod_load();
	fakemod.nr_vms = 0;
	assert_int_equal(run(w, steps), 0);
}

static void reload_good(struct world *w)
{
	put_file(w->conf, "[daemon]\ninterval = 100ms\n[global]\nmode = observe\n");
	kill(getpid(), SIGHUP);
}

static void reload_bad(struct world *w)
{
	put_file(w->conf, "[global]\nmode = fast\n");
	kill(getpid(), SIGHUP);
}

static void test_reload(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=active, ", reload_bad },
		{ "; reload refused, see the log\nREADY=1\n", reload_good },
		{ "STATUS=observe, ", NULL },
	};
	struct world *w = *state;

	fakemod_load();
	assert_int_equal(run(w, steps), 0);
	assert_part(w->all, "RELOADING=1\nMONOTONIC_USEC=");
	assert_part(w->all, "reload refused, the running configuration stays: ");
	assert_part(w->all, "/d.conf:2: mode=fast: ");
	assert_part(w->all, "configuration reloaded\n");
}

#define UEVENT \
	"change@/devices/virtual/misc/kvm%cDEVPATH=/devices/virtual/misc/kvm%cEVENT=%s%cPID=%d%c"

static void say_uevent(const char *event, pid_t pid)
{
	char text[256];
	int n = snprintf(text, sizeof(text), UEVENT, 0, 0, event, 0, (int)pid, 0);

	fakenl_uevent(text, (size_t)n);
}

static void start_vm(struct world *w)
{
	w->child = fork();
	assert_true(w->child >= 0);
	if (!w->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	/* Whoever else says so is not the kernel. */
	fakenl.sender = 4711;
	say_uevent("create", getpid());
	fakenl.sender = 0;
	fakenl.uevent_error = EINTR;
	say_uevent("create", NO_PID);
	say_uevent("created", w->child);
	say_uevent("create", w->child);
}

static void end_vm(struct world *w)
{
	assert_int_equal(w->m->vms.nr, 1);
	assert_int_equal(w->m->vms.vms[0].tgid, w->child);
	say_uevent("destroy", w->child);
}

static void end_vm_unseen(struct world *w)
{
	assert_int_equal(w->m->vms.nr, 1);
	fakenl_uevent(NULL, 0);
}

static void start_again(struct world *w)
{
	assert_int_equal(w->m->vms.nr, 0);
	say_uevent("create", w->child);
}

static void break_uevents(struct world *w)
{
	(void)w;
	fakenl.uevent_error = EIO;
	fakenl_uevent("x", 1);
}

/* A process that makes a VM is known before the module is, and gone when it lets go of it. */
static void test_uevents(void **state)
{
	static const struct step steps[] = {
		{ "READY=1", start_vm },
		{ " appeared (process ", end_vm },
		{ " is gone (process ", start_again },
		{ " appeared (process ", end_vm_unseen },
		{ " is gone (process ", break_uevents },
		{ "no more uevents, VMs are known only once the module sees them: ", NULL },
	};
	struct world *w = *state;

	assert_int_equal(run(w, steps), 0);
}

/* Without any netlink it says so, and lives. */
static void test_no_netlink(void **state)
{
	static const struct step steps[] = {
		{ "STATUS=idle: this host or our sandbox has no netlink: ", NULL },
	};
	struct world *w = *state;

	fakenl.socket_error = EAFNOSUPPORT;
	assert_int_equal(run(w, steps), 0);
	assert_part(w->all, "no uevents, VMs are known only once the module sees them: ");
	assert_part(w->all, "stopped; the module was not loaded\n");
}

static int block_signals(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_life),     TEST(test_module_changes), TEST(test_at_once),
		TEST(test_failures), TEST(test_watchdog),	TEST(test_broken_events),
		TEST(test_reload),   TEST(test_uevents),	TEST(test_no_netlink),
	};

	return cmocka_run_group_tests_name("daemon manager", tests, block_signals, NULL);
}
