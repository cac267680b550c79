// SPDX-License-Identifier: GPL-2.0-only
/* Paths of cgroups, and names of machines. */
#include "tests/fuzz/fuzz.h"

#include "daemon/cgname.h"

static void check(const struct cgname *cg)
{
	REQUIRE(cg->kind >= CGNAME_NONE && cg->kind < CGNAME_KIND_MAX);
	REQUIRE(memchr(cg->name, '\0', sizeof(cg->name)));
	REQUIRE(cgname_kind_str(cg->kind));
	REQUIRE(cg->kind != CGNAME_NONE || !cg->name[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = fuzz_string(&data, &size);
	struct cgname cg;

	cgname_parse(path, &cg);
	check(&cg);
	for (const char *c = cg.name; *c; c++)
		REQUIRE((unsigned char)*c >= 0x20 && *c != 0x7f);
	cgname_machine(path, &cg);
	check(&cg);
	free(path);
	return 0;
}
