// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/out.h"
#include "lib/counter.h"
#include "lib/hist.h"
#include "lib/knob.h"
#include "lib/units.h"
#include "lib/vmname.h"

#define REFUSED_MAX 32

/* Everything status shows, gathered before a word is printed. */
struct status {
	struct vd_info info;
	struct vd_tuning tuning;
	struct vd_stats totals;
	struct vd_hook refused[REFUSED_MAX];
	size_t nr_refused;
	size_t nr_hooks;
};

static int take_hook(const struct vd_msg *msg, void *arg)
{
	struct status *status = arg;

	if (!msg) {
		status->nr_refused = 0;
		status->nr_hooks = 0;
		return 0;
	}
	status->nr_hooks++;
	if (msg->hook.state == VCPU_DEBOOST_HOOK_STATE_REFUSED && status->nr_refused < REFUSED_MAX)
		status->refused[status->nr_refused++] = msg->hook;
	return 0;
}

static int take_stats(const struct vd_msg *msg, void *arg)
{
	struct status *status = arg;

	if (msg)
		counter_add(&status->totals, &msg->stats);
	else
		memset(&status->totals, 0, sizeof(status->totals));
	return 0;
}

static int gather(struct vdnl *client, struct status *ret_status)
{
	struct status status = { 0 };
	int r;

	r = vdnl_info(client, &status.info);
	if (r >= 0)
		r = vdnl_tuning_get(client, VDNL_GLOBAL, &status.tuning);
	if (r >= 0)
		r = vdnl_hooks_dump(client, take_hook, &status);
	if (r >= 0)
		r = vdnl_stats_dump(client, take_stats, &status);
	if (r < 0)
		return r;
	*ret_status = status;
	return 0;
}

/* The module's texts hold nothing of a stranger, but cost nothing to clean. */
static const char *clean(const char *text, char *buf, size_t size)
{
	return vmname_sanitize(text, strlen(text), buf, size);
}

static void line(const char *label, const char *text)
{
	printf("%-12s %s\n", label, text);
}

/* What somebody has to do something about comes first. */
static void print_trip(const struct vd_trip *trip)
{
	char buf[VD_REASON_SIZE], ago[UNIT_DURATION_SIZE];

	if (!trip->kind)
		return;
	printf("%-12s %s%s%s\n", "TRIPPED", style(STYLE_BAD), clean(trip->reason, buf, sizeof(buf)),
	       style(STYLE_END));
	printf("%-12s %s ago; `vdctl trip clear` lets the mode be set again\n", "",
	       unit_format_duration_short(trip_age_ns(trip), ago, sizeof(ago)));
}

static void print_heartbeat(const struct vd_info *info)
{
	char grace[UNIT_DURATION_SIZE], left[UNIT_DURATION_SIZE];

	if (!info->grace_ms) {
		line("heartbeat", "none");
	} else {
		unit_format_duration_short(info->grace_ms * UNIT_NSEC_PER_MSEC, grace,
					   sizeof(grace));
		unit_format_duration_short(info->grace_left_ms * UNIT_NSEC_PER_MSEC, left,
					   sizeof(left));
		printf("%-12s %s left of %s\n", "heartbeat", left, grace);
	}
	if (info->fallbacks)
		printf("%-12s %" PRIu64 " (a heartbeat stopped, the module went back to observe)\n",
		       "fallbacks", info->fallbacks);
}

static void print_totals(const struct vd_stats *totals)
{
	char answer[UNIT_DURATION_SIZE];
	uint64_t p50_ns;

	for (size_t i = 0; i < nr_counters; i++)
		printf("%-16s %20" PRIu64 "  %s\n", counters[i].name,
		       counter_get(&counters[i], totals), counters[i].help);
	p50_ns = hist_quantile_ns(totals->answer_hist, VCPU_DEBOOST_HIST_BUCKETS, 500);
	printf("%-16s %20s  Median time from an IPI to its answer\n", "answer_p50",
	       p50_ns ? unit_format_duration_short(p50_ns, answer, sizeof(answer)) : "-");
}

