#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What lab/run takes for trouble on a console (lab/lib/watch.sh), whenever it looks."""

import subprocess
import tempfile
import unittest
from pathlib import Path

WATCH = Path(__file__).resolve().parents[2] / "lab/lib/watch.sh"
LINE = "=" * 66


def console(*lines):
    return "".join(f"[   12.{i:06}] {line}\r\n" for i, line in enumerate(lines))


def race(*frames):
    """A report of KCSAN as v6.12 writes it."""
    return (LINE, f"BUG: KCSAN: data-race in {frames[0]} / {frames[-1]}", "",
            "write to 0xffff888004b1c0a8 of 4 bytes by task 98 on cpu 0:",
            *(f" {frame}+0x1c/0x60" for frame in frames), "",
            "read to 0xffff888004b1c0a8 of 4 bytes by task 97 on cpu 1:",
            " kvm_vcpu_kick+0x52/0x90 [kvm]", "",
            "Reported by Kernel Concurrency Sanitizer on:",
            "CPU: 1 UID: 0 PID: 97 Comm: vdvm Tainted: G           O       6.12.0-kcsan #1", LINE)


KVM_ALONE = race("kvm_arch_vcpu_load", "kvm_lapic_update_cr8_intercept")
OURS = race("vdb_spin [vcpu_deboost]", "kvm_vcpu_on_spin")
KASAN = (LINE, "BUG: KASAN: slab-use-after-free in vdb_vm_find+0x40/0x80 [vcpu_deboost]",
         "Read of size 8 at addr ffff888004b1c0a8 by task vdvm/97", "", LINE)


def look(steps):
    """The first line of trouble in each of several states of one console."""
    with tempfile.TemporaryDirectory() as folder:
        for i, text in enumerate(steps):
            Path(folder, f"{i:06}").write_bytes(text.encode())
        script = f'. "{WATCH}"; for f in *; do echo "$(watch_find "$f")"; done'
        run = subprocess.run(["bash", "-c", script], cwd=folder, check=True, text=True,
                             capture_output=True)
    return run.stdout.splitlines()


class Watch(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(look([console("Linux version 6.12", "vcpu_deboost: loaded")]), [""])

    def test_a_complaint(self):
        for text in ("WARNING: CPU: 0 PID: 1 at kernel/fork.c:1", "BUG: sleeping function called",
                     "WARNING: possible circular locking dependency detected"):
            self.assertIn(text, look([console("one", text, "two")])[0])

    def test_races_of_the_kernel_alone_never_however_far_they_are_written(self):
        text = console("one", *KVM_ALONE, *KVM_ALONE, "two")
        begun = len(console("one", *KVM_ALONE[:3]))
        states = [text[:n] for n in range(begun)]
        states += [text[:n] for n in range(begun, len(text), 7)] + [text]
        self.assertEqual(set(look(states)), {""})

    def test_a_race_of_ours(self):
        self.assertIn("BUG: KCSAN", look([console("one", *OURS)])[0])
        self.assertIn("BUG: KCSAN", look([console(*KVM_ALONE, *OURS, "two")])[0])

    def test_what_comes_after_a_race_of_the_kernel(self):
        for lines in (KASAN, KASAN[:3], ["WARNING: CPU: 0 PID: 1 at kernel/fork.c:1"]):
            self.assertNotEqual(look([console(*KVM_ALONE, *lines)]), [""])


if __name__ == "__main__":
    unittest.main()
