// SPDX-License-Identifier: GPL-2.0-only
/* The configuration file: good ones, every kind of bad line, and its documentation. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "lib/knob.h"
#include "lib/units.h"

#define ETC_FILE "etc/vcpu-deboostd/vcpu-deboostd.conf"
#define MAN_PAGE "man/vcpu-deboostd.conf.5"

struct dir {
	char path[64];
	char file[96];
	char error[CONFIG_ERROR_SIZE];
	struct config config;
};

static void put_bytes(const struct dir *d, const char *name, const char *text, size_t len)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put(const struct dir *d, const char *name, const char *text)
{
	put_bytes(d, name, text, strlen(text));
}

static int load(struct dir *d)
{
	strcpy(d->error, "");
	return config_load(d->file, &d->config, d->error, sizeof(d->error));
}

static int setup(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));
	char sub[128];

	strcpy(d->path, "/tmp/vdb-config-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->file, sizeof(d->file), "%s/main.conf", d->path);
	snprintf(sub, sizeof(sub), "%s/conf.d", d->path);
	assert_int_equal(mkdir(sub, 0755), 0);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "main.conf",	 "conf.d/10-a.conf",
					     "conf.d/9-b.conf",	 "conf.d/.h.conf",
					     "conf.d/x.conf~",	 "conf.d/README",
					     "conf.d/bad.conf/", "conf.d" };
	struct dir *d = *state;
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", d->path, names[i]);
		(void)remove(path);
	}
	assert_int_equal(rmdir(d->path), 0);
	free(d);
	return 0;
}

static void test_defaults(void **state)
{
	struct dir *d = *state;
	struct config c;

	config_defaults(&c);
	assert_int_equal(c.tuning.mode, VCPU_DEBOOST_MODE_OBSERVE);
	assert_true(c.mode_auto);
	assert_true(c.adapt_window);
	assert_int_equal(c.rules.nr, 0);
	assert_int_equal(c.tuning.window_ns, VCPU_DEBOOST_WINDOW_DEFAULT_NS);
	assert_int_equal(c.interval_ns, UNIT_NSEC_PER_SEC);
	assert_int_equal(c.heartbeat_grace_ns, 60 * UNIT_NSEC_PER_SEC);
	assert_int_equal(c.textfile_interval_ns, 15 * UNIT_NSEC_PER_SEC);
	assert_string_equal(c.textfile, "auto");

	put(d, "main.conf", "");
	assert_int_equal(load(d), 0);
	assert_memory_equal(&c, &d->config, sizeof(c));
}

static void test_good(void **state)
{
	struct dir *d = *state;

	put(d, "main.conf",
	    "# a comment\n; another\n\n[global]\nmode=active\n  window = 1.5ms ; after it\n"
	    "\tipi_tracking: off\n[daemon]\ninterval = 100ms\nheartbeat_grace=200ms\n");
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, "main.conf:10: heartbeat_grace = 200ms"));

	put(d, "main.conf",
	    "# a comment\n; another\n\n[global]\nmode=active\n  window = 1.5ms ; after it\n"
	    "\tipi_tracking: off\n[daemon]\r\ninterval = 100ms\r\nheartbeat_grace=3600s\n"
	    "[metrics]\ntextfile=/a b/c.prom\n[daemon]\n[metrics]\ntextfile_interval = 1s");
	if (load(d))
		fail_msg("%s", d->error);
	assert_int_equal(d->config.tuning.mode, VCPU_DEBOOST_MODE_ACTIVE);
	assert_false(d->config.mode_auto);
	assert_int_equal(d->config.tuning.window_ns, 1500000);
	assert_int_equal(d->config.tuning.ipi_tracking, 0);
	assert_int_equal(d->config.interval_ns, 100 * UNIT_NSEC_PER_MSEC);
	assert_int_equal(d->config.heartbeat_grace_ns, 3600 * UNIT_NSEC_PER_SEC);
	assert_string_equal(d->config.textfile, "/a b/c.prom");
	assert_int_equal(d->config.textfile_interval_ns, UNIT_NSEC_PER_SEC);
}

/* Each is the whole file; the sentence has to hold all of @says. */
static const struct {
	const char *text;
	const char *says[4];
} bad[] = {
	{ "[global]\nwindow = 50\n", { ":2: ", "window", "50ms" } },
	{ "[global]\nwindow = 2h\n", { ":2: ", "window", "100us to 1s" } },
	{ "[global]\nwindow = 2s\n", { ":2: ", "window", "100us to 1s" } },
	{ "[global]\nwindow =\n", { ":2: ", "window" } },
	{ "[global]\nmode = fast\n", { ":2: ", "mode", "off, observe, active, auto" } },
	{ "[vm web]\nmode = off\n", { ":2: ", "[vm web]", "in quotes", "[vm \"web-*\"]" } },
	{ "[vm]\nmode = off\n", { ":2: ", "in quotes" } },
	{ "[vm \"\"]\nmode = off\n", { ":2: ", "in quotes" } },
	{ "[vm \"uuid:web\"]\nmode = off\n", { ":2: ", "hexadecimal" } },
	{ "[vm \"cgroup:machine\"]\nmode = off\n", { ":2: ", "begins with \"/\"" } },
	{ "[vm \"web\"]\ninterval = 1s\n",
	  { ":2: ", "unknown key \"interval\" in [vm _web_]", "mode, ipi_tracking" } },
	{ "[vm \"web\"]\nbudget_boosts = 5\n",
	  { ":2: ", "budget_boosts in [vm _web_]", "write it into [global]" } },
	{ "[vm \"web\"]\nwindow = 2s\n", { ":2: ", "window", "100us to 1s" } },
	{ "[vm \"web\"]\nwindow = 5\n", { ":2: ", "needs a unit", "5ms" } },
	{ "[vm \"web\"]\nmode = on\n", { ":2: ", "off, observe, active, auto" } },
	{ "[vm \"a\"]\nmode = off\n[vm \"b\"]\n[vm \"a\"]\nmode = off\n",
	  { ":5: ", "mode is given twice" } },
	{ "[vm \"a\"] mode = off\n", { ":1: ", "a section stands alone" } },
	{ "[daemon]\nadapt_window = maybe\n", { ":2: ", "adapt_window", "on, off" } },
	{ "[daemon]\nauto_window = 99ms\n", { ":2: ", "out of range", "100ms to 60s" } },
	{ "[global]\n\n\nipi_tracking = maybe\n", { ":4: ", "ipi_tracking", "on, off" } },
	{ "[global]\nwindw = 5ms\n",
	  { ":2: ", "unknown key \"windw\" in [global]",
	    "mode, ipi_tracking, window, order, relaxed_boost" } },
	{ "[global]\ninterval = 1s\n", { ":2: ", "unknown key \"interval\" in [global]" } },
	{ "[globl]\nmode = off\n", { ":2: ", "[globl]", "[global], [daemon], [metrics]" } },
	{ "mode = off\n", { ":1: ", "before any section", "[global]" } },
	{ "[global]\nmode = off\nmode = off\n",
	  { ":3: ", "mode is given twice in [global]", "first in line 2", "active, auto" } },
	{ "[daemon]\ninterval = 2s\ninterval = 2s\n",
	  { ":3: ", "interval is given twice", "first in line 2", "100ms to 60s" } },
	{ "[vm \"a\"]\nslots = 1\n[vm \"a\"]\nslots = 1\n",
	  { ":4: ", "slots is given twice", "1 to 8" } },
	{ "[daemon]\nadapt_window = on\nadapt_window = on\n",
	  { ":3: ", "adapt_window is given twice", "on, off" } },
	{ "[metrics]\ntextfile = off\ntextfile = off\n",
	  { ":3: ", "textfile is given twice", "an absolute path that ends in .prom" } },
	{ "[vm \"name:\"]\nslots = 1\n", { ":2: ", "the pattern is empty" } },
	{ "[vm \"a\"]\nslot = 1\n", { ":2: ", "unknown key \"slot\"", "slots, eoi_clear" } },
	{ "[global]\nmode = off\n[daemon]\n[global]\nmode = off\n", { ":5: ", "given twice" } },
	{ "[global]\nmode\n", { ":2: ", "not understood" } },
	{ "[global\nmode = off\n", { ":1: ", "not understood" } },
	{ "[global]\nmode = of\nnonsense\n", { ":2: ", "mode" } },
	{ "[global]\nnonsense\nmode = of\n", { ":2: ", "not understood" } },
	{ "[daemon]\ninterval = 1\n", { ":2: ", "unit", "100ms to 60s", "interval = 1s" } },
	{ "[daemon]\ninterval = 61s\n", { ":2: ", "out of range", "100ms to 60s" } },
	{ "[daemon]\ninterval = 99999us\n", { ":2: ", "out of range", "100ms to 60s" } },
	{ "[daemon]\ninterval = -1s\n", { ":2: ", "not a time" } },
	{ "[daemon]\ninterval = 99999999999999999999s\n", { ":2: ", "out of range" } },
	{ "[daemon]\nheartbeat_grace = 3601s\n", { ":2: ", "1s to 3600s" } },
	{ "[daemon]\ninterval = 60s\n",
	  { "main.conf: ", "heartbeat_grace = 60s is too short for interval = 60s", "twice" } },
	{ "[metrics]\ntextfile_interval = 0s\n", { ":2: ", "1s to 3600s" } },
	{ "[metrics]\ntextfile =\n", { ":2: ", "auto, off" } },
	{ "[metrics]\ntextfile = a.prom\n", { ":2: ", "absolute" } },
	{ "[metrics]\ntextfile = /tmp/x.txt\n", { ":2: ", ".prom" } },
	{ "[metrics]\ntextfile = /tmp/.prom\n", { ":2: ", ".prom" } },
	{ "[metrics]\ntextfile = /tmp/\n", { ":2: ", ".prom" } },
	{ "[global]\nmode = \x1b[31mred\n", { ":2: ", "mode" } },
	{ "[gl\x1b[31m]\nmode = off\n", { ":2: ", "unknown section" } },
};

