// SPDX-License-Identifier: GPL-2.0-only
#include "counter.h"

#include <string.h>

#define COUNTER(_name, _attr, _help)                                       \
	{                                                                  \
		.name = #_name, .attr = VCPU_DEBOOST_STATS_A_##_attr,      \
		.offset = offsetof(struct vd_stats, _name), .help = _help, \
	}

const struct counter counters[] = {
	COUNTER(ipis, IPIS, "Inter-processor interrupts the vCPUs sent"),
	COUNTER(recorded, RECORDED, "Pairs of sender and receiver remembered"),
	COUNTER(cleared, CLEARED, "Pairs ended because the receiver answered"),
	COUNTER(overwritten, OVERWRITTEN, "Pairs pushed out because the set was full"),
	COUNTER(expired, EXPIRED, "Pairs found to be older than the window"),
	COUNTER(eois, EOIS, "Ends of interrupt seen"),
	COUNTER(spin_exits, SPIN_EXITS, "Times a vCPU was caught spinning"),
	COUNTER(receiver_found, RECEIVER_FOUND, "Spins that wait for a receiver in the window"),
	COUNTER(receiver_running, RECEIVER_RUNNING, "Spins whose every receiver runs already"),
	COUNTER(receiver_blocked, RECEIVER_BLOCKED, "Spins none of whose receivers can be run"),
	COUNTER(would_boost, WOULD_BOOST, "Spins that would have yielded to a receiver"),
	COUNTER(boosted, BOOSTED, "Spins that yielded to a receiver"),
	COUNTER(would_order, WOULD_ORDER, "Spins that would have yielded by the age of the wait"),
	COUNTER(boosted_at_work, BOOSTED_AT_WORK, "Spins that yielded to one preempted at work"),
	COUNTER(boosted_oldest, BOOSTED_OLDEST, "Spins that yielded to the longest waiting"),
	COUNTER(fell_through, FELL_THROUGH, "Spins left to KVM's own selection"),
};

const size_t nr_counters = sizeof(counters) / sizeof(counters[0]);

uint64_t counter_get(const struct counter *counter, const struct vd_stats *stats)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + counter->offset, sizeof(value));
	return value;
}

void counter_add(struct vd_stats *sum, const struct vd_stats *stats)
{
	for (size_t i = 0; i < nr_counters; i++) {
		uint64_t value = counter_get(&counters[i], sum) + counter_get(&counters[i], stats);

		memcpy((char *)sum + counters[i].offset, &value, sizeof(value));
	}
	sum->answer_ns += stats->answer_ns;
	for (size_t i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++)
		sum->answer_hist[i] += stats->answer_hist[i];
	sum->have |= stats->have;
}
