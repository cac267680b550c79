// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/out.h"
#include "cli/table.h"
#include "lib/vmname.h"

#include <stdlib.h>

struct hook_list {
	struct vd_hook *rows;
	size_t nr;
};

static int take_hook(const struct vd_msg *msg, void *arg)
{
	struct hook_list *list = arg;

	if (!msg) {
		list->nr = 0;
		return 0;
	}
	list->rows = xreallocarray(list->rows, list->nr + 1, sizeof(list->rows[0]));
	list->rows[list->nr++] = msg->hook;
	return 0;
}

static void text_cell(struct table *table, const char *text)
{
	char buf[VD_REASON_SIZE];

	table_cell(table, "%s", vmname_sanitize(text, strlen(text), buf, sizeof(buf)));
}

static void print_text(const struct hook_list *list)
{
	static const struct column columns[] = {
		{ "NAME", false },   { "KIND", false },	  { "STATE", false },
		{ "NEEDED", false }, { "SYMBOL", false }, { "REASON", false },
	};
	struct table table = {
		.columns = columns,
		.nr_columns = sizeof(columns) / sizeof(columns[0]),
	};

	for (size_t i = 0; i < list->nr; i++) {
		const struct vd_hook *hook = &list->rows[i];

		text_cell(&table, hook->name);
		table_cell(&table, "%s", vd_hook_kind_name(hook->kind));
		table_cell(&table, "%s", vd_hook_state_name(hook->state));
		table_cell(&table, "%s", hook->required ? "yes" : "no");
		text_cell(&table, hook->symbol);
		text_cell(&table, hook->reason);
	}
	table_print(&table, stdout);
}

static void print_json(const struct hook_list *list)
{
	json_t *root = json_begin("hooks"), *hooks = json_array();

	for (size_t i = 0; i < list->nr; i++) {
		const struct vd_hook *hook = &list->rows[i];
		json_t *row = json_object();

		json_put_text(row, "name", hook->name);
		json_put_text(row, "symbol", hook->symbol);
		json_put_text(row, "kind", vd_hook_kind_name(hook->kind));
		json_put_text(row, "state", vd_hook_state_name(hook->state));
		json_put_bool(row, "required", hook->required);
		json_put_text(row, "reason", hook->reason);
		json_array_append_new(hooks, row);
	}
	json_put(root, "hooks", hooks);
	json_end(root);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct hook_list list = { 0 };
	int r;

	(void)argc;
	(void)argv;
	r = vdnl_hooks_dump(ctx->client, take_hook, &list);
	if (r < 0)
		r = fail_client(ctx, "cannot list the hooks", r);
	else if (ctx->json)
		print_json(&list);
	else
		print_text(&list);
	free(list.rows);
	return r;
}

const struct cmd cmd_hooks = {
	.name = "hooks",
	.args = "",
	.summary = "List what the module attaches to in the kernel",
	.details = "idle: found, not armed (mode off). armed: in use. refused: not found in this\n"
		   "kernel, or in use by somebody else; REASON says. Without every NEEDED one the\n"
		   "module arms nothing.\n",
	.examples = "  vdctl hooks\n"
		    "  vdctl hooks --json | jq '.hooks[] | select(.state == \"refused\")'\n",
	.run = run,
};
