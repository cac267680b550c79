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
	COUNTER(ipis_shorthand, IPIS_SHORTHAND, "... to all vCPUs, or to all others, by shorthand"),
	COUNTER(ipis_multicast, IPIS_MULTICAST, "... to more than one vCPU, by destination"),
	COUNTER(ipis_pv, IPIS_PV, "... by KVM's send-IPI hypercall"),
	COUNTER(ipis_hyperv, IPIS_HYPERV, "... by Hyper-V's send-IPI hypercalls"),
	COUNTER(ipis_avic, IPIS_AVIC, "... that AVIC left to KVM"),
	COUNTER(ipis_self, IPIS_SELF, "... to itself"),
	COUNTER(ipis_other, IPIS_OTHER, "... of another kind: INIT, SIPI, NMI, lowest priority"),
	COUNTER(recorded, RECORDED, "Pairs of sender and receiver remembered"),
	COUNTER(cleared, CLEARED, "Pairs ended because the receiver answered"),
	COUNTER(overwritten, OVERWRITTEN, "Pairs renewed, or pushed out because the set was full"),
	COUNTER(unrecorded, UNRECORDED, "Receivers of one send beyond the size of the set"),
	COUNTER(expired, EXPIRED, "Pairs found to be older than the window"),
	COUNTER(forgotten, FORGOTTEN,
		"Pairs dropped by an INIT, a reset, or a change of the settings"),
	COUNTER(eois, EOIS, "Ends of interrupt seen"),
	COUNTER(spin_exits, SPIN_EXITS, "Times a vCPU was caught spinning"),
	COUNTER(receiver_found, RECEIVER_FOUND, "Spins that wait for a receiver in the window"),
	COUNTER(receiver_running, RECEIVER_RUNNING, "Spins whose every receiver runs already"),
	COUNTER(receiver_blocked, RECEIVER_BLOCKED, "Spins none of whose receivers can be run"),
	COUNTER(would_boost, WOULD_BOOST, "Spins that would have yielded to a receiver"),
	COUNTER(boosted, BOOSTED, "Spins that yielded to a receiver"),
	COUNTER(boosted_chain, BOOSTED_CHAIN,
		"Spins that yielded to the one their receiver waits for"),
	COUNTER(would_order, WOULD_ORDER, "Spins that would have yielded by the order"),
	COUNTER(boosted_pending, BOOSTED_PENDING,
		"Spins that yielded to one with an interrupt pending"),
	COUNTER(boosted_in_kernel, BOOSTED_IN_KERNEL,
		"Spins that yielded to one preempted in its kernel"),
	COUNTER(boosted_relaxed, BOOSTED_RELAXED, "Spins that yielded to one preempted anywhere"),
	COUNTER(boosted_at_work, BOOSTED_AT_WORK, "Spins that yielded to one preempted at work"),
	COUNTER(boosted_oldest, BOOSTED_OLDEST, "Spins that yielded to the longest waiting"),
	COUNTER(redundant, REDUNDANT, "Spins that went on because the target was about to run"),
	COUNTER(fell_through, FELL_THROUGH, "Spins left to KVM's own selection"),
	COUNTER(ran, RAN, "Yields whose target ran"),
	COUNTER(failed, FAILED, "Yields whose target did not run in time"),
	COUNTER(stock_same, STOCK_SAME, "Choices where KVM chose the same"),
	COUNTER(stock_other, STOCK_OTHER, "Choices where KVM chose another"),
	COUNTER(stock_none, STOCK_NONE, "Choices where KVM chose nobody"),
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
	sum->run_ns += stats->run_ns;
	for (size_t i = 0; i < VCPU_DEBOOST_HIST_BUCKETS; i++) {
		sum->answer_hist[i] += stats->answer_hist[i];
		sum->run_hist[i] += stats->run_hist[i];
	}
	sum->have |= stats->have;
}
