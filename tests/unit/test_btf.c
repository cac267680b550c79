// SPDX-License-Identifier: GPL-2.0-only
/*
 * kmod/btf.c against BTF that is built here by hand, then against every
 * truncation and many mutations of it: the kernel trusts this code with a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kmod/btf.h"

#define HDR_LEN 24

enum {
	INT = 1,
	PTR,
	ARRAY,
	STRUCT,
	UNION,
	FWD = 7,
	TYPEDEF,
	CONST = 10,
	FUNC = 12,
	PROTO
};

struct builder {
	u32 types[512];
	size_t words;
	char strs[1024];
	size_t strs_len;
	u32 base_strs_len;
	u32 next_id;
	u32 blob[512];
	size_t len;
};

static void start(struct builder *b, u32 first_id, u32 base_strs_len)
{
	memset(b, 0, sizeof(*b));
	b->strs_len = base_strs_len ? 0 : 1; /* only a base starts with "" */
	b->base_strs_len = base_strs_len;
	b->next_id = first_id;
}

static u32 str(struct builder *b, const char *s)
{
	u32 off = b->base_strs_len + (u32)b->strs_len;

	if (!*s)
		return 0;
	strcpy(b->strs + b->strs_len, s);
	b->strs_len += strlen(s) + 1;
	return off;
}

static void word(struct builder *b, u32 w)
{
	b->types[b->words++] = w;
}

static u32 type(struct builder *b, const char *name, u32 kind, u32 vlen, u32 size_or_type)
{
	word(b, str(b, name));
	word(b, kind << 24 | vlen);
	word(b, size_or_type);
	return b->next_id++;
}

static void member(struct builder *b, const char *name, u32 id, u32 bits)
{
	word(b, str(b, name));
	word(b, id);
	word(b, bits);
}

static void param(struct builder *b, u32 id)
{
	word(b, 0);
	word(b, id);
}

static u32 integer(struct builder *b, const char *name, u32 bytes)
{
	u32 id = type(b, name, INT, 0, bytes);

	word(b, bytes * 8);
	return id;
}

static void finish(struct builder *b)
{
	u32 header[6] = { 0xeb9f | 1 << 16,  HDR_LEN,		0,
			  (u32)b->words * 4, (u32)b->words * 4, (u32)b->strs_len };

	memcpy(b->blob, header, HDR_LEN);
	memcpy((char *)b->blob + HDR_LEN, b->types, b->words * 4);
	memcpy((char *)b->blob + HDR_LEN + b->words * 4, b->strs, b->strs_len);
	b->len = HDR_LEN + b->words * 4 + b->strs_len;
}

/* What the kernel has: plain types, and a vCPU with a nested and an anonymous struct. */
static void build_vmlinux(struct builder *b)
{
	u32 u8_id, u32_id, u64_id, spin, anon, vcpu, vcpu_ptr, void_ptr, proto, array;

	start(b, 1, 0);
	u8_id = integer(b, "bool", 1);
	u32_id = integer(b, "unsigned int", 4);
	u64_id = integer(b, "u64", 8);
	void_ptr = type(b, "", PTR, 0, 0);
	array = type(b, "", ARRAY, 0, 0);
	word(b, u64_id);
	word(b, u32_id);
	word(b, 4);
	spin = type(b, "", STRUCT, 2, 2);
	member(b, "in_spin_loop", u8_id, 0);
	member(b, "dy_eligible", u8_id, 8);
	anon = type(b, "", UNION, 1, 8);
	member(b, "hidden", u64_id, 0);
	vcpu = type(b, "kvm_vcpu", STRUCT, 6, 80);
	member(b, "kvm", void_ptr, 0);
	member(b, "spin_loop", spin, 64);
	member(b, "", anon, 128);
	member(b, "regs", array, 192);
	member(b, "bits", u32_id, 449);
	member(b, "ready", u8_id, 480);
	vcpu_ptr = type(b, "", PTR, 0, type(b, "", CONST, 0, vcpu));
	proto = type(b, "", PROTO, 2, u32_id);
	param(b, vcpu_ptr);
	param(b, u8_id);
	type(b, "kvm_vcpu_on_spin", FUNC, 0, proto);
	finish(b);
}

