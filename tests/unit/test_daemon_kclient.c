// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of the module: what it tells it, follows, and says in the log. */
#include "fakemod.h"

#include <stdlib.h>

#include "daemon/kclient.h"
#include "logged.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)

/* As in kclient.c: looks that a refused tuning is left alone. */
#define HOLD_OFF 30

struct world {
	struct kclient k;
	struct vmtab tab;
};

/* A client that wants mode = active, on a host without the module. */
static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct vd_tuning want;

	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	logged_begin();
	kclient_open(&w->k);
	knob_defaults(&want);
	want.mode = VCPU_DEBOOST_MODE_ACTIVE;
	kclient_want(&w->k, &want, 5000);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	size_t i;

	kclient_close(&w->k);
	kclient_close(NULL);
	vmtab_free(&w->tab);
	free(w);
	logged_end();
	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd)
			return -1;
	return 0;
}

/* Events are taken in, and a look follows, as the daemon does it. */
static int look(struct world *w)
{
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	return kclient_sync(&w->k, &w->tab);
}

/* The module is loaded and everything about it is known. */
static void settle(struct world *w)
{
	if (!fakemod.loaded)
		fakemod_load();
	assert_int_equal(look(w), 0);
	assert_int_equal(look(w), 0);
	assert_false(w->k.push || w->k.resync);
	logged();
	memset(fakemod.asked, 0, sizeof(fakemod.asked));
}

static void test_comes_and_goes(void **state)
{
	struct world *w = *state;

	assert_int_equal(look(w), -ENOPKG);
	assert_quiet();
	fakemod_load();
	fakemod_add_vm(3, 77, "qemu");
	assert_int_equal(look(w), 0);
	assert_logged("module vcpu_deboost 9.8.7 is loaded");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.info.grace_ms, 5000);
	assert_int_equal(w->tab.nr, 1);
	assert_int_equal(w->tab.vms[0].tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);

	/* Then only the heartbeat is kept up. */
	settle(w);
	assert_int_equal(look(w), 0);
	assert_int_equal(look(w), 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET], 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_VM_GET], 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_HEARTBEAT], 2);
	assert_quiet();

	fakemod_unload();
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_logged("module vcpu_deboost is gone; waiting for it to come back");
	assert_false(w->k.present);
	assert_int_equal(w->tab.nr, 1);
	assert_int_equal(w->tab.vms[0].id, 0);
	assert_int_equal(look(w), -ENOPKG);
	assert_quiet();
	fakemod_load();
	assert_int_equal(look(w), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
}

/* Unloaded and loaded between two looks, and no event told it. */
static void test_swapped_unseen(void **state)
{
	struct world *w = *state;

	settle(w);
	fakemod_load();
	fakemod_add_vm(9, 99, "qemu");
	logged();
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.info.grace_ms, 5000);
	assert_int_equal(w->tab.nr, 1);
	assert_int_equal(w->tab.vms[0].id, 9);
	/* Gone in the middle of a look. */
	fakemod.refuse[VCPU_DEBOOST_CMD_HEARTBEAT] = ENOPKG;
	assert_int_equal(kclient_sync(&w->k, &w->tab), -ENOPKG);
	assert_false(w->k.present);
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = ENOPKG;
	assert_int_equal(kclient_sync(&w->k, &w->tab), -ENOPKG);
	assert_false(w->k.present);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	int i;

	fakemod_load();
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EOPNOTSUPP;
	fakemod.sentence = "kvm is not loaded";
	assert_int_equal(look(w), 0);
	assert_string_equal(logged(), "vcpu-deboostd: module vcpu_deboost 9.8.7 is loaded\n"
				      "vcpu-deboostd: the module refused the configured tuning: "
				      "kvm is not "
				      "loaded\n");
	assert_string_equal(w->k.problem, "the module refused the configured tuning: kvm is not "
					  "loaded");
	/* It is left alone for a while, then tried again, and said no more. */
	for (i = 0; i < HOLD_OFF; i++)
		assert_int_equal(look(w), 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET], 1);
	assert_int_equal(look(w), 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET], 2);
	assert_quiet();
	/* A new configuration is tried at once. */
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = 0;
	kclient_want(&w->k, &w->k.desired, 5000);
	assert_int_equal(look(w), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_string_equal(w->k.problem, "");
}

