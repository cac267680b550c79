// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration file, as a table. The knobs of [global] are lib/knob's
 * rows; the daemon's own keys are below.
 */
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

#include "lib/knob.h"
#include "lib/units.h"
#include "lib/vmname.h"

#define GLOBAL_SECTION "global"

/* The longest line that inih takes, less its line end. */
#define LINE_MAX_CHARS 190

#define MAX_KEYS 64

enum key_type {
	KEY_DURATION,
	KEY_TEXTFILE,
};

/* One key of the daemon. @min, @max in ns, for durations. */
struct row {
	const char *section;
	const char *key;
	enum key_type type;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *def;
	const char *help;
};

static const struct row rows[] = {
	{ "daemon", "interval", KEY_DURATION, offsetof(struct config, interval_ns),
	  100 * UNIT_NSEC_PER_MSEC, 60 * UNIT_NSEC_PER_SEC, "1s",
	  "time between two looks at the module" },
	{ "daemon", "heartbeat_grace", KEY_DURATION, offsetof(struct config, heartbeat_grace_ns),
	  UNIT_NSEC_PER_SEC, VCPU_DEBOOST_GRACE_MAX_MS *UNIT_NSEC_PER_MSEC, "60s",
	  "without the daemon for this long, the module falls back to observing" },
	{ "metrics", "textfile", KEY_TEXTFILE, offsetof(struct config, textfile), 0, 0, "auto",
	  "file for the textfile collector of node_exporter: a path, auto or off" },
	{ "metrics", "textfile_interval", KEY_DURATION,
	  offsetof(struct config, textfile_interval_ns), UNIT_NSEC_PER_SEC,
	  3600 * UNIT_NSEC_PER_SEC, "15s", "time between two writes of that file" },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Where a parser stands. Only the first error is kept: it is the one to fix. */
struct parse {
	FILE *file;
	const char *path;
	struct config *config;
	bool seen[MAX_KEYS];
	int line;
	int error_line;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parse *p, const char *fmt, ...)
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

static const char *printable(const char *s, char *buf, size_t size)
{
	return vmname_sanitize(s, strlen(s), buf, size);
}

/* Every key of a section (or, without one, every section), comma separated. */
static const char *allowed(const char *section, char *buf, size_t size)
{
	const char *last = "";
	struct config_key k;
	size_t i, n = 0;

	buf[0] = '\0';
	for (i = 0; !config_key_at(i, &k) && n < size; i++) {
		if (section && strcmp(section, k.section))
			continue;
		if (!section && !strcmp(last, k.section))
			continue;
		last = k.section;
		n += (size_t)snprintf(buf + n, size - n, section ? "%s%s" : "%s[%s]", n ? ", " : "",
				      section ? k.key : k.section);
	}
	return buf;
}

const char *config_check_textfile(const char *value)
{
	size_t n = strlen(value);

	if (!strcmp(value, "auto") || !strcmp(value, "off"))
		return NULL;
	if (value[0] != '/' || n < 6 || strcmp(value + n - 5, ".prom") || value[n - 6] == '/')
		return "auto, off, or an absolute path that ends in .prom, such as "
		       "textfile = " CONFIG_TEXTFILE_DIR "/" CONFIG_TEXTFILE_NAME;
	if (n >= CONFIG_PATH_SIZE)
		return "a shorter path";
	return NULL;
}

static int set_duration(struct parse *p, const struct row *row, const char *value)
{
	uint64_t *field = (uint64_t *)((char *)p->config + row->offset);
	char min[UNIT_DURATION_SIZE], max[UNIT_DURATION_SIZE], shown[64];
	uint64_t ns = 0;
	int r;

	r = unit_parse_duration(value, &ns);
	if (!r && ns >= row->min && ns <= row->max) {
		*field = ns;
		return 1;
	}
	unit_format_duration(row->min, min, sizeof(min));
	unit_format_duration(row->max, max, sizeof(max));
	return refuse(p, "%s = %s: %s; allowed is %s to %s, for example %s = %s", row->key,
		      printable(value, shown, sizeof(shown)),
		      r == -ENODATA  ? "a time needs its unit (ns, us, ms or s)"
		      : r == -EINVAL ? "not a time"
				     : "out of range",
		      min, max, row->key, row->def);
}

static int set_textfile(struct parse *p, const struct row *row, const char *value)
{
	const char *why = config_check_textfile(value);
	char shown[64];

	if (why)
		return refuse(p, "%s = %s: allowed is %s", row->key,
			      printable(value, shown, sizeof(shown)), why);
	snprintf(p->config->textfile, sizeof(p->config->textfile), "%s", value);
	return 1;
}

static int set_row(struct parse *p, const struct row *row, const char *value)
{
	switch (row->type) {
	case KEY_DURATION:
		return set_duration(p, row, value);
	case KEY_TEXTFILE:
		return set_textfile(p, row, value);
	}
	return 0;
}

static int set_knob(struct parse *p, const char *key, const char *value)
{
	char why[KNOB_ERROR_SIZE];

	if (knob_set(&p->config->tuning, key, value, why, sizeof(why)) < 0)
		return refuse(p, "%s", why);
	return 1;
}

/* The index of a key for config_key_at(), or -1. */
static int find_key(const char *section, const char *key)
{
	struct config_key k;
	size_t i;

	for (i = 0; !config_key_at(i, &k); i++)
		if (!strcmp(k.section, section) && !strcmp(k.key, key))
			return (int)i;
	return -1;
}

static int refuse_unknown(struct parse *p, const char *section, const char *key)
{
	char list[256], shown[64], where[64];

	if (!section[0])
		return refuse(p, "key \"%s\" comes before any section; begin with one of %s",
			      printable(key, shown, sizeof(shown)),
			      allowed(NULL, list, sizeof(list)));
	if (!allowed(section, list, sizeof(list))[0])
		return refuse(p, "unknown section [%s]; allowed are %s",
			      printable(section, shown, sizeof(shown)),
			      allowed(NULL, list, sizeof(list)));
	return refuse(p, "unknown key \"%s\" in [%s]; allowed are %s",
		      printable(key, shown, sizeof(shown)),
		      printable(section, where, sizeof(where)), list);
}

static int handle(void *user, const char *section, const char *key, const char *value)
{
	struct parse *p = user;
	int i = find_key(section, key);

	if (i < 0)
		return refuse_unknown(p, section, key);
	if (p->seen[i])
		return refuse(p, "%s is given twice in [%s] of this file; keep one", key, section);
	p->seen[i] = true;
	if ((size_t)i < nr_knobs)
		return set_knob(p, key, value);
	return set_row(p, &rows[(size_t)i - nr_knobs], value);
}

/*
 * inih tells no line number and joins indented lines to the one above: so the
 * lines are counted, and their indentation taken away, here.
 */
static char *read_line(char *str, int num, void *stream)
{
	struct parse *p = stream;
	int c = getc(p->file), n = 0;
	bool too_long = false;

	if (c == EOF)
		return NULL;
	p->line++;
	for (; c != EOF && c != '\n'; c = getc(p->file)) {
		if (!n && (c == ' ' || c == '\t'))
			continue;
		if (!c)
			refuse(p, "a NUL byte; this is not a text file");
		if (n >= LINE_MAX_CHARS || n >= num - 3)
			too_long = true;
		else
			str[n++] = (char)c;
	}
	if (too_long) {
		refuse(p, "line longer than %d characters", LINE_MAX_CHARS);
		n = 0;
	}
	str[n++] = '\n';
	str[n] = '\0';
	return str;
}

static int load_file(const char *path, struct config *config, char *error, size_t error_size)
{
	struct parse p = {
		.path = path, .config = config, .error = error, .error_size = error_size
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
		refuse(&p, "not understood; a line is [section], key = value, or a comment "
			   "that begins with #");
	}
	if (ferror(p.file)) {
		snprintf(error, error_size, "%s: cannot be read to its end", path);
		r = -EIO;
	} else {
		r = p.error_line ? -EINVAL : r < 0 ? -ENOMEM : 0;
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

void config_defaults(struct config *ret)
{
	size_t i;

	memset(ret, 0, sizeof(*ret));
	knob_defaults(&ret->tuning);
	for (i = 0; i < NR_ROWS; i++) {
		char *field = (char *)ret + rows[i].offset;

		if (rows[i].type == KEY_TEXTFILE)
			snprintf(field, CONFIG_PATH_SIZE, "%s", rows[i].def);
		else
			(void)unit_parse_duration(rows[i].def, (uint64_t *)field);
	}
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

int config_key_at(size_t i, struct config_key *ret)
{
	struct vd_tuning defaults;

	if (i < nr_knobs) {
		ret->section = GLOBAL_SECTION;
		ret->key = knobs[i].name;
		ret->help = knobs[i].help;
		knob_defaults(&defaults);
		knob_format(&knobs[i], &defaults, ret->def, sizeof(ret->def));
		return 0;
	}
	i -= nr_knobs;
	if (i >= NR_ROWS)
		return -ENOENT;
	ret->section = rows[i].section;
	ret->key = rows[i].key;
	ret->help = rows[i].help;
	snprintf(ret->def, sizeof(ret->def), "%s", rows[i].def);
	return 0;
}
