/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of knobs: what the configuration file, vdctl and the help
 * texts know about them. A knob added here is known everywhere.
 */
#ifndef VD_LIB_KNOB_H
#define VD_LIB_KNOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vdnl_msg.h"

/* Room for the longest error sentence. */
#define KNOB_ERROR_SIZE 320

/* Room for any value as text. */
#define KNOB_VALUE_SIZE 32

enum knob_type {
	KNOB_ENUM,
	KNOB_BOOL,
	KNOB_NUMBER,
	KNOB_DURATION,
};

/**
 * struct knob - one row of the table
 * @name: as typed, "window"
 * @attr: VCPU_DEBOOST_TUNING_A_*; also its bit in struct vd_tuning.have
 * @type: how its value reads
 * @values: KNOB_ENUM: names of the values 0..@max
 * @min: smallest value
 * @max: largest value
 * @def: default
 * @offset: of its field in struct vd_tuning
 * @size: of that field, 4 or 8 bytes
 * @range: the allowed values, for people: "100us to 1s"
 * @example: an assignment that works: "window=50ms"
 * @help: one line, no final period
 * @host_only: no VM has its own
 */
struct knob {
	const char *name;
	uint32_t attr;
	enum knob_type type;
	const char *const *values;
	uint64_t min;
	uint64_t max;
	uint64_t def;
	size_t offset;
	size_t size;
	const char *range;
	const char *example;
	const char *help;
	bool host_only;
};

/* Every knob, in the order they are shown. */
extern const struct knob knobs[];
extern const size_t nr_knobs;

/**
 * knob_find() - look a knob up by its name
 * @name: NUL-terminated, exact
 *
 * Return: the row, or NULL.
 */
const struct knob *knob_find(const char *name);

/**
 * knob_get() - the raw value of a knob
 * @knob: row of the table
 * @tuning: where from
 *
 * Return: the value, in the unit of its attribute (ns for a duration).
 */
uint64_t knob_get(const struct knob *knob, const struct vd_tuning *tuning);

/**
 * knob_put() - set a knob to a raw value and mark it in @tuning->have
 * @knob: row of the table
 * @tuning: where to
 * @value: in the unit of its attribute; the caller keeps it in range
 */
void knob_put(const struct knob *knob, struct vd_tuning *tuning, uint64_t value);

/**
 * knob_defaults() - every knob at its default, all marked
 * @ret_tuning: overwritten as a whole
 */
void knob_defaults(struct vd_tuning *ret_tuning);

/**
 * knob_set() - set one knob from text
 * @tuning: its field and bit change; untouched on failure
 * @key: name of the knob
 * @value: its value as text
 * @error: gets a sentence that names key, value, range and an example;
 *	untouched on success. One line, harmless to print, no final newline.
 * @error_size: bytes at @error, KNOB_ERROR_SIZE suffices
 *
 * Return: 0; -ENOENT unknown key; -EINVAL not a value of that knob;
 * -ERANGE out of its range.
 */
int knob_set(struct vd_tuning *tuning, const char *key, const char *value, char *error,
	     size_t error_size);

/**
 * knob_parse() - set one knob from "KEY=VALUE"
 * @tuning: as knob_set()
 * @assignment: NUL-terminated; no space around "="
 * @error: as knob_set()
 * @error_size: as knob_set()
 *
 * Return: as knob_set(); -EINVAL also when there is no "=".
 */
int knob_parse(struct vd_tuning *tuning, const char *assignment, char *error, size_t error_size);

/**
 * knob_format() - the value of a knob as text that knob_set() reads back
 * @knob: row of the table
 * @tuning: where from
 * @buf: KNOB_VALUE_SIZE bytes suffice
 * @size: bytes at @buf
 *
 * Return: @buf.
 */
char *knob_format(const struct knob *knob, const struct vd_tuning *tuning, char *buf, size_t size);

#endif /* VD_LIB_KNOB_H */
