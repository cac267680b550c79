# SPDX-License-Identifier: GPL-2.0-only
"""What can be measured: settings, presets, and the cells they expand to."""

from dataclasses import dataclass
from itertools import product

WORKLOADS = ("ipi", "lock", "lockipi", "initiator", "shootdown", "decoy", "compute")
LAYOUTS = ("flat", "vcpu")

# What a setting does not name is as the module has it without being told.
KNOBS = {"mode": "observe", "window": "50ms", "ipi_tracking": "on", "order": "age", "slots": "8",
         "eoi_clear": "vector", "relaxed_boost": "on", "chain": "on", "sched": "loan"}

# The series' first half alone: whom to yield to, in KVM's order, by KVM's own yield.
PLAIN = {"mode": "active", "order": "stock", "sched": "none"}

# What the defaults are to be worth, see the goals in docs/RESULTS.md: an hour and a half in all.
GOALS = {
    "kernel": ["6.12", "7.3"],
    "shape": ["2x4", "2x8", "3x4"],
    "workload": ["ipi", "lock", "lockipi", "initiator", "shootdown"],
    "layout": ["flat", "vcpu"],
    "setting": ["stock", "active"],
    "seeds": 5,
    "time": "1s",
}

# Name -> what `vdctl set` is given. None: our module is not loaded at all. A setting is compared
# with "stock"; "again" is stock once more and shows the noise of the whole procedure.
SETTINGS = {
    "stock": None,
    "again": None,
    "off": {"mode": "off"},
    "observe": {},
    "active": {"mode": "active"},
    "plain": PLAIN,
    # One mechanism taken away from that, or changed to what the series has.
    "blind": PLAIN | {"ipi_tracking": "off"},
    "slot": PLAIN | {"slots": "1"},
    "nochain": PLAIN | {"chain": "off"},
    "wipe": PLAIN | {"eoi_clear": "series"},
    # Whom to choose where no IPI says it.
    "tiers": PLAIN | {"order": "tiers"},
    "strict": PLAIN | {"order": "tiers", "relaxed_boost": "off"},
    "age": PLAIN | {"order": "age"},
    # How the scheduler is made to run the chosen one.
    "loan": PLAIN | {"sched": "loan"},
    "penalty": PLAIN | {"sched": "penalty"},
    "penalty-series": PLAIN | {"sched": "penalty-series"},
    "credit": PLAIN | {"sched": "credit"},
    "transfer": PLAIN | {"sched": "transfer"},
    # The KVM half of the series as it is written.
    "series": PLAIN | {"order": "tiers", "slots": "1", "chain": "off", "eoi_clear": "series"},
}

DEFAULTS = {
    "kernel": ["6.12"],
    "pcpus": [2],
    "shape": ["2x4"],
    "workload": ["ipi", "lock", "lockipi", "initiator"],
    "layout": ["flat"],
    "neighbour": [0],
    "setting": ["stock", "active"],
    "seeds": 6,
    "time": "2s",
}

PRESETS = {
    # For the impatient, and for `make demo`.
    "quick": {"workload": ["ipi", "initiator"], "seeds": 3, "time": "1s"},
    # The first table of docs/RESULTS.md.
    "first": {"kernel": ["6.12", "6.1"], "shape": ["1x2", "2x4", "2x8"]},
    # Stock against itself: what a difference must exceed to mean anything.
    "noise": {"shape": ["1x2", "2x4", "2x8"], "setting": ["stock", "again"]},
    # What each mechanism is worth: half an hour.
    "ablation": {
        "kernel": ["6.12", "6.1", "7.3"],
        "shape": ["2x4"],
        "workload": ["ipi", "lock", "lockipi", "shootdown"],
        "setting": ["stock", "plain", "blind", "slot", "nochain", "wipe", "tiers", "strict",
                    "age", "series"],
        "seeds": 3,
        "time": "1s",
    },
    # Every strategy beside stock: most of an hour.
    "strategies": {
        "kernel": ["6.12", "7.3", "6.1"],
        "shape": ["2x4", "2x8"],
        "workload": ["ipi", "lock", "lockipi", "initiator", "shootdown"],
        "setting": ["stock", "active", "plain", "age", "loan", "transfer", "penalty",
                    "penalty-series", "credit"],
        "seeds": 3,
        "time": "1s",
    },
    # What the hooks cost where there is nothing to gain.
    "cost": {
        "kernel": ["6.12", "6.1", "7.3"],
        "shape": ["1x2"],
        "workload": ["ipi", "lock", "lockipi", "initiator"],
        "setting": ["stock", "active", "observe", "blind", "off"],
        "seeds": 2,
        "time": "1s",
    },
    "goals": GOALS,
    "goals-4": GOALS | {"pcpus": [4], "shape": ["2x8"]},
    "goals-neighbour": GOALS | {"shape": ["2x4"], "layout": ["flat"], "neighbour": [1]},
    # Everything; hours.
    "full": {
        "kernel": ["6.12", "6.1", "7.3"],
        "pcpus": [2, 4],
        "shape": ["1x2", "2x4", "2x8", "3x4"],
        "workload": ["ipi", "lock", "lockipi", "initiator", "shootdown"],
        "layout": ["flat", "vcpu"],
        "neighbour": [0, 1],
        "setting": ["stock", "off", "observe", "active"],
    },
}

