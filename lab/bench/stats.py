# SPDX-License-Identifier: GPL-2.0-only
"""Statistics of the benchmark: pure functions on lists of numbers, no randomness."""

from math import comb


def median(values):
    """Middle value; mean of the two middle ones for an even count."""
    if not values:
        raise ValueError("median of nothing")
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2


def coverage(count, drop):
    """Probability that the median lies between order statistics drop+1 and count-drop."""
    outside = sum(comb(count, k) for k in range(drop + 1))
    return 1 - 2 * outside / 2 ** count


def median_interval(values, level=0.95):
    """Distribution-free interval of the median from order statistics.

    Returns (low, high, coverage). With fewer than six values no interval reaches 95 %: the
    whole range is returned then, with the coverage it really has.
    """
    if not values:
        raise ValueError("interval of nothing")
    ordered = sorted(values)
    count = len(ordered)
    drop = 0
    while 2 * (drop + 2) <= count and coverage(count, drop + 1) >= level:
        drop += 1
    return ordered[drop], ordered[count - 1 - drop], coverage(count, drop)


def paired_ratios(ours, stock):
    """ours[seed] / stock[seed] for the seeds that both have and where stock is not 0."""
    return [ours[seed] / stock[seed] for seed in sorted(ours) if stock.get(seed)]


def spread(values):
    """Largest distance from the median, as a share of it; 0 for a median of 0."""
    middle = median(values)
    if not middle:
        return 0.0
    return max(abs(v - middle) for v in values) / abs(middle)


def summary(ratios):
    """Median and interval of a list of ratios as a dict, None for an empty list."""
    if not ratios:
        return None
    low, high, covers = median_interval(ratios)
    return {"median": median(ratios), "low": low, "high": high, "coverage": covers,
            "count": len(ratios)}
