// SPDX-License-Identifier: GPL-2.0-only
/* Command lines of VMMs: COMM, then /proc/PID/cmdline. */
#include "tests/fuzz/fuzz.h"

#include "daemon/discover.h"
#include "lib/vmname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *comm = fuzz_string(&data, &size), name[VMNAME_SIZE], again[VMNAME_SIZE];
	char uuid[VM_UUID_SIZE];

	vmname_derive(comm, 42, data, size, name, sizeof(name));
	REQUIRE(name[0] && memchr(name, '\0', sizeof(name)));
	/* What is harmless stays as it is. */
	vmname_sanitize(name, strlen(name), again, sizeof(again));
	REQUIRE(!strcmp(name, again));
	for (size_t n = 1; n < 9; n++) {
		vmname_sanitize(data, size, again, n);
		REQUIRE(strlen(again) < n);
	}
	discover_uuid((const char *)data, size, uuid);
	REQUIRE(!uuid[0] || strlen(uuid) == VM_UUID_SIZE - 1);
	free(comm);
	return 0;
}