static void test_bad(void **state)
{
	struct dir *d = *state;
	size_t i, k;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config before;

		memset(&d->config, 0x5a, sizeof(d->config));
		before = d->config;
		put(d, "main.conf", bad[i].text);
		if (load(d) != -EINVAL)
			fail_msg("accepted:\n%s", bad[i].text);
		assert_memory_equal(&before, &d->config, sizeof(before));
		assert_non_null(strstr(d->error, d->file));
		assert_null(strchr(d->error, '\x1b'));
		assert_null(strchr(d->error, '\n'));
		for (k = 0; k < 4 && bad[i].says[k]; k++)
			if (!strstr(d->error, bad[i].says[k]))
				fail_msg("no \"%s\" in: %s", bad[i].says[k], d->error);
	}
}

static void test_long_and_binary(void **state)
{
	struct dir *d = *state;
	char text[70000];

	memset(text, 'x', sizeof(text));
	memcpy(text, "[global]\n", 9);
	put_bytes(d, "main.conf", text, sizeof(text));
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, ":2: line longer than"));

	put_bytes(d, "main.conf", "[global]\nmode = off\0ten\n", 24);
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, ":2: a NUL byte"));
}

static void test_files(void **state)
{
	struct dir *d = *state;
	struct config c;
	char error[CONFIG_ERROR_SIZE], path[128];

	assert_int_equal(load(d), -ENOENT);
	assert_non_null(strstr(d->error, "main.conf: cannot be read: No such file"));

	assert_int_equal(config_load(d->path, &c, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "not a regular file"));

	put(d, "main.conf", "");
	snprintf(path, sizeof(path), "%s/conf.d/bad.conf", d->path);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, "conf.d/bad.conf: not a regular file"));
}

