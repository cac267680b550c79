// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a configuration file may hold, as a table. The knobs of [global] and of
 * [vm "PATTERN"] are lib/knob's rows; the daemon's own keys are below. Pure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_priv.h"
#include "lib/knob.h"
#include "lib/units.h"
#include "lib/vmname.h"

#define GLOBAL_SECTION "global"

#define RANGE_SIZE (2 * UNIT_DURATION_SIZE + 4)

enum key_type {
	KEY_DURATION,
	KEY_TEXTFILE,
	KEY_BOOL,
};

/* One key of the daemon. @min, @max in ns, for durations. */
struct row {
	const char *section;
	const char *key;
	enum key_type type;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *def;
	const char *help;
};

static const struct row rows[] = {
	{ "daemon", "interval", KEY_DURATION, offsetof(struct config, interval_ns),
	  100 * UNIT_NSEC_PER_MSEC, 60 * UNIT_NSEC_PER_SEC, "1s",
	  "time between two looks at the module" },
	{ "daemon", "heartbeat_grace", KEY_DURATION, offsetof(struct config, heartbeat_grace_ns),
	  UNIT_NSEC_PER_SEC, VCPU_DEBOOST_GRACE_MAX_MS *UNIT_NSEC_PER_MSEC, "60s",
	  "without the daemon for this long, the module falls back to observing" },
	{ "daemon", "adapt_window", KEY_BOOL, offsetof(struct config, adapt_window), 0, 0, "on",
	  "let the window of every VM follow the answers to its own IPIs" },
	{ "daemon", "auto_window", KEY_DURATION, offsetof(struct config, auto_window_ns),
	  100 * UNIT_NSEC_PER_MSEC, 60 * UNIT_NSEC_PER_SEC, "2s",
	  "with mode = auto, mean length of a window of a trial" },
	{ "daemon", "auto_probe", KEY_DURATION, offsetof(struct config, auto_probe_ns),
	  UNIT_NSEC_PER_SEC, 86400 * UNIT_NSEC_PER_SEC, "600s",
	  "with mode = auto, time from a verdict to the next trial" },
	{ "metrics", "textfile", KEY_TEXTFILE, offsetof(struct config, textfile), 0, 0, "auto",
	  "file for the textfile collector of node_exporter: a path, auto or off" },
	{ "metrics", "textfile_interval", KEY_DURATION,
	  offsetof(struct config, textfile_interval_ns), UNIT_NSEC_PER_SEC,
	  3600 * UNIT_NSEC_PER_SEC, "15s", "time between two writes of that file" },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

static const char *printable(const char *s, char *buf, size_t size)
{
	return vmname_sanitize(s, strlen(s), buf, size);
}

/* Every key of a section (or, without one, every section), comma separated. */
static const char *allowed(const char *section, char *buf, size_t size)
{
	const char *last = "";
	struct config_key k;
	size_t i, n = 0;

	buf[0] = '\0';
	for (i = 0; !config_key_at(i, &k) && n < size; i++) {
		if (section && strcmp(section, k.section))
			continue;
		if (!section && !strcmp(last, k.section))
			continue;
		last = k.section;
		n += (size_t)snprintf(buf + n, size - n, section ? "%s%s" : "%s[%s]", n ? ", " : "",
				      section ? k.key : k.section);
	}
	return buf;
}

const char *config_check_textfile(const char *value)
{
	size_t n = strlen(value);

	if (!strcmp(value, "auto") || !strcmp(value, "off"))
		return NULL;
	if (value[0] != '/' || n < 6 || strcmp(value + n - 5, ".prom") || value[n - 6] == '/')
		return "auto, off, or an absolute path that ends in .prom, such as "
		       "textfile = " CONFIG_TEXTFILE_DIR "/" CONFIG_TEXTFILE_NAME;
	if (n >= CONFIG_PATH_SIZE)
		return "a shorter path";
	return NULL;
}

/* What a key may be. The mode of a file knows one value more than that of the module. */
static const char *range_of_knob(const struct knob *knob)
{
	return strcmp(knob->name, "mode") ? knob->range : "off, observe, active, auto";
}

static const char *range_of_row(const struct row *row, char *buf, size_t size)
{
	char min[UNIT_DURATION_SIZE], max[UNIT_DURATION_SIZE];

	switch (row->type) {
	case KEY_DURATION:
		unit_format_duration(row->min, min, sizeof(min));
		unit_format_duration(row->max, max, sizeof(max));
		snprintf(buf, size, "%s to %s", min, max);
		return buf;
	case KEY_TEXTFILE:
		return "auto, off, or an absolute path that ends in .prom";
	case KEY_BOOL:
		return "on, off";
	}
	return "";
}

static int set_duration(struct parse *p, const struct row *row, const char *value)
{
	uint64_t *field = (uint64_t *)((char *)p->config + row->offset);
	char range[RANGE_SIZE], shown[64];
	uint64_t ns = 0;
	int r;

	r = unit_parse_duration(value, &ns);
	if (!r && ns >= row->min && ns <= row->max) {
		*field = ns;
		return 1;
	}
	return config_refuse(p, "%s = %s: %s; allowed is %s, for example %s = %s", row->key,
			     printable(value, shown, sizeof(shown)),
			     r == -ENODATA  ? "a time needs its unit (ns, us, ms or s)"
			     : r == -EINVAL ? "not a time"
					    : "out of range",
			     range_of_row(row, range, sizeof(range)), row->key, row->def);
}

static int set_textfile(struct parse *p, const struct row *row, const char *value)
{
	const char *why = config_check_textfile(value);
	char shown[64];

	if (why)
		return config_refuse(p, "%s = %s: allowed is %s", row->key,
				     printable(value, shown, sizeof(shown)), why);
	snprintf(p->config->textfile, sizeof(p->config->textfile), "%s", value);
	return 1;
}

static int set_bool(struct parse *p, const struct row *row, const char *value)
{
	char shown[64];

	if (!unit_parse_bool(value, (bool *)((char *)p->config + row->offset)))
		return 1;
	return config_refuse(p, "%s = %s: allowed is on, off, for example %s = %s", row->key,
			     printable(value, shown, sizeof(shown)), row->key, row->def);
}

static int set_row(struct parse *p, const struct row *row, const char *value)
{
	switch (row->type) {
	case KEY_DURATION:
		return set_duration(p, row, value);
	case KEY_TEXTFILE:
		return set_textfile(p, row, value);
	case KEY_BOOL:
		return set_bool(p, row, value);
	}
	return 0;
}

/* A knob of the host or of a rule. Only here the mode may be auto. */
static int set_knob(struct parse *p, struct vd_tuning *tuning, bool *mode_auto, const char *key,
		    const char *value)
{
	bool is_mode = !strcmp(key, "mode"), automatic = is_mode && !strcmp(value, "auto");
	char why[KNOB_ERROR_SIZE], shown[64];

	if (is_mode)
		*mode_auto = automatic;
	if (!knob_set(tuning, key, automatic ? "observe" : value, why, sizeof(why)))
		return 1;
	if (is_mode)
		return config_refuse(p,
				     "mode=%s: not one of the values; allowed: %s, for example "
				     "mode=auto",
				     printable(value, shown, sizeof(shown)),
				     range_of_knob(knob_find(key)));
	return config_refuse(p, "%s", why);
}

/* The index of a key for config_key_at(), or -1. */
static int find_key(const char *section, const char *key)
{
	struct config_key k;
	size_t i;

	for (i = 0; !config_key_at(i, &k); i++)
		if (!strcmp(k.section, section) && !strcmp(k.key, key))
			return (int)i;
	return -1;
}

static int refuse_twice(struct parse *p, const char *key, int first, const char *range)
{
	char where[64], line[40] = "";

	if (first)
		snprintf(line, sizeof(line), ", first in line %d", first);
	return config_refuse(p, "%s is given twice in [%s] of this file%s; keep one, allowed is %s",
			     key, printable(p->section, where, sizeof(where)), line, range);
}

static int refuse_unknown(struct parse *p, const char *section, const char *key)
{
	char list[256], shown[64], where[64];

	if (!section[0])
		return config_refuse(p, "key \"%s\" comes before any section; begin with one of %s",
				     printable(key, shown, sizeof(shown)),
				     allowed(NULL, list, sizeof(list)));
	if (!allowed(section, list, sizeof(list))[0])
		return config_refuse(p, "unknown section [%s]; allowed are %s",
				     printable(section, shown, sizeof(shown)),
				     allowed(NULL, list, sizeof(list)));
	return config_refuse(p, "unknown key \"%s\" in [%s]; allowed are %s",
			     printable(key, shown, sizeof(shown)),
			     printable(section, where, sizeof(where)), list);
}

/* The rule of p->section, a new one unless this file has it already. */
static struct rule *find_rule(struct parse *p)
{
	struct rules *rules = &p->config->rules;
	char why[RULE_ERROR_SIZE], shown[64];
	struct rule rule;
	size_t i;

	if (rule_parse(&rule, p->section, why, sizeof(why)) < 0) {
		config_refuse(p, "%s", why);
		return NULL;
	}
	for (i = p->first_rule; i < rules->nr; i++)
		if (rules->rule[i].kind == rule.kind &&
		    !strcmp(rules->rule[i].pattern, rule.pattern))
			return &rules->rule[i];
	if (rules->nr == RULES_MAX) {
		config_refuse(p, "[%s]: more than %d rules; let one pattern cover several VMs",
			      printable(p->section, shown, sizeof(shown)), RULES_MAX);
		return NULL;
	}
	rules->rule[rules->nr] = rule;
	return &rules->rule[rules->nr++];
}

static int handle_rule(struct parse *p, const char *key, const char *value)
{
	const struct knob *knob = knob_find(key);
	struct rule *rule = find_rule(p);
	char list[256], shown[64], where[64];

	if (!rule)
		return 0;
	if (knob && (rule->tuning.have & VD_BIT(knob->attr)))
		return refuse_twice(p, key, 0, range_of_knob(knob));
	if (!knob)
		return config_refuse(p, "unknown key \"%s\" in [%s]; allowed are %s",
				     printable(key, shown, sizeof(shown)),
				     printable(p->section, where, sizeof(where)),
				     allowed(GLOBAL_SECTION, list, sizeof(list)));
	if (knob->host_only)
		return config_refuse(p, "%s in [%s]: a VM has none of its own; write it into [%s]",
				     key, printable(p->section, where, sizeof(where)),
				     GLOBAL_SECTION);
	return set_knob(p, &rule->tuning, &rule->mode_auto, key, value);
}

int config_handle(struct parse *p, const char *key, const char *value)
{
	char range[RANGE_SIZE];
	bool is_knob;
	int i;

	if (rule_is_section(p->section))
		return handle_rule(p, key, value);
	i = find_key(p->section, key);
	if (i < 0)
		return refuse_unknown(p, p->section, key);
	is_knob = (size_t)i < nr_knobs;
	if (p->seen_line[i])
		return refuse_twice(p, key, p->seen_line[i],
				    is_knob ? range_of_knob(&knobs[i])
					    : range_of_row(&rows[(size_t)i - nr_knobs], range,
							   sizeof(range)));
	p->seen_line[i] = p->line;
	if (is_knob)
		return set_knob(p, &p->config->tuning, &p->config->mode_auto, key, value);
	return set_row(p, &rows[(size_t)i - nr_knobs], value);
}

void config_defaults(struct config *ret)
{
	size_t i;

	memset(ret, 0, sizeof(*ret));
	knob_defaults(&ret->tuning);
	ret->mode_auto = true;
	for (i = 0; i < NR_ROWS; i++) {
		char *field = (char *)ret + rows[i].offset;

		if (rows[i].type == KEY_TEXTFILE)
			snprintf(field, CONFIG_PATH_SIZE, "%s", rows[i].def);
		else if (rows[i].type == KEY_BOOL)
			(void)unit_parse_bool(rows[i].def, (bool *)field);
		else
			(void)unit_parse_duration(rows[i].def, (uint64_t *)field);
	}
}

int config_key_at(size_t i, struct config_key *ret)
{
	struct vd_tuning defaults;

	if (i < nr_knobs) {
		ret->section = GLOBAL_SECTION;
		ret->key = knobs[i].name;
		ret->help = knobs[i].help;
		knob_defaults(&defaults);
		knob_format(&knobs[i], &defaults, ret->def, sizeof(ret->def));
		if (!strcmp(ret->key, "mode"))
			snprintf(ret->def, sizeof(ret->def), "auto");
		return 0;
	}
	i -= nr_knobs;
	if (i >= NR_ROWS)
		return -ENOENT;
	ret->section = rows[i].section;
	ret->key = rows[i].key;
	ret->help = rows[i].help;
	snprintf(ret->def, sizeof(ret->def), "%s", rows[i].def);
	return 0;
}
