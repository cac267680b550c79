// SPDX-License-Identifier: GPL-2.0-only
/* The configuration file, as a file. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/config.h"
#include "lib/knob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct config untouched = { .interval_ns = 4711 };
	static struct config config;
	char error[CONFIG_ERROR_SIZE] = "";
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];
	int r;

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	config = untouched;
	r = config_load(path, &config, error, sizeof(error));
	close(fd);
	if (r) {
		/* One sentence, and nothing has changed. */
		REQUIRE(r == -EINVAL && error[0] && !strchr(error, '\n'));
		REQUIRE(!memcmp(&config, &untouched, sizeof(config)));
		return 0;
	}
	REQUIRE(!config_check_textfile(config.textfile));
	REQUIRE(config.tuning.window_ns >= VCPU_DEBOOST_WINDOW_MIN_NS &&
		config.tuning.window_ns <= VCPU_DEBOOST_WINDOW_MAX_NS);
	REQUIRE(config.heartbeat_grace_ns / 2 >= config.interval_ns);
	REQUIRE(config.rules.nr <= RULES_MAX);
	return 0;
}
