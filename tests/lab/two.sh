#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# usage: two.sh [KILLS [DEAF]]
# More than one daemon, fewer than one, and listeners who do not listen. By number: daemons
# started at once, daemons killed at any moment under load, sockets that nobody reads.
. ./lib.sh

kills=${1:-30}
sockets=${2:-50}
dir=$(mktemp -d)
prom=$dir/x.prom
conf=$dir/d.conf
log=$dir/log

logged() { grep -qF -- "$1" "$log"; }
sample() { [ "$(grep -c "^vcpu_deboost_$1\$" "$prom")" = 1 ]; }
lives() { kill -0 "$1"; }

start_daemon() {
	vcpu-deboostd --config "$conf" --textfile "$prom" 2>>"$log" &
	daemon=$!
}

# slab: KiB that the kernel holds and cannot give back
slab() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo
}

# listeners: netlink sockets there are
listeners() { awk 'NR > 1' /proc/net/netlink | wc -l; }

# drops: events that netlink sockets of process $1 have lost; without one, those of all
drops() {
	local link inodes=' ' pid=${1:-}

	for link in /proc/"${pid:-none}"/fd/*; do
		link=$(readlink "$link")
		[[ $link = socket:* ]] && inodes+="${link//[^0-9]/} "
	done
	awk -v inodes="$inodes" -v all="${pid:-yes}" \
		'NR > 1 && (all == "yes" || index(inodes, " " $10 " ")) { n += $9 }
		END { print n + 0 }' /proc/net/netlink
}

printf '%s\n' '[global]' 'window = 20ms' '[vm "busy*"]' 'window = 7ms' '[daemon]' \
	'interval = 100ms' 'heartbeat_grace = 1s' '[metrics]' 'textfile_interval = 1s' >"$conf"
: >"$log"
modprobe vcpu_deboost
vdvm --name busy --workload initiator --vcpus 3 --forever >/dev/null 2>&1 &
vdvm --name idle --workload compute --idle --vcpus 2 --forever >/dev/null 2>&1 &
check "two VMs" until_true 60 eval '[ "$(status_of now)" = 2 ]'

# Started at once, again and again: one of them lives, the others say which.
winners=0 wrong=0
for round in 1 2 3 4 5; do
	: >"$log"
	pids=()
	for i in 1 2 3; do
		start_daemon
		pids+=("$daemon")
	done
	refused=0 alive=''
	until_true 60 eval '[ "$(grep -c "another vcpu-deboostd is running" "$log")" = 2 ]'
	for pid in "${pids[@]}"; do
		if grep -q "^State:.[^Z]" "/proc/$pid/status" 2>/dev/null; then
			alive+=$pid
			continue
		fi
		status=0
		wait "$pid" || status=$?
		[ $status = 4 ] && refused=$((refused + 1))
	done
	named=$(grep -c "is running (process $alive); stop it first" "$log")
	[ $refused = 2 ] && [ "$named" = 2 ] || wrong=$((wrong + 1))
	until_true 60 logged started && winners=$((winners + 1))
	kill -9 "${pids[@]}" 2>/dev/null
	wait "${pids[@]}" 2>/dev/null
done
equal "one of three lives, five times" $winners 5
equal "the others end with status 4 and its number" $wrong 0

# Killed at any moment, while it starts, looks, writes, sets.
before=$(listeners)
slab_before=$(slab)
half=0
modes=(active observe)
echo "# slab $slab_before KiB, $before netlink sockets before"
for ((n = 0; n < kills; n++)); do
	start_daemon
	((n % 3)) || vdctl set "mode=${modes[n % 2]}" >/dev/null
	sleep "$(printf '0.%03d' $((RANDOM % 200)))"
	kill -9 "$daemon"
	wait "$daemon" 2>/dev/null
	# What is there is whole, whenever that was.
	if [ -e "$prom" ] && ! grep -q '^vcpu_deboost_collection_errors_total 0' "$prom"; then
		half=$((half + 1))
	fi
	((n % 50)) || echo "# killed $n"
done
equal "the metrics were always whole" $half 0
check "without a daemon the module observes" until_true 30 is_mode observe
number "no socket is left" "$(listeners)" -le "$before"
slab_after=$(slab)
echo "# slab $slab_after KiB after $kills kills"
number "no memory is left" $((slab_after - slab_before)) -le $((slab_before / 50))

# The next one finds all of that in order.
: >"$log"
start_daemon
check "a daemon starts" until_true 30 sample 'module_up 1'
check "with what the configuration says" until_true 30 \
	eval '[ "$(status_of window_ns)" = 20000000 ]'
check "and what a rule says for a VM" until_true 30 \
	eval '[ "$(vm_stat busy window_ns)" = 7000000 ]'
check "which it knows for its own" eval "! grep -q manual $log"
equal "the other VM has nothing of it" "$(vm_stat idle window_ns)" 20000000
equal "it notes what it has set" "$(grep -c '^vm ' /run/vcpu-deboostd/overrides)" 1
equal "nothing else is left beside it" \
	"$(ls -A /run/vcpu-deboostd | tr '\n' ' ')" "ctl lock overrides "
equal "nor beside the metrics" "$(ls -A "$dir" | tr '\n' ' ')" "d.conf log x.prom "

# Listeners that never read: full buffers are theirs, not ours.
fallbacks=$(status_of fallbacks)
./busy deaf "$sockets" >/tmp/deaf &
deaf=$!
check "many listen and do not read" until_true 30 grep -q sockets /tmp/deaf
for ((n = 0; n < 100; n++)); do
	vdctl set window=$((10 + n % 10))ms >/dev/null || break
done
equal "the module takes every setting" $n 100
for ((n = 0; n < 200; n++)); do echo change; done >/sys/devices/virtual/mem/null/uevent
number "they have lost events" "$(drops)" -gt 0
equal "the daemon has lost none" "$(drops $daemon)" 0
check "it has the last setting" until_true 30 sample 'window_seconds 0.019000000'
vdvm --name late --workload compute --idle --vcpus 1 --forever >/dev/null 2>&1 &
late=$!
check "and sees a VM come" until_true 30 logged "VM late appeared"
kill $late
check "and go" until_true 30 logged "VM late is gone"
check "it lives" lives $daemon
kill $deaf
equal "nothing fell back meanwhile" "$(status_of fallbacks)" "$fallbacks"
kill $daemon
status=0
wait $daemon || status=$?
equal "it ends well" $status 0
check "and the module goes" rmmod vcpu_deboost
