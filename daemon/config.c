// SPDX-License-Identifier: GPL-2.0-only
/* The configuration: its files, their order, and their lines. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/config_priv.h"
#include "lib/units.h"

int config_refuse(struct parse *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (p->error_line)
		return 0;
	p->error_line = p->line;
	n = snprintf(p->error, p->error_size, "%s:%d: ", p->path, p->line);
	if (n < 0 || (size_t)n >= p->error_size)
		return 0;
	va_start(ap, fmt);
	vsnprintf(p->error + n, p->error_size - (size_t)n, fmt, ap);
	va_end(ap);
	return 0;
}

/*
 * Note the section that a line begins. inih would cut its name after 50 bytes,
 * and at the "]" of a pattern such as web-[12].
 */
static void note_section(struct parse *p, const char *line)
{
	const char *quote = strchr(line, '"');
	const char *bracket = strchr(line, ']');
	const char *end;

	if (quote && bracket && quote < bracket) {
		quote = strchr(quote + 1, '"');
		bracket = quote ? strchr(quote, ']') : NULL;
	}
	if (!bracket)
		return;
	for (end = bracket + 1; *end == ' ' || *end == '\t' || *end == '\r';)
		end++;
	if (*end && *end != ';' && *end != '#')
		config_refuse(p, "not understood after the \"]\"; a section stands alone");
	snprintf(p->section, sizeof(p->section), "%.*s", (int)(bracket - line - 1), line + 1);
}

/* One line of the file without its indentation; -1 at the end of the file. */
static int get_line(struct parse *p, char *str, int size)
{
	int c = getc(p->file), n = 0;
	bool too_long = false;

	if (c == EOF)
		return -1;
	p->line++;
	for (; c != EOF && c != '\n'; c = getc(p->file)) {
		if (!n && (c == ' ' || c == '\t'))
			continue;
		if (!c)
			config_refuse(p, "a NUL byte; this is not a text file");
		if (n >= CONFIG_LINE_MAX || n >= size)
			too_long = true;
		else
			str[n++] = (char)c;
	}
	if (!too_long)
		return n;
	config_refuse(p, "line longer than %d characters", CONFIG_LINE_MAX);
	return 0;
}

/*
 * inih tells no line number and joins indented lines to the one above: so the
 * lines are counted, and their indentation taken away, here.
 */
static char *read_line(char *str, int num, void *stream)
{
	struct parse *p = stream;
	int n = get_line(p, str, num - 3);

	if (n < 0)
		return NULL;
	str[n] = '\0';
	if (str[0] == '[')
		note_section(p, str);
	str[n++] = '\n';
	str[n] = '\0';
	return str;
}

static int handle(void *user, const char *section, const char *key, const char *value)
{
	(void)section;
	return config_handle(user, key, value);
}

static int load_file(const char *path, struct config *config, char *error, size_t error_size)
{
	struct parse p = {
		.path = path,
		.config = config,
		.first_rule = config->rules.nr,
		.error = error,
		.error_size = error_size,
	};
	struct stat st;
	int r;

	p.file = fopen(path, "re");
	if (!p.file) {
		r = -errno;
		snprintf(error, error_size, "%s: cannot be read: %s", path, strerror(-r));
		return r;
	}
	r = fstat(fileno(p.file), &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (r < 0) {
		snprintf(error, error_size, "%s: not a regular file", path);
		goto out;
	}
	r = ini_parse_stream(read_line, &p, handle, &p);
	if (r > 0 && (!p.error_line || r < p.error_line)) {
		p.error_line = 0;
		p.line = r;
		config_refuse(&p, "not understood; a line is [section], key = value, or a comment "
				  "that begins with #");
	}
	if (ferror(p.file)) {
		snprintf(error, error_size, "%s: cannot be read to its end", path);
		r = -EIO;
	} else if (p.error_line) {
		r = -EINVAL;
	} else if (r < 0) {
		snprintf(error, error_size, "%s: no memory to read it", path);
		r = -ENOMEM;
	}
out:
	fclose(p.file);
	return r;
}

static int is_dropin(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dropins(const char *path, struct config *config, char *error, size_t error_size)
{
	const char *slash = strrchr(path, '/');
	char dir[CONFIG_PATH_SIZE], file[CONFIG_PATH_SIZE + 256];
	struct dirent **list = NULL;
	int i, n, r = 0;

	snprintf(dir, sizeof(dir), "%.*s" CONFIG_DROPIN_DIR, slash ? (int)(slash - path + 1) : 0,
		 path);
	n = scandir(dir, &list, is_dropin, by_name);
	if (n < 0) {
		r = -errno;
		if (r == -ENOENT || r == -ENOTDIR)
			return 0;
		snprintf(error, error_size, "%s: cannot be read: %s", dir, strerror(-r));
		return r;
	}
	for (i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, list[i]->d_name);
		if (!r)
			r = load_file(file, config, error, error_size);
		free(list[i]);
	}
	free(list);
	return r;
}

static int check_whole(const char *path, const struct config *c, char *error, size_t error_size)
{
	char grace[UNIT_DURATION_SIZE], interval[UNIT_DURATION_SIZE];

	if (c->heartbeat_grace_ns / 2 >= c->interval_ns)
		return 0;
	unit_format_duration(c->heartbeat_grace_ns, grace, sizeof(grace));
	unit_format_duration(c->interval_ns, interval, sizeof(interval));
	snprintf(error, error_size,
		 "%s: heartbeat_grace = %s is too short for interval = %s in [daemon]; "
		 "it has to be at least twice the interval, which carries the heartbeat",
		 path, grace, interval);
	return -EINVAL;
}

int config_load(const char *path, struct config *ret, char *error, size_t error_size)
{
	struct config c;
	int r;

	config_defaults(&c);
	r = load_file(path, &c, error, error_size);
	if (r == -ENOENT && !strcmp(path, CONFIG_DEFAULT_FILE))
		r = 0;
	if (!r)
		r = load_dropins(path, &c, error, error_size);
	if (!r)
		r = check_whole(path, &c, error, error_size);
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}
