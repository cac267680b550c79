# SPDX-License-Identifier: GPL-2.0-only
"""Run cells in virtual hosts, several at a time, and hand out each result as it comes."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import matrix

HERE = Path(__file__).resolve().parent
LAB = HERE.parent
TOP = LAB.parent
BOOT_S = 12             # guesses until something has been measured
RUN_S = 8
SILENCE_S = 300
SAME_NS = 1000000


def git_describe():
    out = subprocess.run(["git", "-C", str(TOP), "describe", "--always", "--dirty", "--tags"],
                         capture_output=True, text=True, check=False)
    return out.stdout.strip() or "unknown"


def command(cell, plan_path, limit_s, bare):
    words = [str(LAB / "run"), "--kernel", cell.kernel, "--pcpus", str(cell.pcpus),
             "--timeout", str(limit_s), "--silence", str(SILENCE_S),
             "--add", f"{plan_path}:plan"]
    if bare:
        words.append("--bare")
    return words + ["--", str(HERE / "cell.sh"), "plan"]


class Progress:
    """What runs, how much is done, how long is left; one line, rewritten on a terminal."""

    def __init__(self, total_runs, total_cells, jobs, out=sys.stderr):
        self.total_runs, self.total_cells, self.jobs, self.out = \
            total_runs, total_cells, jobs, out
        self.done_runs = self.done_cells = 0
        self.run_s = []
        self.started = time.monotonic()
        self.tty = out.isatty()

    def left_s(self):
        run_s = sum(self.run_s) / len(self.run_s) if self.run_s else RUN_S
        todo = (self.total_runs - self.done_runs) * run_s
        todo += (self.total_cells - self.done_cells) * BOOT_S / 2
        return todo / self.jobs

    def run_done(self, what, took_s):
        self.done_runs += 1
        self.run_s.append(took_s)
        self.show(what)

    def cell_done(self, what):
        self.done_cells += 1
        self.show(what, final=True)

    def show(self, what, final=False):
        def clock(seconds):
            return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

        line = (f"bench: {self.done_runs}/{self.total_runs} runs, "
                f"{clock(time.monotonic() - self.started)} gone, "
                f"about {clock(self.left_s())} left | {what}")
        if self.tty:
            self.out.write("\r\033[K" + line[:158])
        elif final:
            self.out.write(line + "\n")
        self.out.flush()

    def end(self):
        if self.tty:
            self.out.write("\r\033[K")
            self.out.flush()


def flaw(answer):
    """Why a run must not be counted, or None: all VMs must have measured the same interval."""
    starts = [vm["run_start_ns"] for vm in answer["vms"]]
    lengths = [vm["run_ns"] for vm in answer["vms"]]
    if not all(vm["realtime"] for vm in answer["vms"]):
        return "a timing thread ran without SCHED_FIFO"
    if max(max(starts) - min(starts), max(lengths) - min(lengths)) > SAME_NS:
        return "the VMs did not measure over the same interval"
    return None


def run_cell(cell, choice, events, stop):
    """In a thread: one virtual host. Puts ("run", cell, answer, seconds) and ("end", ...)."""
    chosen = matrix.runs(choice)
    seconds = matrix.seconds(choice["time"])
    limit_s = int(120 + len(chosen) * (30 + 60 * seconds))
    wanted, error, process = len(chosen), None, None
    rest = []
    with tempfile.NamedTemporaryFile("w", prefix="bench-plan.") as plan:
        plan.write(matrix.plan(cell, chosen, choice["time"], choice["extra"]))
        plan.flush()
        bare = all(matrix.given_by(run.setting) is None for run in chosen)
        process = subprocess.Popen(command(cell, plan.name, limit_s, bare), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        stop.append(process)
        last = time.monotonic()
        for line in process.stdout:
            if not line.startswith("bench: "):
                rest.append(line.rstrip())
                continue
            now = time.monotonic()
            answer = json.loads(line[len("bench: "):])
            if flaw(answer):
                rest.append(f"run {answer['id']}: {flaw(answer)}")
                continue
            events.put(("run", cell, answer, now - last))
            last = now
            wanted -= 1
        status = process.wait()
    if status or wanted:
        error = f"{cell.label()}: lab/run ended with status {status}, {wanted} runs missing:\n" \
            + "\n".join(rest[-60:])
    events.put(("end", cell, error, 0))


def worker(todo, choice, events, stop):
    while True:
        try:
            cell = todo.get_nowait()
        except queue.Empty:
            return
        try:
            run_cell(cell, choice, events, stop)
        except Exception as exc:        # a thread must not die silently
            events.put(("end", cell, f"{cell.label()}: {exc}", 0))


def record(cell, run, answer, choice, meta):
    """One line of the result file."""
    vms = answer["vms"]
    neighbour = vms[cell.vms:]
    return {
        "schema": 1, **meta, "kernel": cell.kernel, "release": answer["release"],
        "pcpus": cell.pcpus, "vms": cell.vms, "vcpus": cell.vcpus, "workload": cell.workload,
        "layout": cell.layout, "neighbour": cell.neighbour, "setting": run.setting,
        "setting_args": matrix.given_by(run.setting) or [], "seed": run.seed, "order": run.id,
        "time": choice["time"], "extra": choice["extra"], "vm": vms[:cell.vms],
        "neighbour_vm": neighbour[0] if neighbour else None, "module": answer["module"],
    }


def run_all(choice, jobs, path, name, words):
    """Measure everything, write it to @path; returns the records and the errors.

    @words is the command that was asked for; each record names it.
    """
    cells = matrix.cells(choice)
    by_id = {run.id: run for run in matrix.runs(choice)}
    meta = {"name": name, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "git": git_describe(), "command": words}
    progress = Progress(len(cells) * len(by_id), len(cells), jobs)
    todo, events, stop = queue.Queue(), queue.Queue(), []
    for cell in cells:
        todo.put(cell)
    threads = [threading.Thread(target=worker, args=(todo, choice, events, stop), daemon=True)
               for _ in range(min(jobs, len(cells)))]
    records, errors, left = [], [], len(cells)
    progress.show("booting")
    try:
        with open(path, "w", encoding="ascii") as out:
            for thread in threads:
                thread.start()
            while left:
                kind, cell, answer, took_s = events.get()
                if kind == "run":
                    run = by_id[answer["id"]]
                    records.append(record(cell, run, answer, choice, meta))
                    out.write(json.dumps(records[-1]) + "\n")
                    out.flush()
                    progress.run_done(f"{cell.label()}, {run.setting}, seed {run.seed}", took_s)
                    continue
                left -= 1
                if answer:
                    errors.append(answer)
                progress.cell_done(cell.label() + (" FAILED" if answer else " done"))
    finally:
        for process in stop:
            if process.poll() is None:
                process.terminate()
        progress.end()
    return records, errors


def need_built(choice):
    """A sentence that says what is missing, or None."""
    wanted = [TOP / "build/lab/vdvm"]
    if any(matrix.given_by(setting) is not None for setting in choice["setting"]):
        wanted.append(TOP / "build/vdctl")
        wanted += [TOP / f"build/kmod-{k}/vcpu_deboost.ko" for k in choice["kernel"]]
    missing = [str(path.relative_to(TOP)) for path in wanted if not os.path.exists(path)]
    if missing:
        return f"{', '.join(missing)} not built; run `make` and `make lab` first"
    return None
