// SPDX-License-Identifier: GPL-2.0-only
/* Patterns of rules: SECTION, NAME, UUID and CGROUP, a NUL between them. */
#include "tests/fuzz/fuzz.h"

#include "daemon/rules.h"

/* A pattern of many stars costs glibc's fnmatch() time, which is root's to spend. */
static bool is_costly(const char *section)
{
	unsigned int stars = 0;

	for (; *section; section++)
		stars += *section == '*' || *section == '[';
	return stars > 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *section = fuzz_string(&data, &size), *name = fuzz_string(&data, &size);
	char *uuid = fuzz_string(&data, &size), *cgroup = fuzz_string(&data, &size);
	char error[RULE_ERROR_SIZE] = "";
	struct vd_tuning tuning;
	struct rules *rules;
	bool automatic;

	rules = calloc(1, sizeof(*rules));
	REQUIRE(rules);
	(void)rule_is_section(section);
	if (strlen(section) < 2 || is_costly(section)) {
		/* rule_is_section() comes first everywhere. */
	} else if (rule_parse(&rules->rule[0], section, error, sizeof(error))) {
		REQUIRE(error[0] && !strchr(error, '\n'));
	} else {
		REQUIRE(rules->rule[0].pattern[0] && !error[0]);
		rules->nr = 1;
		rules->rule[0].tuning.have = UINT64_MAX;
		rules_apply(rules, name, uuid, cgroup, &tuning, &automatic);
		REQUIRE(!tuning.have == !rule_match(&rules->rule[0], name, uuid, cgroup));
	}
	free(rules);
	free(section);
	free(name);
	free(uuid);
	free(cgroup);
	return 0;
}
