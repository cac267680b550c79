/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of the series' first half: by how much the one that yields is moved
 * back, and how often. Source: patches 2 and 4 of "Semantics-aware vCPU scheduling",
 * v1 and v2.
 */
#ifndef VDB_PENALTY_MATH_H
#define VDB_PENALTY_MATH_H

#include "pure.h"

/* At most one penalty on a CPU in this time. */
#define VDB_RATE_LIMIT_NS 6000000ULL

/* A yield back to where one was yielded from so recently is a ping-pong. */
#define VDB_DEBOUNCE_NS 600000ULL

/* Nothing is moved farther than this many times the granularity: the table's largest. */
#define VDB_PENALTY_CAP 6

/**
 * struct vdb_penalty_ask - what decides a penalty
 * @gran: base slice in the yielder's virtual time
 * @need: by how much the target is behind the yielder's place; negative: it is before it
 * @queued: competitors at the level where they meet
 * @reversed: the target yielded to the yielder within VDB_DEBOUNCE_NS
 * @series: by the letter, with its dead parts: see vdb_penalty()
 */
struct vdb_penalty_ask {
	u64 gran;
	s64 need;
	unsigned int queued;
	bool reversed;
	bool series;
};

u64 vdb_penalty(const struct vdb_penalty_ask *ask);
bool vdb_rate_allows(u64 last_ns, u64 now_ns);

#endif /* VDB_PENALTY_MATH_H */
