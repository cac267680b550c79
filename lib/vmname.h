/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VM is called, derived from its VMM. Pure: the caller reads /proc.
 *
 * Everything here is chosen by whoever started the VM, and ends up in
 * terminals, logs and label values.
 */
#ifndef VD_LIB_VMNAME_H
#define VD_LIB_VMNAME_H

#include <stddef.h>
#include <stdint.h>

/* Room for a name and its NUL; longer names are cut. */
#define VMNAME_SIZE 128

/* How much of a command line is worth reading: libvirt's exceed 8 KiB. */
#define VMNAME_CMDLINE_MAX 65536

/**
 * vmname_sanitize() - make bytes harmless to print, log or put into a label
 * @bytes: anything, need not be NUL-terminated
 * @len: bytes at @bytes
 * @buf: gets valid UTF-8 without control, quoting, escaping, invisible or
 *	text-direction characters: each becomes "_". Space at both ends goes.
 * @size: bytes at @buf, at least 1; a longer result is cut between characters
 *
 * Return: @buf.
 */
char *vmname_sanitize(const void *bytes, size_t len, char *buf, size_t size);

/**
 * vmname_derive() - the name of a VM from the process that runs it
 * @comm: of the VMM, NUL-terminated
 * @tgid: of the VMM
 * @cmdline: /proc/TGID/cmdline as read, arguments separated by NUL; may be
 *	NULL or cut anywhere
 * @cmdline_len: bytes at @cmdline
 * @buf: VMNAME_SIZE bytes; gets a name of at least one character, sanitized
 * @size: bytes at @buf
 *
 * Understands QEMU's "-name guest=NAME,..." and "-name NAME" (with ",," for a
 * comma), "--name NAME" or "--name=NAME" of other VMMs, and firecracker's "--id ID";
 * what has no name is called COMM-TGID.
 *
 * Return: @buf.
 */
char *vmname_derive(const char *comm, uint32_t tgid, const void *cmdline, size_t cmdline_len,
		    char *buf, size_t size);

#endif /* VD_LIB_VMNAME_H */
