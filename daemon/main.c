// SPDX-License-Identifier: GPL-2.0-only
/* vcpu-deboostd: arguments, requirements, configuration, loop. */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/lock.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/version.h"
#include "lib/ctl.h"

#define DEFAULT_RUNTIME_DIR VD_CTL_DIR

/* In the man page; the unit does not restart on those from 2 on. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_RUNNING = 4,
	EXIT_NOT_PERMITTED = 5,
};

/* What main() itself needs of the command line. */
struct arguments {
	struct options options;
	bool check_config;
	bool done;
	enum exit_code code;
};

static const char help_text[] =
	"usage: vcpu-deboostd [--config FILE] [--textfile PATH] [--check-config]\n"
	"\n"
	"Looks after the kernel module vcpu_deboost: gives it its tuning, counts what\n"
	"it does per VM, and writes that for Prometheus. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE    configuration file; FILE's directory may have a conf.d\n"
	"                       (default " CONFIG_DEFAULT_FILE ")\n"
	"      --textfile PATH  where the metrics go, or \"off\"; wins over the file\n"
	"      --check-config   read the configuration, say what is wrong, and end\n"
	"  -V, --version        show the version\n"
	"  -h, --help           show this\n"
	"\n"
	"Signals: SIGHUP reads the configuration again, SIGTERM leaves the host stock.\n"
	"Exit status: 0 ended as told, 1 failed, 2 bad usage or configuration,\n"
	"4 another one is running, 5 not permitted.\n"
	"\n"
	"Example: vcpu-deboostd --config ./my.conf --check-config\n";

enum {
	OPT_CHECK = 256,
	OPT_TEXTFILE,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "textfile", required_argument, NULL, OPT_TEXTFILE },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 3, 4))) static void finish(struct arguments *a, enum exit_code code,
							 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(code == EXIT_OK ? stdout : stderr, fmt, ap);
	va_end(ap);
	a->done = true;
	a->code = code;
}

static void check_arguments(struct arguments *a)
{
	const char *why;

	if (!a->options.textfile)
		return;
	why = config_check_textfile(a->options.textfile);
	if (why)
		finish(a, EXIT_USAGE, "vcpu-deboostd: --textfile %s: allowed is %s\n",
		       a->options.textfile, why);
}

static void parse_arguments(int argc, char **argv, struct arguments *a)
{
	int c;

	while (!a->done && (c = getopt_long(argc, argv, "c:Vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->options.config_path = optarg;
			break;
		case OPT_TEXTFILE:
			a->options.textfile = optarg;
			break;
		case OPT_CHECK:
			a->check_config = true;
			break;
		case 'V':
			finish(a, EXIT_OK, "vcpu-deboostd %s\n", VD_VERSION);
			break;
		case 'h':
			finish(a, EXIT_OK, "%s", help_text);
			break;
		default:
			finish(a, EXIT_USAGE, "vcpu-deboostd: see vcpu-deboostd --help\n");
		}
	}
	if (!a->done && optind < argc)
		finish(a, EXIT_USAGE,
		       "vcpu-deboostd: unexpected argument \"%s\"; see vcpu-deboostd --help\n",
		       argv[optind]);
	if (!a->done)
		check_arguments(a);
}

/* What the module's setters ask for, and what looking into other processes takes. */
#define CAPS_NEEDED (1U << CAP_NET_ADMIN | 1U << CAP_SYS_ADMIN)
#define CAPS_WANTED (1U << CAP_SYS_PTRACE | 1U << CAP_DAC_READ_SEARCH)

/* Not the user id: what we run as has no user id 0, and root may be without them. */
static bool has_capabilities(uint32_t wanted)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return (data[0].effective & wanted) == wanted;
}

static bool is_permitted(void)
{
	if (!has_capabilities(CAPS_NEEDED)) {
		log_event(LOG_EVENT_START, LOG_ERR, NULL,
			  "not permitted: CAP_NET_ADMIN and CAP_SYS_ADMIN are needed; run it as "
			  "root, best with \"systemctl start vcpu-deboostd\"");
		return false;
	}
	if (!has_capabilities(CAPS_WANTED))
		log_event(LOG_EVENT_START, LOG_NOTICE, NULL,
			  "without CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, VMs of other users "
			  "that were there before are known only once the module sees them");
	return true;
}

static const char *runtime_dir(void)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	return dir && dir[0] ? dir : DEFAULT_RUNTIME_DIR;
}

static int take_lock(const char *dir)
{
	char who[32] = "";
	pid_t owner = 0;
	int fd;

	fd = lock_take(dir, &owner);
	/* Unknown when it is of another PID namespace, or has ended since. */
	if (fd == -EBUSY && owner > 0)
		snprintf(who, sizeof(who), " (process %d)", (int)owner);
	if (fd == -EBUSY)
		log_event(LOG_EVENT_START, LOG_ERR, NULL,
			  "another vcpu-deboostd is running%s; stop it first with "
			  "\"systemctl stop vcpu-deboostd\"",
			  who);
	else if (fd < 0)
		log_event(LOG_EVENT_START, LOG_ERR, NULL,
			  "no lock file in %s: %s; run it as root or with \"systemctl start "
			  "vcpu-deboostd\", which makes that directory",
			  dir, strerror(-fd));
	return fd;
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static enum exit_code run(const struct options *options, const struct config *config)
{
	struct manager *m = NULL;
	int r;

	r = manager_new(options, config, &m);
	if (!r)
		r = manager_run(m);
	if (r < 0)
		log_event(LOG_EVENT_STOP, LOG_ERR, NULL, "failed: %s", strerror(-r));
	manager_free(m);
	return r < 0 ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct arguments a = { .options.config_path = CONFIG_DEFAULT_FILE };
	char error[CONFIG_ERROR_SIZE];
	struct config config;
	int lock;

	parse_arguments(argc, argv, &a);
	if (a.done)
		return a.code;

	log_open();
	if (config_load(a.options.config_path, &config, error, sizeof(error)) < 0) {
		log_event(LOG_EVENT_CONFIG, LOG_ERR, NULL, "%s", error);
		return EXIT_USAGE;
	}
	if (a.check_config) {
		printf("%s: ok\n", a.options.config_path);
		return EXIT_OK;
	}
	if (!is_permitted())
		return EXIT_NOT_PERMITTED;
	/* What others may read, the metrics, is opened to them where it is written. */
	umask(077);
	block_signals();
	a.options.runtime_dir = runtime_dir();
	lock = take_lock(a.options.runtime_dir);
	if (lock < 0)
		return lock == -EBUSY ? EXIT_RUNNING : EXIT_FAILED;
	a.code = run(&a.options, &config);
	close(lock);
	return a.code;
}
