/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/vdnl_msg.h"

/* Rules in all files together, bytes of a pattern, room for an error sentence. */
#define RULES_MAX	  64
#define RULE_PATTERN_SIZE 192
#define RULE_ERROR_SIZE	  512

/**
 * enum rule_kind - what of a VM a pattern is compared with
 */
enum rule_kind {
	RULE_NAME,
	RULE_UUID,
	RULE_CGROUP,
	RULE_KIND_MAX
};

/**
 * struct rule - what the VMs that fit a pattern shall have
 * @kind: what is compared
 * @pattern: for fnmatch(); "*" also fits "/"
 * @tuning: the knobs that are given, see its @have; mode is observe with
 *	@mode_auto
 * @mode_auto: mode is given, and is auto
 */
struct rule {
	enum rule_kind kind;
	char pattern[RULE_PATTERN_SIZE];
	struct vd_tuning tuning;
	bool mode_auto;
};

/**
 * struct rules - all of them, in the order of the files
 * @rule: @nr of them
 */
struct rules {
	struct rule rule[RULES_MAX];
	size_t nr;
};

/**
 * rule_is_section() - does a section hold a rule
 * @section: what stands between "[" and "]"
 *
 * Return: true if it begins with the word vm.
 */
bool rule_is_section(const char *section);

/**
 * rule_parse() - read the pattern out of a section
 * @rule: overwritten; no knob is given
 * @section: such as: vm "web-*", vm "uuid:1f0e*", vm "cgroup:/machine.slice/\*"
 * @error: gets a sentence on failure
 * @error_size: bytes at @error, RULE_ERROR_SIZE suffices
 *
 * Return: 0 or -EINVAL.
 */
int rule_parse(struct rule *rule, const char *section, char *error, size_t error_size);

/**
 * rule_match() - does a VM fit
 * @rule: the rule
 * @name: of the VM
 * @uuid: "" when it has none; upper and lower case are the same
 * @cgroup: "" when unknown
 *
 * Return: true if so. What is empty fits no pattern.
 */
bool rule_match(const struct rule *rule, const char *name, const char *uuid, const char *cgroup);

/**
 * rules_apply() - what a VM shall have of its own
 * @rules: every rule
 * @name: of the VM
 * @uuid: or ""
 * @cgroup: or ""
 * @ret: a knob is given if a rule that fits gives it; the last such rule counts
 * @ret_auto: mode is given, and is auto
 */
void rules_apply(const struct rules *rules, const char *name, const char *uuid, const char *cgroup,
		 struct vd_tuning *ret, bool *ret_auto);

#endif /* RULES_H */
