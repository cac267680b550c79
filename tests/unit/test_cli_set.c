// SPDX-License-Identifier: GPL-2.0-only
/* The verbs of vdctl that show and change knobs, and how --vm finds its VM. */
#include "fakemod.h"

#include "clirun.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)

/* More than any process has, so that the VM is called after its comm. */
#define NO_PID 4999000

static int setup(void **state)
{
	(void)state;
	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	fakemod_load();
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	fakemod_add_vm(3, NO_PID + 3, "web");
	fakemod_add_vm(4, NO_PID + 4, "db");
	return 0;
}

static void test_get(void **state)
{
	const char *text;

	(void)state;
	text = answer_of(vdctl("get", NULL));
	assert_memory_equal(text, "mode=observe\nipi_tracking=on\nwindow=50ms\n", 41);
	for (size_t i = 0; i < nr_knobs; i++)
		assert_has(text, knobs[i].name);
	assert_string_equal(answer_of(vdctl("get", "slots", "window", NULL)), "window=50ms\nslots="
									      "8\n");
	fakemod.vms[1].own = (struct vd_tuning){ .have = WINDOW, .window_ns = 1500000 };
	assert_string_equal(answer_of(vdctl("get", "window", "mode", "--vm", "db-4999004", NULL)),
			    "mode=observe\tglobal\nwindow=1.5ms\town\n");
	assert_string_equal(answer_of(vdctl("get", "window", "--vm", "3", NULL)), "window="
										  "50ms\tglobal\n");
	assert_error(vdctl("get", "mode", "windows", NULL), EXIT_USAGE, "windows");
	assert_error(vdctl("get", "--vm", "5", NULL), EXIT_NO_VM, "there is no VM \"5\"");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = ENOMEM;
	assert_error(vdctl("get", NULL), EXIT_FAILED, "cannot read the tuning: ");
}

static void test_get_in_json(void **state)
{
	json_t *root;

	(void)state;
	root = json_of(answer_of(vdctl("get", "--json", NULL)), "vdctl-get/1");
	assert_null(json_object_get(root, "vm"));
	assert_text(root, "knobs.window.value", "50ms");
	assert_number(root, "knobs.window.raw", 50000000);
	assert_number(root, "knobs.window.min", VCPU_DEBOOST_WINDOW_MIN_NS);
	assert_number(root, "knobs.window.max", VCPU_DEBOOST_WINDOW_MAX_NS);
	assert_text(root, "knobs.mode.value", "observe");
	assert_int_equal(json_object_size(at(root, "knobs")), nr_knobs);
	assert_null(json_object_get(at(root, "knobs.mode"), "own"));
	json_decref(root);

	fakemod.vms[0].own = (struct vd_tuning){ .have = MODE, .mode = VCPU_DEBOOST_MODE_OFF };
	root = json_of(answer_of(vdctl("get", "mode", "slots", "-j", "--vm", "id:3", NULL)), "vdctl"
											     "-get/"
											     "1");
	assert_number(root, "vm", 3);
	assert_text(root, "name", "web-4999003");
	assert_text(root, "knobs.mode.value", "off");
	assert_true(json_is_true(at(root, "knobs.mode.own")));
	assert_true(json_is_false(at(root, "knobs.slots.own")));
	assert_int_equal(json_object_size(at(root, "knobs")), 2);
	json_decref(root);
}

static void test_set(void **state)
{
	(void)state;
	assert_string_equal(answer_of(vdctl("set", "window=2ms", "mode=active", "slots=8", NULL)),
			    "mode: observe -> active\nwindow: 50ms -> 2ms\nslots: 8 (unchanged)\n");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.tuning.window_ns, 2000000);
	assert_string_equal(answer_of(vdctl("set", "mode=off", "--vm", "pid:4999004", NULL)),
			    "mode: active -> off\n");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.vms[1].own.have, MODE);
	assert_int_equal(fakemod.vms[0].own.have, 0);
	/* One wrong word, and nothing is changed. */
	assert_error(vdctl("set", "mode=off", "window=9", NULL), EXIT_USAGE, "window=9");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
}

