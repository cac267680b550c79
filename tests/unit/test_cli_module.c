// SPDX-License-Identifier: GPL-2.0-only
/* What vdctl says of a module that is there, as text and as JSON, and what it tells it. */
#include "fakemod.h"

#include "clirun.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "cli/out.h"
#include "lib/units.h"

static int setup(void **state)
{
	(void)state;
	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	fakemod_load();
	return 0;
}

/* A process whose command line is that of QEMU; its VM is found in the module. */
static pid_t start_vmm(uint32_t id, const char *name)
{
	struct timespec tick = { .tv_nsec = 1000000 };
	char path[64], cmdline[64] = "";
	pid_t pid = fork();
	int i, fd;

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "qemu", "--sleep", "-name", name, (char *)NULL);
		_exit(99);
	}
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	for (i = 0; i < 10000 && strncmp(cmdline, "qemu", 4); i++) {
		nanosleep(&tick, NULL);
		fd = open(path, O_RDONLY);
		assert_true(read(fd, cmdline, sizeof(cmdline) - 1) >= 0);
		close(fd);
	}
	fakemod_add_vm(id, (uint32_t)pid, "qemu");
	return pid;
}

static void end_vmm(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_status(void **state)
{
	const char *text;

	(void)state;
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_ACTIVE;
	fakemod.info.armed = 1;
	fakemod.info.vms_seen = 12;
	fakemod.info.vms_refused = 4;
	fakemod_add_vm(3, 77, "qemu")->stats.boosted = 40;
	fakemod_add_vm(4, 78, "qemu")->stats.boosted = 2;
	fakemod.vms[0].stats.answer_hist[13] = 1;
	text = answer_of(vdctl("status", NULL));
	assert_has(text, "module       vcpu_deboost 9.8.7 (ABI 1)\n");
	assert_has(text, "\nstate        armed\n");
	assert_has(text, "\nmode         active\n");
	assert_has(text, "\nwindow       50ms\n");
	assert_has(text, "\nhooks        0, 0 refused\n");
	assert_has(text, "\nheartbeat    none\n");
	assert_has(text, "\nvms          2 now, 12 seen, 4 could not be tracked\n");
	assert_has(text, "\nboosted                            42  ");
	assert_has(text, "\nanswer_p50                   ");
	assert_null(strstr(text, "TRIPPED"));
	assert_null(strstr(text, "fallbacks"));
	assert_null(strstr(text, "\033"));

	fakemod.vms[0].stats.answer_hist[13] = 0;
	assert_has(answer_of(vdctl("status", NULL)), "\nanswer_p50                          -  ");
}

/* What is wrong is said, a trip before all else, and the exit code tells, too. */
static void test_status_of_trouble(void **state)
{
	const struct said *said;

	(void)state;
	strcpy(fakemod.hooks[0].name, "spin");
	strcpy(fakemod.hooks[1].name, "eoi\033");
	strcpy(fakemod.hooks[1].reason, "no such\nfunction");
	fakemod.hooks[1].state = VCPU_DEBOOST_HOOK_STATE_REFUSED;
	fakemod.nr_hooks = 2;
	fakemod.info.grace_ms = 5000;
	fakemod.info.grace_left_ms = 1500;
	fakemod.info.fallbacks = 3;
	said = vdctl("status", NULL);
	assert_int_equal(said->code, EXIT_NOT_RUNNING);
	assert_string_equal(said->err, "");
	assert_has(said->out, "\nstate        not armed: mode is off\n");
	assert_has(said->out, "\nhooks        2, 1 refused (see `vdctl hooks`):\n");
	assert_has(said->out, "\n             eoi_: no such_function\n");
	assert_has(said->out, "\nheartbeat    1.5s left of 5s\n");
	assert_has(said->out, "\nfallbacks    3 (");

	fakemod.info.reason[0] = '\0';
	assert_has(vdctl("status", NULL)->out, "not armed: the module gives no reason\n");
	fakemod_trip(VCPU_DEBOOST_TRIP_STARVATION, "qemu: a vCPU\twaited");
	said = vdctl("status", NULL);
	assert_int_equal(said->code, EXIT_NOT_RUNNING);
	assert_memory_equal(said->out, "TRIPPED      qemu: a vCPU_waited\n", 33);
	assert_has(said->out, " ago; `vdctl trip clear` lets the mode be set again\n");
	assert_has(said->out, "not armed: the breaker has tripped\n");
}

static void disturb_stats(uint8_t cmd)
{
	if (cmd == VCPU_DEBOOST_CMD_STATS_GET && fakemod.asked[cmd] == 1)
		fakemod.interrupt = 1;
}

static void test_status_in_json(void **state)
{
	json_t *root;
	size_t i;

	(void)state;
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	fakemod.info.armed = 1;
	fakemod.info.grace_ms = 5000;
	fakemod.info.trips = 2;
	strcpy(fakemod.hooks[0].reason, "no such function");
	strcpy(fakemod.hooks[0].symbol, "\xff\xfe");
	fakemod.hooks[0].state = VCPU_DEBOOST_HOOK_STATE_REFUSED;
	fakemod.nr_hooks = 1;
	fakemod_add_vm(3, 77, "qemu")->stats.ipis = 1000;
	fakemod_add_vm(4, 78, "qemu")->stats.ipis = UINT64_C(1) << 63;
	fakemod.vms[0].stats.boosted = 5;
	fakemod.interrupt = 2;
	fakemod.on_ask = disturb_stats;
	root = json_of(answer_of(vdctl("status", "--json", NULL)), "vdctl-status/1");
	assert_true(json_is_true(at(root, "armed")));
	assert_true(json_is_true(at(root, "loaded")));
	assert_true(json_is_null(at(root, "tripped")));
	assert_number(root, "trips", 2);
	assert_text(root, "mode", "observe");
	assert_number(root, "window_ns", 50000000);
	assert_true(json_is_true(at(root, "ipi_tracking")));
	assert_number(root, "slots", VCPU_DEBOOST_SLOTS_MAX);
	assert_number(root, "hooks.total", 1);
	assert_text(root, "hooks.refused.0.reason", "no such function");
	/* No UTF-8: mended, not dropped. */
	assert_int_not_equal(json_string_length(at(root, "hooks.refused.0.symbol")), 0);
	assert_number(root, "heartbeat.grace_ms", 5000);
	assert_number(root, "vms.now", 2);
	/* JSON's numbers end where a signed one does. */
	assert_number(root, "totals.ipis", INT64_MAX);
	assert_number(root, "totals.boosted", 5);
	json_decref(root);

	for (i = 1; i <= VCPU_DEBOOST_TRIP_MAX; i++) {
		fakemod_trip((uint32_t)i, "much");
		root = json_of(vdctl("status", "--json", NULL)->out, "vdctl-status/1");
		assert_text(root, "tripped.kind", vd_trip_name((uint32_t)i));
		assert_text(root, "tripped.reason", "much");
		assert_number(root, "tripped.value", 9);
		assert_number(root, "tripped.budget", 5);
		assert_true(json_integer_value(at(root, "tripped.age_ns")) > 0);
		json_decref(root);
	}
}

static void test_trip(void **state)
{
	const struct said *said;
	json_t *root;

	(void)state;
	assert_string_equal(answer_of(vdctl("trip", NULL)), "not tripped, 0 times since the module "
							    "was loaded\n");
	fakemod.info.trips = 1;
	assert_string_equal(answer_of(vdctl("trip", "clear", NULL)), "not tripped, 1 time since "
								     "the module was loaded\n");
	root = json_of(answer_of(vdctl("trip", "clear", "-j", NULL)), "vdctl-trip/1");
	assert_true(json_is_false(at(root, "cleared")));
	assert_true(json_is_null(at(root, "tripped")));
	json_decref(root);
	fakemod_trip(VCPU_DEBOOST_TRIP_HOOK_TIME, "hooks took\nlong");
	fakemod.info.trip.boottime_ns = UINT64_MAX;
	said = vdctl("trip", NULL);
	assert_int_equal(said->code, EXIT_NOT_RUNNING);
	assert_string_equal(said->out, "hooks took_long (0ns ago)\n"
				       "`vdctl trip clear` lets the mode be set again.\n");
	assert_int_equal(fakemod.info.trip.kind, VCPU_DEBOOST_TRIP_HOOK_TIME);
	assert_error(vdctl("trip", "clean", NULL), EXIT_USAGE, "vdctl trip clear");
	fakemod.refuse[VCPU_DEBOOST_CMD_TRIP_CLEAR] = EPERM;
	assert_error(vdctl("trip", "clear", NULL), EXIT_NOT_PERMITTED, "cannot clear the trip: ");

	fakemod.refuse[VCPU_DEBOOST_CMD_TRIP_CLEAR] = 0;
	assert_has(answer_of(vdctl("trip", "clear", NULL)), "cleared: hooks took_long (");
	assert_int_equal(fakemod.info.trip.kind, 0);
	fakemod_trip(VCPU_DEBOOST_TRIP_HOOK_TIME, "again");
	root = json_of(answer_of(vdctl("trip", "clear", "-j", NULL)), "vdctl-trip/1");
	assert_true(json_is_true(at(root, "cleared")));
	assert_text(root, "tripped.reason", "again");
	json_decref(root);
	fakemod_unload();
	assert_error(vdctl("trip", NULL), EXIT_NO_MODULE, "cannot read the trip: ");
}

static void test_hooks(void **state)
{
	json_t *root;

	(void)state;
	fakemod.nr_hooks = 2;
	strcpy(fakemod.hooks[0].name, "spin");
	strcpy(fakemod.hooks[0].symbol, "kvm_vcpu_on_spin");
	fakemod.hooks[0].kind = VCPU_DEBOOST_HOOK_KIND_REDIRECT;
	fakemod.hooks[0].state = VCPU_DEBOOST_HOOK_STATE_ARMED;
	fakemod.hooks[0].required = 1;
	strcpy(fakemod.hooks[1].name, "s");
	strcpy(fakemod.hooks[1].symbol, "kvm_eoi");
	strcpy(fakemod.hooks[1].reason, "not in\033this kernel");
	fakemod.hooks[1].state = VCPU_DEBOOST_HOOK_STATE_REFUSED;
	fakemod.interrupt = 1;
	assert_string_equal(answer_of(vdctl("hooks", NULL)), "NAME  KIND        STATE    NEEDED  "
							     "SYMBOL            REASON\n"
							     "spin  redirect    armed    yes     "
							     "kvm_vcpu_on_spin\n"
							     "s     tracepoint  refused  no      "
							     "kvm_eoi           not in_this "
							     "kernel\n");
	root = json_of(answer_of(vdctl("hooks", "--json", NULL)), "vdctl-hooks/1");
	assert_text(root, "hooks.0.kind", "redirect");
	assert_true(json_is_true(at(root, "hooks.0.required")));
	assert_text(root, "hooks.1.state", "refused");
	assert_int_equal(json_array_size(at(root, "hooks")), 2);
	json_decref(root);
}

/* More than any process has, so that nobody is called so. */
#define NO_PID 4999999

static void test_vms(void **state)
{
	pid_t pid = start_vmm(3, "guest=web\303\2441,debug-threads=on");
	char expected[1024];

	(void)state;
	fakemod_add_vm(12, NO_PID, "odd one");
	fakemod.vms[1].vm.visibility = VCPU_DEBOOST_VISIBILITY_PARTIAL;
	fakemod.vms[0].own.have = VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS);
	fakemod.vms[0].own.window_ns = 2000000;
	fakemod.vms[0].stats.ipis = 123456;
	fakemod.vms[0].stats.answer_hist[4] = 1;
	fakemod.vms[1].stats.spin_exits = 7;
	fakemod.interrupt = 1;
	snprintf(expected, sizeof(expected),
		 "ID  NAME                 PID  VCPUS  MODE  WINDOW    IPIS  SPINS  BOOSTED  WOULD"
		 "  ANSWER  SEES\n"
		 " 3  web\303\2441            %7d      2  off   2ms*    123456      0        0     "
		 " 0"
		 "    24ns  full\n"
		 "12  odd one-4999999  4999999      2  off   50ms         0      7        0      0"
		 "       -  partial\n",
		 (int)pid);
	assert_string_equal(answer_of(vdctl("vms", NULL)), expected);
	end_vmm(pid);
	/* Without a process there is no command line any more. */
	snprintf(expected, sizeof(expected), "qemu-%d", (int)pid);
	assert_has(answer_of(vdctl("vms", NULL)), expected);
}

