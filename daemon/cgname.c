// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cgroup paths to VM names. Pure: no file is read here.
 *
 * A libvirt VM sits below a component of its own with one more level per vCPU,
 * so every component is looked at and the first that is known decides.
 */
#include "cgname.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* One component of the path, and the one before it. Not terminated. */
struct part {
	const char *s;
	size_t len;
	const char *prev;
	size_t prev_len;
	size_t offset; /* in the path */
};

static bool starts(const char *s, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len >= n && !memcmp(s, prefix, n);
}

static bool ends(const char *s, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && !memcmp(s + len - n, suffix, n);
}

static size_t digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

static int hexval(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undo systemd's \xNN. Gives the length, or 0 when the name is no name. */
static size_t unescape(const char *s, size_t len, char *out, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '\\' && len - i >= 4 && s[i + 1] == 'x' && hexval(s[i + 2]) >= 0 &&
		    hexval(s[i + 3]) >= 0) {
			c = (unsigned char)(hexval(s[i + 2]) << 4 | hexval(s[i + 3]));
			i += 3;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= size)
			return 0;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return n;
}

static void set_name(struct cgname *ret, const char *s, size_t len)
{
	if (!unescape(s, len, ret->name, sizeof(ret->name)))
		ret->name[0] = '\0';
}

/*
 * "qemu-ID-NAME", as libvirt registers a machine, "qemu-NAME" before 1.3.3;
 * gives the offset of NAME.
 */
static size_t libvirt_prefix(const char *s, size_t len)
{
	size_t n;

	if (!starts(s, len, "qemu-") || len == 5)
		return 0;
	n = digits(s + 5, len - 5);
	if (!n || 5 + n >= len || s[5 + n] != '-')
		return 5;
	return 5 + n + 1 < len ? 5 + n + 1 : 0;
}

static void set_machine(struct cgname *ret, const char *s, size_t len)
{
	size_t skip = libvirt_prefix(s, len);

	ret->kind = skip ? CGNAME_LIBVIRT : CGNAME_MACHINED;
	if (len - skip >= sizeof(ret->name))
		return;
	memcpy(ret->name, s + skip, len - skip);
	ret->name[len - skip] = '\0';
}

void cgname_machine(const char *machine, struct cgname *ret)
{
	memset(ret, 0, sizeof(*ret));
	set_machine(ret, machine, strlen(machine));
}

/* machine-qemu\x2d1\x2dNAME.scope, and any other machine-NAME.scope. */
static bool match_machine_scope(const struct part *p, struct cgname *ret)
{
	char buf[CGNAME_MAX + 16];
	size_t len;

	if (!starts(p->s, p->len, "machine-") || !ends(p->s, p->len, ".scope"))
		return false;
	len = unescape(p->s + 8, p->len - 8 - 6, buf, sizeof(buf));
	set_machine(ret, buf, len);
	return true;
}

/* qemu-1-NAME.libvirt-qemu: a host whose libvirt does without systemd. */
static bool match_libvirt_plain(const struct part *p, struct cgname *ret)
{
	size_t len, skip;

	if (!ends(p->s, p->len, ".libvirt-qemu"))
		return false;
	len = p->len - strlen(".libvirt-qemu");
	skip = libvirt_prefix(p->s, len);
	ret->kind = CGNAME_LIBVIRT;
	set_name(ret, p->s + skip, len - skip);
	return true;
}

/* /libvirt/qemu/NAME: libvirt before 1.0.5, v1 only. */
static bool match_libvirt_old(const struct part *p, struct cgname *ret)
{
	static const char parent[] = "/libvirt/qemu/";
	const size_t n = sizeof(parent) - 1;

	if (p->offset < n || memcmp(p->s - n, parent, n))
		return false;
	ret->kind = CGNAME_LIBVIRT;
	set_name(ret, p->s, p->len);
	return true;
}

static bool match_proxmox(const struct part *p, struct cgname *ret)
{
	size_t n = digits(p->s, p->len);

	if (p->prev_len != strlen("qemu.slice") || memcmp(p->prev, "qemu.slice", p->prev_len))
		return false;
	if (!n || p->len != n + strlen(".scope") || !ends(p->s, p->len, ".scope"))
		return false;
	ret->kind = CGNAME_PROXMOX;
	set_name(ret, p->s, n);
	return true;
}

/*
 * kubepods[-QOS]-podUID.slice with '_' for '-' (systemd driver), or podUID
 * below kubepods (cgroupfs driver). A cgroup root of the kubelet is repeated in
 * each slice: kubelet-kubepods-podUID.slice. The UID is the name of last resort.
 */
static bool match_kubepods(const struct part *p, struct cgname *ret)
{
	const char *s = p->s, *pods = memmem(p->s, p->len, "kubepods", strlen("kubepods"));
	size_t len = p->len;
	char *c;

	if (pods && (pods == s || pods[-1] == '-')) {
		ret->kind = CGNAME_KUBEPODS;
		len -= (size_t)(pods - s);
		s = pods;
	}
	if (ret->kind != CGNAME_KUBEPODS)
		return false;

	if (ends(s, len, ".slice"))
		len -= strlen(".slice");
	if (starts(s, len, "kubepods")) {
		const char *pod = NULL;
		size_t i;

		for (i = 0; i + 5 <= len; i++)
			if (!memcmp(s + i, "-pod", 4))
				pod = s + i + 1;
		if (!pod)
			return false;
		len -= (size_t)(pod - s);
		s = pod;
	}
	if (!starts(s, len, "pod") || len == 3)
		return false;
	set_name(ret, s + 3, len - 3);
	for (c = ret->name; *c; c++)
		if (*c == '_')
			*c = '-';
	return true;
}

static bool (*const matchers[])(const struct part *p, struct cgname *ret) = {
	match_machine_scope, match_libvirt_plain, match_libvirt_old, match_proxmox, match_kubepods,
};

void cgname_parse(const char *path, struct cgname *ret)
{
	const char *const begin = path;
	struct part p = { 0 };
	size_t i;

	memset(ret, 0, sizeof(*ret));
	while (*path) {
		if (*path == '/') {
			path++;
			continue;
		}
		p.prev = p.s;
		p.prev_len = p.len;
		p.s = path;
		p.offset = (size_t)(path - begin);
		p.len = strcspn(path, "/");
		path += p.len;
		for (i = 0; i < sizeof(matchers) / sizeof(matchers[0]); i++)
			if (matchers[i](&p, ret))
				return;
	}
}

const char *cgname_kind_str(enum cgname_kind kind)
{
	static const char *const words[CGNAME_KIND_MAX] = {
		[CGNAME_NONE] = "none",		[CGNAME_LIBVIRT] = "libvirt",
		[CGNAME_MACHINED] = "machined", [CGNAME_PROXMOX] = "proxmox",
		[CGNAME_KUBEPODS] = "kubepods",
	};

	return words[kind];
}
