// SPDX-License-Identifier: GPL-2.0-only
/* Values as people write them, and knobs: TEXT, then KEY=VALUE. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/knob.h"
#include "lib/units.h"

static void duration(const char *text)
{
	char buf[UNIT_DURATION_SIZE];
	uint64_t ns = 4711, again;

	if (unit_parse_duration(text, &ns)) {
		REQUIRE(ns == 4711);
		return;
	}
	unit_format_duration(ns, buf, sizeof(buf));
	REQUIRE(!unit_parse_duration(buf, &again) && again == ns);
	unit_format_duration_short(ns, buf, sizeof(buf));
	REQUIRE(!unit_parse_duration(buf, &again));
	/* Three digits are not far from the truth. */
	REQUIRE((again > ns ? again - ns : ns - again) <= ns / 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_string(&data, &size), *assignment = fuzz_string(&data, &size);
	char error[KNOB_ERROR_SIZE] = "", value[KNOB_VALUE_SIZE];
	struct vd_tuning tuning = { 0 }, again = { 0 };
	uint64_t number = 5;
	uint32_t small = 5;
	bool yes;

	duration(text);
	REQUIRE(unit_parse_bool(text, &yes) <= 0);
	REQUIRE(!unit_parse_u64(text, 3, 9, &number) || number == 5);
	REQUIRE(number >= 3 && number <= 9);
	REQUIRE(!unit_parse_u32(text, 3, 9, &small) || small == 5);
	if (knob_parse(&tuning, assignment, error, sizeof(error))) {
		REQUIRE(error[0] && !strchr(error, '\n') && !tuning.have);
	} else {
		for (size_t i = 0; i < nr_knobs; i++) {
			if (!(tuning.have & VD_BIT(knobs[i].attr)))
				continue;
			knob_format(&knobs[i], &tuning, value, sizeof(value));
			REQUIRE(!knob_set(&again, knobs[i].name, value, error, sizeof(error)));
			REQUIRE(knob_get(&knobs[i], &again) == knob_get(&knobs[i], &tuning));
		}
	}
	free(text);
	free(assignment);
	return 0;
}
