/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/kclient.h"

/**
 * struct rates - what the last interval showed, per second, over all VMs
 * @ipis: interprocessor interrupts
 * @boosts: yields to a receiver
 * @would_boost: the same had the mode been active
 */
struct rates {
	uint64_t ipis;
	uint64_t boosts;
	uint64_t would_boost;
};

/**
 * status_render() - the one line that systemctl status shows
 * @buf: gets it
 * @size: bytes at @buf
 * @k: the module
 * @rates: of the last interval
 * @nr_vms: VMs known
 * @reload_problem: the last reload was refused
 */
void status_render(char *buf, size_t size, const struct kclient *k, const struct rates *rates,
		   size_t nr_vms, bool reload_problem);

#endif /* STATUS_H */
