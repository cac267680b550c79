# SPDX-License-Identifier: GPL-2.0-only
"""From records to tables: per place in the matrix, ours beside stock and the paired ratios."""

from collections import defaultdict

import stats

WAIT_OF = {"lock": "lock_wait"}         # all others wait for IPIs


def wait_of(record, key):
    field = WAIT_OF.get(record["workload"], "ipi_wait")
    waits = [vm[field][key] for vm in record["vm"] if vm[field]["count"]]
    return max(waits) if waits else None


def worst_vcpu(record):
    """Fewest operations of a vCPU; of the computing ones where only one vCPU has any others."""
    if record["workload"] == "initiator":
        return min(min(vm["compute_ops_vcpu"][1:]) for vm in record["vm"])
    return min(vm["ops_min"] for vm in record["vm"])


def siblings(record):
    if record["workload"] != "initiator":
        return None
    return sum(vm["compute_ops"] for vm in record["vm"])


def neighbour(record, key):
    return record["neighbour_vm"][key] if record["neighbour_vm"] else None


# Key, heading, value of a record (None: does not apply).
METRICS = (
    ("ops", "ops", lambda r: sum(vm["ops"] for vm in r["vm"])),
    ("wait", "mean wait", lambda r: wait_of(r, "mean_ns")),
    ("p99", "p99", lambda r: wait_of(r, "p99_ns")),
    ("worst", "worst vCPU", worst_vcpu),
    ("siblings", "siblings", siblings),
    ("neighbour", "neighbour", lambda r: neighbour(r, "ops")),
    ("neighbour_gap", "gap", lambda r: neighbour(r, "off_cpu_max_ns")),
)
PLACE = ("kernel", "pCPUs", "cgroups", "setting", "workload", "VMs x vCPUs")
IN_NS = ("wait", "p99", "neighbour_gap")


def place(record):
    return tuple(record[k] for k in ("kernel", "pcpus", "layout", "neighbour", "workload", "vms",
                                     "vcpus"))


def collect(records):
    """{place: {setting: {metric: {seed: value}}}}, places in the order of their first record."""
    result = {}
    for record in records:
        settings = result.setdefault(place(record), {})
        metrics = settings.setdefault(record["setting"], defaultdict(dict))
        for key, _, value_of in METRICS:
            value = value_of(record)
            if value is not None:
                metrics[key][record["seed"]] = value
    return result


def human_ns(ns):
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= factor:
            digits = ".3g" if ns < 1000 * factor else ".0f"
            return f"{ns / factor:{digits}} {unit}"
    return f"{ns:.0f} ns"


def human(key, value):
    return human_ns(value) if key in IN_NS else f"{value:,.0f}"


def ratio_text(summary):
    if summary is None:
        return "-"
    return f"{summary['median']:.3f} [{summary['low']:.3f}, {summary['high']:.3f}]"


def ratio_rows(records):
    """Heading and rows of the comparison of every other setting with stock."""
    heading = [*PLACE, "ops stock", "ours", "ratio", "mean wait stock", "ours", "ratio"]
    heading += [title for _, title, _ in METRICS[2:]]
    rows = []
    for where, settings in collect(records).items():
        kernel, pcpus, layout, beside, workload, vms, vcpus = where
        if "stock" not in settings:
            continue
        stock = settings["stock"]
        for name, ours in settings.items():
            if name == "stock":
                continue
            row = [kernel, str(pcpus), layout, name, workload,
                   f"{vms}x{vcpus}" + (" + neighbour" if beside else "")]
            for key, _, _ in METRICS:
                ratios = stats.paired_ratios(ours.get(key, {}), stock.get(key, {}))
                if key in ("ops", "wait"):
                    for values in (stock.get(key), ours.get(key)):
                        row.append(human(key, stats.median(list(values.values())))
                                   if values else "-")
                row.append(ratio_text(stats.summary(ratios)))
            rows.append(row)
    return drop_empty(heading, rows)


def absolute_rows(records):
    """Heading and rows of the plain figures: medians and how far single runs lie from them."""
    heading = [*PLACE, "runs"]
    for _, title, _ in METRICS:
        heading += [title, "+-"]
    rows = []
    for where, settings in collect(records).items():
        kernel, pcpus, layout, beside, workload, vms, vcpus = where
        for name, metrics in settings.items():
            row = [kernel, str(pcpus), layout, name, workload,
                   f"{vms}x{vcpus}" + (" + neighbour" if beside else ""), str(len(metrics["ops"]))]
            for key, _, _ in METRICS:
                values = list(metrics.get(key, {}).values())
                row += [human(key, stats.median(values)), f"{stats.spread(values):.1%}"] \
                    if values else ["-", "-"]
            rows.append(row)
    return drop_empty(heading, rows)


def drop_empty(heading, rows):
    """Without the columns that say nothing in any row."""
    keep = [i for i in range(len(heading)) if any(row[i] != "-" for row in rows)]
    return [heading[i] for i in keep], [[row[i] for i in keep] for row in rows]


def caption(heading, rows):
    """Take out the leading columns that say the same in every row; returns them as a line."""
    same = [i for i, name in enumerate(heading)
            if name in PLACE[:4] and len({row[i] for row in rows}) == 1]
    line = ", ".join(f"{heading[i]} {rows[0][i]}" for i in same)
    keep = [i for i in range(len(heading)) if i not in same]
    return line, [heading[i] for i in keep], [[row[i] for i in keep] for row in rows]


def text(heading, rows):
    line, heading, rows = caption(heading, rows)
    table = [heading] + rows
    widths = [max(len(row[i]) for row in table) for i in range(len(heading))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([line] * bool(line) + lines)


def markdown(heading, rows):
    line, heading, rows = caption(heading, rows)
    lines = ["| " + " | ".join(row) + " |" for row in [heading] + rows]
    lines.insert(1, "|" + "---|" * len(heading))
    return "\n".join([line + "\n"] * bool(line) + lines)


def footnote(records):
    """How to read the table: kernels, seeds, what the brackets cover."""
    releases = ", ".join(sorted({record["release"] for record in records}))
    seeds = len({record["seed"] for record in records})
    low, high, covers = stats.median_interval(list(range(seeds)))
    what = "the range" if high - low == seeds - 1 else "its interval by order statistics"
    return (f"Kernel {releases}; tree {records[0]['git']}; {seeds} seeds of {records[0]['time']} "
            f"virtual time. Ratios are ours / stock of the same seed in the same boot: median and "
            f"{what} ({covers:.0%} coverage). ops: all VMs together; mean wait, p99: of the VM "
            f"where it is worst; worst vCPU: its operations (initiator: its compute); siblings: "
            f"compute beside the initiator; neighbour: operations of the VM that only computes, "
            f"gap: its longest time off CPU.")
