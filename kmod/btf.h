/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader of BTF, the type information that the kernel carries of itself.
 * Offsets of private fields and signatures of functions are taken from it at
 * load, never from a header of another build and never from a version number.
 */
#ifndef VDB_BTF_H
#define VDB_BTF_H

#include "pure.h"

/**
 * struct vdb_btf - an opened BTF blob
 * @types: type section
 * @strs: string section
 * @types_len: bytes of @types
 * @strs_len: bytes of @strs
 * @nr: types in this blob, not counting those of @base
 * @index: offset into @types of each of the @nr types
 * @base: the blob that a module's split BTF builds on, or NULL
 *
 * The blob belongs to the caller and must outlive this.
 */
struct vdb_btf {
	const u8 *types;
	const char *strs;
	u32 types_len;
	u32 strs_len;
	u32 nr;
	u32 *index;
	const struct vdb_btf *base;
};

/**
 * struct vdb_btf_member - where a field is
 * @offset: bytes from the start of the outer struct
 * @size: bytes
 */
struct vdb_btf_member {
	u32 offset;
	u32 size;
};

int vdb_btf_open(struct vdb_btf *btf, const void *data, size_t len, const struct vdb_btf *base);
void vdb_btf_index(struct vdb_btf *btf, u32 *index);
int vdb_btf_member(const struct vdb_btf *btf, const char *name, const char *path,
		   struct vdb_btf_member *ret);
int vdb_btf_func_signature(const struct vdb_btf *btf, const char *func, char *buf, size_t size);
int vdb_btf_tracepoint_signature(const struct vdb_btf *btf, const char *tp, char *buf, size_t size);

#endif /* VDB_BTF_H */
