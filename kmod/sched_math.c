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
 * vdb_lag_against_others - how far an entity must go that the mean follows
 * @wanted: how far it had to go if the mean stood still
 * @follows: by how much the mean follows VDB_PROBE: the entity's part of all weight
 *
 * Return: how far it must go; -1 if it has nearly all the weight, so that there is
 * hardly anybody whom it could get before, or if it were too far.
 */
s64 vdb_lag_against_others(s64 wanted, u64 follows)
{
	u64 stays = VDB_PROBE - follows;

	if (follows >= VDB_PROBE - VDB_PROBE / 16 || wanted > VDB_FAR)
		return -1;
	return (s64)((u64)wanted * VDB_PROBE / stays);
}

/**
 * vdb_rescaled - virtual time of an entity whose weight may have changed since
 * @given: what it was moved by then
 * @weight_then: its weight then
 * @weight_now: its weight now
 *
 * Return: what it is off by now, as the scheduler has kept lag times weight; @given if
 * that cannot be told.
 */
u64 vdb_rescaled(u64 given, u64 weight_then, u64 weight_now)
{
	u64 service;

	if (weight_then == weight_now || !weight_now ||
	    __builtin_mul_overflow(given, weight_then, &service))
		return given;
	return service / weight_now;
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
		due_ns = t->lent_ns + t->run_ns;
	else
		due_ns = now_ns + t->run_ns;
	return (s64)(due_ns - end_ns) < 0 ? due_ns : end_ns;
}

/**
 * vdb_loan_pays - whether a loan is worth two switches more than a yield
 * @lock_spins: part of the VM's spins that no IPI explains, of VDB_SPINS_ALL
 * @ran_ns: what the receiver ran since it was last caught spinning
 */
bool vdb_loan_pays(u32 lock_spins, u64 ran_ns)
{
	return lock_spins >= VDB_SPINS_LOCKS || ran_ns >= VDB_COMPUTES_NS;
}

/**
 * vdb_row_delay_ns - when to interrupt the receivers of one sender
 * @receivers: how many there are
 * @lock_spins: as vdb_loan_pays()
 *
 * Not where others wait for what the sender does.
 *
 * Return: time after the first IPI.
 */
u64 vdb_row_delay_ns(unsigned int receivers, u32 lock_spins)
{
	if (receivers < 2 || lock_spins >= VDB_SPINS_LOCKS)
		return 0;
	return (receivers - 1) * VDB_ROW_GAP_NS;
}

/**
 * vdb_charge - what one entity pays for what another was given
 * @given: virtual time by which the other was moved down
 * @weight_to: of the other
 * @weight_from: of the one that pays; 0 is taken for the least
 * @rest: service that earlier divisions left over, below @weight_from's; updated
 *
 * Service is virtual time times weight: so many nanoseconds on a CPU times the
 * weight of nice 0. What leaves the one is what reaches the other, to the unit,
 * because the rest of each division is added to the next.
 *
 * Return: virtual time by which the payer is moved up.
 */
u64 vdb_charge(u64 given, u64 weight_to, u64 weight_from, u64 *rest)
{
	u64 service = given * weight_to + *rest;
	u64 weight = weight_from ? weight_from : 1;

	*rest = service % weight;
	return service / weight;
}

/**
 * vdb_balance_settle - a balance after a while
 * @balance: service, ahead or behind
 * @elapsed_ns: time since it was settled last
 *
 * Return: what is left of it: it is forgotten at 1/128 of a CPU.
 */
s64 vdb_balance_settle(s64 balance, u64 elapsed_ns)
{
	u64 forgotten_ns = elapsed_ns >> VDB_BALANCE_SHIFT;
	s64 forgotten;

	if (forgotten_ns >= (u64)VDB_BALANCE_MAX / VDB_NICE_0_WEIGHT)
		return 0;
	forgotten = (s64)(forgotten_ns * VDB_NICE_0_WEIGHT);
	if (balance > 0)
		return balance > forgotten ? balance - forgotten : 0;
	return balance < -forgotten ? balance + forgotten : 0;
}

/**
 * vdb_balance_allows - whether a transfer stays in bounds
 * @balance: settled
 * @service: more (or, if negative, less) of it
 */
bool vdb_balance_allows(s64 balance, s64 service)
{
	s64 after = balance + service;

	return after <= VDB_BALANCE_MAX && after >= -VDB_BALANCE_MAX;
}
