#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# by name: 200 VMs: five minutes
# kernels: 6.12
# lab: --mem 2048
# What the daemon costs with many VMs: processor, memory, allocations, requests to the module.
. ./lib.sh

few=20
vms=${VMS:-200}
seconds=30
prom=/tmp/x.prom
conf=/tmp/d.conf
trace=/sys/kernel/tracing

# Of the process $daemon, in milliseconds; stat's fields 14 and 15 are ticks of 10 ms.
cpu_ms() { awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$daemon/stat"; }
kib() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$daemon/status"; }
tracked() { [ "$(grep -c '^vcpu_deboost_vm_vcpus{' $prom)" = "$1" ]; }
is_now() { [ "$(status_of now)" = "$1" ]; }
# What ./malloc-count.so has counted in the daemon.
mallocs() { od -An -tu8 /tmp/mallocs | tr -dc 0-9; }

# start_vms NR TOTAL: until all are known, and described for the last time.
start_vms() {
	./stress vms "$1" 100 >>/tmp/vms &
	check "$2 VMs are tracked" until_true 120 is_now "$2"
	check "and exported" until_true 60 tracked "$2"
	sleep 15
}

# watch_daemon SECONDS: sets took and spent (ms), dumps and allocated.
watch_daemon() {
	local before began of

	echo 0 >$trace/trace
	echo 1 >$trace/events/kprobes/vd_dump/enable
	of=$(mallocs)
	before=$(cpu_ms)
	began=$(now_ms)
	sleep "$1"
	took=$(($(now_ms) - began))
	spent=$(($(cpu_ms) - before))
	allocated=$(($(mallocs) - of))
	echo 0 >$trace/events/kprobes/vd_dump/enable
	dumps=$(grep -c 'vd_dump:' $trace/trace)
	echo "# $took ms: $spent ms of a CPU, $dumps dumps, $allocated allocations;" \
		"RSS $(kib VmRSS) KiB"
}

modprobe vcpu_deboost
printf '[daemon]\ninterval = 1s\n[metrics]\ntextfile_interval = 15s\n' >$conf
LD_PRELOAD=$PWD/malloc-count.so VD_MALLOCS=/tmp/mallocs \
	vcpu-deboostd --config $conf --textfile $prom 2>/tmp/log &
daemon=$!
# Every dump of every netlink family that this process asks for, seen by the kernel.
echo 'p:vd_dump __netlink_dump_start' >$trace/kprobe_events
echo "common_pid == $daemon" >$trace/events/kprobes/vd_dump/filter

# Idle, all of them: under this clock the CPUs take turns, so that a busy one makes time pass for
# whoever runs on the other.
start_vms $few $few
watch_daemon $seconds
number "the counter of allocations counts" "$(mallocs)" -gt 100
allocated_few=$allocated dumps_few=$dumps
start_vms $((vms - few)) "$vms"
data=$(kib VmData)
watch_daemon $seconds

number "there were that many VMs" "$vms" -ge 200
# An instruction takes 2 ns here; a host's CPU retires one in 1 ns even when it does badly.
number "at most 1 % of a CPU of 1 instruction/ns" $((spent * 100 / 2)) -le "$took"
number "it did work" "$spent" -gt 0
number "at most 24 MiB of memory" "$(kib VmHWM)" -le 24576
equal "no more data than before" "$(kib VmData)" "$data"
echo "# allocations per look: $((allocated_few / dumps_few)) with $few VMs," \
	"$((allocated / dumps)) with $vms"
# A look has its own few; one for each VM, or for each tenth, would show.
number "none per VM" $((allocated * 10)) -lt $((vms * dumps))
number "one dump per interval" "$dumps" -le $((took / 1000 + 1))
# The event loop may gather wake-ups for a quarter of a second.
number "and no fewer" "$dumps" -ge $((took / 1300))
complaints=$(grep -iE "fail|cannot|refused|error" /tmp/log)
equal "no complaint" "$complaints" ""
