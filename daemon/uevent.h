/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UEVENT_H
#define UEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/**
 * struct uevent_kvm - what KVM tells about one VM
 * @created: true for create, false for destroy
 * @pid: the thread that created the VM, in the initial PID namespace; > 0
 */
struct uevent_kvm {
	bool created;
	pid_t pid;
};

/**
 * uevent_parse() - read a kernel uevent
 * @msg: the datagram, NUL separated; it need not end in NUL
 * @len: bytes in @msg
 * @ret: filled on success
 *
 * Return: 0, -ENOMSG when it is about something else, -EBADMSG when it is about
 * KVM but not understood.
 */
int uevent_parse(const char *msg, size_t len, struct uevent_kvm *ret);

/**
 * uevent_open() - a socket that receives the kernel's uevents
 *
 * Return: a non-blocking descriptor, or -errno.
 */
int uevent_open(void);

/**
 * uevent_read() - take the next KVM event from the socket
 * @fd: of uevent_open()
 * @ret: filled on success
 *
 * Messages that no kernel sent, and those about other devices, are dropped.
 *
 * Return: 0, -EAGAIN when there is none, -ENOBUFS when some were lost (scan
 * again), another -errno when the socket is broken.
 */
int uevent_read(int fd, struct uevent_kvm *ret);

#endif /* UEVENT_H */
