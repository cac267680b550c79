// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/out.h"
#include "lib/units.h"
#include "lib/vmname.h"

static void print_text(const struct vd_info *info, bool cleared)
{
	char reason[VD_REASON_SIZE], ago[UNIT_DURATION_SIZE];
	const struct vd_trip *trip = &info->trip;

	if (!trip->kind) {
		printf("not tripped, %" PRIu64 " time%s since the module was loaded\n", info->trips,
		       info->trips == 1 ? "" : "s");
		return;
	}
	vmname_sanitize(trip->reason, strlen(trip->reason), reason, sizeof(reason));
	unit_format_duration_short(trip_age_ns(trip), ago, sizeof(ago));
	printf("%s%s (%s ago)\n", cleared ? "cleared: " : "", reason, ago);
	if (cleared)
		printf("The mode is off: the daemon sets it again, or `vdctl set mode=observe`.\n");
	else
		printf("`vdctl trip clear` lets the mode be set again.\n");
}

static void print_json(const struct vd_info *info, bool cleared)
{
	json_t *root = json_begin("trip");

	json_put_trip(root, info);
	json_put_bool(root, "cleared", cleared);
	json_end(root);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	bool clear = argc > 0;
	struct vd_info info;
	int r;

	if (clear && strcmp(argv[0], "clear"))
		return fail(ctx, EXIT_USAGE,
			    "trip takes nothing or the word clear: vdctl trip "
			    "clear");
	r = vdnl_info(ctx->client, &info);
	if (r < 0)
		return fail_client(ctx, "cannot read the trip", r);
	if (clear) {
		r = vdnl_trip_clear(ctx->client);
		if (r < 0)
			return fail_client(ctx, "cannot clear the trip", r);
	}
	clear &= info.trip.kind != VCPU_DEBOOST_TRIP_NONE;
	if (ctx->json)
		print_json(&info, clear);
	else
		print_text(&info, clear);
	return info.trip.kind && !clear ? EXIT_NOT_RUNNING : EXIT_OK;
}

const struct cmd cmd_trip = {
	.name = "trip",
	.args = "[clear]",
	.summary = "Say why the breaker has stopped the module, or clear that",
	.details = "A budget was overdrawn, or something was seen that must not be: the module\n"
		   "went back to stock KVM by itself and stays so until this is cleared. Find out\n"
		   "why first. Clearing needs root. Exits with 3 while it is tripped.\n",
	.examples = "  vdctl trip\n"
		    "  vdctl trip clear\n",
	.max_args = 1,
	.run = run,
};
