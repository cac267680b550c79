// SPDX-License-Identifier: GPL-2.0-only
/* The subscription against a module that comes and goes, and events that are lost. */
#include "fakemod.h"

#include <poll.h>

#include "lib/vdnl.h"
#include "lib/vdnl_priv.h"

struct world {
	struct vdnl *client;
	enum vdnl_event_type types[512];
	struct vdnl_event last;
	size_t nr;
	int answer;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	*state = w;
	return vdnl_open(&w->client);
}

static int teardown(void **state)
{
	struct world *w = *state;
	size_t i;

	vdnl_close(w->client);
	free(w);
	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd)
			return -1;
	return 0;
}

static int on_event(const struct vdnl_event *event, void *arg)
{
	struct world *w = arg;

	assert_true(w->nr < ARRAY_LEN(w->types));
	w->types[w->nr++] = event->type;
	w->last = *event;
	return w->answer;
}

/* Read, and expect the @nr events whose last one is of @type. */
static void expect(struct world *w, int nr, enum vdnl_event_type type)
{
	w->nr = 0;
	assert_int_equal(vdnl_events_read(w->client, on_event, w), nr);
	assert_int_equal(w->nr, nr);
	if (nr)
		assert_int_equal(w->last.type, type);
}

static void test_module_comes_and_goes(void **state)
{
	struct world *w = *state;
	struct pollfd p = { .events = POLLIN };
	struct vd_info info;

	assert_int_equal(vdnl_subscribe(w->client), 0);
	expect(w, 0, 0);
	fakemod_load();
	p.fd = vdnl_events_fd(w->client);
	assert_int_equal(poll(&p, 1, 0), 1);
	expect(w, 1, VDNL_EVENT_MODULE_APPEARED);
	assert_int_equal(w->last.msg.have, 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* Joined already. */
	fakemod_add_vm(5, 77, "qemu");
	expect(w, 1, VDNL_EVENT_VM_NEW);
	assert_int_equal(w->last.msg.vm.id, 5);
	assert_int_equal(w->last.msg.vm.tgid, 77);
	assert_int_equal(vdnl_info(w->client, &info), 0);

	fakemod_unload();
	expect(w, 1, VDNL_EVENT_MODULE_VANISHED);
	fakemod_load();
	fakemod_unload();
	fakemod_load();
	expect(w, 3, VDNL_EVENT_MODULE_APPEARED);
	assert_int_equal(w->types[1], VDNL_EVENT_MODULE_VANISHED);
}

static void test_loaded_before(void **state)
{
	struct world *w = *state;
	struct vd_tuning set = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS), .slots = 3 };

	fakemod_load();
	assert_int_equal(vdnl_subscribe(w->client), 0);
	/* It was there, so that is no news; nor when the kernel says so again. */
	expect(w, 0, 0);
	fakemod_family_event(CTRL_CMD_NEWFAMILY);
	fakemod_family_event(CTRL_CMD_NEWMCAST_GRP);
	expect(w, 0, 0);

	fakemod_add_vm(5, 77, "qemu");
	assert_int_equal(vdnl_tuning_set(w->client, 5, &set), 0);
	fakemod_trip(VCPU_DEBOOST_TRIP_SWITCH, "off by hand");
	fakemod_remove_vm(5);
	w->nr = 0;
	assert_int_equal(vdnl_events_read(w->client, on_event, w), 5);
	assert_int_equal(w->types[0], VDNL_EVENT_VM_NEW);
	assert_int_equal(w->types[1], VDNL_EVENT_TUNING);
	assert_int_equal(w->types[2], VDNL_EVENT_TRIP);
	assert_int_equal(w->types[3], VDNL_EVENT_TUNING);
	assert_int_equal(w->types[4], VDNL_EVENT_VM_GONE);
	assert_int_equal(w->last.msg.vm.id, 5);
}

static void test_contents(void **state)
{
	struct world *w = *state;
	struct vd_tuning set = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS), .slots = 3 };

	fakemod_load();
	fakemod_add_vm(5, 77, "qemu");
	assert_int_equal(vdnl_subscribe(w->client), 0);
	assert_int_equal(vdnl_tuning_set(w->client, 5, &set), 0);
	expect(w, 1, VDNL_EVENT_TUNING);
	assert_int_equal(w->last.msg.vm_id, 5);
	assert_int_equal(w->last.msg.cause, VCPU_DEBOOST_CAUSE_REQUEST);
	assert_int_equal(w->last.msg.tuning.slots, 3);
	fakemod.info.trips = 8;
	fakemod_trip_event();
	expect(w, 1, VDNL_EVENT_TRIP);
	assert_int_equal(w->last.msg.info.trips, 8);
}

/* A storm is read in bites; the caller ends one with an error of its own. */
static void test_caller(void **state)
{
	struct world *w = *state;

	fakemod_load();
	assert_int_equal(vdnl_subscribe(w->client), 0);
	fakemod_add_vm(5, 77, "qemu");
	fakemod_add_vm(6, 78, "qemu");
	w->answer = -ECANCELED;
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -ECANCELED);
	assert_int_equal(w->nr, 1);
	w->answer = 0;
	expect(w, 1, VDNL_EVENT_VM_NEW);
	assert_int_equal(w->last.msg.vm.id, 6);
}

