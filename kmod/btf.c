// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pure: no kernel header. Format: Documentation/bpf/btf.rst. Every offset and
 * length is checked: a blob that lies gives an error, never a bad access.
 */
#include "btf.h"

#define BTF_MAGIC 0xeb9f
#define MAX_DEPTH 32 /* of typedefs, qualifiers and nested structs */

enum {
	KIND_INT = 1,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
	NR_KINDS
};

struct header {
	u16 magic;
	u8 version;
	u8 flags;
	u32 hdr_len;
	u32 type_off;
	u32 type_len;
	u32 str_off;
	u32 str_len;
};

struct type {
	u32 name_off;
	u32 info;
	u32 size_or_type;
};

struct array {
	u32 type;
	u32 index_type;
	u32 nelems;
};

struct member {
	u32 name_off;
	u32 type;
	u32 offset;
};

struct param {
	u32 name_off;
	u32 type;
};

/* Bytes behind struct type: a fixed part, and a part for each of vlen. */
static const struct {
	u8 fixed;
	u8 each;
} extra[NR_KINDS] = {
	[KIND_INT] = { 4, 0 },
	[KIND_ARRAY] = { sizeof(struct array), 0 },
	[KIND_STRUCT] = { 0, sizeof(struct member) },
	[KIND_UNION] = { 0, sizeof(struct member) },
	[KIND_ENUM] = { 0, 8 },
	[KIND_FUNC_PROTO] = { 0, sizeof(struct param) },
	[KIND_VAR] = { 4, 0 },
	[KIND_DATASEC] = { 0, 12 },
	[KIND_DECL_TAG] = { 4, 0 },
	[KIND_ENUM64] = { 0, 12 },
};

static u32 kind_of(const struct type *t)
{
	return (t->info >> 24) & 0x1f;
}

static u32 vlen_of(const struct type *t)
{
	return t->info & 0xffff;
}

/* Bytes that the type at @off takes, 0 if it is not valid. */
static u32 type_len(const struct vdb_btf *btf, u32 off)
{
	const struct type *t = (const void *)(btf->types + off);
	u32 len;

	if (btf->types_len - off < sizeof(*t) || !kind_of(t) || kind_of(t) >= NR_KINDS)
		return 0;
	len = sizeof(*t) + extra[kind_of(t)].fixed + vlen_of(t) * extra[kind_of(t)].each;
	return len <= btf->types_len - off ? len : 0;
}

/**
 * vdb_btf_open - check a blob and count its types
 * @btf: filled; @btf->index is still NULL, see vdb_btf_index()
 * @data: the blob, 4-byte aligned
 * @len: bytes of @data
 * @base: for a module's blob that of vmlinux, else NULL
 *
 * Return: 0, or -EINVAL if the blob is not BTF or inconsistent.
 */
int vdb_btf_open(struct vdb_btf *btf, const void *data, size_t len, const struct vdb_btf *base)
{
	const struct header *h = data;
	struct vdb_btf b = { .base = base };
	size_t room;
	u32 off;
	u32 l;

	if (len < sizeof(*h) || len > INT_MAX || h->magic != BTF_MAGIC || h->version != 1)
		return -EINVAL;
	if (h->hdr_len < sizeof(*h) || h->hdr_len > len)
		return -EINVAL;
	room = len - h->hdr_len;
	if (h->type_off > room || h->type_len > room - h->type_off || h->type_off % 4)
		return -EINVAL;
	if (h->str_off > room || h->str_len > room - h->str_off || !h->str_len || h->hdr_len % 4)
		return -EINVAL;

	b.types = (const u8 *)data + h->hdr_len + h->type_off;
	b.types_len = h->type_len;
	b.strs = (const char *)data + h->hdr_len + h->str_off;
	b.strs_len = h->str_len;
	if (b.strs[b.strs_len - 1])
		return -EINVAL;
	for (off = 0; off < b.types_len; off += l, b.nr++) {
		l = type_len(&b, off);
		if (!l)
			return -EINVAL;
	}
	*btf = b;
	return 0;
}

/**
 * vdb_btf_index - note where each type starts
 * @btf: opened
 * @index: room for @btf->nr entries, stays the caller's
 */
void vdb_btf_index(struct vdb_btf *btf, u32 *index)
{
	u32 off = 0;
	u32 i;

	for (i = 0; i < btf->nr; i++) {
		index[i] = off;
		off += type_len(btf, off);
	}
	btf->index = index;
}

static u32 first_id(const struct vdb_btf *btf)
{
	return btf->base ? btf->base->nr + 1 : 1;
}

