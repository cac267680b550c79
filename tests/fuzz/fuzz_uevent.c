// SPDX-License-Identifier: GPL-2.0-only
/* Datagrams that say that KVM made a VM. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "daemon/uevent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uevent_kvm e = { .pid = -1 };
	int r = uevent_parse((const char *)data, size, &e);

	REQUIRE(!r || r == -ENOMSG || r == -EBADMSG);
	REQUIRE(r ? e.pid == -1 : e.pid > 0);
	return 0;
}
