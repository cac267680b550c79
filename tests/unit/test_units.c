// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/units.h"

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void test_durations_that_parse(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0ns", 0 },
		{ "1ns", 1 },
		{ "999ns", 999 },
		{ "50us", 50000 },
		{ "50ms", 50000000 },
		{ "1s", 1000000000 },
		{ "1.5ms", 1500000 },
		{ "0.0005s", 500000 },
		{ "0.000000001s", 1 },
		{ "1.000000000s", 1000000000 },
		{ "2.50000000000s", 2500000000 },
		{ "1.0ns", 1 },
		{ "007ms", 7000000 },
		{ "18446744073709551615ns", UINT64_MAX },
		{ "18446744073.709551615s", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		uint64_t ns = UNTOUCHED;

		print_message("# %s\n", good[i].text);
		assert_int_equal(unit_parse_duration(good[i].text, &ns), 0);
		assert_true(ns == good[i].ns);
	}
}

static void test_durations_that_do_not(void **state)
{
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", -EINVAL },
		{ "ms", -EINVAL },
		{ "50", -ENODATA },
		{ "0", -ENODATA },
		{ "1.5", -ENODATA },
		{ "2h", -EINVAL },
		{ "2m", -EINVAL },
		{ "50 ms", -EINVAL },
		{ " 50ms", -EINVAL },
		{ "50ms ", -EINVAL },
		{ "50msx", -EINVAL },
		{ "50MS", -EINVAL },
		{ "-50ms", -EINVAL },
		{ "+50ms", -EINVAL },
		{ ".5ms", -EINVAL },
		{ "5.ms", -EINVAL },
		{ "1.2.3ms", -EINVAL },
		{ "1e3ms", -EINVAL },
		{ "0x10ms", -EINVAL },
		{ "1.5ns", -EINVAL },
		{ "0.0000000001s", -EINVAL },
		{ "1.0000000001s", -EINVAL },
		{ "inf", -EINVAL },
		{ "nan", -EINVAL },
		{ "18446744073709551616ns", -ERANGE },
		{ "18446744073.709551616s", -ERANGE },
		{ "18446744073709551615s", -ERANGE },
		{ "99999999999999999999999999999999ms", -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		uint64_t ns = UNTOUCHED;

		print_message("# \"%s\"\n", bad[i].text);
		assert_int_equal(unit_parse_duration(bad[i].text, &ns), bad[i].error);
		assert_true(ns == UNTOUCHED);
	}
}

static void test_duration_format(void **state)
{
	static const struct {
		uint64_t ns;
		const char *exact;
		const char *shortened;
	} rows[] = {
		{ 0, "0ns", "0ns" },
		{ 1, "1ns", "1ns" },
		{ 999, "999ns", "999ns" },
		{ 1000, "1us", "1us" },
		{ 2345, "2.345us", "2.35us" },
		{ 45678, "45.678us", "45.7us" },
		{ 999600, "999.6us", "1ms" },
		{ 1500000, "1.5ms", "1.5ms" },
		{ 50000000, "50ms", "50ms" },
		{ 1000000001, "1.000000001s", "1s" },
		{ 59321000000, "59.321s", "59.3s" },
		{ 1234500000000, "1234.5s", "1235s" },
		{ UINT64_MAX, "18446744073.709551615s", "18446744073s" },
	};
	char buf[UNIT_DURATION_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(unit_format_duration(rows[i].ns, buf, sizeof(buf)),
				    rows[i].exact);
		assert_string_equal(unit_format_duration_short(rows[i].ns, buf, sizeof(buf)),
				    rows[i].shortened);
	}
}

/* What is printed reads back the same, for numbers of every length. */
static void test_duration_round_trip(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char buf[UNIT_DURATION_SIZE];
		uint64_t ns, back = UNTOUCHED;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		ns = seed >> (i % 64);
		assert_int_equal(
			unit_parse_duration(unit_format_duration(ns, buf, sizeof(buf)), &back), 0);
		assert_true(back == ns);
	}
}

static void test_bool(void **state)
{
	static const char *const yes[] = { "on", "yes", "true", "1", "ON", "Yes", "tRuE" };
	static const char *const no[] = { "off", "no", "false", "0", "OFF", "No", "False" };
	static const char *const bad[] = { "", "2", "onn", "y", "n", " on", "on ", "enable", "00" };
	bool value;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		value = false;
		assert_int_equal(unit_parse_bool(yes[i], &value), 0);
		assert_true(value);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		value = true;
		assert_int_equal(unit_parse_bool(no[i], &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		value = true;
		assert_int_equal(unit_parse_bool(bad[i], &value), -EINVAL);
		assert_true(value);
	}
}

static void test_numbers(void **state)
{
	uint64_t wide = UNTOUCHED;
	uint32_t narrow = 77;

	(void)state;
	assert_int_equal(unit_parse_u64("18446744073709551615", 0, UINT64_MAX, &wide), 0);
	assert_true(wide == UINT64_MAX);
	assert_int_equal(unit_parse_u64("18446744073709551616", 0, UINT64_MAX, &wide), -ERANGE);
	assert_int_equal(unit_parse_u64("5", 6, 9, &wide), -ERANGE);
	assert_int_equal(unit_parse_u64("10", 6, 9, &wide), -ERANGE);
	assert_int_equal(unit_parse_u64("6", 6, 9, &wide), 0);
	assert_int_equal(unit_parse_u64("9", 6, 9, &wide), 0);
	assert_int_equal(unit_parse_u64("", 0, 9, &wide), -EINVAL);
	assert_int_equal(unit_parse_u64("-1", 0, 9, &wide), -EINVAL);
	assert_int_equal(unit_parse_u64("1 ", 0, 9, &wide), -EINVAL);
	assert_int_equal(unit_parse_u64("0x1", 0, 9, &wide), -EINVAL);
	assert_true(wide == 9);

	assert_int_equal(unit_parse_u32("4294967296", 0, UINT32_MAX, &narrow), -ERANGE);
	assert_int_equal(unit_parse_u32("4294967295", 0, UINT32_MAX, &narrow), 0);
	assert_true(narrow == UINT32_MAX);
}

/* A buffer that is too small is never overrun, and always terminated. */
static void test_small_buffers(void **state)
{
	(void)state;
	for (size_t size = 1; size < UNIT_DURATION_SIZE; size++) {
		char *buf = test_malloc(size);

		unit_format_duration(UINT64_MAX, buf, size);
		assert_true(strlen(buf) < size);
		unit_format_duration_short(1234567, buf, size);
		assert_true(strlen(buf) < size);
		test_free(buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_that_parse),
		cmocka_unit_test(test_durations_that_do_not),
		cmocka_unit_test(test_duration_format),
		cmocka_unit_test(test_duration_round_trip),
		cmocka_unit_test(test_bool),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_small_buffers),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