static void print_text(const struct status *status)
{
	const struct vd_info *info = &status->info;
	char buf[VD_REASON_SIZE], value[KNOB_VALUE_SIZE];

	print_trip(&info->trip);
	printf("%-12s vcpu_deboost %s (ABI %" PRIu32 ")\n", "module",
	       clean(info->version, buf, sizeof(buf)), info->abi);
	if (info->armed)
		printf("%-12s %sarmed%s\n", "state", style(STYLE_GOOD), style(STYLE_END));
	else
		printf("%-12s %snot armed%s: %s\n", "state", style(STYLE_BAD), style(STYLE_END),
		       info->trip.kind	 ? "the breaker has tripped"
		       : info->reason[0] ? clean(info->reason, buf, sizeof(buf))
					 : "the module gives no reason");
	for (size_t i = 0; i < nr_knobs; i++)
		line(knobs[i].name, knob_format(&knobs[i], &status->tuning, value, sizeof(value)));
	printf("%-12s %zu, %zu refused%s\n", "hooks", status->nr_hooks, status->nr_refused,
	       status->nr_refused ? " (see `vdctl hooks`):" : "");
	for (size_t i = 0; i < status->nr_refused; i++) {
		const struct vd_hook *hook = &status->refused[i];
		char name[VD_NAME_SIZE];

		printf("%-12s %s: %s\n", "", clean(hook->name, name, sizeof(name)),
		       clean(hook->reason, buf, sizeof(buf)));
	}
	print_heartbeat(info);
	printf("%-12s %" PRIu32 " now, %" PRIu64 " seen, %" PRIu64 " could not be tracked\n", "vms",
	       info->nr_vms, info->vms_seen, info->vms_refused);
	printf("\nTotals of the VMs that run now:\n");
	print_totals(&status->totals);
}

static json_t *hooks_json(const struct status *status)
{
	json_t *hooks = json_object(), *refused = json_array();

	json_put_u64(hooks, "total", status->nr_hooks);
	for (size_t i = 0; i < status->nr_refused; i++) {
		json_t *hook = json_object();

		json_put_text(hook, "name", status->refused[i].name);
		json_put_text(hook, "symbol", status->refused[i].symbol);
		json_put_text(hook, "reason", status->refused[i].reason);
		json_array_append_new(refused, hook);
	}
	json_put(hooks, "refused", refused);
	return hooks;
}

static void print_json(const struct status *status)
{
	json_t *root = json_begin("status"), *heartbeat = json_object(), *vms = json_object();
	const struct vd_info *info = &status->info;
	json_t *totals = json_object();

	json_put_trip(root, info);
	json_put_bool(root, "loaded", true);
	json_put_text(root, "version", info->version);
	json_put_u64(root, "abi", info->abi);
	json_put_bool(root, "armed", info->armed);
	json_put_text(root, "reason", info->reason);
	json_put_tuning(root, &status->tuning);
	json_put(root, "hooks", hooks_json(status));
	json_put_u64(heartbeat, "grace_ms", info->grace_ms);
	json_put_u64(heartbeat, "left_ms", info->grace_left_ms);
	json_put_u64(heartbeat, "fallbacks", info->fallbacks);
	json_put(root, "heartbeat", heartbeat);
	json_put_u64(vms, "now", info->nr_vms);
	json_put_u64(vms, "seen", info->vms_seen);
	json_put_u64(vms, "refused", info->vms_refused);
	json_put(root, "vms", vms);
	for (size_t i = 0; i < nr_counters; i++)
		json_put_u64(totals, counters[i].name, counter_get(&counters[i], &status->totals));
	json_put_u64(totals, "answers",
		     hist_count(status->totals.answer_hist, VCPU_DEBOOST_HIST_BUCKETS));
	json_put_u64(totals, "answer_sum_ns", status->totals.answer_ns);
	json_put_u64(totals, "answer_p50_ns",
		     hist_quantile_ns(status->totals.answer_hist, VCPU_DEBOOST_HIST_BUCKETS, 500));
	json_put(root, "totals", totals);
	json_end(root);
}

/* That there is no module is an answer here, not an error. */
static int report_absent(const struct ctx *ctx)
{
	const char *text = vdnl_strerror(ctx->client, -ENOPKG);
	json_t *root;

	if (ctx->json) {
		root = json_begin("status");
		json_put_bool(root, "loaded", false);
		json_put_bool(root, "armed", false);
		json_put_text(root, "reason", text);
		json_end(root);
	} else {
		printf("%-12s %snot running%s: %s\n", "state", style(STYLE_BAD), style(STYLE_END),
		       text);
	}
	return EXIT_NOT_RUNNING;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	struct status status;
	int r;

	(void)argc;
	(void)argv;
	r = gather(ctx->client, &status);
	if (r == -ENOPKG)
		return report_absent(ctx);
	if (r < 0)
		return fail_client(ctx, "cannot read the status", r);
	if (ctx->json)
		print_json(&status);
	else
		print_text(&status);
	return status.info.armed ? EXIT_OK : EXIT_NOT_RUNNING;
}

const struct cmd cmd_status = {
	.name = "status",
	.args = "",
	.summary = "Say whether it works, and why not if not",
	.details = "Exits with 0 when the hooks are armed (mode observe or active), with 3 when "
		   "they\n"
		   "are not or the module is not loaded. When the breaker has tripped, that and\n"
		   "why is the first line.\n",
	.examples = "  vdctl status\n"
		    "  vdctl status --json | jq .armed\n",
	.run = run,
};