/* Among what was lost may be that the module was loaded again. */
static void test_lost(void **state)
{
	struct world *w = *state;

	fakemod_load();
	assert_int_equal(vdnl_subscribe(w->client), 0);
	fakenl_lose(GENL_ID_CTRL);
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -ENOBUFS);
	expect(w, 0, 0);

	fakemod.loaded = false;
	fakemod.id++;
	fakenl_lose(GENL_ID_CTRL);
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -ENOBUFS);
	assert_int_equal(w->client->events_family.id, 0);
	fakemod.loaded = true;
	fakenl_lose(GENL_ID_CTRL);
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -ENOBUFS);
	fakemod_add_vm(5, 77, "qemu");
	expect(w, 1, VDNL_EVENT_VM_NEW);

	/* And the lookup after the loss may fail in its turn. */
	fakenl_lose(GENL_ID_CTRL);
	fakenl.join_error = EPERM;
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -EPERM);
	fakenl.join_error = 0;
	fakenl.recv_error = EIO;
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -EIO);
	fakenl.recv_error = EINTR;
	expect(w, 0, 0);
}

static void multicast(uint32_t group, uint16_t type, const void *payload, size_t len)
{
	static struct fakenl_buf buf;

	buf.len = 0;
	fakenl_put(&buf, type, 0, payload, len);
	fakenl_multicast(group, &buf);
}

/* What is of somebody else, of a later module, or malformed. */
static void test_passed_over(void **state)
{
	static const uint8_t huge[VDNL_BUFFER_SIZE];
	static const uint8_t later[] = { VCPU_DEBOOST_CMD_MAX + 1, 1, 0, 0 };
	static const uint8_t cut[] = { VCPU_DEBOOST_CMD_VM_NEW_NTF, 1, 0, 0, 200, 0, 6, 0 };
	static const uint8_t nameless[] = { CTRL_CMD_NEWFAMILY, 1, 0, 0, 6, 0, 1, 0, 9, 0, 0, 0 };
	static const uint8_t bad_family[] = { CTRL_CMD_NEWFAMILY, 1, 0, 0, 5, 0, 1, 0, 9, 0, 0, 0 };
	struct world *w = *state;

	fakemod_load();
	assert_int_equal(vdnl_subscribe(w->client), 0);
	multicast(FAKEMOD_GROUP, fakemod.id, "", 1);
	multicast(FAKEMOD_GROUP, fakemod.id, later, sizeof(later));
	multicast(FAKEMOD_GROUP, (uint16_t)(fakemod.id + 1), later, sizeof(later));
	multicast(GENL_ID_CTRL, GENL_ID_CTRL, nameless, sizeof(nameless));
	fakenl.sender = 4711;
	fakemod_add_vm(5, 77, "qemu");
	expect(w, 0, 0);
	fakenl.sender = 0;

	multicast(FAKEMOD_GROUP, fakemod.id, cut, sizeof(cut));
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -EBADMSG);
	multicast(GENL_ID_CTRL, GENL_ID_CTRL, bad_family, sizeof(bad_family));
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -EBADMSG);
	multicast(FAKEMOD_GROUP, fakemod.id, huge, sizeof(huge));
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -ENOBUFS);
	fakemod_add_vm(6, 78, "qemu");
	expect(w, 1, VDNL_EVENT_VM_NEW);
}

/* Not permitted: nothing is left half open, and it works once it is. */
static void test_not_permitted(void **state)
{
	struct world *w = *state;

	fakemod_load();
	fakenl.join_error = EPERM;
	assert_int_equal(vdnl_subscribe(w->client), -EPERM);
	assert_int_equal(vdnl_events_fd(w->client), -EBADF);
	fakenl.join_error = 0;
	fakenl.socket_error = EAFNOSUPPORT;
	assert_int_equal(vdnl_subscribe(w->client), -EAFNOSUPPORT);
	fakenl.socket_error = 0;
	fakenl.recv_error = EIO;
	assert_int_equal(vdnl_subscribe(w->client), -EIO);
	assert_int_equal(vdnl_events_fd(w->client), -EBADF);

	fakemod.group = 0;
	assert_int_equal(vdnl_subscribe(w->client), -EBADMSG);
	fakemod.group = FAKEMOD_GROUP;
	assert_int_equal(vdnl_subscribe(w->client), 0);
	/* The module that appears later may not let us in, either. */
	fakemod_unload();
	expect(w, 1, VDNL_EVENT_MODULE_VANISHED);
	fakenl.join_error = EPERM;
	fakemod_load();
	assert_int_equal(vdnl_events_read(w->client, on_event, w), -EPERM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_module_comes_and_goes),
		TEST(test_loaded_before),
		TEST(test_contents),
		TEST(test_caller),
		TEST(test_lost),
		TEST(test_passed_over),
		TEST(test_not_permitted),
	};

	return cmocka_run_group_tests_name("vdnl events", tests, NULL, NULL);
}
