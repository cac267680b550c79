// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/knob.h"

static void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

static void test_good_assignments(void **state)
{
	static const struct {
		const char *text;
		const char *knob;
		uint64_t value;
		const char *printed;
	} good[] = {
		{ "mode=off", "mode", VCPU_DEBOOST_MODE_OFF, "off" },
		{ "mode=observe", "mode", VCPU_DEBOOST_MODE_OBSERVE, "observe" },
		{ "mode=active", "mode", VCPU_DEBOOST_MODE_ACTIVE, "active" },
		{ "ipi_tracking=on", "ipi_tracking", 1, "on" },
		{ "ipi_tracking=No", "ipi_tracking", 0, "off" },
		{ "window=100us", "window", VCPU_DEBOOST_WINDOW_MIN_NS, "100us" },
		{ "window=50ms", "window", VCPU_DEBOOST_WINDOW_DEFAULT_NS, "50ms" },
		{ "window=1s", "window", VCPU_DEBOOST_WINDOW_MAX_NS, "1s" },
		{ "window=1000ms", "window", VCPU_DEBOOST_WINDOW_MAX_NS, "1s" },
		{ "window=1.5ms", "window", 1500000, "1.5ms" },
		{ "budget_hook=1us", "budget_hook", VCPU_DEBOOST_BUDGET_HOOK_MIN_NS, "1us" },
		{ "budget_boosts=4000000000", "budget_boosts", VCPU_DEBOOST_BUDGET_BOOSTS_MAX,
		  "4000000000" },
		{ "budget_failed=100", "budget_failed", 100, "100" },
		{ "budget_wait=3600s", "budget_wait", VCPU_DEBOOST_BUDGET_WAIT_MAX_NS, "3600s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct knob *knob = knob_find(good[i].knob);
		char error[KNOB_ERROR_SIZE] = "untouched", value[KNOB_VALUE_SIZE];
		struct vd_tuning tuning = { 0 };

		print_message("# %s\n", good[i].text);
		assert_int_equal(knob_parse(&tuning, good[i].text, error, sizeof(error)), 0);
		assert_string_equal(error, "untouched");
		assert_non_null(knob);
		assert_int_equal(tuning.have, VD_BIT(knob->attr));
		assert_true(knob_get(knob, &tuning) == good[i].value);
		assert_string_equal(knob_format(knob, &tuning, value, sizeof(value)),
				    good[i].printed);
	}
}

/* Every refusal names the key, the value, what is allowed, and an example. */
static void test_bad_values(void **state)
{
	static const struct {
		const char *text;
		int error;
		const char *says;
		const char *allowed;
	} bad[] = {
		{ "window=50", -EINVAL, "needs a unit (50ms?)", "100us to 1s" },
		{ "window=100", -EINVAL, "(100us or 100ms?)", "100us to 1s" },
		{ "window=1", -EINVAL, "(1ms or 1s?)", "100us to 1s" },
		{ "window=0", -EINVAL, "needs a unit;", "100us to 1s" },
		{ "window=2h", -EINVAL, "window=2h: not a duration", "100us to 1s" },
		{ "window=", -EINVAL, "not a duration", "100us to 1s" },
		{ "window=50 ms", -EINVAL, "window=50 ms: not a duration", "100us to 1s" },
		{ "window=-50ms", -EINVAL, "not a duration", "100us to 1s" },
		{ "window=2s", -ERANGE, "window=2s: out of range", "100us to 1s" },
		{ "window=99us", -ERANGE, "out of range", "100us to 1s" },
		{ "window=99999ns", -ERANGE, "out of range", "100us to 1s" },
		{ "window=1000000001ns", -ERANGE, "out of range", "100us to 1s" },
		{ "window=99999999999999999999s", -ERANGE, "out of range", "100us to 1s" },
		{ "budget_boosts=0", -ERANGE, "out of range", "1 to 4000000000" },
		{ "budget_failed=101", -ERANGE, "out of range", "1 to 100" },
		{ "budget_wait=199ms", -ERANGE, "out of range", "200ms to 3600s" },
		{ "mode=fast", -EINVAL, "mode=fast: not one of", "off, observe, active" },
		{ "mode=Active", -EINVAL, "not one of", "off, observe, active" },
		{ "mode=1", -EINVAL, "not one of", "off, observe, active" },
		{ "mode=", -EINVAL, "not one of", "off, observe, active" },
		{ "ipi_tracking=2", -EINVAL, "ipi_tracking=2: not one of", "on, off" },
		{ "mode=off=off", -EINVAL, "mode=off=off: not one of", "off, observe" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct vd_tuning tuning = { .have = 0x80000000, .window_ns = 5 }, before = tuning;
		char error[KNOB_ERROR_SIZE];

		assert_int_equal(knob_parse(&tuning, bad[i].text, error, sizeof(error)),
				 bad[i].error);
		print_message("# %s\n", error);
		assert_memory_equal(&tuning, &before, sizeof(tuning));
		assert_contains(error, bad[i].says);
		assert_contains(error, bad[i].allowed);
		assert_contains(error, "for example ");
		assert_null(strchr(error, '\n'));
	}
}

static void test_bad_keys(void **state)
{
	static const char *const bad[] = { "wibble=1", "=1",	    "WINDOW=50ms",
					   "Mode=off", " mode=off", "windows=50ms" };
	char error[KNOB_ERROR_SIZE];
	struct vd_tuning tuning = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(knob_parse(&tuning, bad[i], error, sizeof(error)), -ENOENT);
		for (size_t k = 0; k < nr_knobs; k++)
			assert_contains(error, knobs[k].name);
	}
	assert_int_equal(knob_parse(&tuning, "window", error, sizeof(error)), -EINVAL);
	assert_contains(error, "window=50ms");
	assert_int_equal(knob_parse(&tuning, "", error, sizeof(error)), -EINVAL);
	assert_contains(error, "KEY=VALUE");
	assert_int_equal(tuning.have, 0);
}

/* Whatever is typed, the sentence fits and is printable. */
static void test_hostile_assignments(void **state)
{
	char error[KNOB_ERROR_SIZE], *longest = test_malloc(100001);
	struct vd_tuning tuning = { 0 };

	(void)state;
	memset(longest, 'x', 100000);
	longest[100000] = '\0';
	assert_int_equal(knob_parse(&tuning, longest, error, sizeof(error)), -EINVAL);
	memcpy(longest, "window=", 7);
	memset(longest + 7, '9', 100000 - 7);
	assert_int_equal(knob_parse(&tuning, longest, error, sizeof(error)), -EINVAL);
	assert_contains(error, "for example window=50ms");
	memset(longest, '=', 100000);
	assert_int_equal(knob_parse(&tuning, longest, error, sizeof(error)), -ENOENT);
	test_free(longest);

	assert_int_equal(knob_parse(&tuning, "mode=\033[31m\n\"\\", error, sizeof(error)), -EINVAL);
	assert_null(strpbrk(error, "\033\n\"\\"));
	assert_int_equal(knob_parse(&tuning, "\xff\xfe\n=1", error, sizeof(error)), -ENOENT);
	assert_null(strchr(error, '\n'));
	assert_null(strchr(error, '\xff'));
}

static void test_small_error_buffers(void **state)
{
	static const char *const bad[] = { "window=50", "wibble=1", "window", "mode=x" };

	(void)state;
	for (size_t size = 1; size < 64; size++) {
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			struct vd_tuning tuning = { 0 };
			char *error = test_malloc(size);

			assert_true(knob_parse(&tuning, bad[i], error, size) < 0);
			assert_true(strlen(error) < size);
			test_free(error);
		}
	}
}