/* Since when a process runs, as the module tells it. */
static uint64_t start_ns(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
				"%*s %*s %*s %*s %*s %*s %llu",
				&ticks),
			 1);
	fclose(f);
	return ticks * (UNIT_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The name is that of the VM's own process, not of another one that has its number. */
static void test_reused_pid(void **state)
{
	pid_t pid = start_vmm(3, "web1");

	(void)state;
	fakemod.vms[0].vm.have = FAKEMOD_ALL;
	fakemod.vms[0].vm.start_boottime_ns = start_ns(pid) + 5;
	assert_has(answer_of(vdctl("vms", NULL)), " 3  web1  ");
	fakemod.vms[0].vm.start_boottime_ns -= UNIT_NSEC_PER_SEC;
	assert_has(answer_of(vdctl("vms", NULL)), " 3  qemu-");
	end_vmm(pid);
	assert_has(answer_of(vdctl("vms", NULL)), " 3  qemu-");
}

static void test_vms_in_json(void **state)
{
	pid_t pid = start_vmm(3, "web1");
	json_t *root;

	(void)state;
	fakemod.bare = true;
	strcpy(fakemod.vms[0].vm.visibility_reason, "no AVIC");
	fakemod.vms[0].own.have = VD_BIT(VCPU_DEBOOST_TUNING_A_CHAIN);
	fakemod.vms[0].stats.run_hist[4] = 3;
	fakemod.vms[0].stats.answer_hist[5] = 2;
	fakemod.vms[0].stats.answer_ns = 90;
	fakemod.vms[0].stats.ran = 3;
	root = json_of(answer_of(vdctl("vms", "--json", NULL)), "vdctl-vms/1");
	assert_int_equal(json_array_size(at(root, "vms")), 1);
	assert_text(root, "vms.0.name", "web1");
	assert_number(root, "vms.0.pid", pid);
	assert_text(root, "vms.0.comm", "qemu");
	assert_text(root, "vms.0.visibility_reason", "no AVIC");
	assert_text(root, "vms.0.mode", "off");
	assert_true(json_is_false(at(root, "vms.0.chain")));
	assert_text(root, "vms.0.overrides.0", "chain");
	assert_int_equal(json_array_size(at(root, "vms.0.overrides")), 1);
	assert_number(root, "vms.0.stats.runs", 3);
	assert_number(root, "vms.0.stats.ran", 3);
	assert_number(root, "vms.0.stats.run_p50_ns", 24);
	assert_number(root, "vms.0.stats.answers", 2);
	assert_number(root, "vms.0.stats.answer_sum_ns", 90);
	json_decref(root);
	end_vmm(pid);
}

static void end_vm(uint8_t cmd)
{
	if (cmd != VCPU_DEBOOST_CMD_TUNING_GET || fakemod.nr_vms < 2)
		return;
	fakemod_remove_vm(3);
}

/* None, and one that ends between the list and the look at it. */
static void test_vms_that_end(void **state)
{
	const struct said *said = vdctl("vms", NULL);
	json_t *root;

	(void)state;
	assert_int_equal(said->code, EXIT_OK);
	assert_has(said->out, "ID  NAME");
	assert_has(said->err, "No VM is tracked");
	root = json_of(answer_of(vdctl("vms", "--json", NULL)), "vdctl-vms/1");
	assert_int_equal(json_array_size(at(root, "vms")), 0);
	json_decref(root);

	fakemod_add_vm(3, 77, "qemu");
	fakemod_add_vm(4, 78, "qemu");
	fakemod.bare = true;
	fakemod.on_ask = end_vm;
	root = json_of(answer_of(vdctl("vms", "--json", NULL)), "vdctl-vms/1");
	assert_int_equal(json_array_size(at(root, "vms")), 1);
	assert_number(root, "vms.0.id", 4);
	json_decref(root);
	fakemod.on_ask = NULL;
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = EINVAL;
	assert_error(vdctl("vms", NULL), EXIT_REFUSED, "cannot list the VMs: ");
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = EOPNOTSUPP;
	assert_error(vdctl("vms", NULL), EXIT_NO_MODULE, "does not know this request");
}

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	static const struct CMUnitTest tests[] = {
		TEST(test_status),	   TEST(test_status_of_trouble),
		TEST(test_status_in_json), TEST(test_trip),
		TEST(test_hooks),	   TEST(test_vms),
		TEST(test_reused_pid),	   TEST(test_vms_in_json),
		TEST(test_vms_that_end),
	};

	if (argc > 1 && !strcmp(argv[1], "--sleep"))
		sleep_for_ever();
	return cmocka_run_group_tests_name("cli module", tests, NULL, NULL);
}
