// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/out.h"
#include "lib/vmname.h"

enum {
	OPT_VM = 256,
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "vm", required_argument, NULL, OPT_VM },
	{ 0 },
};

struct call {
	struct ctx ctx;
	bool help;
	bool version;
};

/* --json counts wherever it stands, so that an error before it obeys, too. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json") || !strcmp(argv[i], "-j"))
			return true;
	return false;
}

static int parse_options(int argc, char **argv, struct call *call)
{
	char echo[64];
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":jhV", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			call->ctx.json = true;
			break;
		case 'h':
			call->help = true;
			break;
		case 'V':
			call->version = true;
			break;
		case OPT_VM:
			call->ctx.vm = optarg;
			break;
		case ':':
			return fail(&call->ctx, EXIT_USAGE,
				    "--vm needs the name, id or PID of a VM; `vdctl vms` lists "
				    "them");
		default:
			vmname_sanitize(argv[optind - 1], strlen(argv[optind - 1]), echo,
					sizeof(echo));
			return fail(&call->ctx, EXIT_USAGE,
				    "option %s is not known or not used so; see `vdctl --help`",
				    echo);
		}
	}
	return EXIT_OK;
}

/* @argv begins with the verb. */
static int check_call(const struct ctx *ctx, const struct cmd *cmd, int nr_args)
{
	if (nr_args < cmd->min_args)
		return fail(ctx, EXIT_USAGE, "%s needs more: vdctl %s %s", cmd->name, cmd->name,
			    cmd->args);
	if (nr_args > cmd->max_args)
		return fail(ctx, EXIT_USAGE, "too many arguments; usage: vdctl %s%s%s", cmd->name,
			    cmd->args[0] ? " " : "", cmd->args);
	if (ctx->vm && !cmd->takes_vm)
		return fail(ctx, EXIT_USAGE, "%s takes no --vm; usage: vdctl %s%s%s", cmd->name,
			    cmd->name, cmd->args[0] ? " " : "", cmd->args);
	return EXIT_OK;
}

static int run_verb(struct call *call, int argc, char **argv)
{
	struct ctx *ctx = &call->ctx;
	const struct cmd *cmd;
	char echo[64];
	int r;

	cmd = cmd_find(argv[0]);
	if (!cmd) {
		vmname_sanitize(argv[0], strlen(argv[0]), echo, sizeof(echo));
		return fail(ctx, EXIT_USAGE, "there is no verb \"%s\"; `vdctl help` lists them",
			    echo);
	}
	if (call->help) {
		help_verb(cmd);
		return EXIT_OK;
	}
	r = check_call(ctx, cmd, argc - 1);
	if (r != EXIT_OK)
		return r;
	if (!cmd->offline) {
		r = vdnl_open(&ctx->client);
		if (r < 0)
			return fail(ctx, EXIT_FAILED, "cannot open a netlink socket: %s",
				    strerror(-r));
	}
	r = cmd->run(ctx, argc - 1, argv + 1);
	ctx->client = vdnl_close(ctx->client);
	return r;
}

/* A full disk or a closed pipe must not look like success. */
static int flush(int code)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "vdctl: cannot write the output: %s\n", strerror(errno));
		return code == EXIT_OK ? EXIT_FAILED : code;
	}
	return code;
}

int main(int argc, char **argv)
{
	struct call call = { .ctx.json = wants_json(argc, argv) };
	int code;

	code = parse_options(argc, argv, &call);
	if (code != EXIT_OK)
		return flush(code);
	if (call.version) {
		printf("vdctl %s\n", VD_VERSION);
		return flush(EXIT_OK);
	}
	if (optind < argc)
		return flush(run_verb(&call, argc - optind, argv + optind));
	if (call.help) {
		help_all();
		return flush(EXIT_OK);
	}
	return flush(fail(&call.ctx, EXIT_USAGE,
			  "say what to do, for example `vdctl status`; see `vdctl --help`"));
}
