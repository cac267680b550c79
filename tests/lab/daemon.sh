#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# The daemon with the real module and real VMs, as all of them come and go.
. ./lib.sh

dir=$(mktemp -d)
prom=$dir/x.prom
conf=$dir/d.conf
log=$dir/log

patience=15
why_not() {
	sed 's/^/log: /' "$log"
	grep -v '^#' "$prom" | grep -v ' 0$' | head -n 40 | sed 's/^/prom: /'
}

# Exactly one sample of that name and value; the pattern may have labels.
sample() { [ "$(grep -c "^vcpu_deboost_$1\$" "$prom")" = 1 ]; }

sum() { awk -v m="^vcpu_deboost_$1{" '$0 ~ m { s += $NF } END { print s + 0 }' "$prom"; }

growing() {
	local before

	before=$(sum "$1")
	sleep 1.3
	[ "$(sum "$1")" -gt "$before" ]
}

logged() { grep -qF -- "$1" "$log"; }

start_daemon() {
	vcpu-deboostd --config "$conf" --textfile "$prom" 2>>"$log" &
	daemon=$!
}

start_vm() {
	vdvm --workload ipi --vcpus 2 --forever "$@" >/dev/null 2>&1 &
	vm=$!
}

cat >"$conf" <<'CONF'
[global]
window = 20ms
[daemon]
interval = 200ms
heartbeat_grace = 3s
[metrics]
textfile_interval = 1s
CONF
: >"$log"

# Without the module: VMs are found by KVM's events and by the scan of /proc.
start_vm --name early
early=$vm
sleep 1
start_daemon
soon "a VM from before is found" sample 'vm_info{vm="early",vm_id="",.*} 1'
start_vm --name late \
	--cgroup '/sys/fs/cgroup/machine.slice/machine-qemu\x2d1\x2dlate.scope' --cgroup-per-vcpu
late=$vm
soon "a new VM is found" sample 'vm_info{vm="late",vm_id="",.*} 1'
soon "its manager is known" sample 'vm_info{vm="late",.*manager="libvirt"} 1'
kill "$late"
soon "its end is seen" never grep -q '"late"' "$prom"
soon "and said" logged "VM late is gone"
soon "the module is absent" sample 'module_up 0'

# The module comes: everything is pushed, and the VM is now tracked.
modprobe vcpu_deboost
soon "the module is noticed" sample 'module_up 1'
soon "the window is pushed" sample 'window_seconds 0.020000000'
soon "the VM is tracked" sample 'vm_info{vm="early",vm_id="[1-9][0-9]*",.*} 1'
soon "there is one line for it" sample 'vms 1'
soon "its IPIs are counted" growing vm_ipis_total
soon "its answers are counted" growing vm_ipi_answer_seconds_count
start_vm --name early
twin=$vm
soon "a VM of the same name has its own series" sample 'vms 2'
soon "and its own id" sample 'vm_vcpus{vm="early",vm_id="2"} 2'
kill "$twin"
soon "its end is seen" sample 'vms 1'

# What a person sets is kept, followed and said.
vdctl set mode=active >/dev/null
soon "a change is said once with old, new and why" \
	logged "mode of the host: observe -> active (request)"
soon "and exported" sample 'vm_mode{vm="early",.*mode="active"} 1'
soon "and acts" growing vm_boosted_total

# The module goes and comes again under a running VM.
modprobe -r vcpu_deboost
soon "the module is missed" sample 'module_up 0'
soon "the VM is still known" sample 'vm_info{vm="early",vm_id="",.*} 1'
modprobe vcpu_deboost
soon "the module is back" sample 'module_up 1'
soon "with what was wanted" is_mode active
soon "the VM is tracked again" growing vm_ipis_total

# Stuck for too long, and back: the fallback is undone with what was wanted.
kill -STOP "$daemon"
soon "a stuck daemon is given up" is_mode observe
kill -CONT "$daemon"
soon "and taken back" is_mode active

# Killed: the module falls back by itself. A new daemon sets things right.
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
soon "without the daemon the module observes" is_mode observe
start_daemon
soon "a new daemon is there" growing vm_ipis_total
soon "the fallback is counted" sample 'heartbeat_fallbacks_total 2'
printf '[global]\nmode = active\nwindow = 2ms\n' >"$conf"
kill -HUP "$daemon"
soon "a reload is pushed" is_mode active

# A clean stop leaves the host stock.
kill "$daemon"
status=0
wait "$daemon" || status=$?
equal "it ends well" "$status" 0
soon "the mode is off" is_mode off
soon "the file is gone" never test -e "$prom"
check "nobody's heartbeat is awaited" never eval 'vdctl status | grep -q "left of"'
