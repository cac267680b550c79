// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>

#include "cli/out.h"
#include "cli/vms.h"
#include "lib/knob.h"

static bool was_own(const struct vm_row *vm, const struct knob *knob)
{
	return vm->tuning.overrides & VD_BIT(knob->attr);
}

static void print_text(const struct vm_row *vm, const struct vd_tuning *now)
{
	char before[KNOB_VALUE_SIZE], after[KNOB_VALUE_SIZE];
	bool any = false;

	for (size_t i = 0; i < nr_knobs; i++) {
		if (!was_own(vm, &knobs[i]))
			continue;
		printf("%s: %s -> %s\n", knobs[i].name,
		       knob_format(&knobs[i], &vm->tuning, before, sizeof(before)),
		       knob_format(&knobs[i], now, after, sizeof(after)));
		any = true;
	}
	if (!any)
		printf("%s follows the global tuning already\n", vm->name);
}

static void print_json(const struct vm_row *vm, const struct vd_tuning *now)
{
	json_t *root = json_begin("reset"), *changes = json_array();
	char value[KNOB_VALUE_SIZE];

	json_put_u64(root, "vm", vm->vm.id);
	json_put_text(root, "name", vm->name);
	for (size_t i = 0; i < nr_knobs; i++) {
		json_t *change;

		if (!was_own(vm, &knobs[i]))
			continue;
		change = json_object();
		json_put_text(change, "key", knobs[i].name);
		json_put_text(change, "old",
			      knob_format(&knobs[i], &vm->tuning, value, sizeof(value)));
		json_put_text(change, "new", knob_format(&knobs[i], now, value, sizeof(value)));
		json_array_append_new(changes, change);
	}
	json_put(root, "changes", changes);
	json_end(root);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct vd_tuning now;
	struct vm_row vm;
	int r;

	(void)argc;
	(void)argv;
	if (!ctx->vm)
		return fail(ctx, EXIT_USAGE,
			    "reset needs a VM: vdctl reset --vm VM; the global tuning is changed "
			    "with vdctl set");
	r = vm_resolve(ctx, &vm);
	if (r != EXIT_OK)
		return r;
	r = vdnl_tuning_reset(ctx->client, vm.vm.id);
	if (r < 0)
		return fail_client(ctx, "cannot drop the VM's own values", r);
	r = vdnl_tuning_get(ctx->client, vm.vm.id, &now);
	if (r < 0)
		return fail_client(ctx, "done, but cannot read the tuning back", r);
	if (ctx->json)
		print_json(&vm, &now);
	else
		print_text(&vm, &now);
	return EXIT_OK;
}

const struct cmd cmd_reset = {
	.name = "reset",
	.args = "--vm VM",
	.summary = "Let a VM follow the global tuning again",
	.examples = "  vdctl reset --vm web1\n",
	.takes_vm = true,
	.run = run,
};
