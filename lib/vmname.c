// SPDX-License-Identifier: GPL-2.0-only
#include "vmname.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* An argument of the command line: a piece of it, not NUL-terminated. */
struct piece {
	const char *at;
	size_t len;
};

/*
 * Length of the UTF-8 sequence at @p (shortest form, no surrogates, at most
 * U+10FFFF), 0 when there is none.
 */
static size_t utf8_decode(const unsigned char *p, size_t len, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t n;

	if (p[0] < 0x80) {
		*ret_code = p[0];
		return 1;
	}
	if ((p[0] & 0xe0) == 0xc0)
		n = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		n = 3;
	else if ((p[0] & 0xf8) == 0xf0)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;

	code = p[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

/*
 * Control characters, what quotes or escapes somewhere (shell, JSON, label
 * values), and what hides or reorders text on a screen.
 */
static bool is_harmful(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },	    { 0x7f, 0xa0 },	{ 0xad, 0xad },	    { 0x61c, 0x61c },
		{ 0x115f, 0x1160 }, { 0x180b, 0x180f }, { 0x2000, 0x200f }, { 0x2028, 0x202f },
		{ 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0x3164, 0x3164 }, { 0xd800, 0xf8ff },
		{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xffff }, { 0xe0000, 0x10ffff },
	};

	if (code < 0x80 && code && strchr("\"'`\\$", (int)code))
		return true;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

char *vmname_sanitize(const void *bytes, size_t len, char *buf, size_t size)
{
	const unsigned char *p = bytes;
	size_t used = 0;

	while (len && p[0] == ' ') {
		p++;
		len--;
	}
	while (len && p[len - 1] == ' ')
		len--;

	while (len) {
		uint32_t code = 0;
		size_t n = utf8_decode(p, len, &code);
		bool keep = n && !is_harmful(code);
		size_t out = keep ? n : 1;

		if (used + out + 1 > size)
			break;
		if (keep)
			memcpy(buf + used, p, n);
		else
			buf[used] = '_';
		used += out;
		p += n ? n : 1;
		len -= n ? n : 1;
	}
	/* A cut may have left a space at the end. */
	while (used && buf[used - 1] == ' ')
		used--;
	buf[used] = '\0';
	return buf;
}

/* The next NUL-terminated argument; the last one may lack its NUL. */
static bool next_argument(struct piece *rest, struct piece *ret_argument)
{
	const char *nul;
	size_t len;

	if (!rest->len)
		return false;
	nul = memchr(rest->at, '\0', rest->len);
	len = nul ? (size_t)(nul - rest->at) : rest->len;
	*ret_argument = (struct piece){ rest->at, len };
	rest->at += len + (nul ? 1 : 0);
	rest->len -= len + (nul ? 1 : 0);
	return true;
}

static bool piece_starts(struct piece *piece, const char *text)
{
	size_t n = strlen(text);

	if (piece->len < n || memcmp(piece->at, text, n))
		return false;
	piece->at += n;
	piece->len -= n;
	return true;
}

/*
 * One element of QEMU's "a=b,c=d" with ",," for a comma inside, unescaped into
 * @buf (cut when it is full).
 */
static bool next_element(struct piece *rest, char *buf, size_t size, size_t *ret_len)
{
	size_t i = 0, used = 0;

	if (!rest->len)
		return false;
	for (; i < rest->len; i++) {
		if (rest->at[i] == ',') {
			if (i + 1 >= rest->len || rest->at[i + 1] != ',')
				break;
			i++;
		}
		if (used < size)
			buf[used++] = rest->at[i];
	}
	*ret_len = used;
	if (i < rest->len)
		i++;
	rest->at += i;
	rest->len -= i;
	return true;
}

/* "guest=NAME" anywhere, or a first element that is a plain NAME. */
static void name_from_value(struct piece value, char *buf, size_t size)
{
	char element[VMNAME_SIZE * 4];
	bool first = true;
	size_t len;

	while (next_element(&value, element, sizeof(element), &len)) {
		struct piece piece = { element, len };

		if (piece_starts(&piece, "guest="))
			vmname_sanitize(piece.at, piece.len, buf, size);
		else if (first && !memchr(element, '=', len))
			vmname_sanitize(element, len, buf, size);
		first = false;
	}
}

/*
 * What names the VM on the command line of a VMM. "--id" is the name only where
 * the program is one that means it so.
 */
static const struct {
	const char *program; /* how its file name begins, NULL for any */
	const char *option;
} name_options[] = {
	{ NULL, "-name" },
	{ NULL, "--name" },
	{ "firecracker", "--id" },
};

static struct piece file_name(struct piece path)
{
	const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;

	if (!slash)
		return path;
	return (struct piece){ slash + 1, path.len - (size_t)(slash + 1 - path.at) };
}

/* Is @argument, of @program, an option for the name? With "=VALUE", @argument becomes that. */
static bool is_name_option(struct piece program, struct piece *argument, bool *ret_joined)
{
	for (size_t i = 0; i < sizeof(name_options) / sizeof(name_options[0]); i++) {
		const char *option = name_options[i].option;
		struct piece rest = *argument, begin = program;

		if (name_options[i].program && !piece_starts(&begin, name_options[i].program))
			continue;
		if (!piece_starts(&rest, option))
			continue;
		*ret_joined = rest.len && rest.at[0] == '=' && option[1] == '-';
		if (rest.len && !*ret_joined)
			continue;
		if (*ret_joined)
			*argument = (struct piece){ rest.at + 1, rest.len - 1 };
		return true;
	}
	return false;
}

char *vmname_derive(const char *comm, uint32_t tgid, const void *cmdline, size_t cmdline_len,
		    char *buf, size_t size)
{
	struct piece rest = { cmdline, cmdline ? cmdline_len : 0 }, argument, program = { 0 };
	char name[VMNAME_SIZE];
	bool joined;

	buf[0] = '\0';
	if (next_argument(&rest, &argument))
		program = file_name(argument);
	/* Of several names the last counts, as in QEMU. */
	while (next_argument(&rest, &argument)) {
		if (!is_name_option(program, &argument, &joined))
			continue;
		if (joined || next_argument(&rest, &argument))
			name_from_value(argument, buf, size);
	}
	if (buf[0])
		return buf;

	vmname_sanitize(comm, strlen(comm), name, sizeof(name));
	snprintf(buf, size, "%s-%u", name[0] ? name : "vm", tgid);
	return buf;
}
