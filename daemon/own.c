// SPDX-License-Identifier: GPL-2.0-only
#include "own.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/prom_write.h"
#include "lib/knob.h"

static int parse_knobs(const char *text, struct vd_tuning *ret)
{
	char word[64], why[KNOB_ERROR_SIZE];
	int n = 0;

	while (sscanf(text, " %63s%n", word, &n) == 1) {
		if (knob_parse(ret, word, why, sizeof(why)) < 0)
			return -EBADMSG;
		text += n;
	}
	return 0;
}

int own_parse_line(const char *line, struct own_row *ret)
{
	struct own_row row = { 0 };
	int n = 0, tgid = 0;

	if (sscanf(line, "vm %" SCNu32 " %d %" SCNu64 "%n", &row.id, &tgid, &row.start_ticks, &n) !=
		    3 ||
	    !row.id)
		return -EBADMSG;
	row.tgid = tgid;
	if (parse_knobs(line + n, &row.tuning) < 0)
		return -EBADMSG;
	*ret = row;
	return 0;
}

char *own_format_line(const struct own_row *row, char *buf, size_t size)
{
	char value[KNOB_VALUE_SIZE];
	size_t i, n;

	n = (size_t)snprintf(buf, size, "vm %" PRIu32 " %d %" PRIu64, row->id, (int)row->tgid,
			     row->start_ticks);
	for (i = 0; i < nr_knobs && n < size; i++)
		if (row->tuning.have & VD_BIT(knobs[i].attr))
			n += (size_t)snprintf(buf + n, size - n, " %s=%s", knobs[i].name,
					      knob_format(&knobs[i], &row->tuning, value,
							  sizeof(value)));
	if (n < size)
		snprintf(buf + n, size - n, "\n");
	return buf;
}

static int add(struct own *own, const struct own_row *row)
{
	struct own_row *rows = reallocarray(own->rows, own->nr + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	own->rows = rows;
	rows[own->nr++] = *row;
	return 0;
}

int own_load(const char *path, struct own *ret)
{
	char line[OWN_LINE_SIZE];
	struct own_row row;
	FILE *f = fopen(path, "re");
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (!r && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "fallbacks %" SCNu64, &ret->fallbacks) == 1)
			continue;
		if (!own_parse_line(line, &row))
			r = add(ret, &row);
	}
	if (!r && ferror(f))
		r = -EIO;
	fclose(f);
	return r;
}

const struct own_row *own_find(const struct own *own, const struct vm *vm)
{
	size_t i;

	for (i = 0; i < own->nr; i++) {
		const struct own_row *row = &own->rows[i];

		if (row->id == vm->id && row->tgid == vm->tgid &&
		    row->start_ticks == vm->start_ticks)
			return row;
	}
	return NULL;
}

void own_free(struct own *own)
{
	free(own->rows);
	memset(own, 0, sizeof(*own));
}

int own_save(const char *path, const struct vmtab *tab, uint64_t fallbacks)
{
	char line[OWN_LINE_SIZE], *text = NULL;
	size_t i, len = 0;
	FILE *f = open_memstream(&text, &len);
	bool whole;
	int r;

	if (!f)
		return -errno;
	whole = fprintf(f, "fallbacks %" PRIu64 "\n", fallbacks) > 0;
	for (i = 0; i < tab->nr; i++) {
		const struct vm *vm = &tab->vms[i];
		struct own_row row = { .id = vm->id,
				       .tgid = vm->tgid,
				       .start_ticks = vm->start_ticks,
				       .tuning = vm->steer.own };

		if (vm->id && vm->steer.id == vm->id && row.tuning.have)
			whole &= fputs(own_format_line(&row, line, sizeof(line)), f) >= 0;
	}
	/* Without memory fclose() may say nothing, and leave no text. */
	whole &= !fclose(f) && text;
	r = whole ? prom_write(path, text, len) : -ENOMEM;
	free(text);
	return r;
}
