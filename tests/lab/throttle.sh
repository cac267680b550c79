#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# A receiver whose cgroup has used up its quota cannot run: nobody yields to it, and it is left to
# KVM and the scheduler until it can.
. ./lib.sh

slice=/sys/fs/cgroup/machine.slice/quota.scope
load_plain
vdctl set window=1s >/dev/null

# vCPU 0 asks, vCPU 1 may run 5 ms in 100: an answer takes up to 95 ms.
quota() {
	vm=$1
	rm -f /tmp/quota.json
	vdvm --name "$vm" --json --linger 60s --workload initiator --vcpus 2 --time 600ms \
		--cgroup $slice --cgroup-per-vcpu >/tmp/quota.json &
	until_true 60 test -e $slice/libvirt/vcpu1/cpu.max
	echo "$2" >$slice/libvirt/vcpu1/cpu.max
	until_true 60 test -s /tmp/quota.json
	throttled=$(sed -n 's/^nr_throttled //p' $slice/libvirt/vcpu1/cpu.stat)
	boosted=$(vm_stat "$vm" boosted)
	blocked=$(vm_stat "$vm" receiver_blocked)
	failed=$(vm_stat "$vm" failed)
	echo "# $vm: throttled $throttled times, boosted $boosted, blocked $blocked, failed $failed"
	kill %%
	wait
}

quota throttled "5000 100000"
number "throttled: the group was" "$throttled" -gt 2
number "throttled: its vCPU is found unable to run" "$blocked" -gt 100
# Between two periods it may be switched in, or throttled, while a yield is under way: that is some
# of them. A choice that did not look would fail as often as it now finds the vCPU blocked.
number "throttled: hardly a yield to it comes to nothing" "$failed" -le \
	$((blocked * slower / 100))
