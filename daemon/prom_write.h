/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROM_WRITE_H
#define PROM_WRITE_H

#include <stddef.h>

/**
 * prom_write() - replace a file as a whole
 * @path: the file; its directory has to exist
 * @data: new content
 * @len: bytes at @data
 *
 * A reader sees the old file or the new one. On failure the old one stays, and
 * nothing else is left in the directory. The name of the temporary file does
 * not end in ".prom", which node_exporter would read, and is the same each
 * time, so that a killed daemon leaves no more than one.
 *
 * Return: 0 or -errno.
 */
int prom_write(const char *path, const void *data, size_t len);

#endif /* PROM_WRITE_H */
