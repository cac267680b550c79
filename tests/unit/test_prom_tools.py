#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The metrics file in the hands of Prometheus' own promtool and node_exporter.

Both come from the Debian packages, which are unpacked into a cache and never
installed: installing them would start servers on the machine.
"""
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SAMPLE = ["build/obj/tests/unit/test_daemon_prom", "--print"]
TOOLS = {
    "promtool": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
}
WANTED = [
    'vcpu_deboost_vm_ipis_total{vm="web",vm_id="7"} 1000',
    'vcpu_deboost_vm_ipis_total{vm="we\\"ird\\\\na\\nme\ufffd",vm_id="8"} 1000',
    'vcpu_deboost_vm_ipi_answer_seconds_count{vm="web",vm_id="7"} 31',
    'node_textfile_scrape_error 0',
]


def cache():
    base = os.environ.get("VDB_LAB_CACHE")
    if not base:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        base = os.path.join(home, "vcpu-deboost-lab")
    return os.path.join(base, "prometheus")


def quietly(command, cwd=None):
    subprocess.run(command, cwd=cwd, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def fetch(tool, package):
    """Give the path of a tool, from the machine, the cache, or the package."""
    for directory in os.environ.get("PATH", "").split(":") + [cache()]:
        path = os.path.join(directory, tool)
        if os.access(path, os.X_OK):
            return path
    os.makedirs(cache(), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as work:
        try:
            quietly(["apt-get", "download", package], work)
        except subprocess.CalledProcessError:
            quietly(["apt-get", "update"])
            quietly(["apt-get", "download", package], work)
        deb = next(name for name in os.listdir(work) if name.endswith(".deb"))
        quietly(["dpkg-deb", "-x", deb, "root"], work)
        os.rename(os.path.join(work, "root/usr/bin", tool), os.path.join(cache(), tool))
    return os.path.join(cache(), tool)


def check_promtool(path, text):
    done = subprocess.run([path, "check", "metrics"], input=text, capture_output=True)
    if done.returncode or done.stdout or done.stderr:
        return (done.stdout + done.stderr).decode()
    bad = text.replace(b" counter\n", b" gauge\n", 1)
    if subprocess.run([path, "check", "metrics"], input=bad, capture_output=True).returncode == 0:
        return "promtool finds no fault in a counter that says it is a gauge"
    return None


def scrape(port, process):
    for _ in range(100):
        try:
            url = f"http://127.0.0.1:{port}/metrics"
            return urllib.request.urlopen(url, timeout=5).read().decode()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    return None


def check_exporter(path, text):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        with open(os.path.join(directory, "vcpu_deboost.prom"), "wb") as file:
            file.write(text)
        # What the daemon's temporary file looks like: must not be read.
        with open(os.path.join(directory, ".vcpu_deboost.prom.tmp"), "wb") as file:
            file.write(text[:100])
        process = subprocess.Popen(
            [path, f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults",
             "--collector.textfile", f"--collector.textfile.directory={directory}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            got = scrape(port, process)
        finally:
            process.terminate()
            process.wait()
    if got is None:
        return "node_exporter did not answer"
    lines = got.splitlines()
    missing = [line for line in WANTED if line not in lines]
    return f"not served: {missing}" if missing else None


def main():
    text = subprocess.run(SAMPLE, check=True, capture_output=True).stdout
    failed = 0
    print("1..2")
    for number, (tool, package) in enumerate(TOOLS.items(), 1):
        try:
            path = fetch(tool, package)
        except (OSError, StopIteration, subprocess.CalledProcessError):
            print(f"ok {number} - {tool} # SKIP the package {package} cannot be had")
            continue
        problem = (check_promtool, check_exporter)[number - 1](path, text)
        if problem:
            failed = 1
            print(f"not ok {number} - {tool}")
            print("# " + problem.strip().replace("\n", "\n# "))
        else:
            print(f"ok {number} - {tool}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