LISTS = ("kernel", "pcpus", "shape", "workload", "layout", "neighbour", "setting")


@dataclass(frozen=True)
class Cell:
    """One boot of the virtual host: all seeds and settings of one place in the matrix."""

    kernel: str
    pcpus: int
    vms: int
    vcpus: int
    workload: str
    layout: str
    neighbour: int

    def label(self):
        text = f"{self.kernel} {self.pcpus} pCPUs {self.vms}x{self.vcpus} {self.workload}"
        if self.layout != "flat":
            text += f" {self.layout} cgroups"
        if self.neighbour:
            text += " + neighbour"
        return text


@dataclass(frozen=True)
class Run:
    """One measurement within a cell."""

    id: int
    setting: str
    seed: int


class BadChoice(ValueError):
    """A choice of the user that cannot be measured; the text names the next step."""


def given_by(setting):
    """What `vdctl set` is given: a name of SETTINGS, and perhaps +KEY=VALUE behind it."""
    name, *more = setting.split("+")
    if name not in SETTINGS:
        raise BadChoice(f"no setting '{name}'; there are: {', '.join(SETTINGS)}")
    if not more:
        return SETTINGS[name]
    for word in more:
        key, mark, value = word.partition("=")
        if not (mark and value) or key not in KNOBS:
            raise BadChoice(f"setting '{setting}': '{word}' is not KEY=VALUE of a knob; "
                            f"there are: {', '.join(KNOBS)}")
    return (SETTINGS[name] or {}) | dict(word.split("=", 1) for word in more)


def parse_shape(text):
    vms, mark, vcpus = text.partition("x")
    if not (mark and vms.isdigit() and vcpus.isdigit() and int(vms) and 0 < int(vcpus) <= 255):
        raise BadChoice(f"shape '{text}': write VMSxVCPUS, for example 2x4")
    return int(vms), int(vcpus)


def merge(preset, given):
    """The preset's lists, each replaced by what was given on the command line."""
    if preset not in PRESETS:
        raise BadChoice(f"no preset '{preset}'; there are: {', '.join(PRESETS)}")
    return {**DEFAULTS, **PRESETS[preset], **{k: v for k, v in given.items() if v is not None}}


def check(choice):
    for setting in choice["setting"]:
        given_by(setting)
    for key, known in (("workload", WORKLOADS), ("layout", LAYOUTS)):
        for value in choice[key]:
            if value not in known:
                raise BadChoice(f"no {key} '{value}'; there are: {', '.join(known)}")
    seconds(choice["time"])
    if choice["seeds"] < 1:
        raise BadChoice("at least one seed is needed")


def cells(choice):
    """All cells of a choice, in the order of its lists."""
    check(choice)
    result = []
    for kernel, pcpus, shape, workload, layout, neighbour in product(
            *(choice[key] for key in LISTS[:-1])):
        vms, vcpus = parse_shape(shape)
        result.append(Cell(kernel, pcpus, vms, vcpus, workload, layout, neighbour))
    return result


def runs(choice):
    """The runs of each cell: per seed every setting once, so that they alternate in one boot.

    Which comes first rotates from seed to seed: the place in the sequence alone is worth a few
    percent to some workloads, and must not be worth it to one setting always.
    """
    settings = choice["setting"]
    result = []
    for seed in range(1, choice["seeds"] + 1):
        first = (seed - 1) % len(settings)
        for setting in settings[first:] + settings[:first]:
            result.append(Run(len(result), setting, seed))
    return result


def seconds(text):
    """"250ms" -> 0.25"""
    for unit, factor in (("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("s", 1)):
        number = text.removesuffix(unit)
        if number != text and number.isdigit() and int(number):
            return int(number) * factor
    raise BadChoice(f"time '{text}': write a number with ns, us, ms or s, for example 2s")


def vm_options(cell, seed, time, extra):
    """vdvm's options of every VM of one run; the neighbour comes last."""
    common = ["--time", time]
    if cell.layout == "vcpu":
        common.append("--cgroup-per-vcpu")
    vms = [["--workload", cell.workload, "--vcpus", str(cell.vcpus),
            "--seed", str(seed * 100 + i), *common, *extra] for i in range(cell.vms)]
    if cell.neighbour:
        vms.append(["--workload", "compute", "--vcpus", str(cell.pcpus),
                    "--seed", str(seed * 100 + 99), *common])
    return vms


def plan(cell, chosen_runs, time, extra):
    """The text of the plan file that cell.sh reads."""
    lines = []
    for run in chosen_runs:
        given = given_by(run.setting)
        lines.append("setting " + ("stock" if given is None else
                                   " ".join(f"{k}={v}" for k, v in (KNOBS | given).items())))
        lines += ["vm " + " ".join(vm) for vm in vm_options(cell, run.seed, time, extra)]
        lines.append(f"go {run.id}")
    return "\n".join(lines) + "\n"
