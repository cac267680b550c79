/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear histogram: 32 buckets per power of two, so a bucket's middle is within 1.6 % of
 * every value in it. Sum, count and maximum are exact. Written in the guest, read by the VMM.
 */
#ifndef VDVM_HIST_H
#define VDVM_HIST_H

#include <stdint.h>

#define VD_HIST_SUB_BITS	5
#define VD_HIST_SUB		(1u << VD_HIST_SUB_BITS)
#define VD_HIST_MAX_BITS	40	/* values from 2^40 ns, 18 minutes, share a bucket */
#define VD_HIST_BUCKETS		((VD_HIST_MAX_BITS - VD_HIST_SUB_BITS + 1) * VD_HIST_SUB)

struct vd_hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint32_t bucket[VD_HIST_BUCKETS];
};

static inline unsigned int vd_hist_index(uint64_t value)
{
	unsigned int shift;

	if (value < VD_HIST_SUB)
		return (unsigned int)value;
	if (value >> VD_HIST_MAX_BITS)
		return VD_HIST_BUCKETS - 1;
	shift = 63u - (unsigned int)__builtin_clzll(value) - VD_HIST_SUB_BITS;
	return (shift << VD_HIST_SUB_BITS) + (unsigned int)(value >> shift);
}

/* The middle of a bucket; exact below 64. */
static inline uint64_t vd_hist_value(unsigned int index)
{
	unsigned int shift;
	uint64_t low;

	if (index < 2 * VD_HIST_SUB)
		return index;
	shift = (index >> VD_HIST_SUB_BITS) - 1;
	low = (uint64_t)(VD_HIST_SUB + (index & (VD_HIST_SUB - 1))) << shift;
	return low + (1ull << shift) / 2;
}

static inline void vd_hist_add(struct vd_hist *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	h->bucket[vd_hist_index(value)]++;
}

static inline void vd_hist_merge(struct vd_hist *to, const struct vd_hist *from)
{
	unsigned int i;

	to->count += from->count;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	for (i = 0; i < VD_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

/* The value below or at which @permille of the values are; 0 for an empty histogram. */
static inline uint64_t vd_hist_quantile(const struct vd_hist *h, unsigned int permille)
{
	uint64_t want, seen = 0;
	unsigned int i;

	if (!h->count)
		return 0;
	want = (h->count * permille + 999) / 1000;
	if (!want)
		want = 1;
	for (i = 0; i < VD_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			break;
	}
	return vd_hist_value(i) < h->max ? vd_hist_value(i) : h->max;
}

#endif
