/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROM_H
#define PROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/vmtab.h"
#include "lib/vdnl_msg.h"

#define PROM_PREFIX "vcpu_deboost_"

/* Longest label value in bytes, before escaping; longer ones are cut. */
#define PROM_LABEL_MAX 256

/**
 * struct prom_buf - text that grows
 * @data: @len bytes, not terminated; kept between renderings
 * @len: used
 * @cap: allocated
 * @failed: memory ran out, @data is not whole
 */
struct prom_buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void prom_buf_free(struct prom_buf *buf);

/**
 * struct prom_input - everything that the file tells
 * @version: of the daemon
 * @module_up: the module answers; without it @info and @tuning are not read
 * @info: the module as a whole
 * @tuning: the global knobs
 * @vms: VMs; those without an id of the module have only an info line
 * @nr_vms: how many
 * @collected_ms: wall-clock time of the last look that was answered, ms since
 *	the epoch; 0 when there was none
 * @collection_errors: collections that failed since the start
 */
struct prom_input {
	const char *version;
	bool module_up;
	const struct vd_info *info;
	const struct vd_tuning *tuning;
	const struct vm *vms;
	size_t nr_vms;
	uint64_t collected_ms;
	uint64_t collection_errors;
};

/**
 * prom_render() - write the whole file in the Prometheus text format
 * @buf: emptied first; once it is large enough nothing is allocated any more
 * @in: what to tell
 *
 * Return: 0 or -ENOMEM.
 */
int prom_render(struct prom_buf *buf, const struct prom_input *in);

/**
 * prom_family_at() - enumerate the metric families, for documentation
 * @i: from 0
 * @name: gets the full name
 * @size: bytes at @name
 * @ret_help: its one-line description
 *
 * Return: 0, or -ENOENT past the last.
 */
int prom_family_at(size_t i, char *name, size_t size, const char **ret_help);

#endif /* PROM_H */
