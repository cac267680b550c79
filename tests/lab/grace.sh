#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# all of them on: 6.12
# A daemon that dies: within the grace nothing changes, after it the module only observes.
. ./lib.sh

prom=/tmp/metrics/vcpu_deboost.prom
config=/tmp/vcpu-deboostd.conf
mkdir -p /tmp/metrics

# configure WINDOW GRACE
configure() {
	printf '%s\n' "[global]" "mode = active" "window = $1" \
		"budget_hook = $hook_budget" "[daemon]" "interval = 200ms" \
		"heartbeat_grace = $2" "[metrics]" "textfile = $prom" \
		"textfile_interval = 1s" >$config
}

start_daemon() {
	vcpu-deboostd --config $config 2>>/tmp/daemon.log &
	daemon=$!
}

has_window() {
	[ "$(status_of window_ns)" = "$1" ]
}

kill_daemon() {
	kill -9 $daemon
	wait $daemon 2>/dev/null
}

modprobe vcpu_deboost mode=off
vdvm --name 'be"ta\n' --workload ipi --vcpus 2 --forever >/dev/null &
configure 40ms 60s
start_daemon
check "the daemon pushes its tuning" until_true 60 eval 'is_mode active && has_window 40000000'
check "its heartbeat beats" until_true 60 eval '[ "$(status_of grace_ms)" = 60000 ]'
check "metrics are written" until_true 60 grep -q 'vm="be' $prom
check "no line is malformed, whatever a VM is called" eval \
	'! grep -vE "^(# (HELP|TYPE) .*|[a-z_]+(\{.*\})? [0-9.e+-]+)$" $prom'

printf '[global]\nwindow = 2h\n' >$config
kill -HUP $daemon
check "a broken file is named with its line" until_true 60 grep -q "$config:2:" /tmp/daemon.log
check "and the running tuning stays" has_window 40000000
configure 15ms 60s
kill -HUP $daemon
check "a good one is taken" until_true 60 has_window 15000000

kill_daemon
equal "kill -9: the module goes on" "$(status_of mode)" active
check "with its hooks" eval '[ "$(hooks_in_kernel)" = "$(functions_hooked)" ]'
start_daemon
check "a new daemon beats" until_true 60 eval '[ "$(status_of left_ms)" -gt 59000 ]'
equal "within the grace nothing was lost" "$(status_of mode)/$(status_of fallbacks)" active/0

configure 15ms 1s
kill -HUP $daemon
check "a shorter grace" until_true 60 eval '[ "$(status_of grace_ms)" = 1000 ]'
kill_daemon
check "kill -9: after the grace it only observes" until_true 60 is_mode observe
equal "which is counted" "$(status_of fallbacks)" 1
equal "hooks stay, to observe" "$(hooks_in_kernel)" "$(functions_hooked)"
equal "and the window stays" "$(status_of window_ns)" 15000000

start_daemon
check "a new daemon activates again" until_true 60 is_mode active
kill $daemon
check "a stop ends it cleanly" wait $daemon
equal "and leaves the host stock" "$(status_of mode)" off
equal "with no hook" "$(hooks_in_kernel)" 0
equal "and no heartbeat" "$(status_of grace_ms)" 0

# Nobody beats: what vdctl sets stays.
vdctl set mode=active >/dev/null
sleep 1.5
equal "without a heartbeat nothing falls back" "$(status_of mode)" active
