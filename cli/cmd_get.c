// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/out.h"
#include "cli/vms.h"
#include "lib/knob.h"

static bool is_wanted(const struct knob *knob, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], knob->name))
			return true;
	return argc == 0;
}

static int check_names(struct ctx *ctx, int argc, char **argv)
{
	char error[KNOB_ERROR_SIZE];
	struct vd_tuning unused = { 0 };

	for (int i = 0; i < argc; i++) {
		if (knob_find(argv[i]))
			continue;
		/* For its sentence, which lists the knobs. */
		knob_set(&unused, argv[i], "", error, sizeof(error));
		return fail(ctx, EXIT_USAGE, "%s", error);
	}
	return EXIT_OK;
}

static void print_text(const struct ctx *ctx, const struct vd_tuning *tuning, int argc, char **argv)
{
	char value[KNOB_VALUE_SIZE];

	for (size_t i = 0; i < nr_knobs; i++) {
		const char *origin = "";

		if (!is_wanted(&knobs[i], argc, argv))
			continue;
		if (ctx->vm)
			origin = tuning->overrides & VD_BIT(knobs[i].attr) ? "\town" : "\tglobal";
		printf("%s=%s%s\n", knobs[i].name,
		       knob_format(&knobs[i], tuning, value, sizeof(value)), origin);
	}
}

static void print_json(const struct ctx *ctx, const struct vm_row *vm,
		       const struct vd_tuning *tuning, int argc, char **argv)
{
	json_t *root = json_begin("get"), *values = json_object();
	char value[KNOB_VALUE_SIZE];

	if (ctx->vm) {
		json_put_u64(root, "vm", vm->vm.id);
		json_put_text(root, "name", vm->name);
	}
	for (size_t i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];
		json_t *row;

		if (!is_wanted(knob, argc, argv))
			continue;
		row = json_object();
		json_put_text(row, "value", knob_format(knob, tuning, value, sizeof(value)));
		json_put_u64(row, "raw", knob_get(knob, tuning));
		json_put_u64(row, "min", knob->min);
		json_put_u64(row, "max", knob->max);
		json_put_u64(row, "default", knob->def);
		if (ctx->vm)
			json_put_bool(row, "own", tuning->overrides & VD_BIT(knob->attr));
		json_put(values, knob->name, row);
	}
	json_put(root, "knobs", values);
	json_end(root);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct vd_tuning tuning;
	struct vm_row vm = { 0 };
	int r;

	r = check_names(ctx, argc, argv);
	if (r != EXIT_OK)
		return r;
	if (ctx->vm) {
		r = vm_resolve(ctx, &vm);
		if (r != EXIT_OK)
			return r;
		tuning = vm.tuning;
	} else {
		r = vdnl_tuning_get(ctx->client, VDNL_GLOBAL, &tuning);
		if (r < 0)
			return fail_client(ctx, "cannot read the tuning", r);
	}
	if (ctx->json)
		print_json(ctx, &vm, &tuning, argc, argv);
	else
		print_text(ctx, &tuning, argc, argv);
	return EXIT_OK;
}

const struct cmd cmd_get = {
	.name = "get",
	.args = "[KEY...] [--vm VM]",
	.summary = "Show the knobs, global or those of a VM",
	.details = "One KEY=VALUE per line, as vdctl set takes them; with --vm a tab follows and\n"
		   "whether the value is the VM's own or the global one.\n",
	.examples = "  vdctl get\n"
		    "  vdctl get window\n"
		    "  vdctl get --vm web1\n",
	.max_args = 64,
	.takes_vm = true,
	.run = run,
};
