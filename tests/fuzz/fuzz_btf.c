// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's type information; "split": a byte says where a module's part begins. */
#include "tests/fuzz/fuzz.h"

#include "kmod/btf.h"

static void look(const struct vdb_btf *btf)
{
	static const char *const paths[] = { "a", "b", "a.b", "c.d.e", "" };
	struct vdb_btf_member member;
	char text[48];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!vdb_btf_member(btf, "s", paths[i], &member))
			REQUIRE(member.size);
	}
	for (size_t size = 0; size <= sizeof(text); size += 8) {
		if (!vdb_btf_func_signature(btf, "f", text, size))
			REQUIRE(strlen(text) < size);
		if (!vdb_btf_tracepoint_signature(btf, "t", text, size))
			REQUIRE(strlen(text) < size);
	}
}

static u32 *open_blob(struct vdb_btf *btf, const void *data, size_t size,
		      const struct vdb_btf *base)
{
	u32 *index;

	if (vdb_btf_open(btf, data, size, base))
		return NULL;
	index = malloc((btf->nr + 1) * sizeof(*index));
	REQUIRE(index);
	vdb_btf_index(btf, index);
	return index;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first = size ? data[0] * 4u : 0;
	struct vdb_btf base, split;
	u32 *index, *more;
	void *a, *b;

	if (!size)
		return 0;
	data++;
	size--;
	first = first < size ? first : size;
	/* Aligned, and with a sanitizer's red zone behind each. */
	a = malloc(first ? first : 1);
	b = malloc(size - first ? size - first : 1);
	REQUIRE(a && b);
	memcpy(a, data, first);
	memcpy(b, data + first, size - first);
	index = open_blob(&base, a, first, NULL);
	if (index)
		look(&base);
	more = open_blob(&split, b, size - first, index ? &base : NULL);
	if (more)
		look(&split);
	free(index);
	free(more);
	free(a);
	free(b);
	return 0;
}
