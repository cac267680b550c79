// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's files: its lock, the metrics, and the status line, when something is in the way. */
#include "logged.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/ctl.h"
#include "daemon/lock.h"
#include "daemon/manager.h"
#include "daemon/metrics.h"
#include "daemon/prom_write.h"
#include "tree.h"

#define NOBODY 65534

struct world {
	char dir[32];
	char path[96];
	struct manager m;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/tmp/vdb-files-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	logged_begin();
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	logged_end();
	prom_buf_free(&w->m.buf);
	remove_tree(w->dir);
	free(w);
	return 0;
}

static const char *in_dir(struct world *w, const char *name)
{
	snprintf(w->path, sizeof(w->path), "%s/%s", w->dir, name);
	return w->path;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_lock(void **state)
{
	struct world *w = *state;
	char run[64], file[96];
	pid_t owner = 0;
	int fd;

	snprintf(run, sizeof(run), "%s/run", w->dir);
	snprintf(file, sizeof(file), "%s/lock", run);
	fd = lock_take(run, &owner);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(run), 0755);
	assert_int_equal(mode_of(file), 0600);
	close(fd);
	/* One that others can open is made ours alone; a folder that is there stays as it is. */
	assert_int_equal(chmod(file, 0666), 0);
	assert_int_equal(chmod(run, 0700), 0);
	fd = lock_take(run, &owner);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(run), 0700);
	assert_int_equal(mode_of(file), 0600);
	close(fd);
	assert_int_equal(owner, 0);
}

static void test_lock_fails(void **state)
{
	struct world *w = *state;
	char name[5000];
	pid_t owner = 0;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(lock_take(name, &owner), -ENAMETOOLONG);
	assert_int_equal(lock_take(in_dir(w, "a/b"), &owner), -ENOENT);
	/* A link could make us lock, and chmod, anything. */
	assert_int_equal(symlink("/etc/passwd", in_dir(w, "lock")), 0);
	assert_int_equal(lock_take(w->dir, &owner), -ELOOP);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(mkdir(w->path, 0755), 0);
	assert_int_equal(lock_take(w->dir, &owner), -EISDIR);
	assert_int_equal(owner, 0);
}

static void test_lock_taken(void **state)
{
	struct world *w = *state;
	pid_t owner = 0, other;
	int fd = lock_take(w->dir, &owner), status;

	assert_true(fd >= 0);
	other = fork();
	assert_true(other >= 0);
	if (!other)
		_exit(lock_take(w->dir, &owner) == -EBUSY && owner == getppid() ? 0 : 1);
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	close(fd);
}

/* Where it goes follows the configuration, and an old one does not stay behind. */
static void test_metrics_move(void **state)
{
	struct world *w = *state;

	snprintf(w->m.config.textfile, sizeof(w->m.config.textfile), "%s", in_dir(w, "a.prom"));
	metrics_configure(&w->m);
	metrics_write(&w->m);
	assert_int_equal(mode_of(w->path), 0644);
	snprintf(w->m.config.textfile, sizeof(w->m.config.textfile), "%s", in_dir(w, "b.prom"));
	metrics_configure(&w->m);
	metrics_write(&w->m);
	assert_int_equal(access(w->path, F_OK), 0);
	assert_int_equal(access(in_dir(w, "a.prom"), F_OK), -1);
	strcpy(w->m.config.textfile, "off");
	metrics_configure(&w->m);
	assert_int_equal(access(in_dir(w, "b.prom"), F_OK), -1);
	metrics_write(&w->m);
	assert_int_equal(access(w->path, F_OK), -1);
	/* The command line wins. */
	w->m.options.textfile = in_dir(w, "c.prom");
	metrics_configure(&w->m);
	assert_string_equal(w->m.textfile, w->path);
	assert_quiet();
}

static void test_metrics_auto(void **state)
{
	struct world *w = *state;

	strcpy(w->m.config.textfile, "auto");
	metrics_configure(&w->m);
	if (!access(CONFIG_TEXTFILE_DIR, F_OK)) {
		assert_string_equal(w->m.textfile, CONFIG_TEXTFILE_DIR "/" CONFIG_TEXTFILE_NAME);
		return;
	}
	assert_string_equal(w->m.textfile, "");
	assert_logged("no metrics file: " CONFIG_TEXTFILE_DIR " does not exist; set textfile in "
		      "[metrics] to have one");
}

/* What cannot be written or removed is said, once. */
static void test_metrics_fail(void **state)
{
	struct world *w = *state;

	w->m.options.textfile = in_dir(w, "later/x.prom");
	metrics_configure(&w->m);
	metrics_write(&w->m);
	assert_part(logged(), "/later/x.prom cannot be written, what was there stays: No such file "
			      "or directory\n");
	metrics_write(&w->m);
	assert_quiet();
	metrics_remove(&w->m);
	assert_quiet();
	assert_int_equal(mkdir(in_dir(w, "later"), 0755), 0);
	metrics_write(&w->m);
	assert_part(logged(), "/later/x.prom is written again\n");
	assert_int_equal(unlink(w->m.textfile), 0);
	assert_int_equal(mkdir(w->m.textfile, 0755), 0);
	metrics_write(&w->m);
	assert_part(logged(), " cannot be written, what was there stays: Is a directory\n");
	metrics_remove(&w->m);
	assert_part(logged(), " cannot be removed: Is a directory\n");
}

