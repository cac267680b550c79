#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 64 and 255 vCPUs are tracked, one for one; more than the module can hold is left to stock KVM.
. ./lib.sh

modprobe vcpu_deboost mode=active
vdctl set window=1s >/dev/null

end() {
	kill $!
	wait $!
	rm /tmp/big.json
	check "$1: the VM is forgotten" until_true 60 eval "! has_vm $1"
}

for n in 64 255; do
	vdvm --name big$n --json --linger 60s --workload broadcast --send unicast --count 50 \
		--idle --vcpus $n --time 60s >/tmp/big.json &
	until_true 200 test -s /tmp/big.json
	equal "$n vCPUs: every one is known" "$(vm_stat big$n vcpus)" $n
	equal "$n vCPUs: each IPI is recorded" "$(vm_stat big$n recorded)" 50
	equal "$n vCPUs: each is answered" "$(vm_stat big$n cleared)" 50
	end big$n
done

# Everybody waits for everybody, 64 at once.
vdvm --name storm --json --linger 60s --workload shootdown --vcpus 64 --time 100ms --warmup 10ms \
	--ncs 10ms >/tmp/big.json &
until_true 200 test -s /tmp/big.json
equal "storm: each IPI is counted" "$(vm_stat storm ipis)" "$(field /tmp/big.json commands)"
recorded=$(vm_stat storm recorded)
over=0
for key in cleared overwritten expired forgotten; do
	over=$((over + $(vm_stat storm $key)))
done
number "storm: no more waits end than began" "$over" -le "$recorded"
number "storm: at most 64 sets of 8 are open" $((recorded - over)) -le 512
end storm

# Of the VMs, not of the hooks.
refused() { vdctl status --json | sed -n "/\"vms\": {/,/}/p" | json refused; }
refused=$(refused)
vdvm --name big300 --json --linger 60s --workload broadcast --send unicast --count 50 --idle \
	--vcpus 300 --time 60s >/tmp/big.json &
until_true 200 test -s /tmp/big.json
equal "300 vCPUs: the VM runs" "$(field /tmp/big.json ops)" 50
equal "300 vCPUs: it is counted as refused" $(($(refused) - refused)) 1
equal "300 vCPUs: nothing is recorded" "$(vm_stat big300 recorded)" 0
equal "300 vCPUs: it is said to be out of sight" "$(vm_stat big300 visibility)" none
end big300
