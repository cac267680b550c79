// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client against a module: what it asks and understands, and what it makes of one that
 * comes, goes, refuses, loses events, or speaks nonsense.
 */
#include "fakemod.h"

#include <poll.h>

#include "lib/vdnl.h"
#include "lib/vdnl_priv.h"

static int setup(void **state)
{
	struct vdnl *client = NULL;

	memset(&fakenl, 0, sizeof(fakenl));
	memset(&fakemod, 0, sizeof(fakemod));
	fakemod_load();
	if (vdnl_open(&client) < 0)
		return -1;
	*state = client;
	return 0;
}

static int teardown(void **state)
{
	size_t i;

	*state = vdnl_close(*state);
	for (i = 0; i < FAKENL_SOCKETS; i++)
		if (fakenl.socks[i].fd)
			return -1;
	return 0;
}

static void test_info(void **state)
{
	struct vdnl *client = *state;
	struct vd_info info;

	fakemod_add_vm(3, 77, "qemu");
	fakemod_trip(VCPU_DEBOOST_TRIP_STARVATION, "a vCPU waited");
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_string_equal(info.version, "9.8.7");
	assert_int_equal(info.nr_vms, 1);
	assert_int_equal(info.trip.kind, VCPU_DEBOOST_TRIP_STARVATION);
	assert_string_equal(info.trip.reason, "a vCPU waited");
	assert_int_equal(info.trip.budget, 5);

	assert_int_equal(vdnl_trip_clear(client), 0);
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_int_equal(info.trip.kind, 0);
	assert_int_equal(info.trips, 1);
}

static void test_tuning(void **state)
{
	struct vd_tuning set = { .mode = VCPU_DEBOOST_MODE_ACTIVE, .window_ns = 7000000 };
	struct vdnl *client = *state;
	struct vd_tuning now;

	fakemod_add_vm(3, 77, "qemu");
	set.have = VD_BIT(VCPU_DEBOOST_TUNING_A_MODE) | VD_BIT(VCPU_DEBOOST_TUNING_A_OVERRIDES);
	set.overrides = 0xffff;
	assert_int_equal(vdnl_tuning_set(client, VDNL_GLOBAL, &set), 0);
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(fakemod.tuning.window_ns, VCPU_DEBOOST_WINDOW_DEFAULT_NS);
	set.have = VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS);
	assert_int_equal(vdnl_tuning_set(client, 3, &set), 0);
	assert_int_equal(fakemod.tuning.window_ns, VCPU_DEBOOST_WINDOW_DEFAULT_NS);

	assert_int_equal(vdnl_tuning_get(client, 3, &now), 0);
	assert_int_equal(now.window_ns, 7000000);
	assert_int_equal(now.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_int_equal(now.overrides, VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS));
	assert_int_equal(vdnl_tuning_reset(client, 3), 0);
	assert_int_equal(vdnl_tuning_get(client, 3, &now), 0);
	assert_int_equal(now.window_ns, VCPU_DEBOOST_WINDOW_DEFAULT_NS);
	assert_int_equal(now.overrides, 0);

	assert_int_equal(vdnl_heartbeat(client, 2500), 0);
	assert_int_equal(fakemod.info.grace_ms, 2500);
}

static void test_one_vm(void **state)
{
	struct vdnl *client = *state;
	struct vd_stats stats;
	struct vd_vm vm;

	fakemod_add_vm(3, 77, "qemu")->stats.boosted_chain = 41;
	assert_int_equal(vdnl_vm_get(client, 3, &vm), 0);
	assert_int_equal(vm.tgid, 77);
	assert_string_equal(vm.comm, "qemu");
	assert_int_equal(vdnl_stats_get(client, 3, &stats), 0);
	assert_int_equal(stats.boosted_chain, 41);

	stats.boosted_chain = 1;
	assert_int_equal(vdnl_stats_get(client, 4, &stats), -ENOENT);
	assert_int_equal(stats.boosted_chain, 1);
	assert_non_null(strstr(vdnl_strerror(client, -ENOENT), "vdctl vms"));
}

/* What a dump has told, @again: and how often it began again. */
struct seen {
	uint32_t ids[64];
	size_t nr;
	unsigned int again;
	uint64_t have;
	char symbol[VD_SYMBOL_SIZE];
};

static int see(const struct vd_msg *msg, void *arg)
{
	struct seen *seen = arg;

	if (!msg) {
		seen->nr = 0;
		seen->again++;
		return 0;
	}
	seen->ids[seen->nr++] = msg->have & VD_BIT(VCPU_DEBOOST_A_VM) ? msg->vm.id : msg->vm_id;
	seen->have = msg->have;
	snprintf(seen->symbol, sizeof(seen->symbol), "%s", msg->hook.symbol);
	return 0;
}

