// SPDX-License-Identifier: GPL-2.0-only
/* kmod/sight_judge.c: what makes the module blind, and which reason wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kmod/sight.h"

/* A VM that is seen in full. */
static const struct vdb_sight_facts busy = {
	.tracking = true,
	.seen = VDB_SEEN_LOADED,
	.ipis = 1000,
	.recorded = 1000,
	.cleared = 990,
	.spins = 5000,
	.ready = 300,
};

static void expect(struct vdb_sight_facts facts, enum vdb_sight_level level, const char *word)
{
	const char *reason = "untouched";

	assert_int_equal(vdb_sight_judge(&facts, &reason), level);
	if (word)
		assert_non_null(strstr(reason, word));
	else
		assert_null(reason);
}

#define WITH(...)                                    \
	({                                           \
		struct vdb_sight_facts facts = busy; \
		__VA_ARGS__;                         \
		facts;                               \
	})

static void test_full(void **state)
{
	(void)state;
	expect(busy, VDB_SIGHT_FULL, NULL);
	/* A quiet VM has hidden nothing yet. */
	expect((struct vdb_sight_facts){ .tracking = true }, VDB_SIGHT_FULL, NULL);
	/* A VM that sends none, on hardware that shows all. */
	expect(WITH(facts.ipis = facts.recorded = facts.cleared = 0), VDB_SIGHT_FULL, NULL);
}

static void test_blind(void **state)
{
	(void)state;
	expect(WITH(facts.refused = true), VDB_SIGHT_NONE, "not tracked");
	expect(WITH(facts.tracking = false), VDB_SIGHT_NONE, "ipi_tracking");
	expect(WITH(facts.seen |= VDB_SEEN_NO_APIC), VDB_SIGHT_NONE, "local APIC");
	expect(WITH(facts.seen |= VDB_SEEN_APICV; facts.ipis = 0), VDB_SIGHT_NONE, "APICv");
	expect(WITH(facts.pinned = true; facts.ready = 0), VDB_SIGHT_NONE, "pinned");
	expect(WITH(facts.pinned = true; facts.ready = 50), VDB_SIGHT_NONE, "pinned");
	expect(WITH(facts.pinned = true; facts.ready = 51), VDB_SIGHT_FULL, NULL);
	/* Pinned, but the CPUs are shared with somebody: there is something to gain. */
	expect(WITH(facts.pinned = true), VDB_SIGHT_FULL, NULL);
	/* Too early to say. */
	expect(WITH(facts.seen |= VDB_SEEN_APICV; facts.ipis = 0; facts.spins = 199),
	       VDB_SIGHT_FULL, NULL);
	/* The hardware could deliver them, but KVM does. */
	expect(WITH(facts.seen |= VDB_SEEN_APICV), VDB_SIGHT_FULL, NULL);
}

static void test_partial(void **state)
{
	(void)state;
	expect(WITH(facts.cleared = 0), VDB_SIGHT_PARTIAL, "EOI");
	expect(WITH(facts.cleared = 0; facts.recorded = 199), VDB_SIGHT_FULL, NULL);
	expect(WITH(facts.avic = facts.ipis), VDB_SIGHT_PARTIAL, "AVIC");
	expect(WITH(facts.avic = facts.ipis - 1), VDB_SIGHT_FULL, NULL);
}

static void test_the_worst_reason_wins(void **state)
{
	(void)state;
	expect(WITH(facts.cleared = 0; facts.tracking = false), VDB_SIGHT_NONE, "ipi_tracking");
	expect(WITH(facts.refused = true; facts.tracking = false), VDB_SIGHT_NONE, "not tracked");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_blind),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_the_worst_reason_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
