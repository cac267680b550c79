// SPDX-License-Identifier: GPL-2.0-only
/* The UUID of a VM from the command line of its VMM. Pure. */
#include "discover.h"

#include <ctype.h>
#include <string.h>

/* Where VMMs take it: the first row that gives one decides. */
static const struct {
	const char *option;
	const char *key; /* of "a=b,c=d", "" when the value is the UUID itself */
} places[] = {
	{ "-uuid", "" },
	{ "--uuid", "" },
	{ "-smbios", "uuid=" }, /* QEMU as Proxmox starts it */
	{ "--platform", "uuid=" }, /* cloud-hypervisor */
};

static bool is_uuid(const char *s)
{
	size_t i;

	for (i = 0; i < VM_UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

/* The element of @value, @len bytes, that begins with @key and holds a UUID. */
static bool take(const char *value, size_t len, const char *key, char *buf)
{
	const char *end = value + len;
	const size_t key_len = strlen(key);

	while (value < end) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		size_t i, n = (size_t)((comma ? comma : end) - value);

		if (n == key_len + VM_UUID_SIZE - 1 && !memcmp(value, key, key_len) &&
		    is_uuid(value + key_len)) {
			for (i = 0; i < VM_UUID_SIZE - 1; i++)
				buf[i] = (char)tolower((unsigned char)value[key_len + i]);
			buf[i] = '\0';
			return true;
		}
		value += n + 1;
	}
	return false;
}

static bool search(const char *cmdline, size_t len, const char *option, const char *key, char *buf)
{
	const char *p = cmdline, *end = cmdline + len;
	const size_t option_len = strlen(option);
	bool wanted = false;

	while (p < end) {
		size_t n = strnlen(p, (size_t)(end - p));

		if (wanted && take(p, n, key, buf))
			return true;
		wanted = n == option_len && !memcmp(p, option, n);
		p += n + 1;
	}
	return false;
}

void discover_uuid(const char *cmdline, size_t len, char *buf)
{
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (search(cmdline, len, places[i].option, places[i].key, buf))
			return;
}
