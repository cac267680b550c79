#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# VMs come and go in numbers, before and after the module, while it is asked about them.
. ./lib.sh

vms=${VMS:-$(rounds 60 15)}

vdvm --name early --workload compute --vcpus 3 --forever >/dev/null &
sleep 0.3
modprobe vcpu_deboost mode=active
check "a VM that was there before is found" until_true 60 has_vm early
equal "with its vCPUs" "$(vm_stat early vcpus)" 3
equal "and its process" "$(vm_stat early pid)" $!

(while vdctl vms >/dev/null && vdctl status >/dev/null; do :; done) &
asker=$!
spawn() {
	local i

	for i in $(seq "$1"); do
		vdvm --name "churn$i" --workload ipi --vcpus $((2 + i % 4)) --time 20ms \
			--warmup 0ms >/dev/null 2>&1 || return 1
	done
}
spawn $((vms / 3)) & one=$!
spawn $((vms / 3)) & two=$!
check "a third of the VMs" spawn $((vms / 3))
check "another third beside it" wait $one
check "and another" wait $two
check "the one who kept asking was always answered" kill $asker
wait $asker 2>/dev/null
check "all but the first are forgotten" until_true 60 eval '[ "$(status_of now)" = 1 ]'
equal "each was seen" "$(status_of seen)" $((1 + vms / 3 * 3))
equal "none was refused" "$(vdctl status --json | awk '/"vms"/ { v = 1 } v && /"refused"/' |
	head -n 1 | tr -dc 0-9)" 0

# Killed, not stopped: KVM cleans up, and so must we.
for i in 1 2 3 4 5; do
	vdvm --name "killed$i" --workload lock --vcpus 4 --forever >/dev/null &
	victims="$victims $!"
done
check "five more run" until_true 60 eval '[ "$(status_of now)" = 6 ]'
kill -9 $victims
check "killed VMs are forgotten" until_true 60 eval '[ "$(status_of now)" = 1 ]'
equal "ids are never used twice" "$(vm_stat early id)" 1
