// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/out.h"
#include "cli/table.h"
#include "cli/vms.h"
#include "lib/counter.h"
#include "lib/hist.h"
#include "lib/knob.h"
#include "lib/units.h"

static const struct column columns[] = {
	{ "ID", true },	     { "NAME", false },	  { "PID", true },    { "VCPUS", true },
	{ "MODE", false },   { "WINDOW", false }, { "IPIS", true },   { "SPINS", true },
	{ "BOOSTED", true }, { "WOULD", true },	  { "ANSWER", true }, { "SEES", false },
};

static uint64_t answer_p50_ns(const struct vd_stats *stats)
{
	return hist_quantile_ns(stats->answer_hist, VCPU_DEBOOST_HIST_BUCKETS, 500);
}

/* A knob as text, marked when it is the VM's own. */
static void knob_cell(struct table *table, const char *name, const struct vd_tuning *tuning)
{
	const struct knob *knob = knob_find(name);
	char value[KNOB_VALUE_SIZE];

	table_cell(table, "%s%s", knob_format(knob, tuning, value, sizeof(value)),
		   tuning->overrides & VD_BIT(knob->attr) ? "*" : "");
}

static void print_text(const struct vm_list *list)
{
	struct table table = {
		.columns = columns,
		.nr_columns = sizeof(columns) / sizeof(columns[0]),
	};
	char answer[UNIT_DURATION_SIZE];

	for (size_t i = 0; i < list->nr; i++) {
		const struct vm_row *row = &list->rows[i];
		uint64_t p50_ns = answer_p50_ns(&row->stats);

		table_cell(&table, "%" PRIu32, row->vm.id);
		table_cell(&table, "%s", row->name);
		table_cell(&table, "%" PRIu32, row->vm.tgid);
		table_cell(&table, "%" PRIu32, row->vm.nr_vcpus);
		knob_cell(&table, "mode", &row->tuning);
		knob_cell(&table, "window", &row->tuning);
		table_cell(&table, "%" PRIu64, row->stats.ipis);
		table_cell(&table, "%" PRIu64, row->stats.spin_exits);
		table_cell(&table, "%" PRIu64, row->stats.boosted);
		table_cell(&table, "%" PRIu64, row->stats.would_boost);
		table_cell(&table, "%s",
			   p50_ns ? unit_format_duration_short(p50_ns, answer, sizeof(answer))
				  : "-");
		table_cell(&table, "%s", vd_visibility_name(row->vm.visibility));
	}
	table_print(&table, stdout);
}

static json_t *vm_json(const struct vm_row *row)
{
	json_t *vm = json_object(), *own = json_array(), *stats = json_object();

	json_put_u64(vm, "id", row->vm.id);
	json_put_text(vm, "name", row->name);
	json_put_u64(vm, "pid", row->vm.tgid);
	json_put_text(vm, "comm", row->vm.comm);
	json_put_u64(vm, "vcpus", row->vm.nr_vcpus);
	json_put_text(vm, "visibility", vd_visibility_name(row->vm.visibility));
	json_put_text(vm, "visibility_reason", row->vm.visibility_reason);
	json_put_tuning(vm, &row->tuning);
	for (size_t i = 0; i < nr_knobs; i++)
		if (row->tuning.overrides & VD_BIT(knobs[i].attr))
			json_array_append_new(own, json_string(knobs[i].name));
	json_put(vm, "overrides", own);
	for (size_t i = 0; i < nr_counters; i++)
		json_put_u64(stats, counters[i].name, counter_get(&counters[i], &row->stats));
	json_put_u64(stats, "answers",
		     hist_count(row->stats.answer_hist, VCPU_DEBOOST_HIST_BUCKETS));
	json_put_u64(stats, "answer_sum_ns", row->stats.answer_ns);
	json_put_u64(stats, "answer_p50_ns", answer_p50_ns(&row->stats));
	json_put_u64(stats, "runs", hist_count(row->stats.run_hist, VCPU_DEBOOST_HIST_BUCKETS));
	json_put_u64(stats, "run_sum_ns", row->stats.run_ns);
	json_put_u64(stats, "run_p50_ns",
		     hist_quantile_ns(row->stats.run_hist, VCPU_DEBOOST_HIST_BUCKETS, 500));
	json_put_u64(stats, "spin_window_ns", row->stats.spin_window_ns);
	json_put(vm, "stats", stats);
	return vm;
}

static void print_json(const struct vm_list *list)
{
	json_t *root = json_begin("vms"), *vms = json_array();

	for (size_t i = 0; i < list->nr; i++)
		json_array_append_new(vms, vm_json(&list->rows[i]));
	json_put(root, "vms", vms);
	json_end(root);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct vm_list list;
	int r;

	(void)argc;
	(void)argv;
	r = vm_list_load(ctx->client, true, &list);
	if (r < 0)
		return fail_client(ctx, "cannot list the VMs", r);
	if (ctx->json)
		print_json(&list);
	else
		print_text(&list);
	if (!list.nr)
		note(ctx, "No VM is tracked: none has run a vCPU since tracking began "
			  "(`vdctl status` says whether it has).");
	vm_list_free(&list);
	return EXIT_OK;
}

const struct cmd cmd_vms = {
	.name = "vms",
	.args = "",
	.summary = "List the VMs with their knobs and counters",
	.details = "A value marked with * is the VM's own (vdctl set --vm), not the global one.\n"
		   "SPINS: a vCPU was caught spinning. BOOSTED: it yielded to the vCPU it waits "
		   "for;\n"
		   "WOULD: it would have (mode=observe). ANSWER: median time from IPI to answer.\n"
		   "SEES: how much of the VM's waiting shows; --json says why it is not full.\n",
	.examples = "  vdctl vms\n"
		    "  vdctl vms --json | jq '.vms[] | {name, boosted: .stats.boosted}'\n",
	.run = run,
};
