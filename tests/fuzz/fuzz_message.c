// SPDX-License-Identifier: GPL-2.0-only
/* Attributes of the module's answers and events. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "lib/vdnl_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vd_msg msg, again;
	static uint8_t first[VD_MSG_MAX], second[VD_MSG_MAX];
	int n, r = vd_msg_decode(data, size, &msg);

	if (r) {
		REQUIRE(r == -EBADMSG);
		return 0;
	}
	/* It can be said again, and then says the same. */
	n = vd_msg_encode(&msg, first, sizeof(first));
	REQUIRE(n >= 0 && !vd_msg_decode(first, (size_t)n, &again));
	REQUIRE(again.have == msg.have && again.stats.have == msg.stats.have);
	REQUIRE(vd_msg_encode(&again, second, sizeof(second)) == n);
	REQUIRE(!memcmp(first, second, (size_t)n));
	/* With any less room it is refused, and nothing is written behind the end. */
	if (n)
		REQUIRE(vd_msg_encode(&msg, second, (size_t)n - 1) == -EMSGSIZE);
	return 0;
}
