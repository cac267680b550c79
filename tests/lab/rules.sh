#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kernels: 6.12
# Rules for single VMs reach the module, go away again, and leave alone what was set by hand.
. ./lib.sh

dir=$(mktemp -d)
conf=$dir/d.conf
log=$dir/log
uuid=1f0e3a52-0000-4000-8000-000000000001

patience=15
why_not() { sed 's/^/log: /' "$log"; }

# has VM KEY=VALUE ORIGIN
has() { vdctl get --vm "$1" | grep -qxF "$2"$'\t'"$3"; }

logged() { grep -qE -- "$1" "$log"; }

start_daemon() {
	vcpu-deboostd --config "$conf" --textfile off 2>>"$log" &
	daemon=$!
}

write_conf() {
	{ printf '[global]\nmode = observe\n[daemon]\ninterval = 200ms\nheartbeat_grace = 3s\n'
		printf 'adapt_window = off\n'; cat; } >"$conf"
}

write_conf <<'CONF'
[vm "web-*"]
mode = active
window = 5ms
[vm "cgroup:/lab.slice/*"]
window = 7ms
CONF
: >"$log"
modprobe vcpu_deboost
start_daemon
vdvm --name web-1 --workload ipi --vcpus 2 --forever --cgroup /sys/fs/cgroup/lab.slice/web \
	>/dev/null 2>&1 &
vdvm --name db --workload ipi --vcpus 2 --forever >/dev/null 2>&1 &
until_true 20 has_vm web-1
until_true 20 has_vm db

soon "a rule by name" has web-1 mode=active own
soon "a later rule by cgroup wins" has web-1 window=7ms own
check "others have what the host has" has db mode=observe global
soon "it was said, once" logged 'mode of web-1: observe -> active \(rule\)'
equal "only once" "$(grep -c 'mode of web-1: observe -> active' "$log")" 1

# By hand: kept over a reload and over a daemon that was killed.
vdctl set --vm web-1 window=3ms >/dev/null
soon "what is set by hand is said" logged 'window of web-1 is left at 3ms'
printf '[vm "web-*"]\nslots = 99\n' >>"$conf"
kill -HUP "$daemon"
soon "a bad reload is refused with file and line" logged 'd.conf:13: .*1 to 8'
check "and changes nothing" has web-1 mode=active own
write_conf <<'CONF'
[vm "web-*"]
mode = active
slots = 3
CONF
kill -HUP "$daemon"
soon "a new rule comes with a reload" has web-1 slots=3 own
check "what was set by hand stays" has web-1 window=3ms own
kill -9 "$daemon"
wait "$daemon" 2>/dev/null
start_daemon
soon "a new daemon is there" eval '[ "$(grep -c ": started" "$log")" = 2 ]'
write_conf </dev/null
sleep 1
check "it knows what the last one set" has web-1 slots=3 own
check "and does not call it made by hand" eval "! logged 'slots of web-1 is left'"
kill -HUP "$daemon"
soon "and takes it back when the rule has gone" has web-1 slots=8 global
soon "with the mode" has web-1 mode=observe global
check "but not what was set by hand" has web-1 window=3ms own
check "and that was not said as a change" \
	eval "! logged 'window of web-1: 3ms'"
vdctl reset --vm web-1 >/dev/null
soon "a reset gives it back" logged 'window of web-1 is no longer set by hand'

kill "$daemon"
wait "$daemon"
equal "the note goes with a clean stop" "$(ls /run/vcpu-deboostd 2>/dev/null)" lock
