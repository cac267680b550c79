/* SPDX-License-Identifier: GPL-2.0-only */
/* Columns as wide as what is in them. */
#ifndef VD_CLI_TABLE_H
#define VD_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

/**
 * struct column - one column
 * @title: heading
 * @right: numbers stand at the right
 */
struct column {
	const char *title;
	bool right;
};

/**
 * struct table - a table while it is filled
 * @columns: the caller's, @nr_columns of them
 * @nr_columns: at most TABLE_COLUMNS_MAX
 * @cells: row by row, owned
 * @nr_cells: filled
 * @cap: allocated
 */
struct table {
	const struct column *columns;
	size_t nr_columns;
	char **cells;
	size_t nr_cells;
	size_t cap;
};

/**
 * table_cell() - add the next cell
 * @table: columns set, the rest 0
 * @format: valid UTF-8, one line
 */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * table_print() - print heading and rows, and free the cells
 * @table: whole rows
 * @to: where
 */
void table_print(struct table *table, FILE *to);

#endif /* VD_CLI_TABLE_H */
