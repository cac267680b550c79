/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VD_CLI_PROC_H
#define VD_CLI_PROC_H

#include <stddef.h>

#include "lib/vdnl_msg.h"

/**
 * proc_vm_name() - the name of a VM from the command line of its VMM
 * @vm: from the module
 * @buf: gets the name, see vmname_derive()
 * @size: bytes at @buf
 *
 * A process that is gone, hidden from us, or another one by now (its start
 * differs) leaves the name that the module's row alone can give.
 */
void proc_vm_name(const struct vd_vm *vm, char *buf, size_t size);

#endif /* VD_CLI_PROC_H */
