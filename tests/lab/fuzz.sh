#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The netlink family under a fuzzer (tests/fuzz/nlfuzz.c), while two VMs spin: as root, as root
# without one of the two capabilities, as root of an own user namespace, as nobody.
# kernels: 6.12
. ./lib.sh

total=${1:-100000}
seed=${2:-1}

# fuzz ROLE REQUESTS
fuzz() {
	local begin

	begin=$(now_ms)
	check "$2 requests as $1: each is answered as it should be" ./nlfuzz "$1" "$2" "$seed"
	cat /tmp/check.out
	# Another sequence for the next one.
	seed=$((seed + 1))
	echo "#   took $(($(now_ms) - begin)) ms"
}

boosted_since() {
	[ "$(vm_stat spinner boosted)" -gt "$1" ]
}

# What anybody could have set.
state() {
	vdctl get && vdctl get --vm spinner && vdctl status --json | json grace_ms
}

modprobe vcpu_deboost mode=active
# A host that is timed by the machine's clock may stand still in the middle of a hook, or of a wait:
# that is not for the breaker to judge here.
vdctl set budget_hook=1s budget_wait=3600s >/dev/null
# Whatever knobs there are.
defaults=$(vdctl get | xargs)
# They need not have the host to themselves: its time is the fuzzer's.
mkdir /sys/fs/cgroup/vms && echo "20000 100000" >/sys/fs/cgroup/vms/cpu.max
spinner() {
	echo $BASHPID >/sys/fs/cgroup/vms/cgroup.procs
	exec vdvm "$@" --forever
}
spinner --name spinner --workload lockipi --vcpus 3 --json >/tmp/spinner.json &
vm=$!
spinner --name other --workload ipi --vcpus 2 >/dev/null &
check "two VMs spin" until_true 60 eval 'has_vm spinner && has_vm other'

fuzz root $((total / 2))
check "the breaker can be cleared" vdctl trip clear
# shellcheck disable=SC2086
check "whatever it was left at, every knob can be the default again" vdctl set $defaults
check "the VMs are still seen" until_true 60 eval 'has_vm spinner && has_vm other'
check "and follow the host again" eval 'vdctl reset --vm spinner && vdctl reset --vm other'
check "one knob is the VM's own" vdctl set window=7ms --vm spinner
before=$(state)
fuzz netadmin $((total / 8))
fuzz userns $((total / 8))
fuzz nobody $((total / 4))
equal "none of those set anything" "$(state)" "$before"

check "and it works as before" until_true 60 boosted_since "$(vm_stat spinner boosted)"
kill $vm
check "the guest noticed nothing" wait $vm
number "and did its work" "$(field /tmp/spinner.json ops)" -gt 0
check "the module can go" rmmod vcpu_deboost
