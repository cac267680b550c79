#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sched=loan: the receiver of an IPI runs soon, every loan is paid back to the last unit, and
# none is left when the module goes, whatever the host does meanwhile.
. ./lib.sh

tracing=/sys/kernel/tracing
load_plain
echo 20000 >$tracing/buffer_size_kb
echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_loan/enable

# initiator NAME: one vCPU sends and waits, three compute, and so do two VMs' worth beside it.
initiator() {
	rm -f /dev/shm/sched
	vdvm --name beside --workload compute --vcpus 4 --time 400ms --barrier /dev/shm/sched \
		--parties 2 >/dev/null &
	vdvm --name "$1" --json --workload initiator --vcpus 4 --time 400ms \
		--barrier /dev/shm/sched --parties 2 >/tmp/"$1".json
	wait
}

# vtime ACT: sum of what was moved
vtime() {
	awk -v act="act=$1 " 'index($0, act) {
			match($0, /vtime=[0-9]+/); sum += substr($0, RSTART + 6, RLENGTH - 6)
		}
		END { printf "%.0f\n", sum }' $tracing/trace
}

initiator none
equal "none: nothing is lent" "$(grep -c vcpu_deboost_loan: $tracing/trace)" 0

if ! vdctl set sched=loan >/tmp/set 2>&1; then
	check "a kernel that cannot says why" grep -q 'this kernel has no .*: use sched=none' \
		/tmp/set
	equal "and stays as it was" "$(vdctl get sched)" "sched=none"
	exit
fi
equal "loan is what is used" "$(vdctl get sched)" "sched=loan"
initiator loan
loans=$(grep -c 'act=lent ' $tracing/trace)
number "loan: some are given" "$loans" -gt 10
# On a debug kernel everything costs so much that nobody gains.
is_debug_kernel ||
	number "loan: more IPIs are answered than before" "$(field /tmp/loan.json ops)" -gt \
		"$(field /tmp/none.json ops)"

# In three VMs each vCPU sends to all others, waits for all, computes: loans of the same VM on the
# same CPU follow one another. One VM dies in it.
rm -f /dev/shm/sched
before=$(wc -l <$tracing/trace)
vdvm --name killed --workload shootdown --vcpus 4 --forever >/dev/null &
killed=$!
for i in 1 2; do
	vdvm --name row$i --json --workload shootdown --vcpus 4 --time 600ms \
		--barrier /dev/shm/sched --parties 2 >/tmp/row$i.json &
done
sleep 0.5
kill -9 $killed
wait
in_a_row() {
	awk -v before="$before" 'NR <= before || !/vcpu_deboost_loan:/ { next }
		{ match($0, /\[[0-9]+\]/); cpu = substr($0, RSTART, RLENGTH)
		  match($0, /vm=[0-9]+/); vm = substr($0, RSTART, RLENGTH) }
		/act=lent / && paid[cpu] == vm { n++ }
		{ paid[cpu] = / act=paid / ? vm : "" }
		END { print n + 0 }' $tracing/trace
}
number "rows: loans follow one another" "$(in_a_row)" -gt 20
number "rows: every IPI is answered" "$(field /tmp/row1.json ops)" -gt 20
loans=$(grep -c 'act=lent ' $tracing/trace)

# each PID COMMAND: with every thread's id
each() {
	local pid=$1 task
	shift

	for task in /proc/"$pid"/task/*; do
		"$@" "${task##*/}" || echo "cannot $*" >&2
	done
}

# The host changes under the loans: cgroups come and go, weights, limits, classes, CPUs.
stir() {
	local g=/sys/fs/cgroup/stir n=0

	mkdir -p $g && echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
	while [ -e /tmp/stir ]; do
		n=$((n + 1))
		each "$1" renice -n $((n % 3 - 1)) -p
		echo "$1" >$g/cgroup.procs
		echo $((50 + n % 100)) >$g/cpu.weight
		echo "5000 10000" >$g/cpu.max
		sleep 0.01
		echo max >$g/cpu.max
		each "$1" chrt -i -p 0
		sleep 0.01
		each "$1" chrt -f -p 1
		sleep 0.005
		each "$1" chrt -o -p 0
		echo "$1" >/sys/fs/cgroup/cgroup.procs
		echo 0 >/sys/devices/system/cpu/cpu1/online
		echo 1 >/sys/devices/system/cpu/cpu1/online
	done >/dev/null 2>/tmp/stir.log
	rmdir $g
}

