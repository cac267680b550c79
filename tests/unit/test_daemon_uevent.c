// SPDX-License-Identifier: GPL-2.0-only
/* KVM's uevents, as captured and as nobody should send them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/uevent.h"

#define HEAD "change@/devices/virtual/misc/kvm\0ACTION=change\0"
#define PATH "DEVPATH=/devices/virtual/misc/kvm\0"
#define REST "SUBSYSTEM=misc\0MAJOR=10\0MINOR=232\0DEVNAME=kvm\0CREATED=2\0COUNT=1\0"

#define ROW(_text, ...)                               \
	{                                             \
		_text, sizeof(_text) - 1, __VA_ARGS__ \
	}

static const struct {
	const char *msg;
	size_t len;
	int r;
	bool created;
	pid_t pid;
} rows[] = {
	ROW(HEAD PATH REST "EVENT=create\0PID=3638\0STATS_PATH=/kvm/3638-5\0SEQNUM=9\0", 0, true,
	    3638),
	ROW(HEAD PATH REST "EVENT=destroy\0PID=3638\0SEQNUM=9\0", 0, false, 3638),
	/* The last byte cut off is the NUL only. */
	ROW(HEAD PATH "EVENT=create\0PID=7", 0, true, 7),
	ROW(HEAD PATH "PID=7\0EVENT=create\0", 0, true, 7),
	/* About something else. */
	ROW("add@/devices/virtual/misc/kvm\0ACTION=add\0" PATH REST, -ENOMSG, false, 0),
	ROW("change@/devices/x\0DEVPATH=/devices/x\0EVENT=create\0PID=1\0", -ENOMSG, false, 0),
	ROW(HEAD "DEVPATH=/devices/virtual/misc/kvm2\0EVENT=create\0PID=1\0", -ENOMSG, false, 0),
	ROW(HEAD PATH "EVENT=created\0PID=1\0", -ENOMSG, false, 0),
	ROW("libudev\0\xfe\xed\xca\xfe", -ENOMSG, false, 0),
	ROW("", -ENOMSG, false, 0),
	ROW("\0\0\0\0", -ENOMSG, false, 0),
	/* About KVM, but wrong. */
	ROW(HEAD PATH "EVENT=create\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=0\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=-4\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=12x\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=99999999999\0", -EBADMSG, false, 0),
	ROW(HEAD PATH "EVENT=create\0PID=99999999999999999999999\0", -EBADMSG, false, 0),
};

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uevent_kvm e = { .created = true, .pid = -77 };
		int r = uevent_parse(rows[i].msg, rows[i].len, &e);

		if (r != rows[i].r)
			fail_msg("row %zu gave %d", i, r);
		assert_int_equal(e.pid, r ? -77 : rows[i].pid);
		assert_int_equal(e.created, r ? true : rows[i].created);
	}
}

/* Every prefix of a good message, in memory that ends where it ends. */
static void test_cut(void **state)
{
	static const char msg[] = HEAD PATH REST "EVENT=create\0PID=3638\0";
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(msg); n++) {
		struct uevent_kvm e = { 0 };
		char *copy = malloc(n ? n : 1);

		memcpy(copy, msg, n);
		if (!uevent_parse(copy, n, &e))
			assert_true(e.pid == 3 || e.pid == 36 || e.pid == 363 || e.pid == 3638);
		free(copy);
	}
}

static void test_too_long(void **state)
{
	struct uevent_kvm e;
	char *msg = calloc(1, 100000);

	(void)state;
	assert_int_equal(uevent_parse(msg, 100000, &e), -ENOMSG);
	free(msg);
}

/* The real socket: the kernel grants it, and nothing is waiting about KVM. */
static void test_socket(void **state)
{
	struct uevent_kvm e;
	int fd = uevent_open();
	int r;

	(void)state;
	if (fd == -EPERM || fd == -EPROTONOSUPPORT)
		skip();
	assert_true(fd >= 0);
	r = uevent_read(fd, &e);
	assert_true(r == -EAGAIN || r == 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests_name("daemon uevent", tests, NULL, NULL);
}
