#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make the golden messages from docs/netlink/vcpu_deboost.yaml, without any code of lib/.

usage: make.py DIR    write one .bin per message (the attributes after the genlmsghdr)
"""

import os
import struct
import sys

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = os.path.join(HERE, "..", "..", "..", "docs", "netlink", "vcpu_deboost.yaml")
NLA_F_NESTED = 1 << 15


def load_spec():
    with open(SPEC, encoding="utf-8") as f:
        return yaml.safe_load(f)


def attribute_numbers(attribute_set):
    """Name -> (number, attribute): they count from 1 in the order of the spec."""
    return {a["name"]: (n, a) for n, a in enumerate(attribute_set["attributes"], 1)}


class Encoder:
    def __init__(self, spec):
        self.sets = {s["name"]: attribute_numbers(s) for s in spec["attribute-sets"]}
        self.enums = {d["name"]: [e["name"] if isinstance(e, dict) else e for e in d["entries"]]
                      for d in spec["definitions"] if d["type"] == "enum"}

    def payload(self, attribute, value):
        kind = attribute["type"]
        if kind == "nest":
            return self.attributes(attribute["nested-attributes"], value)
        if kind == "string":
            return value.encode() + b"\0"
        if kind == "binary":
            return b"".join(struct.pack("<Q", v) for v in value)
        if "enum" in attribute and isinstance(value, str):
            value = self.enums[attribute["enum"]].index(value)
        return struct.pack({"u32": "<I", "u64": "<Q"}[kind], value)

    def attributes(self, set_name, values):
        out = b""
        for name in sorted(values, key=lambda n: self.sets[set_name][n][0]):
            number, attribute = self.sets[set_name][name]
            data = self.payload(attribute, values[name])
            if attribute["type"] == "nest":
                number |= NLA_F_NESTED
            out += struct.pack("<HH", 4 + len(data), number) + data
            out += b"\0" * (-len(data) % 4)
        return out


TUNING = {"overrides": 1 << 5, "mode": "active", "ipi-tracking": 1, "window-ns": 20_000_000,
          "order": "age", "slots": 4, "eoi-clear": "series", "relaxed-boost": 1, "chain": 1,
          "sched": "loan", "budget-hook-ns": 5_000_000, "budget-boosts": 3_000_000_000,
          "budget-failed": 42, "budget-wait-ns": 3_600_000_000_000}
VM = {"id": 7, "tgid": 4242, "start-boottime-ns": 123_456_789_012, "nr-vcpus": 8,
      "comm": "qemu-system-x86", "visibility": "partial",
      "visibility-reason": "APICv hides the EOIs"}
COUNTERS = ["ipis", "ipis-shorthand", "ipis-multicast", "ipis-pv", "ipis-hyperv", "ipis-avic",
            "ipis-self", "ipis-other", "recorded", "cleared", "overwritten", "unrecorded",
            "expired", "forgotten", "eois", "spin-exits", "receiver-found", "receiver-running",
            "receiver-blocked", "would-boost", "boosted", "boosted-chain", "would-order",
            "boosted-pending", "boosted-in-kernel", "boosted-relaxed", "boosted-at-work",
            "boosted-oldest", "redundant", "fell-through", "ran", "failed", "stock-same",
            "stock-other", "stock-none"]
STATS = dict({name: 1000 * (i + 1) for i, name in enumerate(COUNTERS)},
             **{"answer-ns": 2**40 + 5, "answer-hist": [i * i for i in range(32)],
                "run-ns": 2**41 + 7, "run-hist": [i + 3 for i in range(32)],
                "spin-window-ns": 66_000})

TRIP = {"kind": "boost-rate", "reason": "boost rate: VM 7 yielded 3 times", "value": 3,
        "budget": 2, "boottime-ns": 2**40 + 1}

MESSAGES = {
    "info_reply": {"info": {
        "version": "0.1.0", "abi": 1, "armed": 0,
        "reason": "mode is off", "nr-vms": 3, "vms-seen": 2**33, "vms-refused": 1,
        "grace-ms": 60000, "grace-left-ms": 59321, "fallbacks": 2, "trips": 5, "trip": TRIP}},
    "hook_reply": {"hook": {
        "name": "on_spin", "symbol": "kvm_vcpu_on_spin", "kind": "redirect", "required": 1,
        "state": "refused", "reason": "a livepatch holds this function"}},
    "tuning_set_request": {"vm-id": 7, "tuning": {"mode": "observe", "window-ns": 50_000_000}},
    "tuning_get_reply": {"tuning": dict(TUNING, overrides=0)},
    "vm_get_request": {"vm-id": 4294967295},
    "vm_reply": {"vm-id": 7, "vm": VM, "tuning": TUNING},
    "stats_reply": {"vm-id": 7, "vm": VM, "tuning": TUNING, "stats": STATS},
    "heartbeat_request": {"grace-ms": 3_600_000},
    "vm_event": {"vm": VM},
    "tuning_event": {"vm-id": 7, "tuning": TUNING, "cause": "heartbeat"},
    "trip_event": {"info": {"version": "0.1.0", "armed": 0, "trips": 1, "trip": TRIP}},
    "empty": {},
}


def golden():
    """Name -> bytes of every golden message."""
    encoder = Encoder(load_spec())
    return {name: encoder.attributes("main", values) for name, values in MESSAGES.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for name, data in golden().items():
        with open(os.path.join(sys.argv[1], name + ".bin"), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
