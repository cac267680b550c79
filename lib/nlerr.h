/* SPDX-License-Identifier: GPL-2.0-only */
/* The one place where errors of libnl and of the kernel become -errno. */
#ifndef VD_LIB_NLERR_H
#define VD_LIB_NLERR_H

#include <stddef.h>

struct nlmsghdr;

/**
 * nlerr_to_errno() - an error of libnl as -errno
 * @nle: what a libnl function returned: 0 or more, or -NLE_*
 *
 * Return: 0 when @nle is not an error, else a negative errno; -EIO for one
 * that has no better name.
 */
int nlerr_to_errno(int nle);

/**
 * nlerr_extack() - the kernel's verdict in an NLMSG_ERROR or NLMSG_DONE message
 * @hdr: the whole message lies within @hdr->nlmsg_len bytes
 * @text: gets the kernel's extended-ack sentence, empty when there is none;
 *	cut to fit, control characters replaced
 * @text_size: bytes at @text, at least 1
 *
 * Return: the kernel's error as -errno (0: acknowledged), or -EBADMSG.
 */
int nlerr_extack(const struct nlmsghdr *hdr, char *text, size_t text_size);

#endif /* VD_LIB_NLERR_H */