/* The one mistake that a service makes: its folder is not open to it. */
static void test_metrics_not_permitted(void **state)
{
	struct world *w = *state;

	if (geteuid())
		skip();
	assert_int_equal(mkdir(in_dir(w, "open"), 0755), 0);
	assert_int_equal(chmod(w->dir, 0755), 0);
	w->m.options.textfile = in_dir(w, "open/x.prom");
	metrics_configure(&w->m);
	assert_int_equal(seteuid(NOBODY), 0);
	metrics_write(&w->m);
	assert_int_equal(seteuid(0), 0);
	assert_part(logged(), ": Permission denied; \"systemd-tmpfiles --create "
			      "vcpu-deboostd.conf\" lets the service write");
}

/* What was there stays whole when the new one does not fit or cannot take its place. */
static void test_write(void **state)
{
	struct world *w = *state;
	char name[300], path[PATH_MAX + 100];

	assert_int_equal(prom_write(in_dir(w, "x"), "old", 3), 0);
	assert_int_equal(mkdir(in_dir(w, ".x.tmp"), 0755), 0);
	assert_int_equal(prom_write(in_dir(w, "x"), "new", 3), -EISDIR);
	assert_int_equal(rmdir(in_dir(w, ".x.tmp")), 0);
	/* What an earlier one has left, or a stranger, is not written through. */
	assert_int_equal(symlink("target", in_dir(w, ".x.tmp")), 0);
	assert_int_equal(prom_write(in_dir(w, "x"), "newer", 5), 0);
	assert_int_equal(access(in_dir(w, "target"), F_OK), -1);
	assert_int_equal(access(in_dir(w, ".x.tmp"), F_OK), -1);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(prom_write(name, "x", 1), -ENAMETOOLONG);
	memset(path, '/', sizeof(path));
	strcpy(path + PATH_MAX + 50, "x");
	assert_int_equal(prom_write(path, "x", 1), -ENAMETOOLONG);
	assert_int_equal(prom_write("/nonexistent/x", "x", 1), -ENOENT);
}

/* A full disk: the old file is not replaced by half of a new one. */
static void test_full(void **state)
{
	static char much[100000];
	struct world *w = *state;
	struct stat st;
	pid_t pid;
	int status;

	assert_int_equal(prom_write(in_dir(w, "x"), "old", 3), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		const struct rlimit limit = { 1000, 1000 };

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
			_exit(99);
		status = prom_write(w->path, much, sizeof(much));
		_exit(status == -EFBIG ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(access(in_dir(w, ".x.tmp"), F_OK), -1);
}

/* A folder that is too deep for a socket, and one that is not there. */
static void test_ctl_fails(void **state)
{
	struct world *w = *state;
	char deep[200];

	memset(deep, 'd', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	w->m.options.runtime_dir = deep;
	assert_int_equal(ctl_open(&w->m), -ENAMETOOLONG);
	assert_part(logged(), ", vdctl ab and vdctl explain do not work: File name too long\n");
	w->m.options.runtime_dir = "/nonexistent";
	assert_int_equal(ctl_open(&w->m), -ENOENT);
	assert_logged("no control socket in /nonexistent, vdctl ab and vdctl explain do not work: "
		      "No such file or directory");
	ctl_close(&w->m);
}

static void test_status(void **state)
{
	struct kclient k = { .present = true, .info.armed = 1, .tuning.mode = 7 };
	struct rates rates = { 0 };
	char buf[256];

	(void)state;
	status_render(buf, sizeof(buf), &k, &rates, 2, false);
	assert_string_equal(buf, "mode 7, 2 VMs");
	k.tuning.mode = __VCPU_DEBOOST_MODE_MAX;
	status_render(buf, sizeof(buf), &k, &rates, 2, false);
	assert_string_equal(buf, "mode 3, 2 VMs");
	k.info.armed = 0;
	status_render(buf, sizeof(buf), &k, &rates, 2, false);
	assert_string_equal(buf, "idle: the module has no hooks in place: no reason given, 2 VMs");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_lock),
		TEST(test_lock_fails),
		TEST(test_lock_taken),
		TEST(test_metrics_move),
		TEST(test_metrics_auto),
		TEST(test_metrics_fail),
		TEST(test_metrics_not_permitted),
		TEST(test_write),
		TEST(test_full),
		TEST(test_ctl_fails),
		TEST(test_status),
	};

	return cmocka_run_group_tests_name("daemon files", tests, NULL, NULL);
}
