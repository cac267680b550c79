// SPDX-License-Identifier: GPL-2.0-only
/* Rules for single VMs, whose override is whose, and the note that survives a crash. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/own.h"
#include "daemon/policy.h"
#include "daemon/rules.h"
#include "lib/knob.h"

#define MODE   VD_BIT(VCPU_DEBOOST_TUNING_A_MODE)
#define WINDOW VD_BIT(VCPU_DEBOOST_TUNING_A_WINDOW_NS)
#define SLOTS  VD_BIT(VCPU_DEBOOST_TUNING_A_SLOTS)

static const struct {
	const char *section;
	const char *name, *uuid, *cgroup;
	bool fits;
} matches[] = {
	{ "vm \"web-*\"", "web-1", "", "", true },
	{ "vm \"web-*\"", "web", "", "", false },
	{ "vm \"name:web-*\"", "web-1", "", "", true },
	{ "vm\t\"web-[12]\" ", "web-2", "", "", true },
	{ "vm \"web-[12]\"", "web-3", "", "", false },
	{ "vm \"*\"", "", "", "", false },
	{ "vm \"uuid:ABC*\"", "abc", "abcd-ef", "", true },
	{ "vm \"uuid:ABC*\"", "abcd", "", "", false },
	{ "vm \"cgroup:/machine.slice/*\"", "x", "", "/machine.slice/a.scope/emulator", true },
	{ "vm \"cgroup:/machine.slice/*\"", "x", "", "/user.slice/a.scope", false },
	{ "vm \"cgroup:/m/qemu\\x2d1*\"", "x", "", "/m/qemu\\x2d1\\x2dweb.scope", true },
};

static void test_match(void **state)
{
	char why[RULE_ERROR_SIZE];
	struct rule rule;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(matches); i++) {
		assert_true(rule_is_section(matches[i].section));
		if (rule_parse(&rule, matches[i].section, why, sizeof(why)) < 0)
			fail_msg("%s", why);
		if (rule_match(&rule, matches[i].name, matches[i].uuid, matches[i].cgroup) !=
		    matches[i].fits)
			fail_msg("row %zu: %s", i, matches[i].section);
	}
	assert_false(rule_is_section("vms"));
	assert_false(rule_is_section("global"));
}

static void add_rule(struct rules *rules, const char *section, const char *a, const char *b)
{
	struct rule *rule = &rules->rule[rules->nr++];
	char why[KNOB_ERROR_SIZE + RULE_ERROR_SIZE];

	assert_int_equal(rule_parse(rule, section, why, sizeof(why)), 0);
	assert_int_equal(knob_parse(&rule->tuning, a, why, sizeof(why)), 0);
	if (b)
		assert_int_equal(knob_parse(&rule->tuning, b, why, sizeof(why)), 0);
}

/* The last one wins per key, also over one that is more special. */
static void test_precedence(void **state)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	struct vd_tuning t;
	bool automatic = true;

	(void)state;
	add_rule(rules, "vm \"web-1\"", "mode=active", "window=1ms");
	add_rule(rules, "vm \"uuid:11*\"", "slots=2", NULL);
	add_rule(rules, "vm \"*\"", "mode=off", NULL);
	rules_apply(rules, "web-1", "11-22", "", &t, &automatic);
	assert_false(automatic);
	assert_int_equal(t.have, MODE | WINDOW | SLOTS);
	assert_int_equal(t.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(t.window_ns, 1000000);
	assert_int_equal(t.slots, 2);

	/* Auto is a value of the key mode like the others. */
	rules->rule[2].mode_auto = true;
	rules_apply(rules, "web-1", "", "", &t, &automatic);
	assert_true(automatic);
	add_rule(rules, "vm \"w*\"", "mode=active", NULL);
	rules_apply(rules, "web-1", "", "", &t, &automatic);
	assert_false(automatic);
	rules_apply(rules, "", "", "", &t, &automatic);
	assert_int_equal(t.have, 0);
	free(rules);
}

/* What the module shows of a VM: the host's values, and overrides over them. */
static struct vd_tuning module_has(const char *a, const char *b)
{
	struct vd_tuning t, over = { 0 };
	char why[KNOB_ERROR_SIZE];
	size_t i;

	knob_defaults(&t);
	assert_true(!a || !knob_parse(&over, a, why, sizeof(why)));
	assert_true(!b || !knob_parse(&over, b, why, sizeof(why)));
	for (i = 0; i < nr_knobs; i++)
		if (over.have & VD_BIT(knobs[i].attr))
			knob_put(&knobs[i], &t, knob_get(&knobs[i], &over));
	t.overrides = (uint32_t)over.have;
	return t;
}

static struct vd_tuning some(const char *a, const char *b)
{
	struct vd_tuning t = { 0 };
	char why[KNOB_ERROR_SIZE];

	assert_true(!a || !knob_parse(&t, a, why, sizeof(why)));
	assert_true(!b || !knob_parse(&t, b, why, sizeof(why)));
	return t;
}

