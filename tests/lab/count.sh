#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the module counts is what the guest did, one for one.
. ./lib.sh

tracing=/sys/kernel/tracing
modprobe vcpu_deboost
echo 'vector < 0' >$tracing/events/kvm/kvm_eoi/filter
echo 1 >$tracing/events/kvm/kvm_eoi/enable

# counted VM ARGS...: run a guest to its end, then compare while it lingers.
counted() {
	local vm=$1 report=/tmp/$1.json sent spurious

	shift
	echo >$tracing/trace
	vdvm --name "$vm" --json --linger 60s "$@" >"$report" &
	until_true 60 test -s "$report" || { result 1 "$vm: the guest ended"; return; }
	sent=$(field "$report" ipis_sent)
	number "$vm: the guest sent IPIs" "$sent" -ge 100
	equal "$vm: each IPI is counted" "$(vm_stat "$vm" ipis)" "$sent"
	equal "$vm: each is recorded" "$(vm_stat "$vm" recorded)" "$sent"
	# The emulated SVM sometimes delivers an interrupt twice: KVM itself then finds nothing
	# in service at the second EOI, and says so in its own trace.
	spurious=$(grep -c kvm_eoi: $tracing/trace)
	equal "$vm: each EOI is counted" $(($(vm_stat "$vm" eois) + spurious)) \
		"$(field "$report" eois)"
	equal "$vm: each PAUSE exit is counted" "$(vm_stat "$vm" spin_exits)" \
		"$(field "$report" pauses)"
	kill $!
	wait $!
	check "$vm: the VM is forgotten" until_true 60 eval "! has_vm $vm"
}

# exactly VM ENDED ARGS...: 500 IPIs, one at a time; ENDED are the ways in which pairs end. Where
# the emulated SVM delivers an interrupt twice, the second handler may answer the next IPI before
# that one's own interrupt has come, and so before its EOI: then the IPI after it renews the pair.
exactly() {
	local vm=$1 ended=$2 key sum=0 renewed

	shift 2
	echo >$tracing/trace
	vdvm --name "$vm" --json --linger 60s --workload count --count 500 --vcpus 2 "$@" \
		>/tmp/exact.json &
	until_true 60 test -s /tmp/exact.json
	for key in $ended; do
		sum=$((sum + $(vm_stat "$vm" "$key")))
	done
	renewed=$(vm_stat "$vm" overwritten)
	if [[ $ended != *overwritten* ]]; then
		number "$vm: none is renewed but after one that came twice" "$renewed" -le \
			"$(grep -c kvm_eoi: $tracing/trace)"
		sum=$((sum + renewed))
	fi
	equal "$vm: 500 sent" "$(field /tmp/exact.json ipis_sent)" 500
	equal "$vm: 500 recorded" "$(vm_stat "$vm" recorded)" 500
	equal "$vm: 500 $ended" "$sum" 500
	equal "$vm: as many answers in the histogram as cleared" "$(vm_stat "$vm" answers)" \
		"$(vm_stat "$vm" cleared)"
	equal "$vm: none expired" "$(vm_stat "$vm" expired)" 0
	kill $!
	wait $!
	rm /tmp/exact.json
}

vdctl set window=1s >/dev/null
# Linux answers after its EOI: each pair ends by it. A guest that answers first may be sent the
# next IPI before its EOI, which renews the pair.
exactly x2apic cleared --apic x2apic
exactly xapic cleared --apic xapic
exactly late-eoi "cleared overwritten" --eoi last
for vm in ipi lockipi initiator shootdown; do
	counted "$vm" --workload "$vm" --vcpus 4 --time 500ms
done
counted xapic-ipi --workload ipi --vcpus 4 --time 500ms --apic xapic
counted many --workload ipi --vcpus 16 --time 500ms
# APIC ids up to 312: more than eight bits, and none but the first is the index of its vCPU.
counted far-ids --workload ipi --vcpus 40 --id-stride 8 --time 300ms

# Sixteen vCPUs that signal each other: the books must balance.
vdvm --name books --json --linger 60s --workload shootdown --vcpus 16 --time 500ms \
	>/tmp/books.json &
until_true 60 test -s /tmp/books.json
recorded=$(vm_stat books recorded)
over=$(($(vm_stat books cleared) + $(vm_stat books overwritten) + $(vm_stat books expired)))
number "books: no more pairs end than began" "$over" -le "$recorded"
number "books: at most 16 sets of 8 are open" $((recorded - over)) -le 128
