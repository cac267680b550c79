// SPDX-License-Identifier: GPL-2.0-only
#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/mem.h"
#include "cli/out.h"

void table_cell(struct table *table, const char *format, ...)
{
	va_list args;

	if (table->nr_cells == table->cap) {
		table->cap = table->cap ? table->cap * 2 : 64;
		table->cells = xreallocarray(table->cells, table->cap, sizeof(table->cells[0]));
	}
	va_start(args, format);
	table->cells[table->nr_cells++] = xvasprintf(format, args);
	va_end(args);
}

/* Characters, near enough to columns of the screen. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The last column with something in it: nothing is padded behind that. */
static size_t last_filled(const struct table *table, const char *const *cells)
{
	size_t last = table->nr_columns - 1;

	while (last && !cells[last][0])
		last--;
	return last;
}

static void print_row(const struct table *table, const int *widths, const char *const *cells,
		      FILE *to)
{
	size_t last = last_filled(table, cells);

	for (size_t c = 0; c <= last; c++) {
		int pad = widths[c] - width(cells[c]);

		if (table->columns[c].right)
			fprintf(to, "%*s%s", pad, "", cells[c]);
		else
			fprintf(to, "%s%*s", cells[c], c == last ? 0 : pad, "");
		fputs(c == last ? "\n" : "  ", to);
	}
}

void table_print(struct table *table, FILE *to)
{
	const char *titles[TABLE_COLUMNS_MAX] = { NULL };
	int widths[TABLE_COLUMNS_MAX] = { 0 };

	for (size_t c = 0; c < table->nr_columns; c++) {
		titles[c] = table->columns[c].title;
		widths[c] = width(titles[c]);
		for (size_t i = c; i < table->nr_cells; i += table->nr_columns)
			if (width(table->cells[i]) > widths[c])
				widths[c] = width(table->cells[i]);
	}

	fputs(style(STYLE_HEAD), to);
	print_row(table, widths, titles, to);
	fputs(style(STYLE_END), to);
	for (size_t i = 0; i < table->nr_cells; i += table->nr_columns)
		print_row(table, widths, (const char *const *)&table->cells[i], to);

	for (size_t i = 0; i < table->nr_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	table->cells = NULL;
	table->nr_cells = 0;
	table->cap = 0;
}
