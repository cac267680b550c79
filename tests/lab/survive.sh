#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# lab: --mem 2048
# What a host may do to the daemon: lost events, floods, forgeries, many VMs, clocks that jump,
# folders that are full or read-only, kill -9.
. ./lib.sh

dir=/tmp/small
prom=$dir/x.prom
conf=/tmp/d.conf
log=/tmp/log
vms=${VMS:-500}

sample() { [ "$(grep -c "^vcpu_deboost_$1\$" "$prom")" = 1 ]; }
logged() { grep -qF -- "$1" "$log"; }
times_logged() { grep -cF -- "$1" "$log"; }
known() { awk '$1 == "vcpu_deboost_vms" { print $2 }' "$prom"; }
all_known() { [ "$(known)" = "$1" ]; }
lives() { kill -0 "$daemon"; }
collected() { awk '/^vcpu_deboost_last_collection/ { printf "%d\n", $2 }' "$prom"; }

start_daemon() {
	vcpu-deboostd --config "$conf" --textfile "$prom" 2>>"$log" &
	daemon=$!
}

start_vm() {
	vdvm --name "$1" --workload compute --idle --vcpus 2 --forever >/dev/null 2>&1 &
	vm=$!
}

# sockets: "PROTOCOL PORT DROPS" of every netlink socket of the daemon.
sockets() {
	local link inodes=' '

	for link in /proc/"$daemon"/fd/*; do
		link=$(readlink "$link")
		[[ $link = socket:* ]] && inodes+="${link//[^0-9]/} "
	done
	awk -v inodes="$inodes" 'NR > 1 && index(inodes, " " $10 " ") { print $2, $3, $9 }' \
		/proc/net/netlink
}

drops() { sockets | awk -v p="$1" '$1 == p { n += $3 } END { print n + 0 }'; }

mkdir $dir
mount -t tmpfs -o size=16m small $dir
printf '%s\n' '[daemon]' 'interval = 500ms' 'heartbeat_grace = 60s' '[metrics]' \
	'textfile_interval = 1s' >$conf
: >$log

# Without the module: what KVM tells is lost while the daemon is held.
start_vm early
early=$vm
start_daemon
check "a VM is found" until_true 60 logged "VM early appeared"
kill -STOP "$daemon"
for i in {1..5000}; do echo change; done >/sys/devices/virtual/mem/null/uevent
number "the kernel has dropped events" "$(drops 15)" -gt 0
start_vm unseen
kill "$early"
wait "$early" 2>/dev/null
kill -CONT "$daemon"
check "a VM that nobody announced is found" until_true 60 logged "VM unseen appeared"
check "and an end is seen" until_true 60 logged "VM early is gone"

# Within a second, by its event; a poll by the interval would pass, too: so a long one.
printf '%s\n' '[daemon]' 'interval = 10s' 'heartbeat_grace = 60s' >$conf
kill -HUP "$daemon"
check "a reload" until_true 60 logged "configuration reloaded"
began=$(now_ms)
start_vm quick
until_true 60 logged "VM quick appeared"
number "a VM is known within a second" $(($(now_ms) - began)) -le 1000
kill "$daemon"
wait "$daemon"

# Forged and injected messages.
printf '%s\n' '[daemon]' 'interval = 500ms' 'heartbeat_grace = 60s' '[metrics]' \
	'textfile_interval = 1s' >$conf
modprobe vcpu_deboost
start_daemon
check "the module is there" until_true 60 sample 'module_up 1'
equal "three sockets speak netlink" "$(sockets | wc -l)" 3
sockets | while read -r protocol port _; do
	./stress inject "$protocol" "$port" 2000
done >/tmp/injected
equal "no message of a stranger is taken" "$(uniq -c </tmp/injected | xargs)" "3 0 of 2000 taken"
sleep 600 &
stranger=$!
check "a forged event is heard by those who listen" ./stress forge $stranger
sleep 2.5
check "the daemon does not believe it" eval "! grep -q 'pid=\"$stranger\"' $prom"
kill $stranger

# The module's own events are lost: everything is read again.
kill -STOP "$daemon"
for i in {1..80}; do vdctl set window="$((10 + i))ms"; done >/dev/null
start_vm lost
number "the kernel has dropped events" "$(drops 16)" -gt 0
kill -CONT "$daemon"
check "a VM in between is known" until_true 60 sample 'vm_vcpus{vm="lost",.*} 2'
check "and the last setting" until_true 60 sample 'window_seconds 0.090000000'

# By hand, then kill -9: a daemon that is back in time keeps all of it.
vdctl set mode=active window=33ms >/dev/null
vdctl set window=44ms --vm lost >/dev/null
check "it is in force" until_true 60 sample 'window_seconds 0.033000000'
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
: >$log
start_daemon
check "the new one says what it keeps" until_true 60 \
	logged "mode of the host: observe -> active (kept from before the daemon was killed)"
sleep 2
equal "the mode is kept" "$(status_of mode)" active
equal "the window is kept" "$(status_of window_ns)" 33000000
equal "that of the VM, too" "$(vm_stat lost window_ns)" 44000000
equal "nothing fell back" "$(status_of fallbacks)" 0

# A new VM with the number of one that ended has nothing of it.
start_vm heir
check "a VM is tracked" until_true 60 has_vm heir
vdctl set mode=off --vm heir >/dev/null
check "it has a setting of its own" until_true 60 eval '[ "$(vm_stat heir mode)" = off ]'
kill -9 $vm
wait $vm 2>/dev/null
check "it ends" until_true 60 logged "VM heir is gone"
number=$vm
for ((i = 0; i < 20; i++)); do
	echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
	start_vm heir
	[ $vm = $number ] && break
	kill $vm
done
equal "another one gets its number" $vm $number
check "it is tracked" until_true 60 has_vm heir
sleep 2
equal "and has the setting of the host" "$(vm_stat heir mode)" active
kill $vm

# The clock on the wall jumps; no timer of ours hangs on it.
now=$(date +%s)
for jump in 86400 -172800; do
	date -s "@$((now + jump))" >/dev/null
	check "after a jump by $jump s the metrics go on" until_true 60 eval \
		'd=$(($(collected) - $(date +%s))); [ "$d" -ge -3 ] && [ "$d" -le 3 ]'
done
date -s "@$((now + 60))" >/dev/null
number "the heartbeat, too" "$(status_of left_ms)" -gt 50000
equal "nothing fell back" "$(status_of fallbacks)" 0

# A full disk, then one that is read-only: the old file stays whole, and is written again later.
: >$log
dd if=/dev/zero of=$dir/filler bs=4k 2>/dev/null
check "a full disk is said" until_true 60 logged "cannot be written"
sleep 3
equal "once" "$(times_logged "cannot be written")" 1
check "what was there is whole" grep -q '^vcpu_deboost_collection_errors_total ' $prom
equal "nothing half is left" "$(find $dir -name '.*' -type f | wc -l)" 0
rm $dir/filler
check "it is written again" until_true 60 logged "is written again"
: >$log
mount -o remount,ro $dir
check "a read-only folder is said" until_true 60 logged "Read-only file system"
sleep 3
equal "once" "$(times_logged "Read-only file system")" 1
mount -o remount,rw $dir
check "it is written again" until_true 60 logged "is written again"

# Many, fast.
before=$(status_of now)
./stress vms "$vms" 100 >/tmp/vms &
stress=$!
until_true 120 grep -q VMs /tmp/vms
echo "# $(cat /tmp/vms)"
number "that were about 100 a second" "$(sed 's/.* in //; s/[^0-9]//g' /tmp/vms)" -le \
	$((vms * 12))
SECONDS=0
check "all are known within seconds" until_true 20 all_known $((before + vms))
echo "# all known in the metrics file ${SECONDS} s after the last start"
check "without an error" sample 'collection_errors_total 0'
sed 's/^/# log: /' $log | grep -vE 'appeared|is gone' | tail -n 5
kill $stress
check "all ends are seen" until_true 60 all_known "$before"
equal "no VM was refused" "$(vdctl status --json | awk '/"vms"/ { v = 1 } v && /"refused"/' |
	head -n 1 | tr -dc 0-9)" 0
check "after all of that it lives" lives
equal "and never fell back" "$(status_of fallbacks)" 0
mount -o remount,ro $dir
kill "$daemon"
status=0
wait "$daemon" || status=$?
equal "it ends well, even if its file cannot be removed" "$status" 0