static void test_dumps(void **state)
{
	struct vdnl *client = *state;
	struct seen seen = { .nr = 0 };

	assert_int_equal(vdnl_vms_dump(client, see, &seen), 0);
	assert_int_equal(seen.nr, 0);
	fakemod_add_vm(3, 77, "qemu");
	fakemod_add_vm(5, 78, "qemu");
	assert_int_equal(vdnl_vms_dump(client, see, &seen), 0);
	assert_int_equal(seen.nr, 2);
	assert_int_equal(seen.ids[1], 5);
	assert_true(seen.have & VD_BIT(VCPU_DEBOOST_A_TUNING));
	seen.nr = 0;
	assert_int_equal(vdnl_stats_dump(client, see, &seen), 0);
	assert_int_equal(seen.nr, 2);
	assert_int_equal(seen.ids[0], 3);
	seen.nr = 0;
	strcpy(fakemod.hooks[0].symbol, "kvm_vcpu_on_spin");
	fakemod.nr_hooks = 1;
	assert_int_equal(vdnl_hooks_dump(client, see, &seen), 0);
	assert_int_equal(seen.nr, 1);
	assert_string_equal(seen.symbol, "kvm_vcpu_on_spin");
	assert_int_equal(seen.again, 0);
}

static int refuse_again(const struct vd_msg *msg, void *arg)
{
	(void)arg;
	return msg ? 0 : -ECANCELED;
}

/* Disturbed dumps begin again, each time with a word to the caller, and not for ever. */
static void test_disturbed_dumps(void **state)
{
	struct vdnl *client = *state;
	struct seen seen = { .nr = 0 };

	fakemod_add_vm(3, 77, "qemu");
	fakemod.interrupt = 3;
	assert_int_equal(vdnl_vms_dump(client, see, &seen), 0);
	assert_int_equal(seen.again, 3);
	assert_int_equal(seen.nr, 1);

	fakemod.interrupt = 1000;
	assert_int_equal(vdnl_vms_dump(client, see, &seen), -EAGAIN);
	assert_int_equal(seen.nr, 1);
	assert_non_null(strstr(vdnl_strerror(client, -EAGAIN), "try again"));
	assert_int_equal(vdnl_vms_dump(client, refuse_again, NULL), -ECANCELED);
	fakemod.interrupt = 0;
	assert_int_equal(vdnl_vms_dump(client, refuse_again, NULL), 0);
}

static void test_refusals(void **state)
{
	struct vd_tuning set = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_MODE), .mode = 2 };
	struct vdnl *client = *state;
	struct vd_info info;

	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = EBUSY;
	fakemod.sentence = "the breaker\nhas tripped";
	assert_int_equal(vdnl_tuning_set(client, VDNL_GLOBAL, &set), -EBUSY);
	assert_string_equal(vdnl_last_error(client), "the breaker_has tripped");
	assert_string_equal(vdnl_strerror(client, -EBUSY), "the breaker_has tripped");
	assert_int_equal(fakemod.tuning.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_string_equal(vdnl_last_error(client), "");

	/* -ENOENT is not taken for an unloaded module, and its sentence is kept. */
	fakemod.refuse[VCPU_DEBOOST_CMD_TUNING_SET] = ENOENT;
	fakemod.sentence = "no such thing";
	assert_int_equal(vdnl_tuning_set(client, VDNL_GLOBAL, &set), -ENOENT);
	assert_string_equal(vdnl_last_error(client), "no such thing");
}

/* Answers that lack what was asked for, or are no answers to this request. */
static void test_nonsense(void **state)
{
	struct vd_info info = { .abi = 4711 };
	struct vdnl *client = *state;
	struct seen seen = { .nr = 0 };

	fakemod_add_vm(3, 77, "qemu");
	fakemod.empty = true;
	assert_int_equal(vdnl_info(client, &info), -EBADMSG);
	assert_int_equal(vdnl_vms_dump(client, see, &seen), -EBADMSG);
	fakemod.empty = false;
	fakemod.stale = true;
	assert_int_equal(vdnl_info(client, &info), -EBADMSG);
	assert_int_equal(vdnl_vms_dump(client, see, &seen), 0);
	assert_int_equal(info.abi, 4711);
	assert_int_equal(seen.nr, 0);
	assert_non_null(strstr(vdnl_strerror(client, -EBADMSG), "different versions"));
	fakemod.stale = false;
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_int_equal(info.abi, VCPU_DEBOOST_ABI);
}

/* A message that nobody has asked for. */
static void push(uint16_t type, uint32_t seq, const void *payload, size_t len)
{
	static struct fakenl_buf buf;

	buf.len = 0;
	fakenl_put(&buf, type, seq, payload, len);
	fakenl_send(&fakenl.socks[0], &buf);
}

