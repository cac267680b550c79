// SPDX-License-Identifier: GPL-2.0-only
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "cli/out.h"
#include "lib/knob.h"
#include "lib/vmname.h"

const struct cmd *const cmds[] = {
	&cmd_status, &cmd_vms,	   &cmd_get,  &cmd_set,	 &cmd_reset, &cmd_hooks,
	&cmd_ab,     &cmd_explain, &cmd_trip, &cmd_help, NULL,
};

const struct cmd *cmd_find(const char *name)
{
	for (size_t i = 0; cmds[i]; i++)
		if (!strcmp(cmds[i]->name, name))
			return cmds[i];
	return NULL;
}

static void print_knobs(void)
{
	printf("Knobs:\n");
	for (size_t i = 0; i < nr_knobs; i++) {
		struct vd_tuning tuning;
		char value[KNOB_VALUE_SIZE];

		knob_defaults(&tuning);
		knob_format(&knobs[i], &tuning, value, sizeof(value));
		printf("  %-13s %s\n  %-13s allowed: %s; default: %s\n", knobs[i].name,
		       knobs[i].help, "", knobs[i].range, value);
	}
}

void help_all(void)
{
	printf("Usage: vdctl [OPTION]... VERB [ARGUMENT]...\n"
	       "Look at the vcpu_deboost module, and tune it.\n\nVerbs:\n");
	for (size_t i = 0; cmds[i]; i++)
		printf("  %-8s %-24s %s\n", cmds[i]->name, cmds[i]->args, cmds[i]->summary);
	printf("\nOptions:\n"
	       "  -j, --json     results and errors as JSON\n"
	       "      --vm VM    one VM: its name, id or PID (or id:N, pid:N, name:NAME)\n"
	       "  -h, --help     help, also on one verb: vdctl VERB --help\n"
	       "  -V, --version  version\n\n");
	print_knobs();
	printf("\nExamples:\n"
	       "  vdctl status\n"
	       "  vdctl vms\n"
	       "  vdctl set mode=active window=50ms\n"
	       "  vdctl set mode=observe --vm web1\n\n"
	       "Exit status: 0 ok, 1 failed, 2 usage, 3 not running (status), 4 no such VM,\n"
	       "5 not permitted, 6 no module, 7 refused by the module. See vdctl(1).\n");
}

void help_verb(const struct cmd *cmd)
{
	printf("Usage: vdctl %s%s%s\n%s.\n", cmd->name, cmd->args[0] ? " " : "", cmd->args,
	       cmd->summary);
	if (cmd->details)
		printf("\n%s", cmd->details);
	if (cmd == &cmd_set || cmd == &cmd_get) {
		printf("\n");
		print_knobs();
	}
	printf("\nExamples:\n%s", cmd->examples);
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	const struct cmd *cmd;
	char name[32];

	if (!argc) {
		help_all();
		return EXIT_OK;
	}
	cmd = cmd_find(argv[0]);
	if (!cmd) {
		vmname_sanitize(argv[0], strlen(argv[0]), name, sizeof(name));
		return fail(ctx, EXIT_USAGE, "there is no verb \"%s\"; `vdctl help` lists them",
			    name);
	}
	help_verb(cmd);
	return EXIT_OK;
}

const struct cmd cmd_help = {
	.name = "help",
	.args = "[VERB]",
	.summary = "Explain vdctl or one verb",
	.examples = "  vdctl help set\n",
	.max_args = 1,
	.offline = true,
	.run = run,
};
