/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strict text <-> value conversion for what people type and read.
 *
 * Every parser takes the whole string or refuses it: no leading or trailing
 * space, no sign, nothing left over. Nothing here logs or allocates.
 */
#ifndef VD_LIB_UNITS_H
#define VD_LIB_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_NSEC_PER_USEC 1000ULL
#define UNIT_NSEC_PER_MSEC 1000000ULL
#define UNIT_NSEC_PER_SEC  1000000000ULL

/* Room for any duration, its unit and the final NUL. */
#define UNIT_DURATION_SIZE 32

/**
 * unit_parse_duration() - read a duration such as "50ms", "1.5ms" or "2s"
 * @text: NUL-terminated, a decimal number directly followed by ns, us, ms or s
 * @ret_ns: the duration in nanoseconds; untouched on failure
 *
 * Return: 0; -EINVAL not a duration, or a fraction of a nanosecond;
 * -ENODATA a number without a unit; -ERANGE does not fit 64 bits.
 */
int unit_parse_duration(const char *text, uint64_t *ret_ns);

/**
 * unit_format_duration() - write a duration so that it reads back the same
 * @ns: nanoseconds, any value
 * @buf: UNIT_DURATION_SIZE bytes always suffice
 * @size: bytes at @buf
 *
 * Uses the largest unit that leaves a number of 1 or more: "50ms", "1.5ms",
 * "2.345us", "0ns".
 *
 * Return: @buf, always NUL-terminated (cut when @size is too small).
 */
char *unit_format_duration(uint64_t ns, char *buf, size_t size);

/**
 * unit_format_duration_short() - write a duration for a table, three digits
 * @ns: nanoseconds, any value
 * @buf: UNIT_DURATION_SIZE bytes always suffice
 * @size: bytes at @buf
 *
 * Rounds: "1.23ms", "45.7us", "812ns", "0ns".
 *
 * Return: @buf, always NUL-terminated.
 */
char *unit_format_duration_short(uint64_t ns, char *buf, size_t size);

/**
 * unit_parse_bool() - read on/off, yes/no, true/false or 1/0 (any case)
 * @text: NUL-terminated
 * @ret_value: untouched on failure
 *
 * Return: 0, or -EINVAL.
 */
int unit_parse_bool(const char *text, bool *ret_value);

/**
 * unit_parse_u64() - read an unsigned decimal number
 * @text: NUL-terminated, digits only
 * @min: smallest value allowed
 * @max: largest value allowed
 * @ret_value: untouched on failure
 *
 * Return: 0; -EINVAL not a number; -ERANGE outside @min..@max or 64 bits.
 */
int unit_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/**
 * unit_parse_u32() - as unit_parse_u64(), for 32 bits
 * @text: NUL-terminated, digits only
 * @min: smallest value allowed
 * @max: largest value allowed
 * @ret_value: untouched on failure
 *
 * Return: 0; -EINVAL not a number; -ERANGE outside @min..@max.
 */
int unit_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value);

#endif /* VD_LIB_UNITS_H */
