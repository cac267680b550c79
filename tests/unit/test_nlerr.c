// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>
#include <netlink/errno.h>

#include "lib/nlerr.h"

static void test_every_libnl_error_is_an_errno(void **state)
{
	(void)state;
	assert_int_equal(nlerr_to_errno(0), 0);
	assert_int_equal(nlerr_to_errno(128), 0);
	for (int nle = 1; nle <= NLE_MAX; nle++) {
		int r = nlerr_to_errno(-nle);

		assert_true(r < 0 && r > -4096);
	}
	assert_int_equal(nlerr_to_errno(-(NLE_MAX + 1)), -EIO);
	assert_int_equal(nlerr_to_errno(-100000), -EIO);
}

/* The ones that look like an errno and are another one. */
static void test_errors_that_matter(void **state)
{
	static const struct {
		int nle;
		int error;
	} rows[] = {
		{ NLE_PERM, EPERM },	       { NLE_OBJ_NOTFOUND, ENOENT },
		{ NLE_INVAL, EINVAL },	       { NLE_RANGE, ERANGE },
		{ NLE_OPNOTSUPP, EOPNOTSUPP }, { NLE_BUSY, EBUSY },
		{ NLE_NOMEM, ENOMEM },	       { NLE_DUMP_INTR, EAGAIN },
		{ NLE_MSG_TRUNC, EMSGSIZE },   { NLE_SEQ_MISMATCH, EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(nlerr_to_errno(-rows[i].nle), -rows[i].error);
}

struct verdict {
	_Alignas(4) uint8_t bytes[512];
	size_t len;
};

static void append(struct verdict *v, const void *data, size_t len)
{
	memcpy(v->bytes + v->len, data, len);
	v->len += len;
	while (v->len % 4)
		v->bytes[v->len++] = 0;
}

/* An NLMSG_ERROR as the kernel sends it; @echo: bytes of the request repeated. */
static struct verdict make_error(int error, uint16_t flags, size_t echo, const char *text)
{
	struct nlmsghdr hdr = { .nlmsg_type = NLMSG_ERROR, .nlmsg_flags = flags };
	struct nlmsgerr inner = { .error = error };
	static const uint8_t request[64];
	struct verdict v = { .len = 0 };
	struct nlattr attr;

	inner.msg.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + echo);
	append(&v, &hdr, sizeof(hdr));
	append(&v, &inner, sizeof(inner));
	if (!(flags & NLM_F_CAPPED))
		append(&v, request, echo);
	if (text) {
		attr.nla_type = NLMSGERR_ATTR_OFFS;
		attr.nla_len = sizeof(attr) + 4;
		append(&v, &attr, sizeof(attr));
		append(&v, request, 4);
		attr.nla_type = NLMSGERR_ATTR_MSG;
		attr.nla_len = (uint16_t)(sizeof(attr) + strlen(text) + 1);
		append(&v, &attr, sizeof(attr));
		append(&v, text, strlen(text) + 1);
	}
	hdr.nlmsg_len = (uint32_t)v.len;
	memcpy(v.bytes, &hdr, sizeof(hdr));
	return v;
}

static int extack(const struct verdict *v, char *text, size_t size)
{
	return nlerr_extack((const struct nlmsghdr *)v->bytes, text, size);
}

static void test_extack(void **state)
{
	struct verdict v = make_error(-ERANGE, NLM_F_CAPPED | NLM_F_ACK_TLVS, 0, "too big");
	char text[64] = "old";

	(void)state;
	assert_int_equal(extack(&v, text, sizeof(text)), -ERANGE);
	assert_string_equal(text, "too big");

	v = make_error(-EINVAL, NLM_F_ACK_TLVS, 24, "with the request before it");
	assert_int_equal(extack(&v, text, sizeof(text)), -EINVAL);
	assert_string_equal(text, "with the request before it");

	v = make_error(-EPERM, NLM_F_CAPPED, 0, NULL);
	assert_int_equal(extack(&v, text, sizeof(text)), -EPERM);
	assert_string_equal(text, "");

	v = make_error(0, NLM_F_CAPPED, 0, NULL);
	assert_int_equal(extack(&v, text, sizeof(text)), 0);

	v = make_error(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, 0, "evil\033[2J\ntext");
	assert_int_equal(extack(&v, text, sizeof(text)), -EINVAL);
	assert_string_equal(text, "evil_[2J_text");

	/* The last attribute ends where the message does, not at its alignment. */
	v = make_error(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, 0, "12345");
	((struct nlmsghdr *)v.bytes)->nlmsg_len -= 2;
	assert_int_equal(extack(&v, text, sizeof(text)), -EINVAL);
	assert_string_equal(text, "12345");
	memcpy(v.bytes + v.len - 10, &(uint16_t){ NLMSGERR_ATTR_COOKIE }, 2);
	assert_int_equal(extack(&v, text, sizeof(text)), -EINVAL);
	assert_string_equal(text, "");

	v = make_error(-EINVAL, NLM_F_CAPPED | NLM_F_ACK_TLVS, 0, "a rather long sentence");
	assert_int_equal(extack(&v, text, 9), -EINVAL);
	assert_string_equal(text, "a rather");
}

/* A dump that fails ends with DONE, and the verdict is in there. */
static void test_done(void **state)
{
	struct nlmsghdr hdr = { .nlmsg_type = NLMSG_DONE, .nlmsg_len = NLMSG_HDRLEN + 4 };
	struct verdict v = { .len = 0 };
	int error = -ENOENT;
	char text[64];

	(void)state;
	append(&v, &hdr, sizeof(hdr));
	append(&v, &error, sizeof(error));
	assert_int_equal(extack(&v, text, sizeof(text)), -ENOENT);
	assert_string_equal(text, "");
}

static void test_broken_verdicts(void **state)
{
	struct verdict v = make_error(-EINVAL, NLM_F_ACK_TLVS, 24, "text");
	struct nlmsghdr *hdr = (struct nlmsghdr *)v.bytes;
	uint32_t whole = hdr->nlmsg_len;
	uint64_t seed = 5;
	char text[16];

	(void)state;
	for (uint32_t len = 0; len < whole; len++) {
		uint8_t *exact = test_malloc(len < sizeof(*hdr) ? sizeof(*hdr) : len);
		int r;

		hdr->nlmsg_len = len;
		memcpy(exact, v.bytes, len < sizeof(*hdr) ? sizeof(*hdr) : len);
		r = nlerr_extack((struct nlmsghdr *)exact, text, sizeof(text));
		assert_true(r == -EINVAL || r == -EBADMSG);
		assert_non_null(memchr(text, '\0', sizeof(text)));
		test_free(exact);
	}
	hdr->nlmsg_len = whole;
	for (int round = 0; round < 50000; round++) {
		uint8_t *exact = test_malloc(whole);
		int r;

		memcpy(exact, v.bytes, whole);
		for (int i = 0; i < 3; i++) {
			seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
			/* Anything but the length of the whole, which libnl vouches for. */
			exact[4 + (seed >> 40) % (whole - 4)] = (uint8_t)(seed >> 32);
		}
		r = nlerr_extack((struct nlmsghdr *)exact, text, sizeof(text));
		assert_true(r <= 0 && r > -4096);
		test_free(exact);
	}

	/* A positive "error" is no verdict. */
	v = make_error(5, NLM_F_CAPPED, 0, NULL);
	assert_int_equal(extack(&v, text, sizeof(text)), -EBADMSG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_libnl_error_is_an_errno),
		cmocka_unit_test(test_errors_that_matter),
		cmocka_unit_test(test_extack),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_broken_verdicts),
	};

	return cmocka_run_group_tests_name("nlerr", tests, NULL, NULL);
}
