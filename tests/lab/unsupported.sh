#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# Hosts on which there is nothing to do: the daemon says why, waits, and ends well when told to.
. ./lib.sh

conf=/tmp/d.conf
told=/tmp/told
prom=/tmp/x.prom

start_daemon() {
	rm -f /tmp/notify
	./stress listen /tmp/notify >$told &
	until_true 20 test -S /tmp/notify
	NOTIFY_SOCKET=/tmp/notify vcpu-deboostd --config $conf --textfile $prom 2>/tmp/log &
	daemon=$!
}

# says WHAT PATTERN: in its status.
says() {
	local status=0

	until_true 30 grep -qE "^STATUS=$2" $told || status=1
	result "$status" "$1"
	[ "$status" = 0 ] || sed 's/^/#   /' $told /tmp/log
}

ends() {
	check "$1: it is ready" until_true 30 grep -qx READY=1 $told
	check "$1: it runs on" kill -0 "$daemon"
	kill "$daemon"
	status=0
	wait "$daemon" || status=$?
	equal "$1: and ends well" "$status" 0
}

printf '%s\n' '[global]' 'mode = active' '[daemon]' 'interval = 200ms' 'heartbeat_grace = 5s' \
	'[metrics]' 'textfile_interval = 1s' >$conf

start_daemon
says "without the module" \
	'idle: module vcpu_deboost not loaded: load it with "modprobe vcpu_deboost"'
ends "without the module"

check "KVM goes" modprobe -r kvm_amd kvm
check "now there is no KVM device" test ! -e /dev/kvm
start_daemon
says "without KVM" 'idle: module vcpu_deboost not loaded'
modprobe -r kvm_amd kvm 2>/dev/null
ends "without KVM and module"

modprobe vcpu_deboost
start_daemon
says "a module that has nothing to hook" \
	'idle: (the module has no hooks in place|.*refused).*(kvm|KVM)'
check "that is in the metrics" until_true 20 grep -qx 'vcpu_deboost_hooks_armed 0' $prom
check "KVM comes" modprobe kvm_amd
says "and all is well" 'active, '
check "in the metrics, too" until_true 20 grep -qx 'vcpu_deboost_hooks_armed 1' $prom
ends "with all of it"

# No cgroups: names come from command lines.
umount /sys/fs/cgroup
start_daemon
./stress vms 1 1 >/dev/null &
check "without cgroups a VM is found" \
	until_true 30 grep -q '^vcpu_deboost_vm_info{vm="stress-' $prom
ends "without cgroups"

