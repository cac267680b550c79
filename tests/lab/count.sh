#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the module counts is what the guest did, one for one.
. ./lib.sh

modprobe vcpu_deboost mode="${MODE:-observe}"

# counted VM ARGS...: run a guest to its end, then compare while it lingers.
counted() {
	local vm=$1 report=/tmp/$1.json sent

	shift
	vdvm --name "$vm" --json --linger 60s "$@" >"$report" &
	until_true 60 test -s "$report" || { result 1 "$vm: the guest ended"; return; }
	sent=$(field "$report" ipis_sent)
	number "$vm: the guest sent IPIs" "$sent" -ge 100
	equal "$vm: each IPI is counted" "$(vm_stat "$vm" ipis)" "$sent"
	equal "$vm: each is recorded" "$(vm_stat "$vm" recorded)" "$sent"
	equal "$vm: each EOI is counted" "$(vm_stat "$vm" eois)" "$(field "$report" eois)"
	equal "$vm: each PAUSE exit is counted" "$(vm_stat "$vm" spin_exits)" \
		"$(field "$report" pauses)"
	kill $!
	wait $!
	check "$vm: the VM is forgotten" until_true 60 eval "! has_vm $vm"
}

# One at a time, each answered: every pair must end by its EOI, none by another way.
exactly() {
	local vm=$1

	vdvm --name "$vm" --json --linger 60s --workload count --count 500 --vcpus 2 "${@:2}" \
		>/tmp/exact.json &
	until_true 60 test -s /tmp/exact.json
	equal "$vm: 500 sent" "$(field /tmp/exact.json ipis_sent)" 500
	equal "$vm: 500 recorded" "$(vm_stat "$vm" recorded)" 500
	equal "$vm: 500 cleared by their EOI" "$(vm_stat "$vm" cleared)" 500
	equal "$vm: 500 answers in the histogram" "$(vm_stat "$vm" answers)" 500
	equal "$vm: none overwritten" "$(vm_stat "$vm" overwritten)" 0
	equal "$vm: none expired" "$(vm_stat "$vm" expired)" 0
	kill $!
	wait $!
	rm /tmp/exact.json
}

vdctl set window=1s >/dev/null
exactly x2apic --apic x2apic
exactly xapic --apic xapic
exactly late-eoi --eoi last
for vm in ipi lockipi initiator shootdown; do
	counted "$vm" --workload "$vm" --vcpus 4 --time 500ms
done
counted xapic-ipi --workload ipi --vcpus 4 --time 500ms --apic xapic
counted many --workload ipi --vcpus 16 --time 500ms

# Sixteen vCPUs that signal each other: the books must balance.
vdvm --name books --json --linger 60s --workload shootdown --vcpus 16 --time 500ms >/tmp/books.json &
until_true 60 test -s /tmp/books.json
recorded=$(vm_stat books recorded)
over=$(($(vm_stat books cleared) + $(vm_stat books overwritten) + $(vm_stat books expired)))
number "books: no more pairs end than began" "$over" -le "$recorded"
number "books: at most 16 sets of 8 are open" $((recorded - over)) -le 128
