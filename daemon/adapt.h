/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ADAPT_H
#define ADAPT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/vdnl_msg.h"

/* A window that follows answers is never outside of these. */
#define ADAPT_MIN_NS VCPU_DEBOOST_WINDOW_MIN_NS
#define ADAPT_MAX_NS 200000000ULL

/* What an answer counts halves in this many looks. */
#define ADAPT_HALF_LIFE 30

/* With fewer answers than this (halved with age) there is nothing to learn from. */
#define ADAPT_MIN_ANSWERS 50

/* The window covers this share of the answers, and then this much more. */
#define ADAPT_PERMILLE 990
#define ADAPT_MARGIN   2

/* Looks between two changes. */
#define ADAPT_DWELL 5

/**
 * struct adapt - the window of one VM as it follows the VM's answers
 * @window_ns: what it shall be, 0 until the first step
 * @weight: answers per bucket of the module's histogram, halved with age
 * @prev_hist: the histogram at the last look
 * @prev_expired: pairs out of the window at the last look
 * @primed: the two above are valid
 * @dwell: looks to pass before the next change
 * @changes: how often it changed
 */
struct adapt {
	uint64_t window_ns;
	double weight[VCPU_DEBOOST_HIST_BUCKETS];
	uint64_t prev_hist[VCPU_DEBOOST_HIST_BUCKETS];
	uint64_t prev_expired;
	bool primed;
	unsigned int dwell;
	uint64_t changes;
};

/**
 * adapt_step() - one look at a VM's counters
 * @a: all zeroes before the first
 * @stats: the counters now; counters that went back begin anew
 * @default_ns: the window of the host; where it begins, and what it goes back to
 *	when there is nothing to learn from
 *
 * A target that differs little from the window, or that comes soon after a
 * change, changes nothing.
 *
 * Return: true when @a->window_ns changed.
 */
bool adapt_step(struct adapt *a, const struct vd_stats *stats, uint64_t default_ns);

/**
 * adapt_answers() - how much evidence there is
 * @a: the controller
 *
 * Return: answers, halved with age.
 */
double adapt_answers(const struct adapt *a);

/**
 * adapt_target_ns() - the window that the answers ask for
 * @a: the controller
 *
 * Return: within ADAPT_MIN_NS and ADAPT_MAX_NS; 0 without enough answers.
 */
uint64_t adapt_target_ns(const struct adapt *a);

#endif /* ADAPT_H */