/* What a module adds, over it. */
static void build_module(struct builder *b, const struct vdb_btf *base)
{
	u32 fwd, ptr, void_ptr, proto, own;

	start(b, base->nr + 1, base->strs_len);
	fwd = type(b, "kvm_lapic", FWD, 0, 0);
	ptr = type(b, "", PTR, 0, fwd);
	void_ptr = type(b, "", PTR, 0, 0);
	proto = type(b, "", PROTO, 3, 0);
	param(b, void_ptr);
	param(b, ptr);
	param(b, 2); /* unsigned int, of the base */
	type(b, "btf_trace_kvm_eoi", TYPEDEF, 0, type(b, "", PTR, 0, proto));
	own = type(b, "kvm_own", STRUCT, 1, 8);
	member(b, "vcpu", void_ptr, 0);
	(void)own;
	finish(b);
}

struct opened {
	struct builder vmlinux, module;
	struct vdb_btf base, btf;
	u32 base_index[64], index[64];
};

static int open_both(void **state)
{
	struct opened *o = calloc(1, sizeof(*o));

	build_vmlinux(&o->vmlinux);
	assert_int_equal(vdb_btf_open(&o->base, o->vmlinux.blob, o->vmlinux.len, NULL), 0);
	assert_true(o->base.nr < 64);
	vdb_btf_index(&o->base, o->base_index);
	build_module(&o->module, &o->base);
	assert_int_equal(vdb_btf_open(&o->btf, o->module.blob, o->module.len, &o->base), 0);
	vdb_btf_index(&o->btf, o->index);
	*state = o;
	return 0;
}

static int close_both(void **state)
{
	free(*state);
	return 0;
}

static void test_members(void **state)
{
	static const struct {
		const char *object, *path;
		int ret;
		u32 offset, size;
	} rows[] = {
		{ "kvm_vcpu", "kvm", 0, 0, 8 },
		{ "kvm_vcpu", "ready", 0, 60, 1 },
		{ "kvm_vcpu", "spin_loop", 0, 8, 2 },
		{ "kvm_vcpu", "spin_loop.dy_eligible", 0, 9, 1 },
		{ "kvm_vcpu", "hidden", 0, 16, 8 },
		{ "kvm_vcpu", "regs", 0, 24, 32 },
		{ "kvm_own", "vcpu", 0, 0, 8 },
		{ "kvm_vcpu", "bits", -EINVAL, 0, 0 },
		{ "kvm_vcpu", "absent", -ENOENT, 0, 0 },
		{ "kvm_vcpu", "spin_loop.absent", -ENOENT, 0, 0 },
		{ "kvm_vcpu", "kvm.not_a_struct", -ENOENT, 0, 0 },
		{ "kvm_vcpu", "", -ENOENT, 0, 0 },
		{ "absent", "kvm", -ENOENT, 0, 0 },
	};
	struct opened *o = *state;
	struct vdb_btf_member m;
	unsigned int i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m.offset = m.size = 12345;
		assert_int_equal(vdb_btf_member(&o->btf, rows[i].object, rows[i].path, &m),
				 rows[i].ret);
		assert_int_equal(m.offset, rows[i].ret ? 12345 : rows[i].offset);
		if (!rows[i].ret)
			assert_int_equal(m.size, rows[i].size);
	}
}

