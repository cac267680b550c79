// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header, no clock, no lock. See sight.h. */
#include "sight.h"

/* So many events without the one that belongs to them are no accident. */
#define ENOUGH 200

/*
 * Even on a CPU of its own a vCPU is off it at times, for a kernel thread or a VMM's. Of its
 * IPIs, that is: spins are so few there that four of 40 were such on 7.3.
 */
#define RARELY 20

static bool untracked(const struct vdb_sight_facts *f)
{
	return f->refused;
}

static bool off(const struct vdb_sight_facts *f)
{
	return !f->tracking;
}

static bool no_apic(const struct vdb_sight_facts *f)
{
	return f->seen & VDB_SEEN_NO_APIC;
}

static bool delivered_by_hardware(const struct vdb_sight_facts *f)
{
	return f->seen & VDB_SEEN_APICV && !f->ipis && f->spins >= ENOUGH;
}

static bool own_cpus(const struct vdb_sight_facts *f)
{
	return f->pinned && f->ready * RARELY <= f->recorded;
}

static bool only_incomplete(const struct vdb_sight_facts *f)
{
	return f->avic && f->avic == f->ipis;
}

static bool no_eois(const struct vdb_sight_facts *f)
{
	return f->recorded >= ENOUGH && !f->cleared;
}

/* The first that holds is the answer. */
static const struct {
	bool (*holds)(const struct vdb_sight_facts *f);
	enum vdb_sight_level level;
	const char *reason;
} rules[] = {
	{ untracked, VDB_SIGHT_NONE, "the VM is not tracked: too many vCPUs, or no memory" },
	{ off, VDB_SIGHT_NONE, "ipi_tracking is off" },
	{ no_apic, VDB_SIGHT_NONE, "the VMM emulates the local APIC itself" },
	{ delivered_by_hardware, VDB_SIGHT_NONE,
	  "no IPI shows: APICv or AVIC is active, the CPU delivers them itself" },
	{ own_cpus, VDB_SIGHT_NONE, "every vCPU is pinned to a CPU of its own: nobody waits" },
	{ only_incomplete, VDB_SIGHT_PARTIAL,
	  "AVIC is active: only IPIs to vCPUs that do not run show" },
	{ no_eois, VDB_SIGHT_PARTIAL,
	  "no EOI shows: APICv handles them, a wait ends with the window only" },
};

/**
 * vdb_sight_judge - how much can be seen, and why not all
 * @facts: of the VM
 * @ret_reason: a sentence, or NULL if the sight is full
 */
enum vdb_sight_level vdb_sight_judge(const struct vdb_sight_facts *facts, const char **ret_reason)
{
	unsigned int i;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (!rules[i].holds(facts))
			continue;
		*ret_reason = rules[i].reason;
		return rules[i].level;
	}
	*ret_reason = NULL;
	return VDB_SIGHT_FULL;
}