: >/tmp/stir
vdvm --name beside --workload compute --vcpus 2 --time 2500ms >/dev/null &
vdvm --name stirred --json --workload initiator --vcpus 4 --time 2500ms >/tmp/stirred.json &
stirred=$!
stir $stirred &
stirrer=$!
# While FIFO vCPUs spin and a quota cuts them off an answer may take more than a second; when that
# is over they must come again.
sleep 1.5
rm /tmp/stir
wait $stirrer
wait $stirred
wait
sort /tmp/stir.log | uniq -c | sort -n | tail -5
number "stirred: IPIs are still answered" "$(field /tmp/stirred.json ops)" -gt 0
loans=$(grep -c 'act=lent ' $tracing/trace)
initiator after
number "after that: loans are still given" "$(grep -c 'act=lent ' $tracing/trace)" -gt "$loans"

# The other strategies: they act, the VM goes on, and what one gets the other pays.
for event in transfer penalty credit; do
	echo 1 >$tracing/events/vcpu_deboost/vcpu_deboost_$event/enable
done
# acted EVENT: how often that was done
acted() {
	grep "vcpu_deboost_$1: .*error=0 " $tracing/trace | grep -vcE '(vtime|moved)=0( |$)'
}
vdctl help set | grep -q credit || result 1 "vdctl offers the strategies"
for sched in transfer penalty penalty-series credit; do
	event=${sched%-series}
	before=$(acted "$event")
	if ! vdctl set sched=$sched >/tmp/set 2>&1; then
		check "$sched: a kernel that cannot says why" \
			grep -qE 'this kernel.*: use sched=' /tmp/set
		# Asked for before the kernel was looked at it does nothing, and is in nobody's way.
		vdctl set mode=off >/dev/null
		check "$sched: while it is off nobody knows" vdctl set sched=$sched
		check "$sched: it can be switched on all the same" vdctl set mode=active
		check "$sched: who sets all does not fail for it" vdctl set sched=$sched window=41ms
		equal "$sched: and gets the rest" "$(vdctl get window)" "window=41ms"
		check "$sched: who asks for it is told" eval "! vdctl set sched=$sched"
		continue
	fi
	# credit needs a receiver that is queued on the same CPU, which a short run may not have.
	for _ in 1 2 3 4; do
		initiator $sched
		[ "$(acted "$event")" -le "$before" ] || break
	done
	number "$sched: is done" "$(acted "$event")" -gt "$before"
	number "$sched: IPIs are answered" "$(field /tmp/$sched.json ops)" -gt 0
done
awk '/vcpu_deboost_transfer: .*error=0 / {
		match($0, /moved=-?[0-9]+/); moved += substr($0, RSTART + 6, RLENGTH - 6)
		match($0, /paid=-?[0-9]+/); paid += substr($0, RSTART + 5, RLENGTH - 5)
	}
	END { printf "%.0f %.0f\n", moved / 1e6, paid / 1e6 }' $tracing/trace >/tmp/moved
read -r moved paid </tmp/moved
number "transfer: something was moved" "$moved" -gt 0
# What a division leaves waits for the next one: less than a weight on each CPU.
number "transfer: what one gets the other pays" $((moved > paid ? moved - paid : paid - moved)) \
	-le $((moved / 10000 + 1000))

check "the module goes" rmmod vcpu_deboost
equal "every loan has ended" "$(grep -c 'act=lent ' $tracing/trace)" \
	"$(grep -c 'act=paid ' $tracing/trace)"
equal "what was lent is what was paid or written off" "$(vtime lent)" \
	$(($(vtime paid) + $(vtime written-off)))
number "what is written off is little" "$(vtime written-off)" -le $(($(vtime lent) / 4))
