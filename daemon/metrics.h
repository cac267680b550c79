/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef METRICS_H
#define METRICS_H

#include "daemon/manager.h"

/**
 * metrics_configure() - take over where the file goes
 * @m: the manager; a file at the place before is removed
 */
void metrics_configure(struct manager *m);

/**
 * metrics_write() - write the file, if there is one
 * @m: the manager
 *
 * A failure is said once per kind; the old file stays and ages, which
 * last_collection_timestamp_seconds shows.
 */
void metrics_write(struct manager *m);

/**
 * metrics_remove() - remove the file: its last values would live for ever
 * @m: the manager
 */
void metrics_remove(struct manager *m);

#endif /* METRICS_H */