static void test_signatures(void **state)
{
	struct opened *o = *state;
	char buf[48];

	assert_int_equal(vdb_btf_func_signature(&o->btf, "kvm_vcpu_on_spin", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "kvm_vcpu*,1");
	assert_int_equal(vdb_btf_func_signature(&o->btf, "absent", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(vdb_btf_tracepoint_signature(&o->btf, "kvm_eoi", buf, sizeof(buf)), 0);
	assert_string_equal(buf, "kvm_lapic*,4");
	assert_int_equal(vdb_btf_tracepoint_signature(&o->btf, "absent", buf, sizeof(buf)),
			 -ENOENT);
}

static void test_short_buffers(void **state)
{
	struct opened *o = *state;
	char buf[48];
	size_t size;

	for (size = 1; size < sizeof("kvm_vcpu*,1"); size++)
		assert_int_equal(vdb_btf_func_signature(&o->btf, "kvm_vcpu_on_spin", buf, size),
				 -ENOSPC);
	assert_int_equal(vdb_btf_func_signature(&o->btf, "kvm_vcpu_on_spin", buf, size), 0);
}

static void ask_everything(const struct vdb_btf *btf)
{
	struct vdb_btf_member m;
	char buf[48];

	vdb_btf_member(btf, "kvm_vcpu", "spin_loop.dy_eligible", &m);
	vdb_btf_member(btf, "kvm_vcpu", "ready", &m);
	vdb_btf_member(btf, "kvm_vcpu", "regs", &m);
	vdb_btf_func_signature(btf, "kvm_vcpu_on_spin", buf, sizeof(buf));
	vdb_btf_tracepoint_signature(btf, "kvm_eoi", buf, sizeof(buf));
}

static void open_copy(const void *blob, size_t len)
{
	/* Exactly as long as it claims, so that the sanitizer sees a read past it. */
	void *copy = malloc(len ? len : 1);
	struct vdb_btf btf;

	memcpy(copy, blob, len);
	if (!vdb_btf_open(&btf, copy, len, NULL)) {
		u32 *index = calloc(btf.nr + 1, sizeof(*index));

		vdb_btf_index(&btf, index);
		ask_everything(&btf);
		free(index);
	}
	free(copy);
}

static void test_truncated(void **state)
{
	struct opened *o = *state;
	size_t len;

	for (len = 0; len < o->vmlinux.len; len++)
		open_copy(o->vmlinux.blob, len);
}

static void test_mutated(void **state)
{
	struct opened *o = *state;
	unsigned int i, n;

	srandom(20260101);
	for (i = 0; i < 50000; i++) {
		u8 blob[sizeof(o->vmlinux.blob)];

		memcpy(blob, o->vmlinux.blob, o->vmlinux.len);
		for (n = 1 + (unsigned int)random() % 4; n; n--)
			blob[(size_t)random() % o->vmlinux.len] = (u8)random();
		open_copy(blob, o->vmlinux.len);
	}
}

static void test_not_btf(void **state)
{
	struct opened *o = *state;
	struct vdb_btf btf = { .nr = 4711 };

	assert_int_equal(vdb_btf_open(&btf, "", 0, NULL), -EINVAL);
	((u8 *)o->vmlinux.blob)[0] ^= 1;
	assert_int_equal(vdb_btf_open(&btf, o->vmlinux.blob, o->vmlinux.len, NULL), -EINVAL);
	assert_int_equal(btf.nr, 4711);
}

/* A typedef of itself must end, not hang. */
static void test_cycle(void **state)
{
	struct vdb_btf btf;
	struct builder b;
	char buf[16];
	u32 index[8];

	(void)state;
	start(&b, 1, 0);
	type(&b, "btf_trace_loop", TYPEDEF, 0, 1);
	finish(&b);
	assert_int_equal(vdb_btf_open(&btf, b.blob, b.len, NULL), 0);
	vdb_btf_index(&btf, index);
	assert_int_equal(vdb_btf_tracepoint_signature(&btf, "loop", buf, sizeof(buf)), -EINVAL);
}

/* Functions and tracepoints that are not what their names say. */
static void test_odd_signatures(void **state)
{
	static const struct {
		const char *name;
		bool tracepoint;
		int ret;
		const char *text;
	} rows[] = {
		{ "big", false, -EINVAL, NULL },       { "no_proto", false, -EINVAL, NULL },
		{ "unknown", false, 0, "0" },	       { "to_int", false, 0, "void*" },
		{ "no_pointer", true, -EINVAL, NULL }, { "nothing", true, -EINVAL, NULL },
		{ "no_data", true, -EINVAL, NULL },    { "to_no_proto", true, -EINVAL, NULL },
	};
	u32 u32_id, big, int_ptr, index[32];
	struct vdb_btf btf;
	char buf[48], name[128];
	struct builder b;
	unsigned int i;

	(void)state;
	start(&b, 1, 0);
	u32_id = integer(&b, "int", 4);
	big = type(&b, "big_struct", STRUCT, 0, 16);
	int_ptr = type(&b, "", PTR, 0, u32_id);
	type(&b, "big", FUNC, 0, b.next_id + 1);
	type(&b, "", PROTO, 1, 0);
	param(&b, big);
	type(&b, "no_proto", FUNC, 0, u32_id);
	type(&b, "unknown", FUNC, 0, b.next_id + 1);
	type(&b, "", PROTO, 1, 0);
	param(&b, 4711);
	type(&b, "to_int", FUNC, 0, b.next_id + 1);
	type(&b, "", PROTO, 1, 0);
	param(&b, int_ptr);
	type(&b, "btf_trace_no_pointer", TYPEDEF, 0, u32_id);
	type(&b, "btf_trace_nothing", TYPEDEF, 0, 4711);
	type(&b, "btf_trace_to_no_proto", TYPEDEF, 0, int_ptr);
	/* Its first parameter is not the probe's data. */
	type(&b, "btf_trace_no_data", TYPEDEF, 0, b.next_id + 1);
	type(&b, "", PTR, 0, b.next_id + 1);
	type(&b, "", PROTO, 1, 0);
	param(&b, u32_id);
	finish(&b);
	assert_int_equal(vdb_btf_open(&btf, b.blob, b.len, NULL), 0);
	vdb_btf_index(&btf, index);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal((rows[i].tracepoint ? vdb_btf_tracepoint_signature
						     : vdb_btf_func_signature)(&btf, rows[i].name,
									       buf, sizeof(buf)),
				 rows[i].ret);
		if (rows[i].text)
			assert_string_equal(buf, rows[i].text);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(vdb_btf_tracepoint_signature(&btf, name, buf, sizeof(buf)), -ENOSPC);
	assert_int_equal(vdb_btf_func_signature(&btf, "to_int", buf, 0), -EINVAL);
}

/* Headers that nearly are right. */
static void test_odd_headers(void **state)
{
	struct opened *o = *state;
	struct vdb_btf btf = { .nr = 4711 };
	u32 *header = o->vmlinux.blob;

	assert_int_equal(vdb_btf_open(&btf, header, (size_t)INT_MAX + 1, NULL), -EINVAL);
	header[1] = HDR_LEN + 2;
	assert_int_equal(vdb_btf_open(&btf, header, o->vmlinux.len, NULL), -EINVAL);
	header[1] = HDR_LEN;
	header[2] = 2;
	assert_int_equal(vdb_btf_open(&btf, header, o->vmlinux.len, NULL), -EINVAL);
	header[2] = 0;
	header[5] = 0;
	assert_int_equal(vdb_btf_open(&btf, header, o->vmlinux.len, NULL), -EINVAL);
	assert_int_equal(btf.nr, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_members, open_both, close_both),
		cmocka_unit_test_setup_teardown(test_signatures, open_both, close_both),
		cmocka_unit_test_setup_teardown(test_short_buffers, open_both, close_both),
		cmocka_unit_test_setup_teardown(test_truncated, open_both, close_both),
		cmocka_unit_test_setup_teardown(test_mutated, open_both, close_both),
		cmocka_unit_test_setup_teardown(test_not_btf, open_both, close_both),
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_odd_signatures),
		cmocka_unit_test_setup_teardown(test_odd_headers, open_both, close_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
