/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of the daemon: SOCK_SEQPACKET, for root and the group of the
 * daemon; it only tells, nothing is set here. A request is one JSON object,
 * {"verb": "ab" or "explain", "vm": ID of the module}; so is the answer,
 * {"error": SENTENCE} when there is nothing else to say.
 */
#ifndef VD_LIB_CTL_H
#define VD_LIB_CTL_H

#define VD_CTL_DIR  "/run/vcpu-deboostd"
#define VD_CTL_NAME "ctl"

/* Longest request and longest answer, in bytes. */
#define VD_CTL_REQUEST_MAX 1024
#define VD_CTL_ANSWER_MAX  16384

#endif /* VD_LIB_CTL_H */