/* Module, ours, wanted; then: reset, set (have), ours after (have), manual. */
static const struct {
	const char *module[2], *own[2], *want[2];
	bool reset;
	uint64_t set, own_after, manual;
} plans[] = {
	{ { 0 }, { 0 }, { 0 }, false, 0, 0, 0 },
	{ { 0 }, { 0 }, { "mode=active" }, false, MODE, MODE, 0 },
	{ { "mode=active" }, { "mode=active" }, { "mode=active" }, false, 0, MODE, 0 },
	{ { "mode=active" }, { "mode=active" }, { "mode=observe" }, false, MODE, MODE, 0 },
	/* Taken back. */
	{ { "mode=active" }, { "mode=active" }, { 0 }, true, 0, 0, 0 },
	/* Taken back beside what stays, ours or not. */
	{ { "mode=active", "window=1ms" },
	  { "mode=active", "window=1ms" },
	  { "window=1ms" },
	  true,
	  WINDOW,
	  WINDOW,
	  0 },
	{ { "mode=active", "window=1ms" }, { "mode=active" }, { 0 }, true, WINDOW, 0, WINDOW },
	/* By hand: never touched, from the start or over ours. */
	{ { "window=1ms" }, { 0 }, { "window=2ms" }, false, 0, 0, WINDOW },
	{ { "window=3ms" }, { "window=1ms" }, { "window=2ms" }, false, 0, 0, WINDOW },
	{ { "window=3ms" }, { "window=1ms" }, { 0 }, false, 0, 0, WINDOW },
	/* Somebody dropped ours: it comes again. */
	{ { 0 }, { "window=1ms" }, { "window=1ms" }, false, WINDOW, WINDOW, 0 },
	{ { 0 }, { "window=1ms" }, { 0 }, false, 0, 0, 0 },
};

static void test_plan(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(plans); i++) {
		struct vd_tuning module = module_has(plans[i].module[0], plans[i].module[1]);
		struct vd_tuning own = some(plans[i].own[0], plans[i].own[1]);
		struct vd_tuning want = some(plans[i].want[0], plans[i].want[1]);
		struct policy_plan p;

		policy_plan(&module, &own, &want, &p);
		if (p.reset != plans[i].reset || p.set.have != plans[i].set ||
		    p.own.have != plans[i].own_after || p.manual != plans[i].manual)
			fail_msg("row %zu: reset %d set %#lx own %#lx manual %#lx", i, p.reset,
				 p.set.have, p.own.have, p.manual);
		if (p.manual & p.set.have & WINDOW)
			assert_int_equal(p.set.window_ns, module.window_ns);
	}
}

/* Applied twice, the second plan is empty. */
static void test_plan_settles(void **state)
{
	struct vd_tuning module = module_has("mode=active", "window=1ms");
	struct vd_tuning own = some("mode=active", NULL), want = some("slots=3", NULL);
	struct policy_plan p;
	size_t i;

	(void)state;
	policy_plan(&module, &own, &want, &p);
	assert_true(p.reset);
	module = module_has(NULL, NULL);
	for (i = 0; i < nr_knobs; i++)
		if (p.set.have & VD_BIT(knobs[i].attr))
			knob_put(&knobs[i], &module, knob_get(&knobs[i], &p.set));
	module.overrides = (uint32_t)p.set.have;
	own = p.own;
	policy_plan(&module, &own, &want, &p);
	assert_false(policy_acts(&p));
	assert_int_equal(p.manual, WINDOW);
}

static void test_note(void **state)
{
	struct vm vm = { .id = 7, .tgid = 4711, .start_ticks = 123456789 };
	struct vmtab tab = { .vms = &vm, .nr = 1 };
	char path[] = "/tmp/vdb-own-XXXXXX";
	const struct own_row *row;
	struct own own;
	FILE *f;

	(void)state;
	assert_true(close(mkstemp(path)) == 0);
	vm.steer.id = 7;
	vm.steer.own = some("mode=active", "window=1.5ms");
	assert_int_equal(own_save(path, &tab, 3), 0);
	f = fopen(path, "ae");
	fputs("vm x\nvm 0 1 2\nvm 9 1 2 window=9s\nnonsense\n", f);
	fclose(f);
	assert_int_equal(own_load(path, &own), 0);
	assert_int_equal(own.nr, 1);
	assert_int_equal(own.fallbacks, 3);
	row = own_find(&own, &vm);
	assert_non_null(row);
	assert_int_equal(row->tuning.have, MODE | WINDOW);
	assert_int_equal(row->tuning.window_ns, 1500000);
	assert_int_equal(row->tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	vm.start_ticks++;
	assert_null(own_find(&own, &vm));
	own_free(&own);
	unlink(path);
	assert_int_equal(own_load(path, &own), 0);
	assert_int_equal(own.nr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match), cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_plan),  cmocka_unit_test(test_plan_settles),
		cmocka_unit_test(test_note),
	};

	return cmocka_run_group_tests_name("daemon policy", tests, NULL, NULL);
}
