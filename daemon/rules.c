// SPDX-License-Identifier: GPL-2.0-only
/* Rules for single VMs: their patterns, and which one wins. Pure. */
#include "rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "lib/knob.h"
#include "lib/vmname.h"

#define EXAMPLES "[vm \"web-*\"], [vm \"uuid:1f0e*\"] or [vm \"cgroup:/machine.slice/*\"]"

#define UUID_CHARS "0123456789abcdefABCDEF-*?[]!"

static const char *const kinds[RULE_KIND_MAX] = {
	[RULE_NAME] = "name",
	[RULE_UUID] = "uuid",
	[RULE_CGROUP] = "cgroup",
};

bool rule_is_section(const char *section)
{
	return !strncmp(section, "vm", 2) &&
	       (!section[2] || section[2] == ' ' || section[2] == '\t' || section[2] == '"');
}

/* What stands in the quotes, or NULL. */
static const char *quoted(const char *section, size_t *ret_len)
{
	const char *from = section + 2;
	size_t n;

	from += strspn(from, " \t");
	n = strlen(from);
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	if (n < 3 || from[0] != '"' || from[n - 1] != '"')
		return NULL;
	*ret_len = n - 2;
	return from + 1;
}

static enum rule_kind take_kind(const char **pattern, size_t *len)
{
	int i;

	for (i = 0; i < RULE_KIND_MAX; i++) {
		size_t n = strlen(kinds[i]);

		if (*len <= n || strncmp(*pattern, kinds[i], n) || (*pattern)[n] != ':')
			continue;
		*pattern += n + 1;
		*len -= n + 1;
		return (enum rule_kind)i;
	}
	return RULE_NAME;
}

/* NULL, or why no VM can ever fit. */
static const char *check(const struct rule *rule)
{
	const char *p = rule->pattern;

	if (!p[0])
		return "the pattern is empty";
	if (rule->kind == RULE_UUID && p[strspn(p, UUID_CHARS)])
		return "a UUID has only hexadecimal digits and \"-\"";
	if (rule->kind == RULE_CGROUP && p[0] != '/' && p[0] != '*')
		return "the path of a cgroup begins with \"/\"";
	return NULL;
}

int rule_parse(struct rule *rule, const char *section, char *error, size_t error_size)
{
	char shown[RULE_PATTERN_SIZE];
	const char *pattern, *why;
	size_t len = 0;

	memset(rule, 0, sizeof(*rule));
	pattern = quoted(section, &len);
	if (pattern)
		rule->kind = take_kind(&pattern, &len);
	if (pattern && len < sizeof(rule->pattern)) {
		memcpy(rule->pattern, pattern, len);
		why = check(rule);
	} else {
		why = pattern ? "the pattern is too long" : "the pattern stands in quotes";
	}
	if (!why)
		return 0;
	vmname_sanitize(section, strlen(section), shown, sizeof(shown));
	snprintf(error, error_size, "[%s]: %s, as in " EXAMPLES, shown, why);
	return -EINVAL;
}

/* A backslash is a byte like any other: systemd writes \x2d into cgroups. */
bool rule_match(const struct rule *rule, const char *name, const char *uuid, const char *cgroup)
{
	const char *what[RULE_KIND_MAX] = {
		[RULE_NAME] = name,
		[RULE_UUID] = uuid,
		[RULE_CGROUP] = cgroup,
	};
	int flags = FNM_NOESCAPE | (rule->kind == RULE_UUID ? FNM_CASEFOLD : 0);

	return what[rule->kind][0] && !fnmatch(rule->pattern, what[rule->kind], flags);
}

static void take(const struct rule *rule, struct vd_tuning *ret, bool *ret_auto)
{
	size_t i;

	for (i = 0; i < nr_knobs; i++)
		if (rule->tuning.have & VD_BIT(knobs[i].attr))
			knob_put(&knobs[i], ret, knob_get(&knobs[i], &rule->tuning));
	if (rule->tuning.have & VD_BIT(VCPU_DEBOOST_TUNING_A_MODE))
		*ret_auto = rule->mode_auto;
}

void rules_apply(const struct rules *rules, const char *name, const char *uuid, const char *cgroup,
		 struct vd_tuning *ret, bool *ret_auto)
{
	size_t i;

	memset(ret, 0, sizeof(*ret));
	*ret_auto = false;
	for (i = 0; i < rules->nr; i++)
		if (rule_match(&rules->rule[i], name, uuid, cgroup))
			take(&rules->rule[i], ret, ret_auto);
}
