#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# all of them on: 6.12
# The breaker: each budget is overdrawn by a real load, the host is stock within 100 ms and stays
# so until somebody clears the trip; VMs notice nothing, a daemon turns nothing on again.
. ./lib.sh

tracing=/sys/kernel/tracing
off=/sys/module/vcpu_deboost/parameters/off
cgroup=/sys/fs/cgroup/starved

trip_kind() { vdctl trip --json | json kind; }
is_tripped() { [ "$(trip_kind)" = "$1" ]; }

# late_ms: from the trip to the last decision of a hook after it, by the trace's own clock.
late_ms() {
	awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+:$/) t = $i + 0 }
		/vcpu_deboost_trip:/ { trip = t; late = 0 }
		/vcpu_deboost_choose:/ && trip { late = t - trip }
		END { if (trip) printf "%d\n", late * 1000 + 0.999 }' $tracing/trace
}

# chosen: decisions before the trip
chosen() { sed '/vcpu_deboost_trip:/q' $tracing/trace | grep -c vcpu_deboost_choose:; }

# trips KIND PATTERN COMMAND...: the command makes it trip, and all that follows from that.
trips() {
	local kind=$1 pattern=$2 begin took
	shift 2

	echo >$tracing/trace
	echo "# $kind: $*"
	begin=$(now_ms)
	"$@" >/dev/null
	check "$kind: trips" until_true 60 is_tripped "$kind"
	took=$(($(now_ms) - begin))
	vdctl status >/tmp/status || :
	sed -n '1s/^/# /p' /tmp/status
	check "$kind: status says so first, and why" \
		grep -qE "^TRIPPED +$pattern" <(head -n 1 /tmp/status)
	equal "$kind: no function is hooked" "$(hooks_in_kernel)" 0
	equal "$kind: no hook is armed" "$(vdctl hooks --json | grep -c '"state": "armed"')" 0
	echo "# $kind: $(chosen) decisions before it, $took ms from the command until it shows"
	number "$kind: hooks act no more, 100 ms after at the latest" "$(late_ms)" -lt \
		$((100 * slower))
	equal "$kind: the mode is off" "$(status_of mode)" off
	refuses "$kind: active is refused" 7 "vdctl trip clear" vdctl set mode=active
	refuses "$kind: observe, too" 7 "vdctl trip clear" vdctl set mode=observe
	check "$kind: off is not" vdctl set mode=off
	refuses "$kind: status fails" 3 "TRIPPED" vdctl status
}

# clear KNOB=VALUE: what has tripped is forgotten, and it works again.
clear_with() {
	check "$kind: the budget can be raised" vdctl set "$1"
	check "$kind: cleared" vdctl trip clear
	equal "$kind: the mode stays off" "$(status_of mode)/$(hooks_in_kernel)" off/0
	check "$kind: active again" vdctl set mode=active
	check "$kind: it works again" until_true 60 eval '[ "$(vm_stat a boosted)" -gt 100 ]'
	equal "$kind: without another trip" "$(trip_kind)" ""
}

modprobe vcpu_deboost mode=active
echo 4000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_choose/enable
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_trip/enable
for vm in a b; do
	vdvm --name $vm --workload ipi --vcpus 4 --forever --json >/tmp/$vm.json &
	pids="$pids $!"
done
until_true 60 eval '[ "$(vm_stat a boosted)" -gt 100 ]'
equal "healthy: nothing trips" "$(trip_kind)/$(status_of trips)" /0

kind=hook_time
trips $kind "hook time: CPU [01] spent [0-9]+ us" vdctl set budget_hook=100us
clear_with budget_hook=$hook_budget
kind=boost_rate
trips $kind "boost rate: VM [0-9]+ .vdvm, process [0-9]+. yielded [0-9]+ times" \
	vdctl set budget_boosts=20
clear_with budget_boosts=1000000
kind=failed_yields
trips $kind "failed yields: [0-9]+ % of the yields of VM" vdctl set budget_failed=1
clear_with budget_failed=95

# Beside two VMs that are boosted, one of next to no weight: it waits, and they run.
starve() {
	mkdir -p $cgroup && echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	echo 1 >$cgroup/cpu.weight
	vdvm --name poor --workload compute --vcpus 2 --forever --json >/tmp/poor.json &
	poor=$!
	echo $poor >$cgroup/cgroup.procs
	vdctl set budget_wait=200ms
}
kind=starvation
trips $kind "starvation: a vCPU of VM [0-9]+ .vdvm, process [0-9]+. has waited" starve
kill $poor
clear_with budget_wait=5s

kind=switch
trips $kind "switch: parameter off of the module" eval "echo 1 >$off"
check "the parameter shows it" grep -qx Y $off
check "the parameter clears it as well" eval "echo 0 >$off"
equal "and nothing else is cleared by it" "$(trip_kind)/$(status_of mode)" /off
equal "every trip was counted" "$(status_of trips)" 5

# A daemon that looks once a minute: what it knows before, it knows from the event.
prom=/tmp/x.prom
configure() {
	printf '%s\n' "[global]" "mode = active" "$2" "budget_hook = $hook_budget" \
		"[daemon]" "interval = $1" "heartbeat_grace = 120s" "[metrics]" \
		"textfile_interval = 1s" >/tmp/d.conf
}
start_daemon() {
	vcpu-deboostd --config /tmp/d.conf --textfile $prom 2>/tmp/daemon.log &
	daemon=$!
}
said() { grep -c "breaker has tripped" /tmp/daemon.log; }
configure 60s "budget_boosts = 50"
start_daemon
check "the daemon activates, the budget is too small, it is told at once" until_true 20 \
	grep -q "breaker has tripped.*boost rate" /tmp/daemon.log
equal "it says so once" "$(said)" 1
check "it exports it" until_true 20 grep -q '^vcpu_deboost_tripped{reason="boost_rate"} 1$' $prom
check "and how many there were" grep -q '^vcpu_deboost_trips_total 6$' $prom
kill $daemon
wait $daemon
is_tripped boost_rate
equal "a stop of the daemon clears nothing" $? 0

configure 200ms ""
start_daemon
check "a new daemon finds it" until_true 20 grep -q "breaker has tripped" /tmp/daemon.log
sleep 3
equal "it says so once, and activates nothing" "$(said)/$(status_of mode)/$(trip_kind)" \
	1/off/boost_rate
vdctl set window=20ms >/dev/null
check "cleared by a person" vdctl trip clear
check "the daemon goes on with what it was told" until_true 20 is_mode active
equal "without another trip" "$(trip_kind)/$(grep -c 'was cleared' /tmp/daemon.log)" /1
kill $daemon
wait $daemon

check "unloads" rmmod vcpu_deboost
modprobe vcpu_deboost mode=active off=1
equal "off=1 at load: nothing is armed" "$(hooks_in_kernel)/$(trip_kind)" 0/switch
check "status says so first" grep -q "^TRIPPED *switch" <(vdctl status)
check "unloads while it is tripped" rmmod vcpu_deboost

lost=0
kill $pids
for pid in $pids; do
	wait "$pid" || lost=$((lost + 1))
done
equal "the guests noticed nothing" "$lost" 0
for vm in a b; do
	number "$vm did work" "$(field /tmp/$vm.json ops)" -gt 0
done
