#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests of the benchmark's arithmetic: python3 lab/bench/test_stats.py"""

import random
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import matrix       # noqa: E402
import stats        # noqa: E402
import table        # noqa: E402


class Median(unittest.TestCase):
    def test_odd_even_single(self):
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(stats.median([7]), 7)

    def test_empty_is_an_error(self):
        with self.assertRaises(ValueError):
            stats.median([])
        with self.assertRaises(ValueError):
            stats.median_interval([])


class Interval(unittest.TestCase):
    def test_known_coverages(self):
        self.assertAlmostEqual(stats.coverage(5, 0), 0.9375)
        self.assertAlmostEqual(stats.coverage(6, 0), 0.96875)
        self.assertAlmostEqual(stats.coverage(10, 1), 1 - 2 * 11 / 1024)

    def test_few_values_give_the_range_and_say_so(self):
        low, high, covers = stats.median_interval([5, 1, 3])
        self.assertEqual((low, high), (1, 5))
        self.assertAlmostEqual(covers, 0.75)

    def test_drops_as_many_as_the_level_allows(self):
        low, high, covers = stats.median_interval(range(20))
        self.assertEqual((low, high), (5, 14))     # table of the sign test: 6th and 15th of 20
        self.assertGreaterEqual(covers, 0.95)
        self.assertLess(stats.coverage(20, 6), 0.95)

    def test_covers_the_true_median_as_often_as_promised(self):
        rng = random.Random(1)
        hits = 0
        for _ in range(4000):
            low, high, covers = stats.median_interval([rng.expovariate(1) for _ in range(9)])
            hits += low <= 0.6931471805599453 <= high
        self.assertAlmostEqual(hits / 4000, covers, delta=0.015)


class Ratios(unittest.TestCase):
    def test_pairs_by_seed(self):
        self.assertEqual(stats.paired_ratios({1: 4, 2: 9, 3: 5}, {2: 3, 1: 2, 4: 1}), [2, 3])

    def test_zero_stock_is_left_out(self):
        self.assertEqual(stats.paired_ratios({1: 4}, {1: 0}), [])
        self.assertIsNone(stats.summary([]))

    def test_spread(self):
        self.assertAlmostEqual(stats.spread([90, 100, 105]), 0.1)
        self.assertEqual(stats.spread([0, 0]), 0)


def vm(ops, wait_ns, count=1):
    hist = {"count": count, "mean_ns": wait_ns, "p99_ns": 2 * wait_ns}
    return {"ops": sum(ops), "ops_min": min(ops), "ops_vcpu": ops, "compute_ops": 30,
            "compute_ops_vcpu": [0, 10, 20], "off_cpu_max_ns": 5, "ipi_wait": hist,
            "lock_wait": {"count": 0, "mean_ns": 0, "p99_ns": 0}}


def result(setting, seed, workload="ipi", **kw):
    return {"kernel": "6.12", "pcpus": 2, "layout": "flat", "neighbour": 0, "vms": 2, "vcpus": 3,
            "workload": workload, "setting": setting, "seed": seed, "release": "r", "git": "g",
            "time": "2s", "neighbour_vm": None,
            "vm": [vm([10, 20, 30], kw.get("a", 100)), vm([5, 50, 50], kw.get("b", 300))]}


class Table(unittest.TestCase):
    def test_worst_of_the_vms_counts(self):
        metrics = table.collect([result("stock", 1)])
        stock = next(iter(metrics.values()))["stock"]
        self.assertEqual(stock["ops"][1], 165)
        self.assertEqual(stock["wait"][1], 300)
        self.assertEqual(stock["p99"][1], 600)
        self.assertEqual(stock["worst"][1], 5)
        self.assertNotIn("siblings", stock)

    def test_initiators_siblings_are_judged_by_their_compute(self):
        metrics = table.collect([result("stock", 1, "initiator")])
        stock = next(iter(metrics.values()))["stock"]
        self.assertEqual(stock["worst"][1], 10)
        self.assertEqual(stock["siblings"][1], 60)

    def test_a_vm_that_never_waited_does_not_hide_the_other(self):
        record = result("stock", 1)
        record["vm"][1] = vm([1, 1, 1], 0, count=0)
        self.assertEqual(table.wait_of(record, "mean_ns"), 100)

    def test_rows(self):
        records = [result("stock", s) for s in (1, 2)] + [result("active", s, b=150)
                                                          for s in (1, 2)]
        heading, rows = table.ratio_rows(records)
        self.assertEqual(len(rows), 1)
        row = dict(zip(reversed(heading), reversed(rows[0])))
        self.assertEqual(row["p99"], "0.500 [0.500, 0.500]")
        self.assertNotIn("neighbour", heading)


    def test_what_is_the_same_everywhere_moves_into_the_caption(self):
        line, heading, rows = table.caption(["kernel", "setting", "ops"],
                                            [["6.1", "active", "5"], ["6.12", "active", "5"]])
        self.assertEqual(line, "setting active")
        self.assertEqual((heading, rows), (["kernel", "ops"], [["6.1", "5"], ["6.12", "5"]]))


class Matrix(unittest.TestCase):
    def test_a_setting_with_knobs_of_its_own(self):
        self.assertEqual(matrix.given_by("loan+order=age"),
                         {"mode": "active", "sched": "loan", "order": "age"})
        self.assertIsNone(matrix.given_by("stock"))
        for wrong in ("nothing", "loan+order", "loan+colour=red", "loan+order="):
            with self.assertRaises(matrix.BadChoice):
                matrix.given_by(wrong)

    def test_every_setting_once_per_seed_and_first_in_turn(self):
        choice = matrix.merge("quick", {"seeds": 2, "setting": ["stock", "active"]})
        self.assertEqual([(r.seed, r.setting) for r in matrix.runs(choice)],
                         [(1, "stock"), (1, "active"), (2, "active"), (2, "stock")])

    def test_same_seed_means_same_guests(self):
        cell = matrix.cells(matrix.merge("quick", {}))[0]
        self.assertEqual(matrix.vm_options(cell, 1, "1s", []), matrix.vm_options(cell, 1, "1s", []))
        self.assertNotEqual(matrix.vm_options(cell, 1, "1s", []),
                            matrix.vm_options(cell, 2, "1s", []))

    def test_refusals(self):
        for wrong in ({"shape": ["2by4"]}, {"shape": ["0x4"]}, {"workload": ["ipy"]},
                      {"time": "2"}, {"setting": ["fast"]}, {"seeds": 0}):
            with self.subTest(wrong=wrong), self.assertRaises(matrix.BadChoice):
                matrix.cells(matrix.merge("quick", wrong))
        with self.assertRaises(matrix.BadChoice):
            matrix.merge("huge", {})

    def test_every_preset_expands(self):
        for name in matrix.PRESETS:
            self.assertTrue(matrix.cells(matrix.merge(name, {})))


if __name__ == "__main__":
    unittest.main()
