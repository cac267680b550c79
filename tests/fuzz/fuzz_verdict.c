// SPDX-License-Identifier: GPL-2.0-only
/* What libnl hands on: verdicts of the kernel, and its list of families. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include <linux/genetlink.h>

#include "lib/nlerr.h"
#include "lib/vdnl_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vdnl_family family = { 0 };
	struct nlmsghdr *h;
	char text[64];
	int r;

	if (size < 2)
		return 0;
	/* libnl has seen to it that a message is as long as it says, and what it is. */
	h = calloc(1, NLMSG_HDRLEN + size);
	REQUIRE(h);
	h->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + size - 2);
	h->nlmsg_flags = data[0] & 1 ? NLM_F_ACK_TLVS : 0;
	h->nlmsg_flags |= data[0] & 2 ? NLM_F_CAPPED : 0;
	h->nlmsg_type = data[0] & 4 ? NLMSG_ERROR : NLMSG_DONE;
	memcpy(NLMSG_DATA(h), data + 2, size - 2);
	r = nlerr_extack(h, text, data[1] % sizeof(text) + 1);
	REQUIRE(r <= 0 && memchr(text, '\0', sizeof(text)));
	if (size - 2 >= GENL_HDRLEN) {
		h->nlmsg_type = GENL_ID_CTRL;
		r = vdnl_family_parse(h, &family);
		REQUIRE(!r || r == -ENOENT || r == -EBADMSG);
	}
	free(h);
	return 0;
}
