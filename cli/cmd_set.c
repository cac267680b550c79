// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>

#include "cli/out.h"
#include "cli/vms.h"
#include "lib/knob.h"

static void print_text(const struct vd_tuning *asked, const struct vd_tuning *old,
		       const struct vd_tuning *now)
{
	char before[KNOB_VALUE_SIZE], after[KNOB_VALUE_SIZE];

	for (size_t i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];

		if (!(asked->have & VD_BIT(knob->attr)))
			continue;
		knob_format(knob, old, before, sizeof(before));
		knob_format(knob, now, after, sizeof(after));
		if (knob_get(knob, old) == knob_get(knob, now))
			printf("%s: %s (unchanged)\n", knob->name, after);
		else
			printf("%s: %s -> %s\n", knob->name, before, after);
	}
}

static void print_json(const struct vm_row *vm, const struct vd_tuning *asked,
		       const struct vd_tuning *old, const struct vd_tuning *now)
{
	json_t *root = json_begin("set"), *changes = json_array();
	char value[KNOB_VALUE_SIZE];

	if (vm) {
		json_put_u64(root, "vm", vm->vm.id);
		json_put_text(root, "name", vm->name);
	}
	for (size_t i = 0; i < nr_knobs; i++) {
		const struct knob *knob = &knobs[i];
		json_t *change;

		if (!(asked->have & VD_BIT(knob->attr)))
			continue;
		change = json_object();
		json_put_text(change, "key", knob->name);
		json_put_text(change, "old", knob_format(knob, old, value, sizeof(value)));
		json_put_text(change, "new", knob_format(knob, now, value, sizeof(value)));
		json_array_append_new(changes, change);
	}
	json_put(root, "changes", changes);
	json_end(root);
}

static int parse(struct ctx *ctx, int argc, char **argv, struct vd_tuning *ret_asked)
{
	struct vd_tuning asked = { 0 };
	char error[KNOB_ERROR_SIZE];

	for (int i = 0; i < argc; i++)
		if (knob_parse(&asked, argv[i], error, sizeof(error)) < 0)
			return fail(ctx, EXIT_USAGE, "%s", error);
	*ret_asked = asked;
	return EXIT_OK;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct vd_tuning asked, old, now;
	uint32_t id = VDNL_GLOBAL;
	struct vm_row vm;
	int r;

	/* Nothing is asked of the module before every argument is understood. */
	r = parse(ctx, argc, argv, &asked);
	if (r != EXIT_OK)
		return r;
	if (ctx->vm) {
		r = vm_resolve(ctx, &vm);
		if (r != EXIT_OK)
			return r;
		id = vm.vm.id;
	}
	r = vdnl_tuning_get(ctx->client, id, &old);
	if (r < 0)
		return fail_client(ctx, "cannot read the tuning", r);
	r = vdnl_tuning_set(ctx->client, id, &asked);
	if (r < 0)
		return fail_client(ctx, "cannot change the tuning", r);
	r = vdnl_tuning_get(ctx->client, id, &now);
	if (r < 0)
		return fail_client(ctx, "changed, but cannot read the tuning back", r);
	if (ctx->json)
		print_json(ctx->vm ? &vm : NULL, &asked, &old, &now);
	else
		print_text(&asked, &old, &now);
	return EXIT_OK;
}

const struct cmd cmd_set = {
	.name = "set",
	.args = "KEY=VALUE... [--vm VM]",
	.summary = "Change knobs, for all VMs or for one",
	.details = "Needs root. Lasts until the module is unloaded or the daemon reads its\n"
		   "configuration again; to keep a value, put it into\n"
		   "/etc/vcpu-deboostd/vcpu-deboostd.conf.\n",
	.examples = "  vdctl set mode=active\n"
		    "  vdctl set window=20ms ipi_tracking=on\n"
		    "  vdctl set mode=observe --vm web1\n",
	.min_args = 1,
	.max_args = 64,
	.takes_vm = true,
	.run = run,
};
