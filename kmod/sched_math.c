// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header. See sched_math.h. */
#include "sched_math.h"

/**
 * vdb_vtime - time on a CPU as virtual time
 * @ns: time, at most a second
 * @weight: of the entity; 0 is taken for the least
 *
 * Return: @ns scaled by the weight of nice 0 over @weight, without overflow.
 */
u64 vdb_vtime(u64 ns, u64 weight)
{
	if (ns > 1000000000ULL)
		ns = 1000000000ULL;
	return ns * VDB_NICE_0_WEIGHT / (weight ? weight : 1);
}

/**
 * vdb_lag_wanted - how far an entity must be moved to be picked
 * @vruntime: of the entity
 * @middle: up to which an entity may be picked
 * @margin: so far below @middle it should be
 * @max: so much is given at most
 *
 * Return: what its vruntime is to be lowered by, 0 if it is low enough, -1 if
 * that were more than @max.
 */
s64 vdb_lag_wanted(u64 vruntime, u64 middle, u64 margin, u64 max)
{
	s64 above = (s64)(vruntime - middle);

	if (above <= -(s64)margin)
		return 0;
	return above > (s64)(max - margin) ? -1 : above + (s64)margin;
}

/**
 * vdb_loan_due - when a loan is to be paid back
 * @t: what is known of it
 * @now_ns: time now
 *
 * Return: a time; if it is not after @now_ns, now. One that is after it is when
 * to look again.
 */
u64 vdb_loan_due(const struct vdb_loan_times *t, u64 now_ns)
{
	u64 end_ns = t->lent_ns + VDB_LOAN_MAX_NS;
	u64 due_ns;

	if (t->answered_ns)
		due_ns = t->answered_ns + VDB_HANDLER_NS;
	else if (t->ran)
		due_ns = t->lent_ns + VDB_UNANSWERED_NS;
	else
		due_ns = now_ns + VDB_UNANSWERED_NS;
	return (s64)(due_ns - end_ns) < 0 ? due_ns : end_ns;
}

/**
 * vdb_is_light - whether a vCPU uses clearly less than its siblings
 * @share_ns: what it ran in a while
 * @all_ns: what all @n of them ran
 * @n: vCPUs
 *
 * Return: true below 75 % of the mean.
 */
bool vdb_is_light(u64 share_ns, u64 all_ns, unsigned int n)
{
	return share_ns * n * 4 < all_ns * 3;
}
