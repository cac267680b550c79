/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STEER_H
#define STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/adapt.h"
#include "daemon/auto.h"
#include "daemon/witness.h"
#include "lib/vdnl_msg.h"

struct manager;

/**
 * struct steer - how one VM is treated, and by whose will
 * @id: the module's id that the rest belongs to; 0 for none yet
 * @own: overrides of the daemon, see policy_plan()
 * @manual: bits of the knobs that somebody set for this VM
 * @rule: what the rules of the configuration give it
 * @rule_auto: they give it mode = auto
 * @adapting: its window follows its answers
 * @adapt: how
 * @automatic: it has mode = auto
 * @trial: how that stands, valid with @automatic
 * @cpu_ns: CPU time of its process, as of the last look that needed it
 * @wait_ns: its time of waiting for a CPU
 * @witness: both, while they tell something about others
 * @echoes: events to come that only tell what we did ourselves
 * @refused: the module refused a change, which was said
 */
struct steer {
	uint32_t id;
	struct vd_tuning own;
	uint64_t manual;
	struct vd_tuning rule;
	bool rule_auto;
	bool adapting;
	struct adapt adapt;
	bool automatic;
	struct auto_vm trial;
	uint64_t cpu_ns;
	uint64_t wait_ns;
	struct witness witness;
	unsigned int echoes;
	bool refused;
};

/**
 * steer_open() - learn what an earlier daemon has set
 * @m: the manager
 */
void steer_open(struct manager *m);

/**
 * steer_look() - bring the overrides of every VM to what they shall be
 * @m: the manager, after a look at the module
 * @counted: the counters are fresh
 */
void steer_look(struct manager *m, bool counted);

/**
 * steer_close() - forget; the overrides went with the mode off
 * @m: the manager
 * @left: the module is off, so nothing is ours any more
 */
void steer_close(struct manager *m, bool left);

#endif /* STEER_H */