static void test_does_not_answer(void **state)
{
	static const uint8_t cmds[] = { VCPU_DEBOOST_CMD_INFO_GET, VCPU_DEBOOST_CMD_HEARTBEAT,
					VCPU_DEBOOST_CMD_VM_GET, VCPU_DEBOOST_CMD_TUNING_GET };
	struct world *w = *state;
	size_t i;

	for (i = 0; i < ARRAY_LEN(cmds); i++) {
		settle(w);
		w->k.resync = true;
		fakemod.refuse[cmds[i]] = EPERM;
		assert_int_equal(look(w), -EPERM);
		assert_part(w->k.problem, "the module does not answer properly: not permitted");
		assert_part(logged(), "the module does not answer properly: not permitted");
		assert_int_equal(look(w), -EPERM);
		assert_quiet();
		fakemod.refuse[cmds[i]] = 0;
		assert_int_equal(look(w), 0);
		assert_string_equal(w->k.problem, "");
	}
}

/* A daemon before us was killed: what the module has is what was wanted. */
static void test_take_over(void **state)
{
	struct world *w = *state;

	fakemod_load();
	fakemod.info.grace_ms = fakemod.info.grace_left_ms = 5000;
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	fakemod.tuning.window_ns = 7000000;
	assert_int_equal(look(w), 0);
	assert_part(logged(), "mode of the host: active -> observe (kept from before the daemon "
			      "was killed)\n");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OBSERVE);
	assert_int_equal(fakemod.tuning.window_ns, 7000000);
	assert_int_equal(w->k.desired.window_ns, 7000000);
}

static void test_take_over_of_tripped(void **state)
{
	struct world *w = *state;

	fakemod_load();
	fakemod.info.grace_ms = fakemod.info.grace_left_ms = 5000;
	fakemod_trip(VCPU_DEBOOST_TRIP_STARVATION, "a vCPU waited");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = EIO;
	assert_int_equal(kclient_sync(&w->k, &w->tab), -EIO);
	assert_part(logged(), "the host is stock: a vCPU waited; nothing is activated until");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_GET] = 0;
	kclient_close(&w->k);
	kclient_open(&w->k);
	w->k.desired.have = MODE;
	w->k.desired.mode = VCPU_DEBOOST_MODE_ACTIVE;
	w->k.grace_ms = 5000;
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);
	/* Off by a trip is nobody's will. */
	assert_int_equal(w->k.desired.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OFF);
}

static void test_trip(void **state)
{
	struct world *w = *state;

	settle(w);
	fakemod_trip(VCPU_DEBOOST_TRIP_BOOST_RATE, "qemu yields too much");
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_part(logged(), "the module's breaker has tripped, the host is stock: qemu yields "
			      "too much; nothing is activated until \"vdctl trip clear\"\n");
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);
	assert_int_equal(look(w), 0);
	assert_quiet();
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(w->k.desired.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_string_equal(w->k.problem, "");

	/* Cleared by somebody: back to what was wanted. */
	memset(&fakemod.info.trip, 0, sizeof(fakemod.info.trip));
	fakemod_trip_event();
	assert_int_equal(look(w), 0);
	assert_part(logged(), "the trip was cleared: mode goes back to what it was\n");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);

	/* And again, while the events are lost. */
	logged();
	fakenl_lose(FAKEMOD_GROUP);
	fakemod.info.trips++;
	fakemod.info.trip.kind = VCPU_DEBOOST_TRIP_SWITCH;
	strcpy(fakemod.info.trip.reason, "off by hand");
	assert_int_equal(look(w), 0);
	assert_part(logged(), "the host is stock: off by hand;");
}

/* The module fell back to observing by itself, since we were late. */
static void test_fallback(void **state)
{
	struct world *w = *state;

	settle(w);
	fakemod.info.fallbacks++;
	fakemod.tuning.mode = VCPU_DEBOOST_MODE_OBSERVE;
	fakemod_tuning_event(NULL, VCPU_DEBOOST_CAUSE_HEARTBEAT);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_logged("mode of the host: active -> observe (heartbeat)");
	assert_true(w->k.push);
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
}

static void test_tuning_by_hand(void **state)
{
	struct vd_tuning set = { .have = WINDOW, .window_ns = 7000000 };
	struct world *w = *state;

	settle(w);
	assert_int_equal(vdnl_tuning_set(w->k.nl, VDNL_GLOBAL, &set), 0);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_logged("window of the host: 50ms -> 7ms (request)");
	assert_false(w->k.push);
	assert_int_equal(w->k.desired.window_ns, 7000000);
	/* Somebody wants the mode while it is tripped: that is not ours to take over. */
	fakemod_trip(VCPU_DEBOOST_TRIP_SWITCH, "off by hand");
	fakemod_tuning_event(NULL, VCPU_DEBOOST_CAUSE_REQUEST);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->k.desired.mode, VCPU_DEBOOST_MODE_ACTIVE);
}