/* "10-" sorts before "9-"; what is no NAME.conf is no drop-in. */
static void test_dropins(void **state)
{
	struct dir *d = *state;

	put(d, "main.conf", "[global]\nmode = off\nwindow = 1ms\n");
	put(d, "conf.d/9-b.conf", "[global]\nwindow = 9ms\n");
	put(d, "conf.d/10-a.conf", "[global]\nwindow = 10ms\nipi_tracking = no\n");
	put(d, "conf.d/.h.conf", "nonsense");
	put(d, "conf.d/x.conf~", "nonsense");
	put(d, "conf.d/README", "nonsense");
	if (load(d))
		fail_msg("%s", d->error);
	assert_int_equal(d->config.tuning.mode, VCPU_DEBOOST_MODE_OFF);
	assert_int_equal(d->config.tuning.window_ns, 9 * UNIT_NSEC_PER_MSEC);
	assert_int_equal(d->config.tuning.ipi_tracking, 0);

	put(d, "conf.d/10-a.conf", "\n[global]\nmode = nope\n");
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, "conf.d/10-a.conf:3: "));
}

/* Rules keep the order of the files; a pattern may be long, and hold "]". */
static void test_rules(void **state)
{
	struct dir *d = *state;
	const struct rules *rules = &d->config.rules;
	struct vd_tuning t;
	bool automatic;

	put(d, "main.conf",
	    "[vm \"web-[12]\"]\nmode = active\n[vm \"cgroup:/machine.slice/a-path-that-is-longer-"
	    "than-fifty-bytes/*\"] ; a comment\nwindow = 5ms\n[vm \"web-[12]\"]\nslots = 1\n"
	    "[daemon]\ninterval = 2s\n");
	put(d, "conf.d/9-b.conf", "[vm \"web-[12]\"]\nmode = auto\n");
	if (load(d))
		fail_msg("%s", d->error);
	assert_int_equal(rules->nr, 3);
	assert_string_equal(rules->rule[0].pattern, "web-[12]");
	assert_int_equal(rules->rule[0].tuning.slots, 1);
	assert_string_equal(rules->rule[1].pattern, "/machine.slice/"
						    "a-path-that-is-longer-than-fifty-bytes/*");
	assert_int_equal(rules->rule[1].kind, RULE_CGROUP);
	assert_int_equal(d->config.interval_ns, 2 * UNIT_NSEC_PER_SEC);

	rules_apply(rules, "web-1", "", "", &t, &automatic);
	assert_true(automatic);
	assert_int_equal(t.mode, VCPU_DEBOOST_MODE_OBSERVE);
	assert_int_equal(t.slots, 1);
}

