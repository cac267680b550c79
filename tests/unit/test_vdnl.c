// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client on real netlink sockets. The module is not needed: its absence is
 * what is tested, and the kernel's own controller family stands in where a
 * request has to be answered or refused.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>

#include "lib/vdnl.h"
#include "lib/vdnl_priv.h"

static int setup(void **state)
{
	struct vdnl *client = NULL;

	if (vdnl_open(&client) < 0)
		return -1;
	*state = client;
	return 0;
}

static int teardown(void **state)
{
	*state = vdnl_close(*state);
	return *state != NULL;
}

static bool module_is_loaded(struct vdnl *client)
{
	struct vdnl_family family;

	return vdnl_family_find(client, &family) != -ENOPKG;
}

static int no_row(const struct vd_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	fail_msg("a row although there is no module");
	return 0;
}

static void test_absent_module(void **state)
{
	struct vd_tuning tuning = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_MODE), .mode = 77 };
	struct vd_stats stats = { .have = 77 };
	struct vd_info info = { .have = 77 };
	struct vd_vm vm = { .have = 77 };
	struct vdnl *client = *state;

	if (module_is_loaded(client))
		skip();
	assert_int_equal(vdnl_info(client, &info), -ENOPKG);
	assert_int_equal(vdnl_tuning_get(client, VDNL_GLOBAL, &tuning), -ENOPKG);
	assert_int_equal(vdnl_tuning_set(client, VDNL_GLOBAL, &tuning), -ENOPKG);
	assert_int_equal(vdnl_tuning_reset(client, 1), -ENOPKG);
	assert_int_equal(vdnl_vm_get(client, 1, &vm), -ENOPKG);
	assert_int_equal(vdnl_stats_get(client, 1, &stats), -ENOPKG);
	assert_int_equal(vdnl_heartbeat(client, 1000), -ENOPKG);
	assert_int_equal(vdnl_hooks_dump(client, no_row, NULL), -ENOPKG);
	assert_int_equal(vdnl_vms_dump(client, no_row, NULL), -ENOPKG);
	assert_int_equal(vdnl_stats_dump(client, no_row, NULL), -ENOPKG);
	/* Nothing was touched, and the sentence names the next step. */
	assert_int_equal(info.have, 77);
	assert_int_equal(vm.have, 77);
	assert_int_equal(stats.have, 77);
	assert_int_equal(tuning.mode, 77);
	assert_string_equal(vdnl_last_error(client), "");
	assert_non_null(strstr(vdnl_strerror(client, -ENOPKG), "modprobe vcpu_deboost"));
}

static void test_bad_arguments(void **state)
{
	struct vd_tuning tuning = { .have = VD_BIT(VCPU_DEBOOST_TUNING_A_OVERRIDES) };
	struct vdnl *client = *state;

	assert_int_equal(vdnl_tuning_set(client, VDNL_GLOBAL, &tuning), -EINVAL);
	assert_int_equal(vdnl_tuning_reset(client, VDNL_GLOBAL), -EINVAL);
	assert_null(vdnl_close(NULL));
}

