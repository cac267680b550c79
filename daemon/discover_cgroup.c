// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that knows libcgroup.
 *
 * libcgroup before 3.1 cannot read the "0::/path" of a pure v2 host, and it
 * cuts a path at its first space. So its answer is taken where it has a whole
 * one, and the line in /proc otherwise.
 */
#include "discover.h"

#include <errno.h>
#include <libcgroup.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTROLLER "cpu"

static void swallow(void *user, int level, const char *fmt, va_list ap)
{
	(void)user;
	(void)level;
	(void)fmt;
	(void)ap;
}

/* libcgroup reads the mount table once per process; it is never unloaded. */
static bool libcgroup_ready(void)
{
	static int state = -1;

	if (state < 0) {
		/* Its own complaints would go to stderr, once per VM. */
		cgroup_set_logger(swallow, CGROUP_LOG_ERROR, NULL);
		state = !cgroup_init();
	}
	return state;
}

static int ask_libcgroup(pid_t pid, char *buf, size_t size)
{
	char *path = NULL;
	int r = -ENOENT;

	if (!libcgroup_ready())
		return -ENOENT;
	if (!cgroup_get_current_controller_path(pid, CONTROLLER, &path) && path &&
	    strlen(path) < size) {
		memcpy(buf, path, strlen(path) + 1);
		r = 0;
	}
	free(path);
	return r;
}

static bool has_word(const char *list, size_t len, const char *word)
{
	const size_t n = strlen(word);
	const char *end = list + len;

	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		size_t l = (size_t)((comma ? comma : end) - list);

		if (l == n && !memcmp(list, word, n))
			return true;
		list += l + 1;
	}
	return false;
}

/*
 * "ID:CONTROLLERS:PATH" lines; v2 has ID 0 and no controllers. Return: 0, -ESRCH: no such
 * process, -ENOENT: no such line, -ENAMETOOLONG: its path does not fit.
 */
static int read_line_of(const char *proc, pid_t pid, const char *controller, char *buf, size_t size)
{
	char file[512], *line = NULL;
	int r = -ENOENT;
	size_t cap = 0;
	ssize_t n;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%d/cgroup", proc, (int)pid);
	f = fopen(file, "re");
	if (!f)
		return -ESRCH;
	while (r == -ENOENT && (n = getline(&line, &cap, f)) > 0) {
		char *list, *path;

		line[strcspn(line, "\n")] = '\0';
		list = strchr(line, ':');
		path = list ? strchr(list + 1, ':') : NULL;
		if (!path)
			continue;
		list++;
		if (controller ? !has_word(list, (size_t)(path - list), controller)
			       : path != list || strncmp(line, "0:", 2))
			continue;
		r = -ENAMETOOLONG;
		if (strlen(path + 1) >= size)
			continue;
		memcpy(buf, path + 1, strlen(path + 1) + 1);
		r = 0;
	}
	free(line);
	fclose(f);
	return r;
}

/* @buf is what libcgroup gave; make it whole when that was cut at a space. */
static void mend(const char *proc, pid_t tgid, char *buf, size_t size)
{
	char whole[VM_CGROUP_SIZE];
	size_t n = strlen(buf);

	if (read_line_of(proc, tgid, CONTROLLER, whole, sizeof(whole)) < 0)
		return;
	if (strlen(whole) < size && !strncmp(whole, buf, n) && whole[n] == ' ')
		memcpy(buf, whole, strlen(whole) + 1);
}

static bool is_root(const char *path)
{
	return !path[0] || !strcmp(path, "/");
}

int discover_cgroup(const char *proc, pid_t tgid, char *buf, size_t size)
{
	char unified[VM_CGROUP_SIZE];
	int r = -ENOENT;

	if (!strcmp(proc, DISCOVER_PROC))
		r = ask_libcgroup(tgid, buf, size);
	if (!r)
		mend(proc, tgid, buf, size);
	else
		r = read_line_of(proc, tgid, CONTROLLER, buf, size);
	if (r == -ESRCH)
		return r;
	if (!r && !is_root(buf))
		return 0;

	/*
	 * On a hybrid host the VM may have a place only in the v2 tree. Whoever is not there has
	 * one in the other tree, which is not the root because it is too deep to be told.
	 */
	if (read_line_of(proc, tgid, NULL, unified, sizeof(unified)) < 0 || strlen(unified) >= size)
		return r;
	if (is_root(unified) && r == -ENAMETOOLONG)
		return r;
	if (r < 0 || !is_root(unified))
		memcpy(buf, unified, strlen(unified) + 1);
	return 0;
}
