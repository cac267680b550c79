/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much of a VM's waiting shows. Tracking rests on ICR writes and EOIs that
 * make the vCPU exit; hardware that does without them makes us blind, and where
 * every vCPU has a CPU of its own there is nothing to gain.
 */
#ifndef VDB_SIGHT_H
#define VDB_SIGHT_H

#include "pure.h"

/* Bits sampled for each vCPU when it is loaded. */
enum vdb_seen {
	VDB_SEEN_LOADED = 1,
	VDB_SEEN_NO_APIC = 2, /* the VMM emulates it */
	VDB_SEEN_APICV = 4, /* APICv or AVIC is active */
};

/**
 * struct vdb_sight_facts - what is known of a VM
 * @tracking: ipi_tracking is on
 * @refused: the VM is not tracked at all
 * @seen: enum vdb_seen of all its vCPUs together
 * @pinned: every vCPU may run on one CPU only, each on another
 * @ipis: commands seen
 * @avic: those of them that AVIC left to KVM
 * @recorded: pairs
 * @cleared: pairs that an EOI ended
 * @spins: PAUSE exits
 * @ready: those of a vCPU whose receiver could be yielded to
 */
struct vdb_sight_facts {
	bool tracking;
	bool refused;
	bool pinned;
	u32 seen;
	u64 ipis;
	u64 avic;
	u64 recorded;
	u64 cleared;
	u64 spins;
	u64 ready;
};

enum vdb_sight_level {
	VDB_SIGHT_NONE,
	VDB_SIGHT_PARTIAL,
	VDB_SIGHT_FULL,
};

enum vdb_sight_level vdb_sight_judge(const struct vdb_sight_facts *facts, const char **ret_reason);

#endif /* VDB_SIGHT_H */
