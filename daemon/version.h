/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DAEMON_VERSION_H
#define DAEMON_VERSION_H

/* The build may give a better one, such as that of a package. */
#ifndef VD_VERSION
#define VD_VERSION "0.1.0"
#endif

#endif /* DAEMON_VERSION_H */
