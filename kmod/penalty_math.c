// SPDX-License-Identifier: GPL-2.0-only
/* Pure: no kernel header. See penalty_math.h. */
#include "penalty_math.h"

/* In sixteenths of the granularity, by the number of competitors. */
static const struct {
	unsigned int queued;
	unsigned int most;
	unsigned int least; /* where there is no gap */
} table[] = {
	{ 2, 96, 16 }, { 3, 64, 15 }, { 6, 40, 10 },
	{ 8, 32, 8 },  { 12, 24, 6 }, { UINT_MAX, 16, 4 },
};

/* A gap beyond any cap: its exact size does not matter, and nothing overflows. */
static u64 gap(const struct vdb_penalty_ask *ask)
{
	u64 enough = ask->gran * VDB_PENALTY_CAP;

	if (ask->need <= 0)
		return 0;
	return (u64)ask->need < enough ? (u64)ask->need : enough;
}

/**
 * vdb_penalty - by how much the one that yields is moved back
 * @ask: the facts; @gran up to 2^58
 *
 * One granularity and 110 % of the gap, at most the table's part of the granularity.
 * As the series writes it, two parts never act: the table for no gap, because the result
 * is at least one granularity by then, and the debounce, because its limiter lets nothing
 * through so soon. Repaired: without a gap the table says how much, so less than one
 * granularity among many, and a reversed pair counts even if the first of the two was
 * not let through.
 *
 * Return: virtual time, 0 < it <= VDB_PENALTY_CAP x @gran.
 */
u64 vdb_penalty(const struct vdb_penalty_ask *ask)
{
	u64 need = gap(ask);
	u64 most, least, p;
	unsigned int i = 0;

	while (ask->queued > table[i].queued)
		i++;
	most = ask->gran * table[i].most / 16;
	least = ask->gran * table[i].least / 16;
	if (!need)
		return ask->series ? ask->gran : least;
	p = ask->gran + need + need / 10;
	if (ask->reversed)
		p = need > ask->gran ? need : ask->gran;
	return p < most ? p : most;
}

/**
 * vdb_rate_allows - whether the limiter lets one through
 * @last_ns: when it did last, 0 for never
 * @now_ns: time now
 */
bool vdb_rate_allows(u64 last_ns, u64 now_ns)
{
	return !last_ns || now_ns - last_ns > VDB_RATE_LIMIT_NS;
}