static void test_tuning_of_vm(void **state)
{
	struct vd_tuning set = { .have = WINDOW, .window_ns = 7000000 };
	struct world *w = *state;

	fakemod_load();
	fakemod_add_vm(3, 77, "q\033m");
	settle(w);
	/* It is not described yet, and its process chose its name. */
	assert_int_equal(vdnl_tuning_set(w->k.nl, 3, &set), 0);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_logged("window of q_m: 50ms -> 7ms (request)");
	assert_int_equal(w->tab.vms[0].tuning.overrides, WINDOW);
	assert_int_equal(w->k.tuning.window_ns, 50000000);
	strcpy(w->tab.vms[0].name, "web");
	assert_int_equal(vdnl_tuning_reset(w->k.nl, 3), 0);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_logged("window of web: 7ms -> 50ms (request)");

	/* What we did ourselves is no news, neither is what we do not know. */
	assert_int_equal(kclient_vm_change(&w->k, &w->tab.vms[0], true, &set), 0);
	assert_int_equal(w->tab.vms[0].steer.echoes, 2);
	assert_int_equal(w->tab.vms[0].tuning.window_ns, 7000000);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.vms[0].steer.echoes, 0);
	w->tab.vms[0].id = 4;
	fakemod_tuning_event(fakemod_find(3), VCPU_DEBOOST_CAUSE_REQUEST);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_quiet();
}

static void test_vm_change(void **state)
{
	struct vd_tuning set = { .have = WINDOW, .window_ns = 7000000 }, none = { 0 };
	struct world *w = *state;
	struct vm *vm;

	fakemod_load();
	fakemod_add_vm(3, 77, "qemu");
	settle(w);
	vm = &w->tab.vms[0];
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EINVAL;
	assert_int_equal(kclient_vm_change(&w->k, vm, false, &set), -EINVAL);
	assert_int_equal(vm->steer.echoes, 0);
	assert_int_equal(kclient_vm_change(&w->k, vm, false, &none), 0);
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_RESET] = EPERM;
	assert_int_equal(kclient_vm_change(&w->k, vm, true, &set), -EPERM);
	assert_int_equal(vm->steer.echoes, 0);
	assert_int_equal(fakemod.asked[VCPU_DEBOOST_CMD_TUNING_SET], 1);
	fakemod_remove_vm(3);
	vm->tuning.slots = 4711;
	assert_int_equal(kclient_vm_read(&w->k, vm), -ENOENT);
	assert_int_equal(vm->tuning.slots, 4711);
}

static void test_vms(void **state)
{
	struct world *w = *state;

	settle(w);
	fakemod_add_vm(3, 77, "qemu");
	fakemod_add_vm(4, 78, "qemu");
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.nr, 2);
	assert_int_equal(look(w), 0);
	fakemod_remove_vm(3);
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.vms[0].id, 0);
	assert_int_equal(w->tab.vms[0].checks_left, VM_CHECK_LOOKS);
	assert_int_equal(w->tab.vms[1].id, 4);
	/* One without an id is none. */
	fakemod_add_vm(0, 79, "qemu");
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.nr, 2);
	/* The end of the other one is not told, so that the list tells. */
	fakemod.nr_vms = 0;
	fakenl_lose(FAKEMOD_GROUP);
	w->tab.vms[1].steer.echoes = 3;
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.vms[1].steer.echoes, 0);
	assert_true(w->k.resync);
	assert_int_equal(look(w), 0);
	assert_int_equal(w->tab.vms[1].id, 0);
	assert_false(w->k.resync);
}

/* A list that is never the same twice is read again at the next look. */
static void test_disturbed(void **state)
{
	struct world *w = *state;

	settle(w);
	fakemod_add_vm(3, 77, "qemu");
	assert_int_equal(kclient_events(&w->k, &w->tab), 0);
	fakemod.interrupt = 1000;
	assert_int_equal(look(w), 0);
	assert_true(w->k.resync);
	assert_int_equal(w->tab.vms[0].id, 3);
	assert_int_equal(kclient_collect(&w->k, &w->tab), 0);
	fakemod.interrupt = 0;
	assert_int_equal(look(w), 0);
	assert_false(w->k.resync);
	/* And one with a VM that has no id is no list. */
	fakemod.vms[0].vm.id = 0;
	w->k.resync = true;
	assert_int_equal(look(w), -EBADMSG);
	assert_part(w->k.problem, "the module does not answer properly: ");
}