static void test_leftovers(void **state)
{
	static const uint8_t large[30000];
	struct vdnl *client = *state;
	struct vd_info info;

	assert_int_equal(vdnl_info(client, &info), 0);
	push(fakemod.id, 0, large, 64);
	push(NLMSG_DONE, 0, large, 1);
	push(NLMSG_ERROR, 0, large, 0);
	push(fakemod.id, 0, large, sizeof(large));
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_string_equal(info.version, "9.8.7");
}

static void push_noop(uint8_t cmd)
{
	(void)cmd;
	push(NLMSG_NOOP, fakemod.seq, "", 1);
}

static void push_overrun(uint8_t cmd)
{
	(void)cmd;
	push(NLMSG_OVERRUN, fakemod.seq, "", 1);
}

static void push_headless(uint8_t cmd)
{
	(void)cmd;
	push(fakemod.id, fakemod.seq, "", 1);
}

static void push_attr_beyond_end(uint8_t cmd)
{
	const uint8_t payload[GENL_HDRLEN + NLA_HDRLEN] = { cmd, 1, 0, 0, 200, 0, 3, 0 };

	push(fakemod.id, fakemod.seq, payload, sizeof(payload));
}

static void push_huge(uint8_t cmd)
{
	static const uint8_t huge[VDNL_BUFFER_SIZE];

	(void)cmd;
	push(fakemod.id, fakemod.seq, huge, sizeof(huge));
}

static int no_row(const struct vd_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	fail_msg("a row although there is no VM");
	return 0;
}

/* What is wrong comes before the right answer, which is no answer any more. */
static void test_wrong_messages(void **state)
{
	static const struct {
		void (*push)(uint8_t cmd);
		int error;
	} rows[] = {
		{ push_noop, 0 },	  { push_overrun, -EMSGSIZE },
		{ push_huge, -EMSGSIZE }, { push_headless, -EBADMSG },
		{ push_noop, 0 },	  { push_attr_beyond_end, -EBADMSG },
	};
	struct vdnl *client = *state;
	struct vd_info info;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		info.abi = 4711;
		fakemod.on_ask = rows[i].push;
		assert_int_equal(vdnl_info(client, &info), rows[i].error);
		assert_int_equal(info.abi, rows[i].error ? 4711 : VCPU_DEBOOST_ABI);
		assert_int_equal(vdnl_vms_dump(client, no_row, NULL), rows[i].error);
		fakemod.on_ask = NULL;
		assert_int_equal(vdnl_info(client, &info), 0);
	}
}

/* The socket fails; the request after it finds no rest of the one before. */
static void test_broken_socket(void **state)
{
	struct vdnl *client = *state, *other = NULL;
	struct vd_info info = { .abi = 4711 };

	assert_int_equal(vdnl_info(client, &info), 0);
	fakenl.send_error = ECONNREFUSED;
	assert_true(vdnl_info(client, &info) < 0);
	fakenl.send_error = 0;
	fakenl.recv_error = EINTR;
	assert_int_equal(vdnl_info(client, &info), 0);
	fakenl.recv_error = EIO;
	fakemod.info.abi = 2;
	assert_int_equal(vdnl_info(client, &info), -EIO);
	assert_int_equal(info.abi, VCPU_DEBOOST_ABI);
	fakenl_find(nl_socket_get_fd(client->sock))->overrun = true;
	assert_int_equal(vdnl_info(client, &info), -ENOBUFS);
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_int_equal(info.abi, 2);

	fakenl.socket_error = EAFNOSUPPORT;
	assert_int_equal(vdnl_open(&other), -EAFNOSUPPORT);
	fakenl.socket_error = 0;
	fakenl.connect_error = EACCES;
	assert_int_equal(vdnl_open(&other), -EACCES);
	fakenl.connect_error = 0;
	assert_null(other);
}

/* Loaded again it has another message type; gone, that is what is said. */
static void test_reload(void **state)
{
	struct vdnl *client = *state;
	struct vd_info info;

	assert_int_equal(vdnl_info(client, &info), 0);
	fakemod_unload();
	fakemod_load();
	strcpy(fakemod.info.version, "10");
	assert_int_equal(vdnl_info(client, &info), 0);
	assert_string_equal(info.version, "10");
	assert_int_equal(client->family.id, fakemod.id);
	fakemod_unload();
	assert_int_equal(vdnl_info(client, &info), -ENOPKG);
	assert_int_equal(client->family.id, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_info),	  TEST(test_tuning),	      TEST(test_one_vm),
		TEST(test_dumps),	  TEST(test_disturbed_dumps), TEST(test_refusals),
		TEST(test_nonsense),	  TEST(test_leftovers),	      TEST(test_wrong_messages),
		TEST(test_broken_socket), TEST(test_reload),
	};

	return cmocka_run_group_tests_name("vdnl module", tests, NULL, NULL);
}