static void test_set_in_json(void **state)
{
	json_t *root;

	(void)state;
	root = json_of(answer_of(vdctl("set", "slots=2", "chain=off", "--json", NULL)), "vdctl-set/"
											"1");
	assert_null(json_object_get(root, "vm"));
	assert_int_equal(json_array_size(at(root, "changes")), 2);
	assert_text(root, "changes.0.key", "chain");
	assert_text(root, "changes.1.key", "slots");
	assert_text(root, "changes.1.old", "8");
	assert_text(root, "changes.1.new", "2");
	json_decref(root);
	root = json_of(answer_of(vdctl("set", "slots=5", "-j", "--vm", "3", NULL)), "vdctl-set/1");
	assert_number(root, "vm", 3);
	assert_text(root, "name", "web-4999003");
	assert_text(root, "changes.0.old", "2");
	assert_text(root, "changes.0.new", "5");
	json_decref(root);
}

static unsigned int looks;

/* The second look at the tuning, after the change, is refused. */
static void refuse_second_look(uint8_t cmd)
{
	if (cmd == VCPU_DEBOOST_CMD_TUNING_GET && ++looks == 2)
		fakemod.refuse[cmd] = ENOENT;
}

static void test_set_refused(void **state)
{
	json_t *root;

	(void)state;
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EPERM;
	assert_error(vdctl("set", "slots=2", NULL), EXIT_NOT_PERMITTED,
		     "cannot change the tuning: not permitted; run it as root");
	root = json_of(vdctl("set", "slots=2", "-j", NULL)->out, "vdctl-error/1");
	assert_number(root, "error.exit", EXIT_NOT_PERMITTED);
	assert_text(root, "error.name", "not_permitted");
	json_decref(root);
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EBUSY;
	fakemod.sentence = "the breaker has tripped";
	assert_error(vdctl("set", "slots=2", NULL), EXIT_REFUSED,
		     "cannot change the tuning: the breaker has tripped\n");
	root = json_of(vdctl("set", "slots=2", "-j", NULL)->out, "vdctl-error/1");
	assert_text(root, "error.name", "refused");
	json_decref(root);
	/* Without a VM in the request it is not the VM that is missing. */
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = ENOENT;
	assert_error(vdctl("set", "slots=2", NULL), EXIT_REFUSED, "the breaker has tripped");
	assert_error(vdctl("set", "slots=2", "--vm", "3", NULL), EXIT_NO_VM, "tripped");
	root = json_of(vdctl("set", "slots=2", "-j", "--vm", "3", NULL)->out, "vdctl-error/1");
	assert_text(root, "error.name", "no_vm");
	json_decref(root);
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = EINVAL;
	assert_error(vdctl("set", "slots=2", NULL), EXIT_REFUSED, "cannot read the tuning: ");

	memset(fakemod.refuse, 0, sizeof(fakemod.refuse));
	looks = 0;
	fakemod.on_ask = refuse_second_look;
	assert_error(vdctl("set", "slots=2", NULL), EXIT_REFUSED,
		     "changed, but cannot read the tuning back: ");
	assert_int_equal(fakemod.tuning.slots, 2);
}

