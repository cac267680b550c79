// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/vmname.h"

/* A command line as /proc shows it: literals with their NULs, the last one implied. */
#define CMDLINE(text) (text), sizeof(text)

static void test_derive(void **state)
{
	static const struct {
		const char *cmdline;
		size_t len;
		const char *name;
	} rows[] = {
		{ CMDLINE("qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-m\0001024"),
		  "web1" },
		{ CMDLINE("qemu-system-x86_64\0-name\0web1"), "web1" },
		{ CMDLINE("qemu-system-x86_64\0--name\0web1"), "web1" },
		{ CMDLINE("qemu-system-x86_64\0-name\0web1,debug-threads=on"), "web1" },
		{ CMDLINE("qemu-system-x86_64\0-name\0debug-threads=on,guest=late"), "late" },
		{ CMDLINE("qemu-system-x86_64\0-name\0debug-threads=on"), "comm-42" },
		{ CMDLINE("qemu-system-x86_64\0-name\0guest=a,,b"), "a,b" },
		{ CMDLINE("qemu-system-x86_64\0-name\0guest=first\0-name\0guest=last"), "last" },
		{ CMDLINE("vdvm\0--name\0lab0\0--vcpus\0004"), "lab0" },
		{ CMDLINE("vdvm\0--name=lab1"), "lab1" },
		{ CMDLINE("vmm\0--name"), "comm-42" },
		{ CMDLINE("vmm\0--name\0"), "comm-42" },
		{ CMDLINE("vmm\0-name\0guest="), "comm-42" },
		{ CMDLINE("-name\0x"), "comm-42" },
		{ CMDLINE("vmm\0-names\0x"), "comm-42" },
		{ CMDLINE("vmm\0-append\0root=/dev/vda"), "comm-42" },
		{ CMDLINE(""), "comm-42" },
		{ NULL, 0, "comm-42" },
		{ "vmm\0--name\0cut", 14, "cut" },
		{ CMDLINE("vmm\0--name\0a=b"), "comm-42" },
		{ CMDLINE("/usr/bin/firecracker-v1.7\0--id\000551e7604\0--start-time-us\0001"),
		  "551e7604" },
		{ CMDLINE("firecracker\0--id=a-b"), "a-b" },
		{ CMDLINE("/opt/firecracker/vmm\0--id\0x"), "comm-42" },
		{ CMDLINE("qemu-system-x86_64\0--id\0x"), "comm-42" },
		{ CMDLINE("firecracker\0--idx\0x\0--id"), "comm-42" },
		{ CMDLINE("vmm\0-name=x"), "comm-42" },
		{ CMDLINE("cloud-hypervisor\0--api-socket\0/run/x.sock"), "comm-42" },
	};
	char name[VMNAME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		vmname_derive("comm", 42, rows[i].cmdline, rows[i].len, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
}

static void test_sanitize(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *clean;
	} rows[] = {
		{ "web1", 4, "web1" },
		{ "my vm", 5, "my vm" },
		{ "  spaces  ", 10, "spaces" },
		{ "a\nb", 3, "a_b" },
		{ "a\0b", 3, "a_b" },
		{ "\033[31mred", 8, "_[31mred" },
		{ "quo\"te's", 8, "quo_te_s" },
		{ "back\\slash", 10, "back_slash" },
		{ "$(reboot)`x`", 12, "_(reboot)_x_" },
		{ "\x7f", 1, "_" },
		{ "b\xc3\xbc"
		  "cher",
		  7,
		  "b\xc3\xbc"
		  "cher" },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 6, "\xe6\xbc\xa2\xe5\xad\x97" },
		{ "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
		{ "\xff\xfe", 2, "__" },
		{ "\xc3", 1, "_" }, /* cut in the middle */
		{ "\xe6\xbc", 2, "__" },
		{ "\xc0\x80", 2, "__" }, /* an overlong NUL */
		{ "\xc1\x9b", 2, "__" }, /* an overlong bracket */
		{ "\xe0\x80\xaf", 3, "___" },
		{ "\xed\xa0\x80", 3, "___" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", 4, "____" }, /* beyond U+10FFFF */
		{ "\xc2\x9b"
		  "2J",
		  4, "_2J" }, /* C1: CSI */
		{ "\xe2\x80\xae"
		  "evil",
		  7, "_evil" }, /* right-to-left override */
		{ "\xe2\x80\x8b", 3, "_" }, /* zero width space */
		{ "\xef\xbb\xbf", 3, "_" }, /* byte order mark */
		{ "\xe2\x80\xa8", 3, "_" }, /* line separator */
		{ "", 0, "" },
	};
	char clean[VMNAME_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(vmname_sanitize(rows[i].bytes, rows[i].len, clean,
						    sizeof(clean)),
				    rows[i].clean);
}

/* A cut never leaves half a character, nor a space at the end. */
static void test_cut(void **state)
{
	static const char text[] = "ab\xc3\xbc\xe6\xbc\xa2 z\xf0\x9f\x98\x80";

	(void)state;
	for (size_t size = 1; size <= sizeof(text) + 1; size++) {
		char *buf = test_malloc(size), again[64];
		size_t len;

		vmname_sanitize(text, sizeof(text) - 1, buf, size);
		len = strlen(buf);
		assert_true(len < size);
		assert_memory_equal(buf, text, len);
		assert_true(!len || buf[len - 1] != ' ');
		/* Clean already, so cleaning again changes nothing. */
		vmname_sanitize(buf, len, again, sizeof(again));
		assert_string_equal(again, buf);
		test_free(buf);
	}
}

static void test_hostile_comm(void **state)
{
	char name[VMNAME_SIZE];

	(void)state;
	assert_string_equal(vmname_derive("a\nb\"c", 7, NULL, 0, name, sizeof(name)), "a_b_c-7");
	assert_string_equal(vmname_derive("", 7, NULL, 0, name, sizeof(name)), "vm-7");
	assert_string_equal(vmname_derive("   ", 7, NULL, 0, name, sizeof(name)), "vm-7");
	assert_string_equal(vmname_derive("x", UINT32_MAX, NULL, 0, name, sizeof(name)), "x-"
											 "429496729"
											 "5");
}

static void test_long_names(void **state)
{
	static char cmdline[VMNAME_CMDLINE_MAX];
	char name[VMNAME_SIZE];
	size_t head = sizeof("vmm\0--name");

	(void)state;
	memset(cmdline, 'x', sizeof(cmdline));
	memcpy(cmdline, "vmm\0--name", head);
	vmname_derive("c", 1, cmdline, head + 4096, name, sizeof(name));
	assert_int_equal(strlen(name), VMNAME_SIZE - 1);
	vmname_derive("c", 1, cmdline, sizeof(cmdline), name, sizeof(name));
	assert_int_equal(strlen(name), VMNAME_SIZE - 1);
	memset(cmdline + head, ',', sizeof(cmdline) - head);
	vmname_derive("c", 1, cmdline, sizeof(cmdline), name, sizeof(name));
	assert_true(name[0]);
}

static bool is_harmless(const char *name)
{
	for (; *name; name++)
		if ((unsigned char)*name < 0x20 || *name == 0x7f || strchr("\"'`\\$", *name))
			return false;
	return true;
}

/* Random bytes with words that matter in between: always a name, always harmless. */
static void test_garbage(void **state)
{
	static const char *const words[] = { "-name", "--name", "--name=", "guest=", ",,", "," };
	uint64_t seed = 3;

	(void)state;
	for (int round = 0; round < 30000; round++) {
		char bytes[160], name[VMNAME_SIZE], *exact;
		size_t len = 0, size;

		while (len < 100) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			if ((seed >> 60) < 6) {
				const char *word = words[(seed >> 40) % ARRAY_LEN(words)];

				memcpy(bytes + len, word, strlen(word));
				len += strlen(word);
			} else {
				bytes[len++] = (char)(seed >> 60 > 12 ? 0 : seed >> 33);
			}
		}
		size = (seed >> 20) % (len + 1);
		exact = test_malloc(size ? size : 1);
		memcpy(exact, bytes, size);
		vmname_derive("comm", 1, exact, size, name, sizeof(name));
		test_free(exact);
		assert_true(name[0] && strlen(name) < sizeof(name));
		assert_true(is_harmless(name));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_derive),	   cmocka_unit_test(test_sanitize),
		cmocka_unit_test(test_cut),	   cmocka_unit_test(test_hostile_comm),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("vmname", tests, NULL, NULL);
}
