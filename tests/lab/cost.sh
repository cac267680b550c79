#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --mem 2048
# What the daemon costs with many VMs: processor, memory, requests to the module.
. ./lib.sh

vms=${VMS:-200}
seconds=30
prom=/tmp/x.prom
conf=/tmp/d.conf

# Of the process $daemon, in milliseconds; stat's fields 14 and 15 are ticks of 10 ms.
cpu_ms() { awk '{ sub(/.*\) /, ""); print ($12 + $13) * 10 }' "/proc/$daemon/stat"; }
kib() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$daemon/status"; }
tracked() { [ "$(grep -c '^vcpu_deboost_vm_vcpus{' $prom)" = "$1" ]; }

modprobe vcpu_deboost
printf '[daemon]\ninterval = 1s\n[metrics]\ntextfile_interval = 15s\n' >$conf
vcpu-deboostd --config $conf --textfile $prom 2>/tmp/log &
daemon=$!
# Idle, all of them: under this clock the CPUs take turns, so that a busy one makes time pass for
# whoever runs on the other.
./stress vms "$vms" 100 >/tmp/vms &
check "all VMs are tracked" until_true 120 eval '[ "$(status_of now)" = $vms ]'
check "and exported" until_true 60 tracked "$vms"

# Every dump of every netlink family that this process asks for, seen by the kernel.
trace=/sys/kernel/tracing
echo 'p:vd_dump __netlink_dump_start' >$trace/kprobe_events
echo "common_pid == $daemon" >$trace/events/kprobes/vd_dump/filter
echo 1 >$trace/events/kprobes/vd_dump/enable
data=$(kib VmData)
before=$(cpu_ms)
began=$(now_ms)
sleep $seconds
took=$(($(now_ms) - began))
spent=$(($(cpu_ms) - before))
echo 0 >$trace/events/kprobes/vd_dump/enable
dumps=$(grep -c 'vd_dump:' $trace/trace)
echo "# user and system, ticks: $(awk '{ sub(/.*\) /, ""); print $12, $13 }' /proc/$daemon/stat)"
echo "# $vms VMs: $spent ms of $took ms, RSS $(kib VmRSS) KiB, $dumps dumps"

number "there were that many VMs" "$vms" -ge 200
# An instruction takes 2 ns here; a host's CPU retires one in 1 ns even when it does badly.
number "at most 1 % of a CPU of 1 instruction/ns" $((spent * 100 / 2)) -le "$took"
number "it did work" "$spent" -gt 0
number "at most 24 MiB of memory" "$(kib VmHWM)" -le 24576
equal "no more data than before" "$(kib VmData)" "$data"
number "one dump per interval" "$dumps" -le $((took / 1000 + 1))
# The event loop may gather wake-ups for a quarter of a second.
number "and no fewer" "$dumps" -ge $((took / 1300))
complaints=$(grep -iE "fail|cannot|refused|error" /tmp/log)
equal "no complaint" "$complaints" ""
