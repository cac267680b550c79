/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/vmtab.h"

#define EXPLAIN_SENTENCES 6
#define EXPLAIN_SIZE	  320

/**
 * struct explain - why a VM is treated as it is
 * @sentence: @nr of them
 */
struct explain {
	char sentence[EXPLAIN_SENTENCES][EXPLAIN_SIZE];
	size_t nr;
};

/**
 * explain_vm() - say it
 * @vm: tracked by the module
 * @host: knobs of the host
 * @now_ms: CLOCK_MONOTONIC
 * @ret: overwritten
 */
void explain_vm(const struct vm *vm, const struct vd_tuning *host, uint64_t now_ms,
		struct explain *ret);

#endif /* EXPLAIN_H */
