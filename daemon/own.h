/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which overrides in the module are the daemon's, remembered in a file: a new
 * daemon after a crash must neither take them for somebody's will nor take
 * somebody's will for its own.
 */
#ifndef OWN_H
#define OWN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/vmtab.h"
#include "lib/vdnl_msg.h"

/* A line of the file: a VM, and every knob with its value. */
#define OWN_LINE_SIZE 512

/**
 * struct own_row - what the daemon has set for one VM
 * @id: of the module
 * @tgid: its process
 * @start_ticks: start of that process
 * @tuning: the knobs in @tuning.have
 */
struct own_row {
	uint32_t id;
	pid_t tgid;
	uint64_t start_ticks;
	struct vd_tuning tuning;
};

/**
 * struct own - what an earlier daemon left behind
 * @rows: @nr of them, owned
 * @fallbacks: of the module when it was written
 */
struct own {
	struct own_row *rows;
	size_t nr;
	uint64_t fallbacks;
};

/**
 * own_parse_line() - read one line of the file
 * @line: NUL-terminated, without its end
 * @ret: untouched on failure
 *
 * Return: 0, or -EBADMSG.
 */
int own_parse_line(const char *line, struct own_row *ret);

/**
 * own_format_line() - the line of one VM, with its end
 * @row: the VM
 * @buf: OWN_LINE_SIZE bytes suffice
 * @size: bytes at @buf
 *
 * Return: @buf.
 */
char *own_format_line(const struct own_row *row, char *buf, size_t size);

/**
 * own_load() - read the file
 * @path: a missing file is an empty one; a line that is not understood is
 *	passed over
 * @ret: overwritten, freed with own_free()
 *
 * Return: 0 or -errno.
 */
int own_load(const char *path, struct own *ret);

/**
 * own_find() - what an earlier daemon has set for a VM
 * @own: the file
 * @vm: tracked by the module
 *
 * Return: the row, or NULL.
 */
const struct own_row *own_find(const struct own *own, const struct vm *vm);

void own_free(struct own *own);

/**
 * own_save() - replace the file
 * @path: the file
 * @tab: every VM
 * @fallbacks: of the module
 *
 * Return: 0 or -errno; then what was there stays.
 */
int own_save(const char *path, const struct vmtab *tab, uint64_t fallbacks);

#endif /* OWN_H */
