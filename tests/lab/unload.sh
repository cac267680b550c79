#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module is taken away and put back while vCPUs spin and yield, with each strategy in turn, and
# then while a CPU goes and comes beside it.
. ./lib.sh

cycles=${CYCLES:-$(rounds 8 3)}
plug_cycles=3

modprobe vcpu_deboost mode=active
vdctl set order=age >/dev/null
for vm in ipi lock lockipi; do
	vdvm --name $vm --workload $vm --vcpus 4 --forever --json >/tmp/$vm.json &
	pids="$pids $!"
done
until_true 60 eval '[ "$(vm_stat ipi boosted)" -gt 10 ]'
# To load takes a debug kernel minutes of what it gets beside twelve vCPUs.
! is_debug_kernel || renice -n -19 $$ >/dev/null

lost=0
# cycle N: unload and load N times; slowest: the longest unload, left: hooks that were in the kernel
# after one. A strategy that this kernel cannot do is refused.
cycle() {
	local i begin took strategy list

	read -ra list <<<"$(strategies)"
	slowest=0 left=0
	for i in $(seq "$1"); do
		begin=$(now_ms)
		rmmod vcpu_deboost || lost=$((lost + 1))
		took=$(($(now_ms) - begin))
		[ "$took" -le "$slowest" ] || slowest=$took
		left=$((left + $(hooks_in_kernel)))
		modprobe vcpu_deboost mode=active && vdctl set order=age >/dev/null ||
			lost=$((lost + 1))
		strategy=${list[i % ${#list[@]}]}
		vdctl set "sched=$strategy" >/dev/null 2>&1 || strategy+=" (refused)"
		echo "# unload $i: $took ms; then $strategy"
	done
	echo "# slowest unload: $slowest ms"
}

cycle "$cycles"
equal "$cycles times unloaded and loaded under fire" "$lost" 0
number "each within 1 s" "$slowest" -lt $((1000 * slower))
equal "nothing was hooked in between" "$left" 0
check "and it works again" until_true 60 eval '[ "$(vm_stat ipi boosted)" -gt 10 ]'

modes() {
	local i

	for i in $(seq 5); do
		vdctl set mode=off && vdctl set mode=observe && vdctl set mode=active || return 1
	done
}
check "modes change under fire" modes

plug() {
	local cpu=/sys/devices/system/cpu/cpu1/online times=0

	while [ ! -e /tmp/enough ]; do
		echo 0 >$cpu && sleep 0.05 && echo 1 >$cpu && sleep 0.05 || return 1
		times=$((times + 1))
		echo $times >/tmp/plugs
	done
}
plug &
plugger=$!
until_true 60 test -s /tmp/plugs
before=$(cat /tmp/plugs)
cycle $plug_cycles
number "meanwhile a CPU went and came" "$(cat /tmp/plugs)" -gt "$before"
touch /tmp/enough
check "as often as it was told to" wait $plugger
equal "$plug_cycles times unloaded and loaded beside it" "$lost" 0
number "each of these within 1 s, too" "$slowest" -lt $((1000 * slower))
equal "and nothing was hooked in between" "$left" 0

kill $pids
for pid in $pids; do
	wait "$pid" || lost=$((lost + 1))
done
equal "the guests noticed nothing" "$lost" 0
for vm in ipi lock lockipi; do
	number "$vm did work" "$(field /tmp/$vm.json ops)" -gt 0
done
