// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header, no clock, no lock. See age.h. */
#include "age.h"

/*
 * A vCPU that was on a CPU for twice the spin window did something else than
 * to spin once. In the lab a spin takes 1.0 windows, a critical section on top of
 * it 2 to 3.
 */
#define WORKED_WINDOWS 2

/* The learned window forgets upwards: 1/64 a PLE exit, so 44 exits to double. */
#define FORGET_SHIFT 6

static bool worked(u64 ran_since_ns, u64 spin_window_ns)
{
	return ran_since_ns >= WORKED_WINDOWS * spin_window_ns;
}

static u64 clamp_window(u64 ns)
{
	if (ns < VDB_SPIN_WINDOW_MIN_NS)
		return VDB_SPIN_WINDOW_MIN_NS;
	return ns < VDB_SPIN_WINDOW_MAX_NS ? ns : VDB_SPIN_WINDOW_MAX_NS;
}

/*
 * No spin is shorter than the window of the hardware, and a vCPU in a long wait
 * makes one spin after the other: the window is the least time between two
 * exits, followed down at once by half and up slowly.
 */
static u64 learn(u64 window_ns, u64 ran_since_ns)
{
	if (!window_ns)
		return clamp_window(ran_since_ns);
	if (ran_since_ns < window_ns)
		return clamp_window((window_ns + ran_since_ns) / 2);
	return clamp_window(window_ns + (window_ns >> FORGET_SHIFT) + 1);
}

/**
 * vdb_age_spin - a vCPU was caught spinning
 * @age: the vCPU's; zero before its first exit
 * @spin_window_ns: the VM's learned spin window, updated; 0 at first
 * @ran_ns: time the vCPU has been on a CPU in its life
 * @now_ns: time now
 *
 * Return: true if it has worked since the last time: somebody makes progress.
 */
bool vdb_age_spin(struct vdb_age *age, u64 *spin_window_ns, u64 ran_ns, u64 now_ns)
{
	u64 ran_since_ns = ran_ns - age->ran_ns;
	bool progress = false;

	if (!age->since_ns) {
		age->since_ns = now_ns;
	} else {
		progress = worked(ran_since_ns, *spin_window_ns);
		if (progress)
			age->since_ns = now_ns;
		*spin_window_ns = learn(*spin_window_ns, ran_since_ns);
	}
	age->ran_ns = ran_ns;
	age->spun_ns = now_ns;
	return progress;
}

/**
 * vdb_age_class - what a vCPU that is queued was doing
 * @age: the vCPU's
 * @spin_window_ns: the VM's
 * @ran_ns: time the vCPU has been on a CPU in its life
 */
enum vdb_age_class vdb_age_class(const struct vdb_age *age, u64 spin_window_ns, u64 ran_ns)
{
	return worked(ran_ns - age->ran_ns, spin_window_ns) ? VDB_AGE_AT_WORK : VDB_AGE_WAITING;
}

static bool in_vain(const struct vdb_age *age, u64 progress_ns)
{
	return (s64)(age->spun_ns - progress_ns) > 0;
}

/**
 * vdb_age_before - which of two queued vCPUs should run first
 * @a: one
 * @a_class: its class
 * @b: the other
 * @b_class: its class
 * @progress_ns: when a vCPU of the VM was last seen to have worked
 *
 * Return: true if @a should; false for equals, so that the caller's own order
 * (a rotation) decides those.
 */
bool vdb_age_before(const struct vdb_age *a, enum vdb_age_class a_class, const struct vdb_age *b,
		    enum vdb_age_class b_class, u64 progress_ns)
{
	bool a_in_vain = in_vain(a, progress_ns);

	if (a_class != b_class)
		return a_class > b_class;
	if (a_class != VDB_AGE_WAITING)
		return false;
	if (a_in_vain != in_vain(b, progress_ns))
		return !a_in_vain;
	return a_in_vain ? a->spun_ns < b->spun_ns : a->since_ns < b->since_ns;
}
