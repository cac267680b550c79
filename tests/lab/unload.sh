#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module is taken away and put back while vCPUs spin and yield, and CPUs go up and down.
. ./lib.sh

cycles=${CYCLES:-$(rounds 8 3)}

modprobe vcpu_deboost mode=active
vdctl set order=age >/dev/null
for vm in ipi lock lockipi; do
	vdvm --name $vm --workload $vm --vcpus 4 --forever --json >/tmp/$vm.json &
	pids="$pids $!"
done
until_true 60 eval '[ "$(vm_stat ipi boosted)" -gt 10 ]'

slowest=0
lost=0
for i in $(seq "$cycles"); do
	begin=$(now_ms)
	rmmod vcpu_deboost || lost=$((lost + 1))
	took=$(($(now_ms) - begin))
	[ "$took" -le "$slowest" ] || slowest=$took
	echo "# unload $i: $took ms"
	modprobe vcpu_deboost mode=active && vdctl set order=age >/dev/null || lost=$((lost + 1))
done
equal "$cycles times unloaded and loaded under fire" "$lost" 0
echo "# slowest unload: $slowest ms"
number "each within 1 s" "$slowest" -lt $((1000 * slower))
check "and it works again" until_true 60 eval '[ "$(vm_stat ipi boosted)" -gt 10 ]'

modes() {
	local i

	for i in $(seq 5); do
		vdctl set mode=off && vdctl set mode=observe && vdctl set mode=active || return 1
	done
}
check "modes change under fire" modes

hotplug() {
	local i

	for i in 1 2 3; do
		echo 0 >/sys/devices/system/cpu/cpu1/online || return 1
		rmmod vcpu_deboost && modprobe vcpu_deboost mode=active || return 1
		echo 1 >/sys/devices/system/cpu/cpu1/online || return 1
	done
}
check "CPUs go down and up" hotplug

kill $pids
for pid in $pids; do
	wait "$pid" || lost=$((lost + 1))
done
equal "the guests noticed nothing" "$lost" 0
for vm in ipi lock lockipi; do
	number "$vm did work" "$(field /tmp/$vm.json ops)" -gt 0
done