static void test_collect(void **state)
{
	struct world *w = *state;

	fakemod_load();
	fakemod_add_vm(3, 77, "qemu")->stats.ipis = 100;
	fakemod_add_vm(4, 78, "qemu")->stats.ipis = 50;
	settle(w);
	assert_int_equal(kclient_collect(&w->k, &w->tab), 0);
	assert_int_equal(w->tab.vms[1].stats.ipis, 50);
	fakemod.vms[0].stats.ipis = 103;
	fakemod.vms[1].stats.ipis = 54;
	assert_int_equal(kclient_collect(&w->k, &w->tab), 0);
	assert_int_equal(w->k.growth.ipis, 7);
	assert_false(w->k.resync);

	/* A row of a VM that we do not know, or none of one that we do: look again. */
	fakemod.vms[1].vm.id = 5;
	assert_int_equal(kclient_collect(&w->k, &w->tab), 0);
	assert_true(w->k.resync);
	assert_int_equal(w->tab.vms[1].stats.ipis, 54);
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = EIO;
	assert_int_equal(kclient_collect(&w->k, &w->tab), -EIO);
	assert_part(logged(), "the counters cannot be read: ");
	assert_true(w->tab.vms[0].have_stats);
	fakemod.refuse[VCPU_DEBOOST_CMD_STATS_GET] = 0;
	fakemod.loaded = false;
	assert_int_equal(kclient_collect(&w->k, &w->tab), -ENOPKG);
	assert_false(w->k.present || w->tab.vms[0].have_stats);
}

static void test_leave(void **state)
{
	struct world *w = *state;

	assert_int_equal(kclient_leave(&w->k), 0);
	settle(w);
	assert_int_equal(kclient_leave(&w->k), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(fakemod.info.grace_ms, 0);
	assert_quiet();
	fakemod.refuse[VCPU_DEBOOST_CMD_HEARTBEAT] = EPERM;
	assert_int_equal(kclient_leave(&w->k), -EPERM);
	assert_part(logged(), "the heartbeat cannot be ended: not permitted");
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EIO;
	assert_int_equal(kclient_leave(&w->k), -EIO);
	assert_part(logged(), "the module cannot be turned off: ");
}

/* Without netlink each look says so and tries again; without events it still works. */
static void test_no_netlink(void **state)
{
	struct world *w = *state;

	kclient_close(&w->k);
	fakenl.socket_error = EAFNOSUPPORT;
	kclient_open(&w->k);
	assert_int_equal(kclient_fd(&w->k), -EBADF);
	assert_int_equal(kclient_sync(&w->k, &w->tab), -EAFNOSUPPORT);
	assert_part(logged(), "this host or our sandbox has no netlink: ");
	assert_int_equal(kclient_sync(&w->k, &w->tab), -EAFNOSUPPORT);
	assert_quiet();
	assert_int_equal(kclient_leave(&w->k), 0);
	fakenl.socket_error = 0;
	fakemod_load();
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);

	kclient_close(&w->k);
	logged();
	fakenl.join_error = EPERM;
	kclient_open(&w->k);
	assert_part(logged(), "no events from the module, changes show once per interval: not "
			      "permitted");
	assert_int_equal(kclient_fd(&w->k), -EBADF);
	assert_int_equal(kclient_sync(&w->k, &w->tab), 0);
	assert_int_equal(kclient_events(&w->k, &w->tab), -EBADF);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_comes_and_goes), TEST(test_swapped_unseen),
		TEST(test_refused),	   TEST(test_does_not_answer),
		TEST(test_take_over),	   TEST(test_take_over_of_tripped),
		TEST(test_trip),	   TEST(test_fallback),
		TEST(test_tuning_by_hand), TEST(test_tuning_of_vm),
		TEST(test_vm_change),	   TEST(test_vms),
		TEST(test_disturbed),	   TEST(test_collect),
		TEST(test_leave),	   TEST(test_no_netlink),
	};

	return cmocka_run_group_tests_name("daemon kclient", tests, NULL, NULL);
}
