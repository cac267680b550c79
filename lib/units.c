// SPDX-License-Identifier: GPL-2.0-only
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t ns;
	int digits; /* decimals that still are whole nanoseconds */
};

/* Largest first: formatting takes the first one that fits. */
static const struct unit units[] = {
	{ "s", UNIT_NSEC_PER_SEC, 9 },
	{ "ms", UNIT_NSEC_PER_MSEC, 6 },
	{ "us", UNIT_NSEC_PER_USEC, 3 },
	{ "ns", 1, 0 },
};

#define NR_UNITS (sizeof(units) / sizeof(units[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits into a number; overflow is remembered so that the syntax is judged first. */
static const char *take_digits(const char *p, uint64_t *ret_value, bool *overflow)
{
	uint64_t value = 0;

	for (; is_digit(*p); p++) {
		*overflow |= __builtin_mul_overflow(value, UINT64_C(10), &value);
		*overflow |= __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value);
	}
	*ret_value = value;
	return p;
}

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < NR_UNITS; i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

/* Decimals of @unit_ns as nanoseconds; false when they are no whole number. */
static bool fraction_ns(const char *p, const char *end, uint64_t unit_ns, uint64_t *ret_ns)
{
	uint64_t sum = 0;

	for (; p < end; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (digit && unit_ns % 10)
			return false;
		unit_ns /= 10;
		sum += digit * unit_ns;
	}
	*ret_ns = sum;
	return true;
}

int unit_parse_duration(const char *text, uint64_t *ret_ns)
{
	const char *frac = NULL, *frac_end = NULL, *p;
	const struct unit *unit;
	uint64_t whole, part = 0;
	bool overflow = false;

	p = take_digits(text, &whole, &overflow);
	if (p == text)
		return -EINVAL;
	if (*p == '.') {
		frac = p + 1;
		for (p = frac; is_digit(*p); p++)
			;
		frac_end = p;
		if (frac == frac_end)
			return -EINVAL;
	}
	if (!*p)
		return -ENODATA;

	unit = find_unit(p);
	if (!unit)
		return -EINVAL;
	if (frac && !fraction_ns(frac, frac_end, unit->ns, &part))
		return -EINVAL;
	overflow |= __builtin_mul_overflow(whole, unit->ns, &whole);
	overflow |= __builtin_add_overflow(whole, part, &whole);
	if (overflow)
		return -ERANGE;

	*ret_ns = whole;
	return 0;
}

static const struct unit *unit_for(uint64_t ns)
{
	const struct unit *unit = units;

	while (unit->ns > 1 && ns < unit->ns)
		unit++;
	return unit;
}

char *unit_format_duration(uint64_t ns, char *buf, size_t size)
{
	const struct unit *unit = unit_for(ns);
	uint64_t part = ns % unit->ns;
	int digits = unit->digits;

	if (!part) {
		snprintf(buf, size, "%llu%s", (unsigned long long)(ns / unit->ns), unit->name);
		return buf;
	}
	for (; part % 10 == 0; part /= 10)
		digits--;
	snprintf(buf, size, "%llu.%0*llu%s", (unsigned long long)(ns / unit->ns), digits,
		 (unsigned long long)part, unit->name);
	return buf;
}

char *unit_format_duration_short(uint64_t ns, char *buf, size_t size)
{
	const struct unit *unit = unit_for(ns);
	uint64_t carried, rounded, step = 1;

	/* Keep three digits; seconds keep all of theirs before the point. */
	while (ns / step >= 1000 && step < unit->ns)
		step *= 10;
	rounded = ns / step;
	if (ns % step >= step - ns % step)
		rounded++;
	/* 999.6us reads 1ms. At the top of the range there is nothing to carry into. */
	if (!__builtin_mul_overflow(rounded, step, &carried))
		return unit_format_duration(carried, buf, size);
	return unit_format_duration(ns / step * step, buf, size);
}

int unit_parse_bool(const char *text, bool *ret_value)
{
	static const struct {
		const char *name;
		bool value;
	} words[] = {
		{ "on", true },	  { "off", false },   { "yes", true }, { "no", false },
		{ "true", true }, { "false", false }, { "1", true },   { "0", false },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i].name))
			continue;
		*ret_value = words[i].value;
		return 0;
	}
	return -EINVAL;
}

int unit_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	bool overflow = false;
	uint64_t value;
	const char *p;

	p = take_digits(text, &value, &overflow);
	if (p == text || *p)
		return -EINVAL;
	if (overflow || value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int unit_parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;
	int r;

	r = unit_parse_u64(text, min, max, &value);
	if (r < 0)
		return r;
	*ret_value = (uint32_t)value;
	return 0;
}
