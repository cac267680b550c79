// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header, no clock, no lock. See breaker_judge.h. */
#include "breaker_judge.h"

#define SECOND_NS    1000000000ULL
#define AMOUNT_BITS  32
#define AMOUNT_LIMIT 0xffffffffU

static u32 second_of(u64 now_ns)
{
	return now_ns / SECOND_NS;
}

/*
 * Whether the amount of a word still counts. The counters of two CPUs may differ,
 * so one may be a second behind at the turn of it: it adds to the later second. A
 * time that is further back is another clock's.
 */
static bool is_current(u64 word, u32 second)
{
	int32_t ahead = (u32)(word >> AMOUNT_BITS) - second;

	return ahead == 0 || ahead == 1;
}

/**
 * vdb_meter_add - count something
 * @meter: where
 * @now_ns: time now
 * @amount: how much
 *
 * Return: what was counted in this second, this included; at most 2^32 - 1.
 */
u32 vdb_meter_add(struct vdb_meter *meter, u64 now_ns, u32 amount)
{
	u32 second = second_of(now_ns);
	u64 old, new;
	u32 had;

	do {
		old = READ_ONCE(meter->word);
		had = 0;
		new = (u64)second << AMOUNT_BITS;
		if (is_current(old, second)) {
			had = old;
			new = old - had;
		}
		/* Full is full: a count that began anew at 0 would hide the worst. */
		had = amount > AMOUNT_LIMIT - had ? AMOUNT_LIMIT : had + amount;
		new += had;
	} while (cmpxchg(&meter->word, old, new) != old);
	return had;
}

/**
 * vdb_meter_read - what was counted in this second
 * @meter: where
 * @now_ns: time now
 */
u32 vdb_meter_read(const struct vdb_meter *meter, u64 now_ns)
{
	u64 word = READ_ONCE(meter->word);

	return is_current(word, second_of(now_ns)) ? (u32)word : 0;
}

/**
 * vdb_hook_charge - the hook time that one timed call stands for
 * @took_ns: time that it took
 * @budget_ns: of a second
 *
 * An interrupt, or the host's own hypervisor, may have come in between: one
 * sample counts for an eighth of the budget at most.
 *
 * Return: nanoseconds, at least 1.
 */
u32 vdb_hook_charge(u64 took_ns, u64 budget_ns)
{
	u64 most_ns = budget_ns / VDB_SAMPLES_MIN;
	u64 charge_ns = took_ns > AMOUNT_LIMIT ? AMOUNT_LIMIT : took_ns * VDB_TIMED_ONE_IN;

	if (charge_ns > most_ns)
		charge_ns = most_ns;
	if (charge_ns > AMOUNT_LIMIT)
		charge_ns = AMOUNT_LIMIT;
	return charge_ns ? charge_ns : 1;
}

/**
 * vdb_fails_too_often - whether too many yields of a second have failed
 * @failed: of them; a few may be from the second before
 * @begun: in this second
 * @percent: that may fail, 100: all
 */
bool vdb_fails_too_often(u32 failed, u32 begun, u32 percent)
{
	return percent < 100 && begun >= VDB_YIELDS_MIN && (u64)failed * 100 > (u64)begun * percent;
}

/**
 * vdb_wait_look - how long a vCPU has waited, as far as we are to blame
 * @since: the first look at this wait; begins anew with @now when it is over
 * @now: this look
 *
 * What cannot be told for sure ends the wait: the vCPU ran, if only for a
 * moment, it has been moved, or something else than the queue holds it up.
 *
 * Return: nanoseconds; 0 if hardly anybody was boosted there meanwhile.
 */
u64 vdb_wait_look(struct vdb_wait *since, const struct vdb_wait *now)
{
	if (!now->counts || !since->counts || now->runs != since->runs || now->cpu != since->cpu ||
	    now->queued_ns < since->queued_ns) {
		*since = *now;
		return 0;
	}
	if ((u32)(now->boosts - since->boosts) < VDB_BLAME_MIN)
		return 0;
	return now->queued_ns - since->queued_ns;
}
