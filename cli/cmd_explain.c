// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/ctl.h"
#include "cli/out.h"

static void print_text(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "sentences");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		printf("%s\n", text ? text : "");
	}
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	json_t *answer = NULL, *root;
	int r;

	(void)argc;
	r = ctl_ask(ctx, "explain", argv[0], &answer);
	if (r != EXIT_OK)
		return r;
	if (ctx->json) {
		root = json_begin("explain");
		json_object_update(root, answer);
		json_end(root);
	} else {
		print_text(answer);
	}
	json_decref(answer);
	return EXIT_OK;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.args = "VM",
	.summary = "Say why a VM is treated as it is",
	.details = "Needs root and the daemon.\n",
	.examples = "  vdctl explain web1\n",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
