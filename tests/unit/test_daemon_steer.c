// SPDX-License-Identifier: GPL-2.0-only
/*
 * How single VMs are treated: by rules, by hand, by what is learned, and after a crash.
 * The module is a stand-in; time goes on when the test says so.
 */
#include "fakemod.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/manager.h"
#include "daemon/sched.h"
#include "logged.h"
#include "tree.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)
#define SLOTS  VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS)

/* Without it, mode is auto. */
#define STEADY "[global]\nmode = observe\n"

/* More than any process has: nothing is known of its CPU time. */
#define NO_PID 4999000

static uint64_t clock_ms;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_MONOTONIC || !clock_ms)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	ts->tv_sec = (time_t)(clock_ms / 1000);
	ts->tv_nsec = (long)(clock_ms % 1000) * 1000000;
	return 0;
}

struct world {
	char dir[32];
	char path[64];
	struct manager m;
};

/* The note of overrides, which is there. */
static const char *note_of(const struct world *w)
{
	assert_int_equal(access(w->path, R_OK), 0);
	return slurp(w->path);
}

/* As after a reload. */
static void configure(struct world *w, const char *text)
{
	char path[64], error[CONFIG_ERROR_SIZE];

	put_in(w->dir, "d.conf", text);
	snprintf(path, sizeof(path), "%s/d.conf", w->dir);
	if (config_load(path, &w->m.config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	kclient_want(&w->m.k, &w->m.config.tuning, 5000);
	assert_int_equal(kclient_sync(&w->m.k, &w->m.vms), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	clock_ms = 0;
	logged_begin();
	strcpy(w->dir, "/tmp/vdb-steer-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/overrides", w->dir);
	w->m.options.runtime_dir = w->dir;
	fakemod_load();
	fakemod_add_vm(3, NO_PID, "qemu");
	fakemod_add_vm(4, NO_PID + 1, "qemu");
	kclient_open(&w->m.k);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	steer_close(&w->m, false);
	kclient_close(&w->m.k);
	vmtab_free(&w->m.vms);
	remove_tree(w->dir);
	free(w);
	logged_end();
	return 0;
}

/* One look of the daemon, with the counters. Newcomers are called web-ID. */
static void look(struct world *w)
{
	struct manager *m = &w->m;
	size_t i;

	assert_int_equal(kclient_events(&m->k, &m->vms), 0);
	assert_int_equal(kclient_sync(&m->k, &m->vms), 0);
	for (i = 0; i < m->vms.nr; i++) {
		struct vm *vm = &m->vms.vms[i];

		if (!vm->described)
			snprintf(vm->name, sizeof(vm->name), "web-%u", vm->id);
		vm->described = true;
	}
	assert_int_equal(kclient_collect(&m->k, &m->vms), 0);
	steer_look(m, true);
}

static void start(struct world *w, const char *config)
{
	configure(w, config);
	steer_open(&w->m);
	logged();
}

static unsigned int changes(void)
{
	return fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET] +
	       fakemod.asked[VCPU_DEBOOST_CMD_TUNING_RESET];
}

static void test_rules(void **state)
{
	struct world *w = *state;
	unsigned int before;

	start(w, STEADY "[vm \"web-3\"]\nmode = active\nwindow = 2ms\n");
	look(w);
	assert_string_equal(logged(), "vcpu-deboostd: mode of web-3: observe -> active (rule)\n"
				      "vcpu-deboostd: window of web-3: 50ms -> 2ms (rule)\n");
	assert_int_equal(fakemod.vms[0].own.have, MODE | WINDOW);
	assert_int_equal(fakemod.vms[0].own.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.vms[1].own.have, 0);
	assert_part(note_of(w), "vm 3 4999000 0 mode=active window=2ms\n");
	before = changes();
	look(w);
	look(w);
	assert_int_equal(changes(), before);
	assert_quiet();

	configure(w, STEADY "[vm \"web-*\"]\nwindow = 2ms\n");
	look(w);
	assert_string_equal(logged(), "vcpu-deboostd: mode of web-3: active -> observe (no rule)\n"
				      "vcpu-deboostd: window of web-4: 50ms -> 2ms (rule)\n");
	assert_int_equal(fakemod.vms[0].own.have, WINDOW);
	/* Nothing is said of VMs while the host is off. */
	configure(w, "[global]\nmode = off\n");
	look(w);
	logged();
	before = changes();
	configure(w, "[global]\nmode = off\n[vm \"web-*\"]\nslots = 2\n");
	look(w);
	assert_int_equal(changes(), before + 1);
	assert_int_equal(fakemod.vms[0].own.have, WINDOW);
}

/* A rule that made a VM active goes, and the trials that come then do not hide it. */
static void test_rule_to_auto(void **state)
{
	struct world *w = *state;

	start(w, "[global]\nmode = auto\n[vm \"web-3\"]\nmode = active\n");
	look(w);
	assert_part(logged(), "mode of web-3: observe -> active (rule)\n");
	configure(w, "[global]\nmode = auto\n");
	look(w);
	assert_part(logged(), "mode of web-3: active -> observe (no rule)\n");
	assert_int_equal(fakemod.vms[0].own.have & MODE, 0);
}

/* What somebody set for a VM is left alone, until he resets it. */
static void test_by_hand(void **state)
{
	struct vd_tuning set = { .have = SLOTS, .slots = 3 };
	struct world *w = *state;

	start(w, STEADY "[vm \"web-3\"]\nslots = 2\n");
	look(w);
	assert_logged("slots of web-3: 8 -> 2 (rule)");
	assert_int_equal(vdnl_tuning_set(w->m.k.nl, 3, &set), 0);
	look(w);
	assert_part(logged(), "slots of web-3 is left at 3, which was set by hand\n");
	look(w);
	assert_quiet();
	assert_int_equal(fakemod.vms[0].own.slots, 3);
	assert_null(strstr(note_of(w), "slots=3"));

	assert_int_equal(vdnl_tuning_reset(w->m.k.nl, 3), 0);
	look(w);
	assert_part(logged(), "slots of web-3 is no longer set by hand, it is 8\n"
			      "vcpu-deboostd: slots of web-3: 8 -> 2 (rule)\n");
	assert_int_equal(fakemod.vms[0].own.slots, 2);
}

static void test_refused(void **state)
{
	struct world *w = *state;

	start(w, STEADY "[vm \"web-3\"]\nslots = 2\n");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EPERM;
	fakemod.sentence = "not you";
	look(w);
	assert_logged("the module refused to change web-3: not you");
	look(w);
	assert_quiet();
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = ENOENT;
	look(w);
	assert_quiet();
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = 0;
	look(w);
	assert_logged("slots of web-3: 8 -> 2 (rule)");
	configure(w, STEADY "[vm \"web-3\"]\nslots = 1\n");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = ENOENT;
	steer_look(&w->m, false);
	/* It is gone: there was nobody to ask what it has. */
	assert_quiet();
	assert_int_equal(fakemod.vms[0].own.slots, 2);
}

/* A daemon before us was killed: its overrides are ours, by its note. */
static void test_after_crash(void **state)
{
	struct world *w = *state;

	fakemod.vms[0].own = (struct vd_tuning){ .have = SLOTS, .slots = 2 };
	fakemod.vms[1].own = (struct vd_tuning){ .have = SLOTS, .slots = 2 };
	put_in(w->dir, "overrides", "fallbacks 0\nvm 3 4999000 0 slots=2\nvm 4 77 0 slots=2\nx\n");
	start(w, STEADY);
	look(w);
	assert_string_equal(logged(), "vcpu-deboostd: slots of web-3: 2 -> 8 (no rule)\n"
				      "vcpu-deboostd: slots of web-4 is left at 2, which was set "
				      "by "
				      "hand\n");
	assert_int_equal(fakemod.vms[0].own.have, 0);
	assert_int_equal(fakemod.vms[1].own.have, SLOTS);
	/* Off and gone, nothing is left of it. */
	assert_int_equal(access(w->path, F_OK), 0);
	steer_close(&w->m, true);
	assert_int_equal(access(w->path, F_OK), -1);
}

static void test_note_fails(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(w->path, 0755), 0);
	configure(w, STEADY "[vm \"web-3\"]\nslots = 2\n");
	logged();
	steer_open(&w->m);
	assert_part(logged(), "/overrides: Input/output error; settings of an earlier daemon for "
			      "single VMs count as made by hand");
	look(w);
	assert_part(logged(), "/overrides cannot be written: Is a directory\n");
	assert_int_equal(fakemod.vms[0].own.slots, 2);
	configure(w, STEADY "[vm \"web-*\"]\nslots = 2\n");
	look(w);
	assert_logged("slots of web-4: 8 -> 2 (rule)");
}

/* The module turned active into observe by itself: that was not by hand. */
static void test_fallback(void **state)
{
	struct world *w = *state;

	start(w, STEADY "[vm \"web-3\"]\nmode = active\n");
	look(w);
	logged();
	fakemod.info.fallbacks++;
	fakemod.vms[0].own.mode = VCPU_DEBOOST_MODE_OBSERVE;
	fakemod_tuning_event(&fakemod.vms[0], VCPU_DEBOOST_CAUSE_HEARTBEAT);
	look(w);
	assert_int_equal(fakemod.vms[0].own.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_null(strstr(logged(), "by hand"));
	assert_part(note_of(w), "fallbacks 1\nvm 3 ");
}

static void test_adapt(void **state)
{
	struct world *w = *state;
	int i;

	start(w, STEADY "[vm \"web-4\"]\nwindow = 9ms\n");
	assert_true(w->m.config.adapt_window);
	for (i = 0; i < 3; i++) {
		fakemod.vms[0].stats.answer_hist[20] += 1000;
		fakemod.vms[1].stats.answer_hist[20] += 1000;
		look(w);
	}
	/* The answers took up to 2^21 ns; the window is twice that. */
	assert_in_range(fakemod.vms[0].own.window_ns, 2000000, 4500000);
	assert_int_equal(fakemod.vms[1].own.window_ns, 9000000);
	assert_part(logged(), " (its answers)\n");
	assert_true(w->m.vms.vms[0].steer.adapting);
	assert_false(w->m.vms.vms[1].steer.adapting);

	/* A daemon after us goes on from there, and has learned the same before it changes it. */
	memset(&w->m.vms.vms[0].steer.adapt, 0, sizeof(w->m.vms.vms[0].steer.adapt));
	for (i = 0; i < 10; i++) {
		fakemod.vms[0].stats.answer_hist[20] += 100;
		look(w);
		assert_in_range(fakemod.vms[0].own.window_ns, 2000000, 4500000);
	}
	assert_quiet();
	configure(w, STEADY "[daemon]\nadapt_window = off\n");
	look(w);
	assert_part(logged(), "window of web-3: ");
	assert_int_equal(fakemod.vms[0].own.have, 0);
	assert_int_equal(w->m.vms.vms[0].steer.adapt.window_ns, 0);
}

/* One window of web-3 passes, with so many spins while it is active, and while it is not. */
static void pass(struct world *w, uint64_t active, uint64_t observe)
{
	const struct vd_tuning now = fakemod_tuning(&fakemod.vms[0]);
	struct vd_stats *s = &fakemod.vms[0].stats;

	clock_ms += 1500;
	s->spin_exits += now.mode == VCPU_DEBOOST_MODE_ACTIVE ? active : observe;
	s->would_boost += 100;
	s->answer_hist[10] += 100;
	s->answer_ns += 100000;
	look(w);
}

/* Until the trial of web-3 is in @until; the log of that moment. */
static const char *pass_until(struct world *w, enum auto_state until, uint64_t active,
			      uint64_t observe)
{
	const struct vm *vm = &w->m.vms.vms[0];
	int i;

	for (i = 0; i < 200; i++) {
		pass(w, active, observe);
		if (vm->steer.trial.state == until)
			return logged();
		assert_quiet();
	}
	fail_msg("no \"%s\"", auto_state_str(until));
	return NULL;
}

static void test_auto(void **state)
{
	struct world *w = *state;
	unsigned int before;
	const char *text;

	clock_ms = 1000000;
	start(w, "[daemon]\nadapt_window = off\nauto_window = 1s\nauto_probe = 60s\n[global]\nmode "
		 "= auto\n"
		 "[vm \"web-4\"]\nmode = observe\n");
	look(w);
	logged();
	assert_true(w->m.vms.vms[0].steer.automatic);
	assert_false(w->m.vms.vms[1].steer.automatic);
	/* Too few spins to try anything. */
	before = changes();
	pass(w, 1, 1);
	pass(w, 1, 1);
	assert_int_equal(changes(), before);
	assert_string_equal(pass_until(w, AUTO_TRIAL, 10, 1000), "vcpu-deboostd: auto of web-3: "
								 "watch -> trial (it spins and has "
								 "whom "
								 "to yield to)\n");
	assert_int_equal(fakemod.vms[0].own.have, MODE);
	text = pass_until(w, AUTO_ACTIVE, 10, 1000);
	assert_part(text, "vcpu-deboostd: auto of web-3: trial -> active (gain after ");
	assert_part(text, " pairs: spins -99.0 %, answers +0.0 %)\n");
	assert_int_equal(fakemod.vms[0].own.mode, VCPU_DEBOOST_MODE_ACTIVE);

	/* What was shown once is shown again, or not. */
	clock_ms += 600000;
	assert_part(pass_until(w, AUTO_TRIAL, 10, 1000), "active -> trial (the last verdict is to "
							 "be proved again)\n");
	assert_part(pass_until(w, AUTO_REST, 1000, 10), "trial -> rest (harm after ");
	assert_int_equal(fakemod.vms[0].own.have, 0);
	clock_ms += 600000;
	assert_part(pass_until(w, AUTO_WATCH, 10, 1000), "rest -> watch (the last verdict is to be "
							 "proved again)\n");
	pass_until(w, AUTO_TRIAL, 10, 1000);
	assert_part(pass_until(w, AUTO_WATCH, 0, 0), "trial -> watch (idle after 0 pairs)");
	assert_int_equal(fakemod.vms[0].own.have, 0);
}

/* A mode that somebody sets by hand ends the trial. */
static void test_auto_by_hand(void **state)
{
	struct vd_tuning set = { .have = MODE, .mode = VCPU_DEBOOST_MODE_ACTIVE };
	struct world *w = *state;

	clock_ms = 1000000;
	start(w, "[daemon]\nadapt_window = off\nauto_window = 1s\n" STEADY "[vm \"web-3\"]\nmode = "
		 "auto\n");
	look(w);
	pass_until(w, AUTO_TRIAL, 10, 1000);
	assert_true(w->m.vms.vms[0].steer.automatic);
	assert_false(w->m.vms.vms[1].steer.automatic);
	/* Whatever the trial has it at now, by hand it gets what we do not have. */
	if (fakemod.vms[0].own.mode == VCPU_DEBOOST_MODE_ACTIVE)
		set.mode = VCPU_DEBOOST_MODE_OFF;
	assert_int_equal(vdnl_tuning_set(w->m.k.nl, 3, &set), 0);
	look(w);
	look(w);
	assert_part(logged(), "mode of web-3 is left at ");
	assert_false(w->m.vms.vms[0].steer.automatic);
	assert_int_equal(fakemod.vms[0].own.mode, set.mode);
}

/* In a trial the CPU time of the VM's process counts, and that of the others. */
static void test_auto_cpu_time(void **state)
{
	struct world *w = *state;
	struct vm *vm;

	fakemod.vms[0].vm.tgid = (uint32_t)getpid();
	fakemod.vms[1].vm.tgid = (uint32_t)getppid();
	clock_ms = 1000000;
	start(w, "[daemon]\nadapt_window = off\nauto_window = 1s\n[global]\nmode = auto\n");
	look(w);
	pass_until(w, AUTO_TRIAL, 10, 1000);
	vm = &w->m.vms.vms[0];
	assert_true(vm->steer.cpu_ns > 0);
	assert_true(vm->steer.trial.start.cpu_ns == vm->steer.cpu_ns);
	assert_true(vm->steer.trial.start.wait_ns == vm->steer.wait_ns);
	assert_int_equal(vm->steer.trial.start.others_cpu_ns, w->m.vms.vms[1].steer.witness.cpu_ns);
	assert_int_equal(vm->steer.trial.start.others_wait_ns,
			 w->m.vms.vms[1].steer.witness.wait_ns);
	assert_true(w->m.vms.vms[1].steer.cpu_ns > 0);
}

static void test_sched(void **state)
{
	uint64_t cpu = 4711, wait = 4711;
	struct world *w = *state;
	char dir[64];

	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), -ESRCH);
	snprintf(dir, sizeof(dir), "%s/100", w->dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	strcat(dir, "/task");
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), -ENOENT);
	strcat(dir, "/101");
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), -ENOENT);
	put_in(dir, "schedstat", "");
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), -ENOENT);
	put_in(dir, "schedstat", "77");
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), -ENOENT);
	assert_int_equal(cpu, 4711);
	put_in(dir, "schedstat", "18000000000000000000 200 3\n");
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), 0);
	assert_true(cpu == UINT64_C(18000000000000000000));
	dir[strlen(dir) - 1] = '2';
	assert_int_equal(mkdir(dir, 0755), 0);
	put_in(dir, "schedstat", "5 1000 3\n");
	assert_int_equal(sched_read(w->dir, 100, &cpu, &wait), 0);
	assert_true(cpu == UINT64_C(18000000000000000005));
	assert_int_equal(wait, 1200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_rules),	 TEST(test_rule_to_auto),  TEST(test_refused),
		TEST(test_by_hand),	 TEST(test_after_crash),   TEST(test_note_fails),
		TEST(test_fallback),	 TEST(test_adapt),	   TEST(test_auto),
		TEST(test_auto_by_hand), TEST(test_auto_cpu_time), TEST(test_sched),
	};

	return cmocka_run_group_tests_name("daemon steer", tests, NULL, NULL);
}