static void test_every_error_has_a_sentence(void **state)
{
	static const int errors[] = { -ENOPKG,	-EPERM,	 -EACCES,     -ENOENT, -EAGAIN,
				      -EBADMSG, -EINVAL, -EOPNOTSUPP, -ENOMEM, -9999 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		assert_true(strlen(vdnl_strerror(NULL, errors[i])) > 5);
}

static int no_event(const struct vdnl_event *event, void *arg)
{
	(void)event;
	(void)arg;
	fail_msg("an event although nothing happened");
	return 0;
}

static void test_subscribe_without_module(void **state)
{
	struct vdnl *client = *state;
	struct pollfd fd;

	if (module_is_loaded(client))
		skip();
	assert_int_equal(vdnl_events_fd(client), -EBADF);
	assert_int_equal(vdnl_events_read(client, no_event, NULL), -EBADF);
	assert_int_equal(vdnl_subscribe(client), 0);
	assert_int_equal(vdnl_subscribe(client), -EALREADY);

	fd = (struct pollfd){ .fd = vdnl_events_fd(client), .events = POLLIN };
	assert_true(fd.fd >= 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
	/* Nothing waits, so it returns at once. */
	assert_int_equal(vdnl_events_read(client, no_event, NULL), 0);
	/* Requests go on beside the subscription. */
	assert_int_equal(vdnl_heartbeat(client, 0), -ENOPKG);
}

static int count_row(struct nlmsghdr *hdr, void *arg)
{
	assert_true(genlmsg_valid_hdr(hdr, 0));
	(*(int *)arg)++;
	return 0;
}

static void test_dump_of_a_real_family(void **state)
{
	int rows = 0;
	struct vdnl_request request = {
		.cmd = CTRL_CMD_GETFAMILY,
		.flags = NLM_F_REQUEST | NLM_F_DUMP,
		.row = count_row,
		.arg = &rows,
	};

	assert_int_equal(vdnl_transact(*state, GENL_ID_CTRL, &request), 0);
	assert_true(rows >= 1);
}

static int refuse_row(struct nlmsghdr *hdr, void *arg)
{
	(void)hdr;
	(*(int *)arg)++;
	return -E2BIG;
}

/* An error of the caller ends the dump, and leaves a socket that still works. */
static void test_dump_stopped_by_the_caller(void **state)
{
	int rows = 0;
	struct vdnl_request request = {
		.cmd = CTRL_CMD_GETFAMILY,
		.flags = NLM_F_REQUEST | NLM_F_DUMP,
		.row = refuse_row,
		.arg = &rows,
	};

	assert_int_equal(vdnl_transact(*state, GENL_ID_CTRL, &request), -E2BIG);
	assert_int_equal(rows, 1);
	test_dump_of_a_real_family(state);
}

static int take_error(struct vdnl *client, uint8_t cmd, const void *bytes, size_t len)
{
	struct vdnl_request request = {
		.cmd = cmd,
		.flags = NLM_F_REQUEST,
		.bytes = bytes,
		.len = len,
	};

	return vdnl_transact(client, GENL_ID_CTRL, &request);
}

/* The kernel's own refusals: errno exact, sentence kept, gone after a success. */
static void test_refusals_of_the_kernel(void **state)
{
	static const struct {
		struct nlattr attr;
		uint8_t data[4];
	} short_id = { { .nla_len = 5, .nla_type = CTRL_ATTR_FAMILY_ID }, { 1 } };
	static const struct {
		struct nlattr attr;
		char name[12];
	} unknown = { { .nla_len = 16, .nla_type = CTRL_ATTR_FAMILY_NAME }, "no-such-fam" };
	struct vdnl *client = *state;

	assert_int_equal(take_error(client, CTRL_CMD_GETFAMILY, &unknown, sizeof(unknown)),
			 -ENOENT);
	assert_true(take_error(client, CTRL_CMD_GETFAMILY, &short_id, sizeof(short_id)) < 0);
	assert_true(strlen(vdnl_last_error(client)) > 5);
	assert_string_equal(vdnl_strerror(client, -EINVAL), vdnl_last_error(client));
	assert_int_equal(take_error(client, 200, NULL, 0), -EOPNOTSUPP);

	test_dump_of_a_real_family(state);
	assert_string_equal(vdnl_last_error(client), "");
}

/* A message type that no family has, as after the module was unloaded. */
static void test_stale_family(void **state)
{
	struct vdnl *client = *state;
	struct vd_info info;

	if (module_is_loaded(client))
		skip();
	client->family.id = 0x3fff;
	assert_int_equal(vdnl_info(client, &info), -ENOPKG);
	assert_int_equal(client->family.id, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_absent_module),
		TEST(test_bad_arguments),
		TEST(test_every_error_has_a_sentence),
		TEST(test_subscribe_without_module),
		TEST(test_dump_of_a_real_family),
		TEST(test_dump_stopped_by_the_caller),
		TEST(test_refusals_of_the_kernel),
		TEST(test_stale_family),
	};

	return cmocka_run_group_tests_name("vdnl", tests, NULL, NULL);
}
