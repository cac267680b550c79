#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --mem 2048
# How soon the daemon knows a VM: from the ioctl that makes it to the line in the daemon's log, with
# an interval that is too long to help. 500 VMs, 100 of them a second, with the module and without.
. ./lib.sh

vms=${VMS:-500}
conf=/tmp/d.conf
log=/tmp/log

appeared() { grep -c ' appeared (process ' $log; }
all_appeared() { [ "$(appeared)" -ge "$vms" ]; }

start_daemon() {
	: >$log
	# Not a pipe of the shell's: the daemon's own number is wanted.
	vcpu-deboostd --config $conf --textfile off 2> >(./stress stamp >>$log) &
	daemon=$!
	until_true 60 grep -q ': started' $log
}

stop_daemon() {
	kill "$daemon"
	status=0
	wait "$daemon" || status=$?
	equal "it ends well" "$status" 0
}

start_vms() {
	: >/tmp/born
	./stress vms "$vms" 100 /tmp/born >/tmp/vms &
	stress=$!
}

stop_vms() {
	kill $stress
	wait $stress 2>/dev/null
}

# latencies: of every VM that was born, in microseconds, sorted; the sums are checked by count.
latencies() {
	awk 'FNR == NR { born[$1] = $2; next }
		match($0, /\(process [0-9]+/) {
			pid = substr($0, RSTART + 9, RLENGTH - 9)
			if (pid in born) { printf "%.0f\n", $1 - born[pid]; delete born[pid] }
		}' /tmp/born $log | sort -n
}

# judge WHAT
judge() {
	latencies >/tmp/latencies
	equal "$1: each of $vms VMs is found" "$(wc -l </tmp/latencies)" "$vms"
	number "$1: within a second" "$(tail -n 1 /tmp/latencies)" -le 1000000
	echo "# $1: median $(sed -n "$((vms / 2))p" /tmp/latencies) us, 99 %" \
		"$(sed -n "$((vms * 99 / 100))p" /tmp/latencies) us," \
		"longest $(tail -n 1 /tmp/latencies) us; $(cat /tmp/vms)"
}

printf '%s\n' '[daemon]' 'interval = 60s' 'heartbeat_grace = 600s' >$conf
for module in without with; do
	[ $module = without ] || modprobe vcpu_deboost
	start_daemon
	start_vms
	until_true 120 all_appeared
	judge "$module the module, 100 a second"
	ticks=$(awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$daemon/stat")
	echo "# that took the daemon $((ticks * 10)) ms of a CPU"
	stop_daemon

	# Those that were there before: from the start of the daemon.
	began=$(awk '{ printf "%.0f", $1 * 1000000 }' /proc/uptime)
	sed -i "s/ .*/ $began/" /tmp/born
	start_daemon
	until_true 120 all_appeared
	judge "$module the module, from before"
	stop_vms
	stop_daemon
done