static const struct type *type_by_id(const struct vdb_btf *btf, u32 id)
{
	if (id < first_id(btf)) {
		btf = btf->base;
		if (!btf || !id)
			return NULL;
	}
	id -= first_id(btf);
	return id < btf->nr ? (const void *)(btf->types + btf->index[id]) : NULL;
}

static const char *name_at(const struct vdb_btf *btf, u32 off)
{
	if (btf->base) {
		if (off < btf->base->strs_len)
			return btf->base->strs + off;
		off -= btf->base->strs_len;
	}
	return off < btf->strs_len ? btf->strs + off : "";
}

/* A module's own types first, then those of vmlinux. */
static const struct type *find(const struct vdb_btf *btf, const char *name, u32 kind)
{
	const struct vdb_btf *b;
	u32 i;

	for (b = btf; b; b = b->base) {
		for (i = 0; i < b->nr; i++) {
			const struct type *t = (const void *)(b->types + b->index[i]);

			if (kind_of(t) == kind && !strcmp(name_at(b, t->name_off), name))
				return t;
		}
	}
	return NULL;
}

/* Follow typedefs and qualifiers to the type itself. */
static const struct type *resolve(const struct vdb_btf *btf, u32 id)
{
	const struct type *t = type_by_id(btf, id);
	int depth;

	for (depth = 0; t && depth < MAX_DEPTH; depth++) {
		switch (kind_of(t)) {
		case KIND_TYPEDEF:
		case KIND_VOLATILE:
		case KIND_CONST:
		case KIND_RESTRICT:
		case KIND_TYPE_TAG:
			t = type_by_id(btf, t->size_or_type);
			break;
		default:
			return t;
		}
	}
	return NULL;
}

/* Size in bytes, 0 if the type has none. */
static u32 size_of(const struct vdb_btf *btf, u32 id, int depth)
{
	const struct type *t = resolve(btf, id);
	const struct array *a;

	if (!t || depth > MAX_DEPTH)
		return 0;
	switch (kind_of(t)) {
	case KIND_PTR:
		return sizeof(u64);
	case KIND_ARRAY:
		a = (const void *)(t + 1);
		return a->nelems * size_of(btf, a->type, depth + 1);
	case KIND_INT:
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_ENUM:
	case KIND_ENUM64:
	case KIND_FLOAT:
		return t->size_or_type;
	default:
		return 0;
	}
}

static bool is_composite(const struct type *t)
{
	return t && (kind_of(t) == KIND_STRUCT || kind_of(t) == KIND_UNION);
}

/* Bit-field offsets carry their size in the upper byte if kflag is set. */
static int bit_offset(const struct type *t, const struct member *m, u32 *ret_bits)
{
	if (t->info >> 31) {
		if (m->offset >> 24)
			return -EINVAL;
		*ret_bits = m->offset & 0xffffff;
	} else {
		*ret_bits = m->offset;
	}
	return *ret_bits % 8 ? -EINVAL : 0;
}

static bool component_is(const char *name, const char *path, size_t len)
{
	return strlen(name) == len && !strncmp(name, path, len);
}

/* One component of a path, through anonymous structs and unions too. */
static int find_member(const struct vdb_btf *btf, const struct type *t, const char *path,
		       size_t len, int depth, u32 *ret_offset, u32 *ret_type)
{
	const struct member *m = (const void *)(t + 1);
	u32 i;

	if (depth > MAX_DEPTH)
		return -EINVAL;
	for (i = 0; i < vlen_of(t); i++, m++) {
		const char *name = name_at(btf, m->name_off);
		const struct type *inner;
		u32 bits;
		int ret;

		if (*name && component_is(name, path, len)) {
			ret = bit_offset(t, m, &bits);
			if (ret)
				return ret;
			*ret_offset = bits / 8;
			*ret_type = m->type;
			return 0;
		}
		if (*name)
			continue;
		inner = resolve(btf, m->type);
		if (!is_composite(inner) || bit_offset(t, m, &bits))
			continue;
		ret = find_member(btf, inner, path, len, depth + 1, ret_offset, ret_type);
		if (ret == -ENOENT)
			continue;
		*ret_offset += bits / 8;
		return ret;
	}
	return -ENOENT;
}

/**
 * vdb_btf_member - find a field
 * @btf: indexed
 * @name: name of a struct
 * @path: name of a field, or of a field in a field, as in "spin_loop.dy_eligible"
 * @ret: filled on success
 *
 * Return: 0, -ENOENT if there is no such struct or field, -EINVAL if it is a
 * bit-field or the blob is inconsistent.
 */
