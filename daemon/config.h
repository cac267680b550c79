/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/rules.h"
#include "lib/vdnl_msg.h"

#define CONFIG_DEFAULT_FILE "/etc/vcpu-deboostd/vcpu-deboostd.conf"
#define CONFIG_DROPIN_DIR   "conf.d"

/* Room for the sentence about a bad line. */
#define CONFIG_ERROR_SIZE 1024

#define CONFIG_PATH_SIZE 1024

/* What "textfile = auto" looks for: the Debian directory of the exporter. */
#define CONFIG_TEXTFILE_DIR  "/var/lib/prometheus/node-exporter"
#define CONFIG_TEXTFILE_NAME "vcpu_deboost.prom"

/**
 * struct config - the whole configuration, every field set
 * @tuning: global knobs to push, all of them; mode is observe with @mode_auto
 * @mode_auto: the daemon finds out per VM whether active helps
 * @rules: what single VMs shall have, in the order of the files
 * @adapt_window: every VM's window follows its own answers
 * @auto_window_ns: mean length of a window of a trial
 * @auto_probe_ns: time from a verdict to the next trial
 * @interval_ns: time between two looks at the module
 * @heartbeat_grace_ns: after this long without us the module only observes
 * @textfile: "auto", "off", or an absolute path that ends in .prom
 * @textfile_interval_ns: time between two writes
 */
struct config {
	struct vd_tuning tuning;
	bool mode_auto;
	struct rules rules;
	bool adapt_window;
	uint64_t auto_window_ns;
	uint64_t auto_probe_ns;
	uint64_t interval_ns;
	uint64_t heartbeat_grace_ns;
	char textfile[CONFIG_PATH_SIZE];
	uint64_t textfile_interval_ns;
};

/**
 * struct config_key - one key, for documentation and its tests
 * @section: without the brackets
 * @key: name
 * @def: default, as it would be written in the file
 * @help: one line, no final period
 */
struct config_key {
	const char *section;
	const char *key;
	char def[64];
	const char *help;
};

/**
 * config_key_at() - enumerate every key that a file may hold
 * @i: from 0
 * @ret: filled in
 *
 * Return: 0, or -ENOENT past the last.
 */
int config_key_at(size_t i, struct config_key *ret);

/**
 * config_defaults() - what an empty file means
 * @ret: overwritten as a whole
 */
void config_defaults(struct config *ret);

/**
 * config_load() - defaults, then a file, then its conf.d/\*.conf in order
 * @path: the main file; a missing CONFIG_DEFAULT_FILE is as good as an empty
 *	one, any other has to exist
 * @ret: untouched on failure
 * @error: gets one line that names file, line, and what is allowed
 * @error_size: bytes at @error, CONFIG_ERROR_SIZE suffices
 *
 * Return: 0; -EINVAL for a bad line; -ENOMEM; or why a file cannot be read.
 */
int config_load(const char *path, struct config *ret, char *error, size_t error_size);

/**
 * config_check_textfile() - is a value good for "textfile"
 * @value: as written
 *
 * Return: NULL when it is, else what is allowed.
 */
const char *config_check_textfile(const char *value);

#endif /* CONFIG_H */
