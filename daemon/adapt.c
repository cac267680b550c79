// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window of a VM follows the time in which its IPIs are answered. Pure:
 * time is the number of looks.
 */
#include "adapt.h"

#include <string.h>

#include "lib/hist.h"

#define BUCKETS VCPU_DEBOOST_HIST_BUCKETS

/* 2^(-1/ADAPT_HALF_LIFE) */
#define DECAY 0.977160

/* Weights are fractions; lib/hist counts in whole numbers. */
#define SCALE 1000.0

static size_t bucket_of(uint64_t ns)
{
	size_t i = ns ? 63 - (size_t)__builtin_clzll(ns) : 0;

	return i < BUCKETS ? i : BUCKETS - 1;
}

static void remember(struct adapt *a, const struct vd_stats *stats)
{
	memcpy(a->prev_hist, stats->answer_hist, sizeof(a->prev_hist));
	a->prev_expired = stats->expired;
	a->primed = true;
}

static bool went_back(const struct adapt *a, const struct vd_stats *stats)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		if (stats->answer_hist[i] < a->prev_hist[i])
			return true;
	return stats->expired < a->prev_expired;
}

/*
 * A pair that fell out of the window is an answer that is longer than it and
 * never gets into the histogram: without it a window that is too small would
 * only ever see the answers that fit.
 */
static void take_in(struct adapt *a, const struct vd_stats *stats)
{
	size_t i, beyond = bucket_of(a->window_ns) + 1;

	for (i = 0; i < BUCKETS; i++) {
		a->weight[i] *= DECAY;
		a->weight[i] += (double)(stats->answer_hist[i] - a->prev_hist[i]);
	}
	a->weight[beyond < BUCKETS ? beyond : BUCKETS - 1] +=
		(double)(stats->expired - a->prev_expired);
}

double adapt_answers(const struct adapt *a)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		sum += a->weight[i];
	return sum;
}

uint64_t adapt_target_ns(const struct adapt *a)
{
	uint64_t scaled[BUCKETS], ns;
	size_t i;

	if (adapt_answers(a) < ADAPT_MIN_ANSWERS)
		return 0;
	for (i = 0; i < BUCKETS; i++)
		scaled[i] = (uint64_t)(a->weight[i] * SCALE);
	ns = hist_quantile_ns(scaled, BUCKETS, ADAPT_PERMILLE) * ADAPT_MARGIN;
	return ns < ADAPT_MIN_NS ? ADAPT_MIN_NS : ns > ADAPT_MAX_NS ? ADAPT_MAX_NS : ns;
}

/* Half of the way back, and all of it when little is left. */
static uint64_t drift(uint64_t window_ns, uint64_t default_ns)
{
	uint64_t near = default_ns / 10;
	uint64_t next = window_ns / 2 + default_ns / 2;

	return next + near >= default_ns && next <= default_ns + near ? default_ns : next;
}

/* Too narrow by a quarter is worse than too wide by half. */
static bool differs(uint64_t window_ns, uint64_t target_ns)
{
	return target_ns > window_ns + window_ns / 4 || target_ns < window_ns - window_ns / 3;
}

static bool change(struct adapt *a, uint64_t window_ns)
{
	if (window_ns == a->window_ns)
		return false;
	a->window_ns = window_ns;
	a->dwell = ADAPT_DWELL;
	a->changes++;
	return true;
}

bool adapt_step(struct adapt *a, const struct vd_stats *stats, uint64_t default_ns)
{
	uint64_t target;

	if (!a->window_ns)
		a->window_ns = default_ns;
	if (a->primed && !went_back(a, stats))
		take_in(a, stats);
	remember(a, stats);
	if (a->dwell) {
		a->dwell--;
		return false;
	}
	target = adapt_target_ns(a);
	if (!target)
		return change(a, drift(a->window_ns, default_ns));
	return differs(a->window_ns, target) && change(a, target);
}