int vdb_btf_member(const struct vdb_btf *btf, const char *name, const char *path,
		   struct vdb_btf_member *ret)
{
	const struct type *t = find(btf, name, KIND_STRUCT);
	u32 offset = 0;
	u32 type = 0;

	for (;;) {
		const char *dot = strchr(path, '.');
		size_t len = dot ? (size_t)(dot - path) : strlen(path);
		u32 off = 0;
		int r;

		if (!is_composite(t))
			return -ENOENT;
		r = find_member(btf, t, path, len, 0, &off, &type);
		if (r)
			return r;
		offset += off;
		if (!dot)
			break;
		path = dot + 1;
		t = resolve(btf, type);
	}
	ret->offset = offset;
	ret->size = size_of(btf, type, 0);
	return ret->size ? 0 : -EINVAL;
}

static int append(char *buf, size_t size, size_t *len, const char *text)
{
	size_t n = strlen(text);

	if (n >= size - *len)
		return -ENOSPC;
	memcpy(buf + *len, text, n + 1);
	*len += n;
	return 0;
}

/* "kvm_vcpu*" for a pointer to a struct, "void*" for another, else the size. */
static int append_type(const struct vdb_btf *btf, u32 id, char *buf, size_t size, size_t *len)
{
	const struct type *t = resolve(btf, id);
	const struct type *to;
	char digit[2] = "0";
	int ret;

	if (!t || kind_of(t) != KIND_PTR) {
		u32 bytes = t ? size_of(btf, id, 0) : 0;

		if (bytes > 9)
			return -EINVAL;
		digit[0] = '0' + bytes;
		return append(buf, size, len, digit);
	}
	to = resolve(btf, t->size_or_type);
	if (is_composite(to) || (to && kind_of(to) == KIND_FWD))
		ret = append(buf, size, len, name_at(btf, to->name_off));
	else
		ret = append(buf, size, len, "void");
	return ret ? ret : append(buf, size, len, "*");
}

static int proto_signature(const struct vdb_btf *btf, const struct type *proto, char *buf,
			   size_t size)
{
	const struct param *p;
	size_t len = 0;
	u32 i;

	if (!proto || kind_of(proto) != KIND_FUNC_PROTO || !size)
		return -EINVAL;
	buf[0] = '\0';
	p = (const void *)(proto + 1);
	for (i = 0; i < vlen_of(proto); i++, p++) {
		int ret = i ? append(buf, size, &len, ",") : 0;

		ret = ret ? ret : append_type(btf, p->type, buf, size, &len);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * vdb_btf_func_signature - the parameters of a function, as text
 * @btf: indexed
 * @func: name of the function
 * @buf: filled, as in "kvm_vcpu*,1": a pointer names its struct, any other
 *	parameter is its size in bytes
 * @size: bytes of @buf
 *
 * Return: 0, -ENOENT if there is no such function, -EINVAL or -ENOSPC.
 */
int vdb_btf_func_signature(const struct vdb_btf *btf, const char *func, char *buf, size_t size)
{
	const struct type *t = find(btf, func, KIND_FUNC);

	return t ? proto_signature(btf, type_by_id(btf, t->size_or_type), buf, size) : -ENOENT;
}

/**
 * vdb_btf_tracepoint_signature - the parameters of a tracepoint's probe
 * @btf: indexed
 * @tp: name of the tracepoint
 * @buf: as for vdb_btf_func_signature(), without the probe's data pointer
 * @size: bytes of @buf
 *
 * The kernel leaves the typedef btf_trace_NAME for this purpose.
 *
 * Return: as vdb_btf_func_signature().
 */
int vdb_btf_tracepoint_signature(const struct vdb_btf *btf, const char *tp, char *buf, size_t size)
{
	static const char first[] = "void*,";
	char name[96] = "btf_trace_";
	size_t len = strlen(name);
	const struct type *t;
	int ret;

	ret = append(name, sizeof(name), &len, tp);
	if (ret)
		return ret;
	t = find(btf, name, KIND_TYPEDEF);
	if (!t)
		return -ENOENT;
	t = resolve(btf, t->size_or_type);
	if (!t || kind_of(t) != KIND_PTR)
		return -EINVAL;
	ret = proto_signature(btf, resolve(btf, t->size_or_type), buf, size);
	if (ret)
		return ret;
	if (strncmp(buf, first, sizeof(first) - 1))
		return -EINVAL;
	memmove(buf, buf + sizeof(first) - 1, strlen(buf) - sizeof(first) + 2);
	return 0;
}
