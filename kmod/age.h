/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wait-age order: who of the vCPUs that are queued for a CPU should run first,
 * when a vCPU spins and nothing tells for whom.
 *
 * What decides is how long a vCPU was on a CPU since it was last caught
 * spinning. About as long as it takes to be caught: it still waits for the same
 * thing. Clearly longer: it worked in between, and a wait that it is in now is
 * a new one. One that is queued and has run clearly longer than that was
 * preempted at work: it may hold the lock, and its work is useful anyway. Of
 * those that were preempted waiting, the one that has waited longest is the
 * next owner of a FIFO lock.
 */
#ifndef VDB_AGE_H
#define VDB_AGE_H

#include "pure.h"

/* Bounds of the learned spin window. PLE's own default is a few microseconds. */
#define VDB_SPIN_WINDOW_MIN_NS 500ULL
#define VDB_SPIN_WINDOW_MAX_NS 1000000ULL

/**
 * struct vdb_age - what a vCPU's last PLE exit left
 * @ran_ns: time it had been on a CPU in its life
 * @since_ns: when the wait it was in had begun
 * @spun_ns: when it was
 */
struct vdb_age {
	u64 ran_ns;
	u64 since_ns;
	u64 spun_ns;
};

enum vdb_age_class {
	VDB_AGE_WAITING, /* preempted while it waited */
	VDB_AGE_AT_WORK, /* preempted while it worked */
	VDB_AGE_AWAITED, /* a sibling waits for its answer to an IPI */
	VDB_AGE_ANSWERED, /* preempted while it waited for an IPI that is answered now */
};

bool vdb_age_spin(struct vdb_age *age, u64 *spin_window_ns, u64 ran_ns, u64 now_ns);
enum vdb_age_class vdb_age_class(const struct vdb_age *age, u64 spin_window_ns, u64 ran_ns);
bool vdb_age_before(const struct vdb_age *a, enum vdb_age_class a_class, const struct vdb_age *b,
		    enum vdb_age_class b_class, u64 progress_ns);

#endif /* VDB_AGE_H */
