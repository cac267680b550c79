#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How much of a VM shows, and why not all.
. ./lib.sh

modprobe vcpu_deboost
mkfifo /tmp/sight

# sight NAME WANTED REASON OPTION...
sight() {
	local vm=$1 wanted=$2 reason=$3 guest given

	shift 3
	vdvm --name "$vm" --json --linger 60s "$@" >/tmp/sight &
	guest=$!
	# To poll for the end would take the CPUs away that the guest is pinned to.
	read -r _ </tmp/sight
	equal "$vm: visibility" "$(vm_stat "$vm" visibility)" "$wanted"
	given=$(vm_stat "$vm" visibility_reason)
	check "$vm: the reason" eval \
		'[[ "$given" == *"$reason"* ]] && [ -n "$reason" -o -z "$given" ]'
	kill $guest
	wait $guest
}

sight free full "" --workload ipi --vcpus 2 --time 200ms
sight pinned none "pinned" --workload ipi --vcpus 2 --pin --time 200ms
sight shared full "" --workload ipi --vcpus 4 --pin --time 200ms
sight no-apic none "local APIC" --workload lock --vcpus 2 --apic none --time 100ms
vdctl set ipi_tracking=off >/dev/null
sight off none "ipi_tracking" --workload ipi --vcpus 2 --time 200ms
check "vdctl vms shows it" grep -q SEES <(vdctl vms)
