// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/ctl.h"
#include "cli/out.h"
#include "cli/table.h"

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

static void percent_cell(struct table *table, const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (json_is_number(value))
		table_cell(table, "%+.1f %%", json_number_value(value));
	else
		table_cell(table, "-");
}

static void print_signals(const json_t *list)
{
	static const struct column columns[] = {
		{ "SIGNAL", false }, { "PAIRS", true }, { "EFFECT", true },
		{ "LOW", true },     { "HIGH", true },
	};
	struct table table = {
		.columns = columns,
		.nr_columns = sizeof(columns) / sizeof(columns[0]),
	};
	char text[64];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_cell(&table, "%s", ctl_text(row, "signal", text, sizeof(text)));
		table_cell(&table, "%lld", number(row, "pairs"));
		percent_cell(&table, row, "effect_percent");
		percent_cell(&table, row, "low_percent");
		percent_cell(&table, row, "high_percent");
	}
	table_print(&table, stdout);
}

static void print_text(const json_t *answer)
{
	char state[32], verdict[32], name[256];

	ctl_text(answer, "state", state, sizeof(state));
	ctl_text(answer, "name", name, sizeof(name));
	if (!strcmp(state, "none")) {
		printf("%s: nothing is tried, its mode is not auto; `vdctl explain` says why\n",
		       name);
		return;
	}
	printf("%s: %s for %lld s, last verdict: %s, %lld of at most %lld pairs\n", name, state,
	       number(answer, "state_seconds"),
	       ctl_text(answer, "verdict", verdict, sizeof(verdict)), number(answer, "pairs"),
	       number(answer, "max_pairs"));
	if (json_is_integer(json_object_get(answer, "next_trial_seconds")))
		printf("next trial in %lld s\n", number(answer, "next_trial_seconds"));
	printf("yields while active: %lld ran, %lld did not\n\n", number(answer, "yields_ran"),
	       number(answer, "yields_failed"));
	print_signals(json_object_get(answer, "signals"));
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	json_t *answer = NULL, *root;
	int r;

	(void)argc;
	r = ctl_ask(ctx, "ab", argv[0], &answer);
	if (r != EXIT_OK)
		return r;
	if (ctx->json) {
		root = json_begin("ab");
		json_object_update(root, answer);
		json_end(root);
	} else {
		print_text(answer);
	}
	json_decref(answer);
	return EXIT_OK;
}

const struct cmd cmd_ab = {
	.name = "ab",
	.args = "VM",
	.summary = "Show what the trial of a VM with mode = auto has found",
	.details = "Needs root and the daemon. Effects are of active against observe, with their\n"
		   "99 % confidence interval; below 0 is better.\n",
	.examples = "  vdctl ab web1\n",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
