#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the daemon is kept from: how exposed its units are, and that nothing starts a program."""
import os
import shutil
import subprocess
import sys

LIMIT = 20      # tenths of systemd's measure of exposure
UNITS = ["systemd/vcpu-deboostd.service", "systemd/vcpu-deboost-module.service"]
PROGRAMS = ["build/obj/vcpu-deboostd", "build/obj/vdctl"]
STARTERS = {
    "system", "popen", "execl", "execle", "execlp", "execv", "execve", "execveat", "execvp",
    "execvpe", "fexecve", "posix_spawn", "posix_spawnp", "fork", "vfork", "_Fork", "clone",
    "wordexp", "dlopen", "pthread_create",
}

number = 0
failed = False


def check(what, problems):
    global number, failed
    number += 1
    failed = failed or bool(problems)
    print(f"{'not ok' if problems else 'ok'} {number} - {what}")
    for line in problems:
        print(f"#   {line}")


def skip(what, why):
    global number
    number += 1
    print(f"ok {number} - {what} # SKIP {why}")


def imported(program):
    out = subprocess.run(["nm", "-D", "--undefined-only", program], check=True, text=True,
                         capture_output=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def starters(program):
    names = imported(program)
    if "sendmsg" not in names and "nl_send_auto" not in names:
        return ["its list of imports is not what it was taken for"]
    return [f"uses {name}()" for name in sorted(names & STARTERS)]


def exposure(unit, limit):
    """Lines of systemd-analyze, worst of all its sum, when the unit is above the limit."""
    run = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                          f"--threshold={limit}", unit], text=True, capture_output=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith(("✗", "→"))]
    return (lines or run.stderr.splitlines() or ["failed"]) if run.returncode else []


def settings(unit, key):
    with open(unit, encoding="utf-8") as lines:
        return [line.split("=", 1)[1].strip() for line in lines if line.startswith(key + "=")]


def users():
    """The units, the file that makes their user and the one that lets it write agree."""
    with open("systemd/sysusers.d/vcpu-deboostd.conf", encoding="utf-8") as lines:
        made = [line.split()[1] for line in lines if line.startswith("u ")]
    with open("systemd/tmpfiles.d/vcpu-deboostd.conf", encoding="utf-8") as lines:
        acls = [line.split()[-1] for line in lines if line.startswith("a+ ")]
    wrong = [f"{unit} runs as {settings(unit, 'User')}, made is {made}"
             for unit in UNITS if settings(unit, "User") != made]
    if acls != [f"user:{name}:rwx" for name in made]:
        wrong.append(f"the folder of the metrics is opened with {acls}")
    return wrong


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    for program in PROGRAMS:
        check(f"{os.path.basename(program)} cannot start a program", starters(program))
    check("one user in all places", users())
    for unit in UNITS:
        what = f"exposure of {os.path.basename(unit)} is at most {LIMIT / 10}"
        if not shutil.which("systemd-analyze"):
            skip(what, "there is no systemd-analyze")
            continue
        check(what, exposure(unit, LIMIT))
    if shutil.which("systemd-analyze"):
        check("that measure can fail", [] if exposure(UNITS[0], 1) else ["0.1 is said to be met"])
    for unit in UNITS:
        got, most = settings(unit, "AmbientCapabilities"), settings(unit, "CapabilityBoundingSet")
        check(f"{os.path.basename(unit)} has what it may have, and no more",
              [] if got == most and got else [f"ambient {got}, bounding {most}"])
    print(f"1..{number}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
