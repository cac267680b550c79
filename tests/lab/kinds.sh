#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every way to send an IPI is counted and recorded, one for one with what the guest did.
. ./lib.sh

modprobe vcpu_deboost
vdctl set window=1s >/dev/null

kinds="shorthand multicast pv hyperv avic self other"

# kind NAME KIND RECEIVERS [VDVM OPTION]...: 50 commands of that kind, each to so many receivers.
kind() {
	local vm=$1 kind=$2 receivers=$3 k want

	shift 3
	vdvm --name "$vm" --json --linger 60s --workload broadcast --count 50 "$@" >/tmp/kind.json &
	until_true 60 test -s /tmp/kind.json
	equal "$vm: 50 commands given" "$(field /tmp/kind.json commands)" 50
	equal "$vm: 50 seen" "$(vm_stat "$vm" ipis)" 50
	for k in $kinds; do
		want=0
		[ "$k" = "$kind" ] && want=50
		[ "$(vm_stat "$vm" "ipis_$k")" = $want ] ||
			equal "$vm: of kind $k" "$(vm_stat "$vm" "ipis_$k")" $want
	done
	equal "$vm: each of kind $kind" "$(vm_stat "$vm" "ipis_$kind")" \
		"$([ "$kind" = none ] || echo 50)"
	equal "$vm: each receiver is recorded" "$(vm_stat "$vm" recorded)" $((50 * receivers))
	equal "$vm: each answer ends a wait" \
		$(($(vm_stat "$vm" cleared) + $(vm_stat "$vm" overwritten))) $((50 * receivers))
	kill $!
	wait $!
	rm /tmp/kind.json
}

kind unicast none 1 --vcpus 3 --send unicast
kind multicast multicast 3 --vcpus 4 --send multicast
kind xapic-multicast multicast 3 --vcpus 4 --send multicast --apic xapic
kind all shorthand 3 --vcpus 4 --send all
kind allbutself shorthand 3 --vcpus 4 --send allbutself --apic xapic
kind self self 0 --vcpus 2 --send self
kind selfmsr self 0 --vcpus 2 --send selfmsr
kind pv pv 3 --vcpus 4 --send pv --pv
kind hyperv hyperv 3 --vcpus 4 --send hyperv
kind stride none 1 --vcpus 3 --send unicast --id-stride 2

# More receivers than a set holds: the first 8 of each command, the others are counted.
vdvm --name many --json --linger 60s --workload broadcast --count 20 --vcpus 12 --send allbutself \
	--idle >/tmp/many.json &
until_true 60 test -s /tmp/many.json
equal "many: 8 of 11 receivers are recorded" "$(vm_stat many recorded)" 160
equal "many: 3 of 11 are not, and counted" "$(vm_stat many unrecorded)" 60
equal "many: every answer came" "$(field /tmp/many.json requests_answered)" 220
kill $!
wait $!

# The series' one slot.
vdctl set slots=1 >/dev/null
vdvm --name slot --json --linger 60s --workload broadcast --count 20 --vcpus 4 --send allbutself \
	>/tmp/slot.json &
until_true 60 test -s /tmp/slot.json
equal "slot: one receiver of each command is recorded" "$(vm_stat slot recorded)" 20
equal "slot: the others are not" "$(vm_stat slot unrecorded)" 40
kill $!
wait $!
