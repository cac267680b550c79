// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses of symbols that are not exported.
 *
 * kallsyms_lookup_name() itself is not exported since v5.7; a kprobe finds it.
 * It is called through a static call: the patched call is direct, so that it
 * needs neither a retpoline nor, on a kernel with IBT, the ENDBR that may have
 * been sealed away.
 */
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/static_call.h>

#include "vdb.h"

unsigned long vdb_lookup_proto(const char *name);
DEFINE_STATIC_CALL_RET0(vdb_lookup, vdb_lookup_proto);

/**
 * vdb_symbols_init - find kallsyms
 *
 * Return: 0, or a negative error: without symbols nothing can be hooked.
 */
int vdb_symbols_init(void)
{
	/*
	 * Never armed: only its address is wanted. Disarming needs memory, and one
	 * that could not be disarmed would stay in the kernel's table.
	 */
	struct kprobe probe = {
		.symbol_name = "kallsyms_lookup_name",
		.flags = KPROBE_FLAG_DISABLED,
	};
	int ret = register_kprobe(&probe);

	if (ret) {
		pr_err("cannot find kallsyms_lookup_name() (error %d)\n", ret);
		return ret;
	}
	static_call_update(vdb_lookup, (typeof(&vdb_lookup_proto))probe.addr);
	unregister_kprobe(&probe);
	return 0;
}

/**
 * vdb_kvm_symbol - address of a symbol of KVM
 * @name: function or data
 *
 * Asks for the module's symbol first: the plain name may be that of a symbol in
 * any other module, our own included.
 *
 * Context: process.
 * Return: the address, 0 if there is none.
 */
unsigned long vdb_kvm_symbol(const char *name)
{
	unsigned long address;
	char qualified[64];

	snprintf(qualified, sizeof(qualified), "kvm:%s", name);
	address = static_call(vdb_lookup)(qualified);
	return address ?: static_call(vdb_lookup)(name);
}