static void test_too_many_rules(void **state)
{
	struct dir *d = *state;
	char text[65 * 32] = "";
	size_t n = 0;
	int i;

	for (i = 0; i <= RULES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[vm \"v%d\"]\nmode = off\n", i);
	put(d, "main.conf", text);
	assert_int_equal(load(d), -EINVAL);
	assert_non_null(strstr(d->error, ":130: "));
	assert_non_null(strstr(d->error, "more than 64 rules"));
}

static char *slurp(const char *path)
{
	char *text = calloc(1, 1 << 16);
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		fail_msg("%s: %s (tests run in the top directory)", path, strerror(errno));
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* Between "[SECTION]" and the next section there is "#KEY = DEFAULT". */
static void assert_in_etc(const char *etc, const struct config_key *k)
{
	char section[64], line[256];
	const char *from, *to, *at;

	snprintf(section, sizeof(section), "\n[%s]\n", k->section);
	snprintf(line, sizeof(line), "\n#%s = %s\n", k->key, k->def);
	from = strstr(etc, section);
	at = from ? strstr(from, line) : NULL;
	to = from ? strstr(from + 1, "\n[") : NULL;
	if (!at || (to && at > to))
		fail_msg("%s lacks \"#%s = %s\" in [%s]", ETC_FILE, k->key, k->def, k->section);
}

static void test_documented(void **state)
{
	char *etc = slurp(ETC_FILE), *man = slurp(MAN_PAGE);
	struct config_key k;
	char wanted[256];
	size_t i;

	(void)state;
	for (i = 0; !config_key_at(i, &k); i++) {
		assert_in_etc(etc, &k);
		snprintf(wanted, sizeof(wanted), "\n.BR %s \" = \" %s\n", k.key, k.def);
		if (!strstr(man, wanted))
			fail_msg("%s lacks:%s", MAN_PAGE, wanted);
		assert_true(strlen(k.help) > 5);
	}
	assert_int_equal(i, nr_knobs + 7);
	free(etc);
	free(man);
}

/* With every "#key" uncommented the shipped file means what it says: nothing. */
static void test_shipped_defaults(void **state)
{
	struct dir *d = *state;
	char *etc = slurp(ETC_FILE), *p;
	struct config defaults;
	int keys = 0;

	put(d, "main.conf", etc);
	assert_int_equal(load(d), 0);
	for (p = strchr(etc, '\n'); p; p = strchr(p + 1, '\n'))
		if (p[1] == '#' && p[2] >= 'a' && p[2] <= 'z') {
			p[1] = ' ';
			keys++;
		}
	put(d, "main.conf", etc);
	if (load(d))
		fail_msg("%s", d->error);
	config_defaults(&defaults);
	assert_memory_equal(&defaults, &d->config, sizeof(defaults));
	assert_int_equal(keys, nr_knobs + 7);
	free(etc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_good, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_and_binary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dropins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_rules, setup, teardown),
		cmocka_unit_test(test_documented),
		cmocka_unit_test_setup_teardown(test_shipped_defaults, setup, teardown),
	};

	return cmocka_run_group_tests_name("daemon config", tests, NULL, NULL);
}