/* The rows themselves: defaults in range, examples that work, distinct fields. */
static void test_table(void **state)
{
	struct vd_tuning defaults;
	uint32_t seen = 0;

	(void)state;
	knob_defaults(&defaults);
	for (size_t i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];
		char error[KNOB_ERROR_SIZE], value[KNOB_VALUE_SIZE];
		struct vd_tuning tuning = { 0 };

		assert_ptr_equal(knob_find(knob->name), knob);
		assert_true(knob->def >= knob->min && knob->def <= knob->max);
		assert_true(knob_get(knob, &defaults) == knob->def);
		assert_int_equal(knob_parse(&tuning, knob->example, error, sizeof(error)), 0);
		assert_false(seen & VD_BIT(knob->attr));
		seen |= VD_BIT(knob->attr);
		assert_true(knob->attr <= VCPU_DEBOOST_TUNING_A_MAX);

		knob_format(knob, &defaults, value, sizeof(value));
		memset(&tuning, 0, sizeof(tuning));
		assert_int_equal(knob_set(&tuning, knob->name, value, error, sizeof(error)), 0);
		assert_true(knob_get(knob, &tuning) == knob->def);
	}
	assert_int_equal(defaults.have, seen);
	/* All attributes but UNSPEC, PAD and OVERRIDES are knobs. */
	assert_int_equal(nr_knobs, VCPU_DEBOOST_TUNING_A_MAX - 2);
}

static void test_value_of_a_newer_module(void **state)
{
	struct vd_tuning tuning = { .mode = 99 };
	char value[KNOB_VALUE_SIZE];

	(void)state;
	assert_string_equal(knob_format(knob_find("mode"), &tuning, value, sizeof(value)), "unknow"
											   "n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_assignments),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_hostile_assignments),
		cmocka_unit_test(test_small_error_buffers),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_value_of_a_newer_module),
	};

	return cmocka_run_group_tests_name("knob", tests, NULL, NULL);
}