static void test_reset(void **state)
{
	json_t *root;

	(void)state;
	assert_string_equal(answer_of(vdctl("reset", "--vm", "web-4999003", NULL)), "web-4999003 "
										    "follows the "
										    "global tuning "
										    "already\n");
	fakemod.vms[0].own = (struct vd_tuning){ .have = MODE | WINDOW,
						 .mode = VCPU_DEBOOST_MODE_ACTIVE,
						 .window_ns = 1000000 };
	fakemod.vms[1].own = fakemod.vms[0].own;
	assert_string_equal(answer_of(vdctl("reset", "--vm", "3", NULL)), "mode: active -> "
									  "observe\nwindow: 1ms -> "
									  "50ms\n");
	assert_int_equal(fakemod.vms[0].own.have, 0);
	assert_int_equal(fakemod.vms[1].own.have, MODE | WINDOW);
	root = json_of(answer_of(vdctl("reset", "--vm", "4", "-j", NULL)), "vdctl-reset/1");
	assert_number(root, "vm", 4);
	assert_text(root, "name", "db-4999004");
	assert_text(root, "changes.0.key", "mode");
	assert_text(root, "changes.1.old", "1ms");
	assert_text(root, "changes.1.new", "50ms");
	json_decref(root);

	assert_error(vdctl("reset", "--vm", "8", NULL), EXIT_NO_VM, "there is no VM \"8\"");
	looks = 1;
	fakemod.on_ask = refuse_second_look;
	assert_error(vdctl("reset", "--vm", "3", NULL), EXIT_NO_VM,
		     "done, but cannot read the tuning back: ");
	fakemod.on_ask = NULL;
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_RESET] = EPERM;
	assert_error(vdctl("reset", "--vm", "3", NULL), EXIT_NOT_PERMITTED,
		     "cannot drop the VM's own values: ");
}

/* Several VMs of one process answer to its PID: nothing is guessed. */
static void test_ambiguous(void **state)
{
	(void)state;
	fakemod_add_vm(5, NO_PID + 3, "web");
	assert_error(vdctl("get", "--vm", "web-4999003", NULL), EXIT_NO_VM,
		     "2 VMs answer to \"web-4999003\": id 3 (pid 4999003), 5 (pid 4999003); name "
		     "one with --vm id:N\n");
	assert_has(answer_of(vdctl("get", "slots", "--vm", "id:5", NULL)), "slots=8\tglobal\n");
	assert_error(vdctl("set", "slots=2", "--vm", "pid:4999003", NULL), EXIT_NO_VM, "2 VMs");
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET], 0);
	assert_error(vdctl("get", "--vm", "x\033[2J", NULL), EXIT_NO_VM, "no VM \"x_[2J\"");
	fakemod.refuse[VCPU_DEBOOST_CMD_VM_GET] = EACCES;
	assert_error(vdctl("get", "--vm", "3", NULL), EXIT_NOT_PERMITTED, "cannot list the VMs: ");
}

/* Of many that answer only the first are named. */
static void test_very_ambiguous(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 5; fakemod.nr_vms < FAKEMOD_ROWS; i++)
		fakemod_add_vm(i, NO_PID, "vm");
	for (i = 0; i < fakemod.nr_vms; i++)
		fakemod.vms[i].vm.tgid = NO_PID;
	assert_error(vdctl("get", "--vm", "pid:4999000", NULL), EXIT_NO_VM,
		     "12 VMs answer to \"pid:4999000\": id 3 (pid 4999000), 4 (pid 4999000), ");
	assert_has(vdctl("get", "--vm", "pid:4999000", NULL)->err, ", 12 (pid 4999000), ...; name "
								   "one with --vm id:N\n");
}

static void test_socket(void **state)
{
	json_t *root;

	(void)state;
	fakenl.socket_error = EAFNOSUPPORT;
	assert_error(vdctl("status", NULL), EXIT_FAILED, "cannot open a netlink socket: ");
	root = json_of(vdctl("status", "-j", NULL)->out, "vdctl-error/1");
	assert_text(root, "error.name", "failed");
	json_decref(root);
	fakenl.socket_error = 0;
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = ENOTCONN;
	assert_error(vdctl("status", NULL), EXIT_FAILED, "cannot read the status: ");
	fakemod.refuse[VCPU_DEBOOST_CMD_HOOK_GET] = EIO;
	assert_error(vdctl("hooks", NULL), EXIT_FAILED, "cannot list the hooks: ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	static const struct CMUnitTest tests[] = {
		TEST(test_get),		TEST(test_get_in_json),	   TEST(test_set),
		TEST(test_set_in_json), TEST(test_set_refused),	   TEST(test_reset),
		TEST(test_ambiguous),	TEST(test_very_ambiguous), TEST(test_socket),
	};

	return cmocka_run_group_tests_name("cli set", tests, NULL, NULL);
}
